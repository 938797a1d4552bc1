#ifndef ML_POLL_POLL_H
#define ML_POLL_POLL_H

#include "base/alloc.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Pollers: who waits for descriptors
 * ==================================
 *
 * A poller keeps, for each descriptor, the directions that somebody is
 * interested in, and says which of them are ready. It is told of changes only;
 * who is interested, and how many, is the caller's bookkeeping.
 *
 * The systems' own calls differ in ways that cost their users dearly: one
 * forgets a closed descriptor, one fails as a whole because of it, one keeps
 * reporting it; one refuses files, one refuses high numbers, and all may be
 * interrupted. The contract below is what is left when every poller has
 * smoothed its own edges and no poller pretends to know more than its system.
 * The caller in turn must treat an event as a hint to try again, never as a
 * promise: that is what makes the pollers interchangeable, and the simulated
 * one (poll/sim.c) exists to catch a caller that relies on more.
 *
 * What a poller holds to:
 *
 * 1. No readiness is lost. Interest is level-triggered: a direction that is
 *    ready when `wait` is entered or gets ready during it is reported by this
 *    `wait` or a later one, for as long as it stays ready, however small `max`
 *    is; low numbers do not starve high ones.
 * 2. Events may be spurious, and may name a direction nobody asked for. After
 *    an error or a hang-up every direction that was asked for is ready, so that
 *    whoever waits tries again and gets the error from the call that can tell
 *    it.
 * 3. A descriptor appears at most once among the events of one `wait`.
 * 4. After `set(fd, old, 0)` has returned no later `wait` reports `fd`. Events
 *    that were handed out before are the caller's to drop.
 * 5. A timeout is rounded up, never down: it does not end before its time. One
 *    of weeks may be cut, and a signal ends a wait with no events, so whoever
 *    wakes without events looks at the clock. A wait of no time (0) is not ended
 *    by a signal: no events then means that nothing is ready.
 * 6. `wait` and `set(fd, old, 0)` allocate nothing.
 * 7. A poller never closes or changes a descriptor that it watches.
 *
 * What the caller holds to:
 *
 * 1. `old` is what the last successful `set` for this number said, 0 if there
 *    was none. A failed `set` has changed nothing.
 * 2. Interest is taken back before the descriptor is closed. Code that we do
 *    not control will close descriptors behind our back all the same, so every
 *    poller survives it, but can do no more than this: it reports ML_POLL_BAD
 *    if its system tells (select, poll), or nothing at all (epoll). When the
 *    number has come to mean another file, `set(fd, old, now)` with `old` equal
 *    to `now` makes sure that it is this one that is watched.
 * 3. Edge-triggered interest (ML_POLL_EDGE) only where `edge` is true. It is
 *    reported once each time something arrives, and once after each `set`.
 */

/* Directions of interest and of readiness. */
enum {
    ML_POLL_READ = 1,  /* reading, or accepting, might not block */
    ML_POLL_WRITE = 2, /* writing might not block, or a connect has ended */
    ML_POLL_EDGE = 4,  /* interest only: report changes, not states */
    ML_POLL_BAD = 8,   /* event only: not an open descriptor; both directions
                          are set too, and it comes again until taken back */
    ML_POLL_HUP = 16,  /* event only, a hint with ML_POLL_READ where `edge` is
                          true: the peer will send no more, or has sent urgent
                          data, at which reads stop; so a short read does not
                          mean that another event will follow */
};

struct ml_poll_event {
    int fd;
    unsigned ready; /* ML_POLL_READ, _WRITE, _BAD, _HUP; never 0 */
};

struct ml_poll_ops;

/* The head of each poller's own struct. */
struct ml_poll {
    const struct ml_poll_ops *ops;
};

/* What a poller is: one file with one of these, and a line in poll/poll.c. */
struct ml_poll_ops {
    const char *name;
    bool edge; /* whether it understands ML_POLL_EDGE */

    /*
     * Makes a poller that watches nothing. `alloc` is copied. `seed` is for
     * pollers that choose by chance (the simulated one). Returns 0, -ENOMEM,
     * or why the system would not (-EMFILE, -ENFILE); *out is set only on 0.
     */
    int (*open)(struct ml_poll **out, const struct ml_alloc *alloc,
                uint64_t seed);

    /*
     * Changes the interest in `fd` from `old` to `now`, 0 being none. Returns
     * 0 or why it cannot be watched here:
     *   -EPERM   a file that is always ready, like one on a disk (epoll);
     *   -ERANGE  the number does not fit this poller (select);
     *   -EBADF   not an open descriptor (not every poller notices here);
     *   -ENOMEM, -ENOSPC  no room for one more.
     * Taking interest back (`now` 0) always succeeds.
     */
    int (*set)(struct ml_poll *p, int fd, unsigned old, unsigned now);

    /*
     * Waits until something is ready or `timeout_ns` is over, and writes up to
     * `max` (at least 1) events. A negative timeout waits for ever, 0 not at
     * all. Returns how many events there are. A negative errno is a failure of
     * the system: -ENOMEM when it has no memory to wait with now, which says
     * nothing of what is ready; any other the next call would meet again.
     */
    int (*wait)(struct ml_poll *p, struct ml_poll_event *events, int max,
                int64_t timeout_ns);

    /*
     * A descriptor that becomes readable when `wait` would have events, so
     * that this poller can be watched by another loop. It belongs to the
     * poller. -ENOTSUP if there is none.
     */
    int (*pollfd)(struct ml_poll *p);

    /* Frees the poller; what it watched is left alone. */
    void (*close)(struct ml_poll *p);
};

extern const struct ml_poll_ops ml_poll_select;
extern const struct ml_poll_ops ml_poll_pollsys; /* poll(2), named "poll" */
extern const struct ml_poll_ops ml_poll_sim;     /* for specs, named "sim" */
#ifdef ML_HAVE_EPOLL
extern const struct ml_poll_ops ml_poll_epoll;
#endif

/*
 * All pollers of this system, the best for many descriptors first, the
 * simulated one last, then NULL.
 */
const struct ml_poll_ops *const *ml_poll_all(void);

/* The poller of that name, or NULL. */
const struct ml_poll_ops *ml_poll_find(const char *name);

/* The best one of this system for many descriptors. */
const struct ml_poll_ops *ml_poll_best(void);

#endif
