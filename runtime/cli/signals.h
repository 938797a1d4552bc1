/* signals.h - signals that end a run, or ask what it does.
 *
 * SIGINT, SIGTERM and the end of --timeout cancel all tasks. The loop does that
 * as soon as it has control; a task that computes is interrupted by a debug
 * hook, which the handler sets on it. What then still runs when the grace time
 * is over is interrupted again and again, and when as long again has passed,
 * the process ends from inside of the handler. */
#ifndef ML_CLI_SIGNALS_H
#define ML_CLI_SIGNALS_H

#include <miniloop.h>

/* The exit status of a run that --timeout ended. */
enum {
    ML_SIGNALS_TIMEOUT = 124
};

/* Starts to catch signals for the loop, which this thread will run; `timeout`
 * is the number of seconds until it is cancelled, HUGE_VAL: none. A signal that
 * the process was started to ignore stays ignored. One loop at a time. */
void ml_signals_start(ml_loop *loop, double timeout);

/* Leaves all as it was before; harmless if nothing was started. Returns the
 * signal that ended the run, SIGALRM for the timeout, or 0. */
int ml_signals_stop(void);

/* Ends the process by the signal, as if it had never been caught. */
void ml_signals_die(int sig);

#endif
