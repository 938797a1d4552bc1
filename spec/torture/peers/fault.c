/* fault.c - has a program of any runtime run once for each of its requests for
 * memory, or of its system calls, with that one refused: to be preloaded.
 *
 * The program says where that begins, by os.getenv "PEERS_BEGIN", and where it is
 * over, by os.getenv "PEERS_END"; what it prints then is its answer. At the
 * beginning the process turns into one that forks: each copy of it goes on, one
 * of the requests that it makes fails, and how it ends is what is counted. So
 * nothing has to be known of the program, and the interpreter, its modules and
 * the C libraries below them are treated alike.
 *
 *   PEERS_FAULT="memory|calls once|twice|on STEP"  each STEP-th: it alone, with
 *                                  the next one (Lua collects garbage and asks
 *                                  again), with all behind it; prints verdicts
 *   PEERS_FAULT="memory|calls once|twice|on =N"    the N-th, without a copy */
#include "fault.h"

#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    HANGS = 4,      /* seconds after which a copy counts as one that hangs */
    REPORT = 200,   /* the descriptor that a copy reports to; those of programs
                       are below */
    TEXT = 1 << 13, /* bytes of what a copy prints that are looked at */
    SHOWN = 4       /* bad ends that are told one by one */
};

/* What a copy reports when it ends by itself. */
struct report {
    long count; /* requests that it made */
    int left;   /* descriptors more than at the beginning */
    bool over;  /* it came to its end */
};

static struct {
    enum fault_kind kind;
    long row; /* how many in a row fail */
    long at;  /* the first of them, from 1; 0: none */
    bool armed;
    bool over;
    bool copied;
    int descriptors; /* open at the beginning */
    _Atomic long count;
} fault;

bool fault_refuses(enum fault_kind kind)
{
    if (!fault.armed || kind != fault.kind) {
        return false;
    }
    long n = atomic_fetch_add(&fault.count, 1) + 1;
    return fault.at > 0 && n >= fault.at && n - fault.at < fault.row;
}

/* ---- a copy, and what becomes of it ------------------------------------------------ */

static int count_descriptors(void)
{
    struct pollfd fds[REPORT];
    int open = 0;

    for (int i = 0; i < REPORT; i++) {
        fds[i] = (struct pollfd){.fd = i};
    }
    (void)syscall(SYS_poll, fds, REPORT, 0);
    for (int i = 0; i < REPORT; i++) {
        open += (fds[i].revents & POLLNVAL) == 0;
    }
    return open;
}

/* The state of Lua has been closed by now, if it ever is. */
__attribute__((destructor)) static void tell(void)
{
    fault.armed = false;
    if (fault.copied) {
        struct report report = {.count = atomic_load(&fault.count),
                                .left = count_descriptors() - fault.descriptors,
                                .over = fault.over};
        (void)syscall(SYS_write, REPORT, &report, sizeof report);
    }
}

enum verdict {
    CRASH,
    HANG,
    LEAK,
    SILENT, /* neither the right answer nor a word of what went wrong */
    ERROR,
    RIGHT,
    VERDICTS
};

static const char *const verdicts[VERDICTS] = {"crash",  "hang",  "leak",
                                               "silent", "error", "right"};

static enum verdict judge(int status, const char *text,
                          const struct report *report)
{
    if (WIFSIGNALED(status)) {
        return WTERMSIG(status) == SIGALRM ? HANG : CRASH;
    }
    if (report->over && report->left > 0) {
        return LEAK;
    }
    if (strstr(text, "right\n") != NULL) {
        return RIGHT;
    }
    return WEXITSTATUS(status) != 0 && text[0] != '\0' ? ERROR : SILENT;
}

/* The parent's half: everything that the copy prints, until its end. */
static enum verdict watch(pid_t pid, int output, int reports,
                          struct report *report)
{
    char text[TEXT];
    char rest[TEXT];
    size_t n = 0;
    ssize_t got;
    int status = 0;

