#ifndef ML_POLL_POLLSET_H
#define ML_POLL_POLLSET_H

#include "base/alloc.h"
#include "poll/poll.h"

#include <poll.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The array that poll(2) wants, kept dense, with an index by descriptor so
 * that a change of interest is no search. Shared by the pollers that stand on
 * poll(2).
 */
struct ml_pollset {
    struct pollfd *fds; /* owned; the descriptors of interest, in no order */
    size_t count, capacity;
    uint32_t *places; /* owned; by descriptor: index into fds plus 1, or 0 */
    size_t places_size;
    struct ml_alloc alloc;
};

/* Makes an empty set; allocates nothing. `alloc` is copied. */
void ml_pollset_init(struct ml_pollset *set, const struct ml_alloc *alloc);

/* Frees the set. */
void ml_pollset_term(struct ml_pollset *set);

/*
 * The `set` of the vtable. Returns 0, -EBADF for a number that is no
 * descriptor, or -ENOMEM. Taking interest back allocates nothing.
 */
int ml_pollset_set(struct ml_pollset *set, int fd, unsigned now);

/*
 * One poll(2) over the set; a timeout of -1 is for ever. Returns how many have
 * revents, 0 also for a signal, or -errno.
 */
int ml_pollset_poll(struct ml_pollset *set, int timeout_ms);

/* Readiness in our terms of what poll(2) said, 0 for none. */
unsigned ml_pollset_ready(short revents);

#endif
