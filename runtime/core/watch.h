/* watch.h - descriptors that tasks wait for, and what the poller knows of them.
 *
 * The core keeps, for each descriptor, who waits to read and to write, and
 * which interest the poller holds. Changes are collected and flushed once a
 * round, so that a connection on which one task reads again and again costs
 * no call to the poller per message: an interest that nobody has any more is
 * dropped when the descriptor next becomes ready in vain. A raw number, whose
 * owner we do not know, is registered only while somebody waits for it.
 *
 * Edges
 * -----
 * Where the poller understands edges, a descriptor that only the runtime reads
 * and writes is registered edge-triggered, and its watch notes in `drained`
 * what an attempt has found out: that there is nothing more to be had. Until the
 * poller reports something new the next attempt can then be left out, for it
 * would find nothing. That is safe because
 *
 * - a direction is drained only while the poller holds an edge for it, so that
 *   whatever comes after the attempt is reported; what came before, and was
 *   reported late, costs an attempt in vain;
 * - each `set` of the poller reports what is ready then, so that a change of
 *   interest, or of the poller, loses nothing that came in between;
 * - only -EAGAIN proves that nothing is left, and a short read does where it is
 *   known to (TCP, and no end or urgent data under way: `ended`).
 *
 * Whoever waits for it in another way (a script by wait_io_read, a host) will
 * also read it in ways that we do not see, and may rely on being told twice:
 * so the descriptor is level-triggered from then on (`shared`). */
#ifndef ML_CORE_WATCH_H
#define ML_CORE_WATCH_H

#include "base/alloc.h"
#include "base/list.h"
#include "core/park.h"
#include "poll/poll.h"

#include <stdbool.h>
#include <stdint.h>

struct ml_watch {
    struct ml_list dirty; /* in watches.dirty while a flush is due */
    struct ml_queue readers, writers;
    int fd;
    uint8_t interest; /* what the poller holds, with ML_POLL_EDGE */
    uint8_t drained;  /* directions in which there is nothing to be had before
                         the poller reports them; see above */
    bool owned;       /* opened by miniloop: every close goes through us */
    bool shared;      /* others than the runtime read or write it, perhaps */
    bool ended;       /* a short read does not mean that it is drained */
    bool doubtful;    /* the number may mean another file than the one that the
                         poller was told of */
};

/* The watch of a descriptor in whose queue `wait` is. */
static inline struct ml_watch *ml_watch_of(const struct ml_wait *wait)
{
    return wait->events == ML_POLL_READ
               ? ml_container_of(wait->queue, struct ml_watch, readers)
               : ml_container_of(wait->queue, struct ml_watch, writers);
}

struct ml_watches {
    struct ml_watch **slots; /* by descriptor; NULL where nobody ever waited */
    int capacity;
    int registered; /* descriptors that the poller holds */
    int waiting;    /* waits that are parked on descriptors */
    struct ml_list dirty;
};

void ml_watches_init(struct ml_watches *watches);

/* Frees everything; no task may be waiting. */
void ml_watches_term(struct ml_watches *watches, const struct ml_alloc *alloc);

/* The watch of a descriptor, or NULL. */
static inline struct ml_watch *ml_watch_find(const struct ml_watches *watches,
                                             int fd)
{
    return fd >= 0 && fd < watches->capacity ? watches->slots[fd] : NULL;
}

/* False of a number that is no descriptor, as far as that can be told by what
 * there is room for. */
bool ml_watch_possible(const struct ml_loop *loop, int fd);

/* The watch of a possible descriptor, made if there is none; NULL: no memory. */
struct ml_watch *ml_watch_get(struct ml_loop *loop, int fd);

/* Says that `fd` is the runtime's, which will also close it: its registration
 * is kept between waits. One of before, when it was a raw number, is not relied
 * on. 0; -ENOMEM. */
int ml_watch_own(struct ml_loop *loop, int fd);

/* Says that `fd` was taken over by a new owner: what is known of the number is
 * not relied on. */
void ml_watch_adopt(struct ml_loop *loop, int fd);

/* Says that the number was given out: others may read or write the descriptor
 * from now on. Harmless without a watch. */
void ml_watch_share(struct ml_loop *loop, int fd);

/* Notes that nothing is to be had in the direction ML_POLL_READ or _WRITE: an
 * attempt has proved it, see above. */
static inline void ml_watch_drained(struct ml_watch *watch, unsigned direction)
{
    unsigned edge = direction | ML_POLL_EDGE;
    if ((watch->interest & edge) == edge) {
        watch->drained |= (uint8_t)direction;
    }
}

/* Notes that a wait in it has begun or ended. */
void ml_watch_join(struct ml_loop *loop, const struct ml_wait *wait);
void ml_watch_leave(struct ml_loop *loop, const struct ml_wait *wait);

/* To be called before a descriptor is closed: whoever waits for it gets EBADF,
 * and neither the poller nor a later owner of the number sees anything of it.
 * Harmless for a descriptor that nobody ever waited for. */
void ml_watch_forget(struct ml_loop *loop, int fd);

/* Wakes whoever waits until `fd` can be read or written, as `events` says
 * (ML_POLL_READ, ML_POLL_WRITE), without asking the poller. */
void ml_watch_wake(struct ml_loop *loop, int fd, unsigned events);

/* Flushes changed interest to the poller (round, step 3). Tasks that wait for
 * what the poller refuses are woken with its error. */
void ml_watches_flush(struct ml_loop *loop);

/* Wakes the waiters of a ready descriptor (round, step 6). */
void ml_watches_ready(struct ml_loop *loop, int fd, unsigned events);

/* Hands the interest of all descriptors to another poller; the waiters of one
 * that it refuses are woken with its error. */
void ml_watches_move(struct ml_loop *loop, const struct ml_poll_ops *ops,
                     struct ml_poll *poll);
#endif