    while ((got = read(output, n < sizeof text - 1 ? text + n : rest,
                       n < sizeof text - 1 ? sizeof text - 1 - n
                                           : sizeof rest)) > 0) {
        n += n < sizeof text - 1 ? (size_t)got : 0;
    }
    text[n] = '\0';
    (void)waitpid(pid, &status, 0);
    memset(report, 0, sizeof *report);
    (void)!read(reports, report, sizeof *report);
    return judge(status, text, report);
}

/* In the copy, true; in the parent, false and the verdict. */
static bool copy(long at, enum verdict *verdict, struct report *report)
{
    int output[2];
    int reports[2];

    if (pipe(output) != 0 || pipe(reports) != 0) {
        abort();
    }
    pid_t pid = fork();
    if (pid == 0) {
        (void)alarm(HANGS);
        (void)dup2(output[1], 1);
        (void)dup2(output[1], 2);
        (void)dup2(reports[1], REPORT);
        for (int i = 0; i < 2; i++) {
            (void)close(output[i]);
            (void)close(reports[i]);
        }
        fault.descriptors = count_descriptors();
        fault.copied = true;
        fault.at = at;
        fault.armed = true;
        return true;
    }
    (void)close(output[1]);
    (void)close(reports[1]);
    *verdict = watch(pid, output[0], reports[0], report);
    (void)close(output[0]);
    (void)close(reports[0]);
    return false;
}

static void print_verdicts(const long *tally)
{
    long points = 0;
    for (int i = 0; i < VERDICTS; i++) {
        points += tally[i];
    }
    printf("of %ld:", points);
    for (int i = 0; i < VERDICTS; i++) {
        printf(" %ld %s%s", tally[i], verdicts[i],
               i + 1 < VERDICTS ? "," : "\n");
    }
}

/* The parent has no program to run: nothing of it is to be closed. */
_Noreturn static void end(void)
{
    (void)fflush(stdout);
    _exit(0);
}

/* Returns in copies alone. */
static void sweep(long step)
{
    long tally[VERDICTS] = {0};
    enum verdict verdict = RIGHT;
    struct report report;

    if (copy(0, &verdict, &report)) {
        return;
    }
    if (verdict != RIGHT) {
        printf("does not work: %s\n", verdicts[verdict]);
        end();
    }
    long count = report.count;
    for (long at = 1; at <= count; at += step) {
        if (copy(at, &verdict, &report)) {
            return;
        }
        if (verdict < ERROR && tally[verdict] < SHOWN) {
            printf("%s at %ld\n", verdicts[verdict], at);
        }
        tally[verdict]++;
    }
    print_verdicts(tally);
    end();
}

/* ---- where it begins and ends ------------------------------------------------------ */

static char *plain_getenv(const char *name)
{
    size_t n = strlen(name);
    for (char **at = environ; at != NULL && *at != NULL; at++) {
        if (strncmp(*at, name, n) == 0 && (*at)[n] == '=') {
            return *at + n + 1;
        }
    }
    return NULL;
}

static void begin(const char *words)
{
    char kind[8];
    char mode[8];
    char step[16];

    if (words == NULL || sscanf(words, "%7s %7s %15s", kind, mode, step) != 3) {
        return;
    }
    fault.kind = strcmp(kind, "memory") == 0 ? FAULT_MEMORY : FAULT_CALLS;
    fault.row = strcmp(mode, "once") == 0    ? 1
                : strcmp(mode, "twice") == 0 ? 2
                                             : LONG_MAX;
    if (step[0] != '=') {
        sweep(strtol(step, NULL, 10));
    } else {
        fault.at = strtol(step + 1, NULL, 10);
        fault.armed = true;
    }
}

char *getenv(const char *name)
{
    if (strcmp(name, "PEERS_BEGIN") == 0) {
        begin(plain_getenv("PEERS_FAULT"));
    } else if (strcmp(name, "PEERS_END") == 0) {
        fault.armed = false;
        fault.over = true;
    }
    return plain_getenv(name);
}
