/*
 * The simulated poller: real readiness, reported as badly as the contract
 * allows. It asks poll(2) what is ready and then, by its own dice, hands out
 * only some of it, in any order, at times one by one, at times one direction
 * of two, at times with a descriptor that is not ready at all. A program that
 * works on it does not depend on an order of events that some system happens
 * to have; and the same seed with the same readiness gives the same sequence,
 * so a failure can be had again.
 *
 * Nothing is lost: what is withheld is still ready, so poll(2) tells it again
 * at the next wait. Nothing spins: a spurious event comes along with real ones
 * or, alone, once between two waits that really waited.
 */

#define _POSIX_C_SOURCE 200809L

#include "base/clock.h"
#include "poll/poll.h"
#include "poll/pollset.h"

#include <assert.h>
#include <errno.h>

struct sim {
    struct ml_poll base;
    struct ml_pollset set;
    uint64_t dice;
    bool teased; /* the last wait had nothing but a spurious event */
    /* Owned; room for the places of all that is ready, one for each in the
       set, so that waiting allocates nothing. */
    uint32_t *ready;
    size_t ready_size;
};

/* How often it misbehaves, as one in so many. */
enum {
    ODDS_SINGLE = 4,   /* hand out one event only */
    ODDS_HALF = 4,     /* of two ready directions tell one */
    ODDS_SPURIOUS = 8, /* add a descriptor that is not ready */
    ODDS_TEASE = 8,    /* return such a one alone instead of waiting */
};

/* A counter through a mixing function: every seed is good, 0 too. */
static uint64_t sim_roll(struct sim *s)
{
    uint64_t x = s->dice += UINT64_C(0x9e3779b97f4a7c15);

    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

/* A number below `n`, or 0 if there is none. */
static size_t sim_below(struct sim *s, size_t n)
{
    return n > 0 ? (size_t)(sim_roll(s) % n) : 0;
}

static bool sim_chance(struct sim *s, size_t odds)
{
    return sim_below(s, odds) == 0;
}

static int sim_open(struct ml_poll **out, const struct ml_alloc *alloc,
                    uint64_t seed)
{
    struct sim *s = ml_alloc_new(alloc, sizeof *s);

    if (!s)
        return -ENOMEM;
    *s = (struct sim){.base = {&ml_poll_sim}, .dice = seed};
    ml_pollset_init(&s->set, alloc);
    *out = &s->base;
    return 0;
}

static int sim_reserve(struct sim *s, size_t size)
{
    size_t next = size * 2;
    uint32_t *ready;

    if (size <= s->ready_size)
        return 0;
    ready =
        ml_alloc_resize(&s->set.alloc, s->ready, s->ready_size * sizeof *ready,
                        next * sizeof *ready);
    if (!ready)
        return -ENOMEM;
    s->ready = ready;
    s->ready_size = next;
    return 0;
}

static int sim_set(struct ml_poll *p, int fd, unsigned old, unsigned now)
{
    struct sim *s = (struct sim *)p;

    (void)old;
    assert(!(now & ML_POLL_EDGE) && "edges only where ops->edge");
    if (now && sim_reserve(s, s->set.count + 1) < 0)
        return -ENOMEM;
    return ml_pollset_set(&s->set, fd, now);
}

/* Notes the places of all that is ready; how many there are. */
static size_t sim_gather(struct sim *s)
{
    size_t n = 0;

    for (size_t i = 0; i < s->set.count; i++) {
        if (s->set.fds[i].revents)
            s->ready[n++] = (uint32_t)i;
    }
    return n;
}

/* What to say of a ready one: all, or one of its two directions. */
static unsigned sim_directions(struct sim *s, short revents)
{
    unsigned ready = ml_pollset_ready(revents);

    if (revents == (POLLIN | POLLOUT) && sim_chance(s, ODDS_HALF))
        return sim_chance(s, 2) ? ML_POLL_READ : ML_POLL_WRITE;
    return ready;
}

/* Claims that some descriptor is ready, if the one drawn is in fact not. */
static int sim_lie(struct sim *s, struct ml_poll_event *event)
{
    const struct pollfd *pfd = &s->set.fds[sim_below(s, s->set.count)];

    if (pfd->revents)
        return 0;
    *event = (struct ml_poll_event){
        pfd->fd, ml_pollset_ready((short)(pfd->events & (POLLIN | POLLOUT)))};
    return 1;
}

/* How many of `ready` ones to hand out: at least one, at most `max`. */
static size_t sim_portion(struct sim *s, size_t ready, size_t max)
{
    size_t limit = ready < max ? ready : max;

    if (sim_chance(s, ODDS_SINGLE))
        return 1;
    return 1 + sim_below(s, limit);
}

/* Draws a portion of the ready ones, each equally likely at each place. */
static int sim_deal(struct sim *s, size_t ready, struct ml_poll_event *events,
                    size_t max)
{
    size_t portion = sim_portion(s, ready, max);

    for (size_t i = 0; i < portion; i++) {
        size_t drawn = i + sim_below(s, ready - i);
        const struct pollfd *pfd = &s->set.fds[s->ready[drawn]];

        s->ready[drawn] = s->ready[i];
        events[i].fd = pfd->fd;
        events[i].ready = sim_directions(s, pfd->revents);
    }
    return (int)portion;
}

/* Hands out some of what poll(2) has found, and perhaps more than that. */
static int sim_collect(struct sim *s, struct ml_poll_event *events, int max)
{
    int n = sim_deal(s, sim_gather(s), events, (size_t)max);

    s->teased = false;
    if (n < max && sim_chance(s, ODDS_SPURIOUS))
        n += sim_lie(s, &events[n]);
    return n;
}

static int sim_wait(struct ml_poll *p, struct ml_poll_event *events, int max,
                    int64_t timeout_ns)
{
    struct sim *s = (struct sim *)p;
    int rc = ml_pollset_poll(&s->set, 0);

    if (rc == 0 && s->set.count && !s->teased && sim_chance(s, ODDS_TEASE)) {
        s->teased = true;
        return sim_lie(s, events);
    }
    s->teased = false;
    if (rc == 0 && timeout_ns != 0)
        rc = ml_pollset_poll(&s->set, ml_time_to_ms(timeout_ns));
    return rc <= 0 ? rc : sim_collect(s, events, max);
}

static int sim_pollfd(struct ml_poll *p)
{
    (void)p;
    return -ENOTSUP;
}

static void sim_close(struct ml_poll *p)
{
    struct sim *s = (struct sim *)p;
    struct ml_alloc alloc = s->set.alloc;

    ml_alloc_free(&alloc, s->ready, s->ready_size * sizeof *s->ready);
    ml_pollset_term(&s->set);
    ml_alloc_free(&alloc, s, sizeof *s);
}

const struct ml_poll_ops ml_poll_sim = {
    .name = "sim",
    .edge = false,
    .open = sim_open,
    .set = sim_set,
    .wait = sim_wait,
    .pollfd = sim_pollfd,
    .close = sim_close,
};
