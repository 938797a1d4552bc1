/* process.h - programs that are measured: started on one core, sampled while
 * they live, and ended together with all that they started. */
#ifndef BENCH_PROCESS_H
#define BENCH_PROCESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct process {
    pid_t pid; /* of the program, and of the process group that it leads */
    int in;    /* writes to its standard input; -1 if it has none */
    int out;   /* reads its standard output; -1 if that goes elsewhere */
};

/* What a process group has used up to now, or what is used by it now. */
struct sample {
    int64_t cpu_ns;  /* user and system time of all its living processes */
    int64_t wall_ns; /* the monotonic clock */
    int64_t rss_kb;  /* resident memory; pages that two share count twice */
    int64_t anon_kb; /* the part of it that no file stands behind */
    int64_t fds;     /* open descriptors */
};

/* How a program ended. */
struct outcome {
    int status; /* its exit status, or 128 + the signal that ended it */
    int64_t cpu_ns;
    int64_t rss_kb; /* the most that it had */
};

/* Starts argv[0] (looked for in PATH) on the core, -1 for any, as the leader of
 * a process group that dies with this process. With `piped`, its standard input
 * and output are p->in and p->out; without, it has no input, and its output
 * goes to our standard error. 0; -errno. */
int process_start(struct process *p, char *const argv[], int core, bool piped);

/* Takes a sample of the process group. */
void process_sample(const struct process *p, struct sample *s);

/* True while the program has not ended. */
bool process_alive(const struct process *p);

/* Waits for the program's end. */
void process_wait(struct process *p, struct outcome *o);

/* Sends SIGTERM to the group. */
void process_end(const struct process *p);

/* Kills the group. Safe in signal handlers. */
void process_kill(const struct process *p);

/* Kills every process that was left to us by programs that ended, in whatever
 * group it is, and waits for their end: after process_adopt. */
void process_sweep(void);

/* Makes this process the parent of all that its programs leave behind. */
void process_adopt(void);

#endif
