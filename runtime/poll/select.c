/*
 * The poller on select(): the cheapest for a few busy descriptors, since there
 * is nothing to register and the answer comes as bits. Its sets have a fixed
 * size: a number past FD_SETSIZE would write beside them, so it is refused and
 * the caller moves to another poller.
 *
 * A closed descriptor in the sets makes select fail as a whole. We then look
 * for the culprits one by one, so that the tasks that wait for them learn of
 * it and the others go on.
 */

#define _POSIX_C_SOURCE 200809L

#include "base/clock.h"
#include "poll/poll.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/select.h>

struct select_poll {
    struct ml_poll base;
    struct ml_alloc alloc;
    fd_set want_read, want_write;
    int highest; /* the highest watched number, -1 for none */
    int next;    /* where the next scan begins, for fairness with a small max */
};

/* What one select() said. */
struct select_answer {
    fd_set read, write;
    int left;    /* how many bits in the sets are still to be told */
    bool failed; /* over a closed descriptor; the sets say nothing */
};

static int select_open(struct ml_poll **out, const struct ml_alloc *alloc,
                       uint64_t seed)
{
    struct select_poll *s = ml_alloc_new(alloc, sizeof *s);

    (void)seed;
    if (!s)
        return -ENOMEM;
    s->base.ops = &ml_poll_select;
    s->alloc = *alloc;
    FD_ZERO(&s->want_read);
    FD_ZERO(&s->want_write);
    s->highest = -1;
    s->next = 0;
    *out = &s->base;
    return 0;
}

static bool select_watches(const struct select_poll *s, int fd)
{
    return FD_ISSET(fd, &s->want_read) || FD_ISSET(fd, &s->want_write);
}

static void select_mark(fd_set *set, int fd, bool wanted)
{
    if (wanted) {
        FD_SET(fd, set);
    } else {
        FD_CLR(fd, set);
    }
}

static int select_set(struct ml_poll *p, int fd, unsigned old, unsigned now)
{
    struct select_poll *s = (struct select_poll *)p;

    (void)old;
    assert(!(now & ML_POLL_EDGE) && "edges only where ops->edge");
    if (fd < 0 || fd >= FD_SETSIZE)
        return now ? fd < 0 ? -EBADF : -ERANGE : 0;
    select_mark(&s->want_read, fd, now & ML_POLL_READ);
    select_mark(&s->want_write, fd, now & ML_POLL_WRITE);
    if (now && fd > s->highest)
        s->highest = fd;
    while (s->highest >= 0 && !select_watches(s, s->highest))
        s->highest--;
    return 0;
}

/* Readiness of `fd` by the bits of the answer; counts the bits down. */
static unsigned select_ready(struct select_answer *answer, int fd)
{
    unsigned ready = 0;

    if (FD_ISSET(fd, &answer->read))
        ready |= ML_POLL_READ;
    if (FD_ISSET(fd, &answer->write))
        ready |= ML_POLL_WRITE;
    answer->left -= (ready & ML_POLL_READ) != 0;
    answer->left -= (ready & ML_POLL_WRITE) != 0;
    return ready;
}

/* Readiness of `fd` when one of those that are watched is not open. */
static unsigned select_bad(const struct select_poll *s, int fd)
{
    if (!select_watches(s, fd) || fcntl(fd, F_GETFD) != -1 || errno != EBADF)
        return 0;
    return ML_POLL_READ | ML_POLL_WRITE | ML_POLL_BAD;
}

/* Hands out up to `max` of what is ready, going on where the last ended. */
static int select_collect(struct select_poll *s, struct select_answer *answer,
                          struct ml_poll_event *events, int max)
{
    int fd = s->next <= s->highest ? s->next : 0;
    int n = 0;

    for (int i = 0; i <= s->highest && n < max; i++) {
        unsigned ready =
            answer->failed ? select_bad(s, fd) : select_ready(answer, fd);

        if (ready)
            events[n++] = (struct ml_poll_event){fd, ready};
        fd = fd < s->highest ? fd + 1 : 0;
        if (!answer->failed && answer->left == 0)
            break;
    }
    s->next = fd;
    return n;
}

static int select_wait(struct ml_poll *p, struct ml_poll_event *events, int max,
                       int64_t timeout_ns)
{
    struct select_poll *s = (struct select_poll *)p;
    struct select_answer answer = {s->want_read, s->want_write, 0, false};
    struct timespec ts = {0, 0};

    if (timeout_ns > 0)
        ts = ml_time_to_spec(timeout_ns);
    do {
        answer.left = pselect(s->highest + 1, &answer.read, &answer.write, NULL,
                              timeout_ns < 0 ? NULL : &ts, NULL);
    } while (answer.left < 0 && errno == EINTR && timeout_ns == 0);
    if (answer.left == 0)
        return 0;
    if (answer.left < 0 && errno != EBADF)
        return errno == EINTR ? 0 : -errno;
    answer.failed = answer.left < 0;
    return select_collect(s, &answer, events, max);
}

static int select_pollfd(struct ml_poll *p)
{
    (void)p;
    return -ENOTSUP;
}

static void select_close(struct ml_poll *p)
{
    struct select_poll *s = (struct select_poll *)p;
    struct ml_alloc alloc = s->alloc;

    ml_alloc_free(&alloc, s, sizeof *s);
}

const struct ml_poll_ops ml_poll_select = {
    .name = "select",
    .edge = false,
    .open = select_open,
    .set = select_set,
    .wait = select_wait,
    .pollfd = select_pollfd,
    .close = select_close,
};
