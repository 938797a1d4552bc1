#ifndef ML_NET_QUIET_H
#define ML_NET_QUIET_H

#include <signal.h>
#include <stdbool.h>

/*
 * A write to a pipe that nobody reads raises SIGPIPE, which by default ends the
 * process, and no flag of write() prevents it. To ignore the signal would
 * change the process for its host and for the programs that it starts. So the
 * signal, which is sent to the thread that writes, is blocked around the write,
 * and taken away again if the write has caused it. One that was pending before
 * is not ours and stays; it can be pending only if it was blocked already.
 */
struct ml_quiet {
    sigset_t mask;    /* as it was before */
    bool was_pending; /* a SIGPIPE that belongs to somebody else */
};

/* Before the system call, and after it: `broken` says that it gave EPIPE, or
 * wrote less than it was asked to. */
void ml_quiet_begin(struct ml_quiet *quiet);
void ml_quiet_end(struct ml_quiet *quiet, bool broken);

#endif
