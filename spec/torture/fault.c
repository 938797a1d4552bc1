#include "fault.h"

#include "foreign.h"
#include "mode.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

struct fault_plan fault_plans[FAULT_CALL_COUNT];

#define FAULT_NAME(name, codes) #name,
const char *const fault_names[FAULT_CALL_COUNT] = {FAULT_CALLS(FAULT_NAME)};
#undef FAULT_NAME

#define FAULT_CODES(name, codes) codes,
const char *const fault_codes[FAULT_CALL_COUNT] = {FAULT_CALLS(FAULT_CODES)};
#undef FAULT_CODES

atomic_long fault_blocks, fault_raised, fault_given;
struct fault_end *fault_note_end;
void (*fault_note_call)(enum fault_call call, long n);

int fault_due(enum fault_call call)
{
    struct fault_plan *plan = &fault_plans[call];
    long n = atomic_fetch_add_explicit(&plan->count, 1, memory_order_relaxed);
    if (fault_note_call != NULL) {
        fault_note_call(call, n + 1);
    }
    bool planned = n + 1 >= plan->first && n + 1 <= plan->last;
    return planned ? plan->code : fault_mode_interrupt(call);
}

void fault_struck(enum fault_call call, int code)
{
    struct fault_plan *plan = &fault_plans[call];
    atomic_fetch_add_explicit(&plan->struck, 1, memory_order_relaxed);
    if (code > 0) {
        errno = code;
    }
}

int fault_strike(enum fault_call call)
{
    int code = fault_due(call);
    if (code == 0 || (call == FAULT_memory && fault_is_foreign())) {
        return 0;
    }
    fault_struck(call, code);
    return code;
}

void fault_reset(void)
{
    for (int call = 0; call < FAULT_CALL_COUNT; call++) {
        struct fault_plan *plan = &fault_plans[call];
        atomic_store(&plan->count, 0);
        atomic_store(&plan->struck, 0);
        plan->first = plan->last = 0;
        plan->code = 0;
    }
    fault_raised = fault_given = 0;
}

/* ---- a plan for the whole process ----------------------------------------- */

/* The next number of the text, which is gone past it. */
static long take_number(char **text)
{
    return strtol(*text, text, 10);
}

/* A variable that is there is one that forked_module.c has set. */
__attribute__((constructor)) static void read_environment(void)
{
    /* NOLINTNEXTLINE(concurrency-mt-unsafe): there is one thread */
    char *plan = getenv(FAULT_PLAN), *end = getenv(FAULT_END);
    if (plan == NULL || end == NULL) {
        return;
    }
    int fd = (int)take_number(&end);
    void *page = mmap(NULL, sizeof *fault_note_end, PROT_READ | PROT_WRITE,
                      MAP_SHARED, fd, 0);
    if (page == MAP_FAILED) {
        abort();
    }
    (void)close(fd);
    fault_note_end = page;
    struct fault_plan *made = &fault_plans[take_number(&plan)];
    made->first = take_number(&plan);
    made->last = take_number(&plan);
    made->code = (int)take_number(&plan);
    /* NOLINTBEGIN(concurrency-mt-unsafe): as above; not for its children */
    (void)unsetenv(FAULT_PLAN);
    (void)unsetenv(FAULT_END);
    /* NOLINTEND(concurrency-mt-unsafe) */
}

/* ---- the end of the process ----------------------------------------------- */

static long count_descriptors(void)
{
    long count = -1; /* the one that reads the directory */
    DIR *folder = opendir("/proc/self/fd");
    if (folder == NULL) {
        return 0;
    }
    /* NOLINTNEXTLINE(concurrency-mt-unsafe): of a stream of its own */
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        count += entry->d_name[0] != '.' ? 1 : 0;
    }
    (void)closedir(folder);
    return count;
}

/* Worker threads that nobody waits for give back what they have when they are
 * done: half a second for that. */
__attribute__((destructor)) static void note_end(void)
{
    static const struct timespec moment = {.tv_nsec = 1000000};
    struct fault_end *end = fault_note_end;
    if (end == NULL) {
        return;
    }
    for (int call = 0; call < FAULT_CALL_COUNT; call++) {
        if (fault_plans[call].code != 0) {
            end->count = fault_plans[call].count;
            end->struck = fault_plans[call].struck;
        }
    }
    fault_reset();
    for (int i = 0; i < 500 && fault_blocks > end->expected; i++) {
        (void)nanosleep(&moment, NULL);
    }
    end->blocks = fault_blocks;
    end->descriptors = count_descriptors();
    end->reached = true;
}
