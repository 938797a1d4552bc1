/*
 * The poller on poll(2): everywhere in POSIX, no limit on numbers, and a cost
 * for every descriptor at every wait. The choice for many descriptors where
 * there is no epoll.
 */

#define _POSIX_C_SOURCE 200809L

#include "base/clock.h"
#include "poll/poll.h"
#include "poll/pollset.h"

#include <assert.h>
#include <errno.h>

struct pollsys {
    struct ml_poll base;
    struct ml_pollset set;
    size_t next; /* where the next scan begins, for fairness with a small max */
};

static int pollsys_open(struct ml_poll **out, const struct ml_alloc *alloc,
                        uint64_t seed)
{
    struct pollsys *s = ml_alloc_new(alloc, sizeof *s);

    (void)seed;
    if (!s)
        return -ENOMEM;
    *s = (struct pollsys){.base = {&ml_poll_pollsys}};
    ml_pollset_init(&s->set, alloc);
    *out = &s->base;
    return 0;
}

static int pollsys_set(struct ml_poll *p, int fd, unsigned old, unsigned now)
{
    struct pollsys *s = (struct pollsys *)p;

    (void)old;
    assert(!(now & ML_POLL_EDGE) && "edges only where ops->edge");
    return ml_pollset_set(&s->set, fd, now);
}

/* Hands out up to `max` of `left` ready ones, going on where the last ended. */
static int pollsys_collect(struct pollsys *s, int left,
                           struct ml_poll_event *events, int max)
{
    size_t count = s->set.count, at = s->next < count ? s->next : 0;
    int n = 0;

    for (size_t i = 0; i < count && n < left && n < max; i++) {
        const struct pollfd *pfd = &s->set.fds[at];
        unsigned ready = ml_pollset_ready(pfd->revents);

        if (ready)
            events[n++] = (struct ml_poll_event){pfd->fd, ready};
        at = at + 1 < count ? at + 1 : 0;
    }
    s->next = at;
    return n;
}

static int pollsys_wait(struct ml_poll *p, struct ml_poll_event *events,
                        int max, int64_t timeout_ns)
{
    struct pollsys *s = (struct pollsys *)p;
    int ready = ml_pollset_poll(&s->set, ml_time_to_ms(timeout_ns));

    return ready <= 0 ? ready : pollsys_collect(s, ready, events, max);
}

static int pollsys_pollfd(struct ml_poll *p)
{
    (void)p;
    return -ENOTSUP;
}

static void pollsys_close(struct ml_poll *p)
{
    struct pollsys *s = (struct pollsys *)p;
    struct ml_alloc alloc = s->set.alloc;

    ml_pollset_term(&s->set);
    ml_alloc_free(&alloc, s, sizeof *s);
}

const struct ml_poll_ops ml_poll_pollsys = {
    .name = "poll",
    .edge = false,
    .open = pollsys_open,
    .set = pollsys_set,
    .wait = pollsys_wait,
    .pollfd = pollsys_pollfd,
    .close = pollsys_close,
};
