/* The Lua module `forked`: copies of this process in which calls are made to
 * fail, and how they ended. One at a time. Linux alone has all that it needs.
 *
 * A copy has the descriptors of the original. What it adds to a shared epoll
 * goes with it, for the files are its own; the byte that it may leave in the
 * pipe of the loop's mailbox is taken out before the next one. */

#include "fault.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <lauxlib.h>
#include <lua.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

FAULT_API int luaopen_forked(lua_State *L);

enum {
    PIPES = 8,      /* more than the command has open at its start */
    TOLD = 16384,   /* bytes that a copy may tell */
    OUTPUT = 16384, /* bytes of its output that are looked at */
    MILLI = 1000
};

/* What copies and the original share. */
struct page {
    struct fault_end end;
    bool started; /* the copy has started processes */
    double spent; /* seconds of processor time that the copy has taken */
    char told[TOLD];
};

static struct forked {
    struct page *page;
    int memory;      /* of the page */
    int output;      /* where a copy's standard streams go */
    int mail[PIPES]; /* read ends of pipes that do not block */
    int nmail;
} forked = {.output = -1};

/* ---- the original --------------------------------------------------------- */

/* The read ends of pipes that a process has at its start are its mailbox's. */
static void find_mail(void)
{
    for (int fd = STDERR_FILENO + 1; fd < 64 && forked.nmail < PIPES; fd++) {
        struct stat status;
        int flags = fcntl(fd, F_GETFL);
        if (flags >= 0 && (flags & O_NONBLOCK) != 0 &&
            (flags & O_ACCMODE) == O_RDONLY && fstat(fd, &status) == 0 &&
            S_ISFIFO(status.st_mode)) {
            forked.mail[forked.nmail++] = fd;
        }
    }
}

static void drain_mail(void)
{
    char bytes[64];
    for (int i = 0; i < forked.nmail; i++) {
        while (read(forked.mail[i], bytes, sizeof bytes) > 0) {
        }
    }
}

static const char *why(void)
{
    return strerror(errno); /* NOLINT(concurrency-mt-unsafe): one thread asks */
}

static int must(lua_State *L, int answer, const char *what)
{
    return answer >= 0 ? answer : luaL_error(L, "%s: %s", what, why());
}

/* In the copy: seconds of processor time, a limit that ends a spin. */
static void set_limits(rlim_t seconds)
{
    const struct rlimit cpu = {seconds, seconds + 1};
    const struct rlimit core = {0, 0};
    (void)setrlimit(RLIMIT_CPU, &cpu);
    (void)setrlimit(RLIMIT_CORE, &core);
}

static void redirect(void)
{
    (void)dup2(forked.output, STDOUT_FILENO);
    (void)dup2(forked.output, STDERR_FILENO);
}

/* forked.fork(seconds): the copy's id, or 0 in the copy, which may use so many
 * seconds of processor time. */
static int fork_copy(lua_State *L)
{
    rlim_t seconds = (rlim_t)luaL_checkinteger(L, 1);
    drain_mail();
    must(L, ftruncate(forked.output, 0), "ftruncate");
    forked.page->told[0] = '\0';
    forked.page->started = false;
    forked.page->end = (struct fault_end){.reached = false};
    (void)fflush(NULL);
    pid_t pid = fork();
    must(L, pid, "fork");
    if (pid == 0) {
        set_limits(seconds);
        redirect();
    }
    lua_pushinteger(L, pid);
    return 1;
}

/* Processes that a copy leaves behind are then ours. */
static void adopt(void)
{
    (void)prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
}

/* forked.nest(): as fork, of one that makes copies itself, and is unlimited. */
static int nest(lua_State *L)
{
    (void)fflush(NULL);
    pid_t pid = fork();
    must(L, pid, "fork");
    if (pid == 0) {
        adopt();
    }
    lua_pushinteger(L, pid);
    return 1;
}

/* A process that this one has started, or 0. */
static pid_t child_of(pid_t pid)
{
    char name[64];
    char text[16] = "";
    (void)snprintf(name, sizeof name, "/proc/%d/task/%d/children", (int)pid,
                   (int)pid);
    FILE *file = fopen(name, "re");
    if (file == NULL) {
        return 0; /* it has ended */
    }
    char *line = fgets(text, sizeof text, file);
    (void)fclose(file);
    return line != NULL ? (pid_t)strtol(text, NULL, 10) : 0;
}

