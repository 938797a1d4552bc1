/* catcher.h - signals that tasks wait for.
 *
 * The handlers are installed only for loops that may (ML_SIGNALS), and only
 * while somebody catches the signal; what was there before is put back. A
 * signal belongs to the process, so one loop at a time can catch it. */
#ifndef ML_CORE_CATCHER_H
#define ML_CORE_CATCHER_H

#include "base/list.h"
#include "core/park.h"

#include <stdbool.h>
#include <stdint.h>

struct ml_loop;

/* One who catches signals. */
struct ml_catcher {
    struct ml_list link; /* in loop->catchers; linked to itself when idle */
    struct ml_loop *loop;
    uint64_t mask;    /* the signals it catches, by their index */
    uint64_t pending; /* those that arrived and were not taken */
    struct ml_queue waiters;
};

/* More than there are: their indexes are bits of a mask. */
enum {
    ML_SIGNALS_MAX = 64
};

/* The index of the signal of that name ("INT", "TERM", "HUP", ...), or -1. */
int ml_signal_index(const char *name);

/* The name of an index from 0 on, or NULL past the last. */
const char *ml_signal_name(int index);

/* Makes an idle catcher. */
void ml_catcher_init(struct ml_catcher *catcher, struct ml_loop *loop);

/* Catches the signals of `mask`, too. 0; -ENOTSUP (the loop may not), -EBUSY
 * (another loop has one of them). */
int ml_catcher_add(struct ml_catcher *catcher, uint64_t mask);

/* Catches nothing any more; what was pending is lost, who waits is woken with
 * EBADF. Harmless when idle. */
void ml_catcher_close(struct ml_catcher *catcher);

/* Closes all catchers of a loop that is about to go: scripts may hold them for
 * longer. */
void ml_catchers_close(struct ml_loop *loop);

/* The first pending signal of `mask`: its index, or -1. It stays pending. */
int ml_catcher_first(const struct ml_catcher *catcher, uint64_t mask);

/* The signal of this index is pending no more. */
void ml_catcher_take(struct ml_catcher *catcher, int index);

/* Gives what has arrived to the loop's catchers. The loop's thread. */
void ml_catchers_deliver(struct ml_loop *loop);

/* True if a task waits for a signal. */
bool ml_catchers_awaited(const struct ml_loop *loop);

#endif
