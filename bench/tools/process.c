/* process.c - see process.h. Linux only, as the comparison of pollers is. */
#include "process.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* ------------------------------------------------------------------ start */

static void pin(int core)
{
    cpu_set_t set;

    if (core < 0) {
        return;
    }
    CPU_ZERO(&set);
    CPU_SET((size_t)core, &set);
    (void)sched_setaffinity(0, sizeof set, &set); /* else it runs anywhere */
}

/* The new process's part. Returns only when the program cannot be run. */
static void become(char *const argv[], int core, int in, int out)
{
    (void)setpgid(0, 0);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    pin(core);
    if (dup2(in, STDIN_FILENO) < 0 || dup2(out, STDOUT_FILENO) < 0) {
        return;
    }
    execvp(argv[0], argv);
    perror(argv[0]);
}

static int open_pipes(int in[2], int out[2])
{
    if (pipe2(in, O_CLOEXEC) != 0) {
        return -errno;
    }
    if (pipe2(out, O_CLOEXEC) != 0) {
        int err = -errno;
        (void)close(in[0]);
        (void)close(in[1]);
        return err;
    }
    return 0;
}

static int open_ends(bool piped, int in[2], int out[2])
{
    if (piped) {
        return open_pipes(in, out);
    }
    in[0] = open("/dev/null", O_RDONLY | O_CLOEXEC);
    in[1] = -1;
    out[0] = -1;
    out[1] = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
    return in[0] < 0 || out[1] < 0 ? -errno : 0;
}

int process_start(struct process *p, char *const argv[], int core, bool piped)
{
    int in[2] = {-1, -1};
    int out[2] = {-1, -1};
    int err = open_ends(piped, in, out);

    if (err != 0) {
        return err;
    }
    p->pid = fork();
    if (p->pid == 0) {
        become(argv, core, in[0], out[1]);
        _exit(127);
    }
    err = p->pid < 0 ? -errno : 0;
    (void)close(in[0]);
    (void)close(out[1]);
    p->in = in[1];
    p->out = out[0];
    (void)setpgid(p->pid, p->pid); /* whoever of the two comes first */
    return err;
}

/* ----------------------------------------------------------------- sample */

static int64_t nanoseconds(clockid_t clock)
{
    struct timespec t;

    return clock_gettime(clock, &t) == 0 ? t.tv_sec * 1000000000LL + t.tv_nsec
                                         : 0;
}

/* A number from /proc/PID/status; 0 if the process or the line is not there. */
static int64_t status_number(pid_t pid, const char *key)
{
    char path[64];
    char line[256];
    int64_t value = 0;
    FILE *file;

    (void)snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    file = fopen(path, "re");
    if (file == NULL) {
        return 0;
    }
    while (fgets(line, sizeof line, file) != NULL) {
        if (strncmp(line, key, strlen(key)) == 0) {
            value = strtoll(line + strlen(key), NULL, 10);
            break;
        }
    }
    (void)fclose(file);
    return value;
}

/* How many descriptors a process has; 0 if it is not there. */
static int64_t open_descriptors(pid_t pid)
{
    char path[64];
    int64_t count = 0;
    DIR *dir;

    (void)snprintf(path, sizeof path, "/proc/%d/fd", (int)pid);
    dir = opendir(path);
    if (dir == NULL) {
        return 0;
    }
    /* NOLINTNEXTLINE(concurrency-mt-unsafe): there is one thread */
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        count += entry->d_name[0] != '.';
    }
    (void)closedir(dir);
    return count;
}

/* Calls visit(pid, data) for every process of the system. */
static void each_process(void (*visit)(pid_t pid, void *data), void *data)
{
    DIR *dir = opendir("/proc");
    struct dirent *entry;

    if (dir == NULL) {
        return;
    }
    /* NOLINTNEXTLINE(concurrency-mt-unsafe): there is one thread */
    while ((entry = readdir(dir)) != NULL) {
        if (isdigit((unsigned char)entry->d_name[0])) {
            visit((pid_t)strtol(entry->d_name, NULL, 10), data);
        }
    }
    (void)closedir(dir);
}

struct sampling {
    pid_t group;
    struct sample *sample;
};

/* The clock of a process counts its threads, those that ended too. */
static void add_process(pid_t pid, void *data)
{
    struct sampling *sampling = data;
    struct sample *s = sampling->sample;
    clockid_t clock;

    if (getpgid(pid) != sampling->group) {
        return;
    }
    if (clock_getcpuclockid(pid, &clock) == 0) {
        s->cpu_ns += nanoseconds(clock);
    }
    s->rss_kb += status_number(pid, "VmRSS:");
    s->anon_kb += status_number(pid, "RssAnon:");
    s->fds += open_descriptors(pid);
}

void process_sample(const struct process *p, struct sample *s)
{
    struct sampling sampling = {p->pid, s};

    memset(s, 0, sizeof *s);
    each_process(add_process, &sampling);
    s->wall_ns = nanoseconds(CLOCK_MONOTONIC);
}

/* -------------------------------------------------------------------- end */

bool process_alive(const struct process *p)
{
    siginfo_t info = {0};

    return waitid(P_PID, (id_t)p->pid, &info, WEXITED | WNOHANG | WNOWAIT) ==
               0 &&
           info.si_pid == 0;
}

static int64_t in_nanoseconds(struct timeval t)
{
    return t.tv_sec * 1000000000LL + t.tv_usec * 1000LL;
}

void process_wait(struct process *p, struct outcome *o)
{
    struct rusage usage;
    int status;

    memset(o, 0, sizeof *o);
    while (wait4(p->pid, &status, 0, &usage) < 0) {
        if (errno != EINTR) {
            o->status = 127;
            return;
        }
    }
    o->status =
        WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    o->cpu_ns = in_nanoseconds(usage.ru_utime) + in_nanoseconds(usage.ru_stime);
    o->rss_kb = usage.ru_maxrss;
    if (p->in >= 0) {
        (void)close(p->in);
        (void)close(p->out);
    }
}

void process_end(const struct process *p)
{
    (void)kill(-p->pid, SIGTERM);
}

void process_kill(const struct process *p)
{
    if (p->pid > 0) {
        (void)kill(-p->pid, SIGKILL);
    }
}

void process_adopt(void)
{
    (void)prctl(PR_SET_CHILD_SUBREAPER, 1);
}

static void kill_child(pid_t pid, void *data)
{
    (void)data;
    if (status_number(pid, "PPid:") == getpid()) {
        (void)kill(pid, SIGKILL);
    }
}

void process_sweep(void)
{
    do {
        each_process(kill_child, NULL);
    } while (waitpid(-1, NULL, 0) > 0 || errno == EINTR);
}
