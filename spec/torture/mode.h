#ifndef TORTURE_MODE_H
#define TORTURE_MODE_H

#include "fault.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * Ways in which the system is allowed to be difficult, for a whole run. The
 * environment variable ML_FAULT names them, with commas between:
 *
 *   short[:N[:FROM]]  reads and writes of streams and files do N bytes (1), and
 *                     behind the first FROM bytes (128; 0: never) of a
 *                     descriptor as many as comes, up to 4093
 *   eagain[:SEED]     descriptors that do not block say EAGAIN now and then
 *   eintr[:N]         every N-th (3rd) of a call that may be interrupted is
 *   one_event         pollers tell of one descriptor at a time
 *   spurious[:SEED]   pollers return early, and tell of what is not ready
 *   CALL:CODE:FIRST[:TIMES]    a plan, as in fault.h (once; 0: for ever)
 *
 * Anything else ends the process with status 2.
 */

/* What this call, of those that may be interrupted, has to fail with: EINTR on
 * its turn, else 0. */
int fault_mode_interrupt(enum fault_call call);

/* True if a descriptor that does not block has to say EAGAIN now. One that was
 * shut down has an answer at any time. */
bool fault_mode_again(int fd);

/* How many bytes of `n` a stream or file may do now. */
size_t fault_mode_cut(int fd, size_t n);

/* The same of a write: a pipe takes a little (PIPE_BUF) as a whole. */
size_t fault_mode_cut_write(int fd, size_t n);

/* The same of a file, from the byte `at` on. */
size_t fault_mode_cut_at(int fd, size_t n, off_t at);

/* Notes that so many were done, that a descriptor was shut down, or closed. */
void fault_mode_done(int fd, ssize_t n);
void fault_mode_shut(int fd);
void fault_mode_closed(int fd);

/* How many events a poller may tell of `n`. */
int fault_mode_events(int n);

/* True if a poller has to return now, whatever is ready. */
bool fault_mode_hasty(void);

/* A random number of the run; where pollers tell of one event, which. */
uint64_t fault_mode_random(void);

#endif