/* The processes that a copy has left come to us: none is to live on. Returns how
 * many there were. */
static int end_orphans(void)
{
    int count = 0;
    for (pid_t pid; (pid = child_of(getpid())) != 0; count++) {
        (void)kill(pid, SIGKILL);
        (void)waitpid(pid, NULL, 0);
    }
    return count;
}

static double seconds_of(const struct timeval *time)
{
    return (double)time->tv_sec + (double)time->tv_usec / 1e6;
}

/* Whether the copy has ended within so many milliseconds (-1: whenever). */
static bool ends_within(int fd, int milli)
{
    struct pollfd poller = {.fd = fd, .events = POLLIN};
    return poll(&poller, 1, milli) != 0;
}

/* The same within its time, or, if it has to be `alone`, until it starts a
 * process. */
static bool ends_well(int fd, pid_t pid, int milli, bool alone)
{
    enum {
        LOOK = 20 /* milliseconds between two looks at what it has started */
    };
    for (; alone && milli > LOOK; milli -= LOOK) {
        if (ends_within(fd, LOOK)) {
            return true;
        }
        if (child_of(pid) != 0) {
            return false;
        }
    }
    return ends_within(fd, milli);
}

/* Waits for the copy to end; true if it had to be ended. */
static bool await(lua_State *L, pid_t pid, double seconds, bool alone)
{
    int fd = (int)syscall(SYS_pidfd_open, pid, 0);
    must(L, fd, "pidfd_open");
    int milli = seconds > 0 ? (int)(seconds * MILLI) : -1;
    bool late = !ends_well(fd, pid, milli, alone);
    (void)close(fd);
    if (late) {
        (void)kill(pid, SIGKILL);
    }
    return late;
}

/* Its status, once it has ended or was killed. */
static int status_of(pid_t pid)
{
    int status = 0;
    struct rusage usage = {.ru_stime = {0}};
    (void)wait4(pid, &status, 0, &usage);
    forked.page->spent =
        seconds_of(&usage.ru_utime) + seconds_of(&usage.ru_stime);
    return status;
}

/* forked.wait(pid [, seconds [, alone]]): "exit" and its status, "signal" and its
 * number, or "late" of one that was killed after so many seconds (0: never), or,
 * if it is to be alone, when it had started a process. */
static int wait_copy(lua_State *L)
{
    pid_t pid = (pid_t)luaL_checkinteger(L, 1);
    bool late = await(L, pid, luaL_optnumber(L, 2, 0), lua_toboolean(L, 3));
    int status = status_of(pid);
    forked.page->started |= end_orphans() > 0;
    if (late) {
        lua_pushliteral(L, "late");
        return 1;
    }
    bool exited = WIFEXITED(status);
    lua_pushstring(L, exited ? "exit" : "signal");
    lua_pushinteger(L, exited ? WEXITSTATUS(status) : WTERMSIG(status));
    return 2;
}

/* forked.output(): what the copy has written to its standard streams. */
static int output(lua_State *L)
{
    luaL_Buffer b;
    char *bytes = luaL_buffinitsize(L, &b, OUTPUT);
    ssize_t n = pread(forked.output, bytes, OUTPUT, 0);
    luaL_pushresultsize(&b, n > 0 ? (size_t)n : 0);
    return 1;
}

/* ---- the copy ------------------------------------------------------------- */

/* forked.tell(text): for the original. Needs no memory. */
static int tell(lua_State *L)
{
    struct rusage children;
    (void)getrusage(RUSAGE_CHILDREN, &children);
    forked.page->started = children.ru_minflt > 0;
    size_t length = 0;
    const char *text = luaL_checklstring(L, 1, &length);
    length = length < TOLD ? length : TOLD - 1;
    memcpy(forked.page->told, text, length);
    forked.page->told[length] = '\0';
    return 0;
}

/* forked.told() */
static int told(lua_State *L)
{
    lua_pushstring(L, forked.page->told);
    return 1;
}

/* forked.watch_end(blocks): this process is to note what it holds at its very
 * end, where so many blocks are expected. */
static int watch_end(lua_State *L)
{
    forked.page->end.expected = (long)luaL_checkinteger(L, 1);
    fault_note_end = &forked.page->end;
    return 0;
}

/* forked.spent(): seconds of processor time that the last copy took. */
static int spent(lua_State *L)
{
    lua_pushnumber(L, forked.page->spent);
    return 1;
}

/* forked.started(): whether the copy has started processes. */
static int started(lua_State *L)
{
    lua_pushboolean(L, forked.page->started);
    return 1;
}

/* forked.ended(): blocks and descriptors that a copy held at its end, and for a
 * command, its calls and those that failed; nil if it did not come to that. */
static int ended(lua_State *L)
{
    const struct fault_end *end = &forked.page->end;
    if (!end->reached) {
        return 0;
    }
    lua_pushinteger(L, end->blocks);
    lua_pushinteger(L, end->descriptors);
    lua_pushinteger(L, end->count);
    lua_pushinteger(L, end->struck);
    return 4;
}

/* forked.clock(): seconds of a clock that no option of the command makes
 * another. */
static int clock_seconds(lua_State *L)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    lua_pushnumber(L, (double)now.tv_sec + (double)now.tv_nsec / 1e9);
    return 1;
}

/* Standard input has this text, and is at its end after it. */
static void set_input(const char *text, size_t length)
{
    int fd = memfd_create("input", 0);
    (void)!write(fd, text, length);
    (void)lseek(fd, 0, SEEK_SET);
    (void)dup2(fd, STDIN_FILENO);
    (void)close(fd);
}

/* forked.exec(plan, input, command, ...): becomes a command, with this standard
 * input, whose calls fail by the plan, a text as in fault.h. */
static int exec_command(lua_State *L)
{
    char *words[32] = {NULL};
    char number[16];
    size_t length = 0;
    int count = lua_gettop(L) - 2;
    const char *input = luaL_checklstring(L, 2, &length);
    for (int i = 0; i < count && i < 31; i++) {
        words[i] = (char *)(uintptr_t)luaL_checkstring(L, i + 3);
    }
    set_input(input, length);
    (void)fcntl(forked.memory, F_SETFD, 0);
    (void)snprintf(number, sizeof number, "%d", forked.memory);
    /* NOLINTBEGIN(concurrency-mt-unsafe): a copy has one thread */
    (void)setenv(FAULT_PLAN, luaL_checkstring(L, 1), 1);
    (void)setenv(FAULT_END, number, 1);
    /* NOLINTEND(concurrency-mt-unsafe) */
    (void)execv(words[0], words); /* NOLINT(clang-analyzer-core.*): count */
    _exit(127);
}

/* forked.leave(status): ends the process at once. */
static int leave(lua_State *L)
{
    (void)fflush(NULL);
    _exit((int)luaL_checkinteger(L, 1));
}

static void open_page(lua_State *L)
{
    forked.memory = must(L, memfd_create("page", MFD_CLOEXEC), "memfd");
    must(L, ftruncate(forked.memory, sizeof *forked.page), "ftruncate");
    void *page = mmap(NULL, sizeof *forked.page, PROT_READ | PROT_WRITE,
                      MAP_SHARED, forked.memory, 0);
    if (page == MAP_FAILED) {
        (void)luaL_error(L, "mmap: %s", why());
    }
    forked.page = page;
    forked.output = must(L, memfd_create("output", MFD_CLOEXEC), "memfd");
    (void)fcntl(forked.output, F_SETFL, O_APPEND);
}

int luaopen_forked(lua_State *L)
{
    static const luaL_Reg functions[] = {
        {"fork", fork_copy},      {"nest", nest},   {"wait", wait_copy},
        {"output", output},       {"tell", tell},   {"told", told},
        {"started", started},     {"spent", spent}, {"ended", ended},
        {"watch_end", watch_end}, {"leave", leave}, {"exec", exec_command},
        {"clock", clock_seconds}, {NULL, NULL}};
    find_mail();
    open_page(L);
    adopt();
    luaL_newlib(L, functions);
    return 1;
}
