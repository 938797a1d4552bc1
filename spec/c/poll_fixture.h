#ifndef ML_SPEC_POLL_FIXTURE_H
#define ML_SPEC_POLL_FIXTURE_H

#include "base/clock.h"
#include "check.h"
#include "poll/poll.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

/*
 * What the specs of pollers share: the poller under test, pairs of connected
 * descriptors, and questions that are put so often that a poller which may
 * withhold events and invent some has to answer them truly in the end.
 */

enum {
    TRIES = 300, /* a simulated poller withholds something this long never */
    EVENTS = 16,
};

static const struct ml_poll_ops *ops; /* of the poller under test */
static struct ml_poll *poller;

static inline void poller_open(void)
{
    CHECK_MUST(ops->open(&poller, &check_alloc, 1) == 0);
}

static inline void poller_close(void)
{
    ops->close(poller);
}

/* Whether an absence of events proves that nothing is ready. */
static inline bool poller_is_exact(void)
{
    return ops != &ml_poll_sim;
}

static inline int watch(int fd, unsigned old, unsigned now)
{
    return ops->set(poller, fd, old, now);
}

/* One wait; what it said of `fd`, 0 for nothing. Each comes at most once. */
static inline unsigned ready_once(int fd, int max, int64_t timeout)
{
    struct ml_poll_event events[EVENTS];
    unsigned ready = 0;
    int n = ops->wait(poller, events, max, timeout);

    CHECK(n >= 0 && n <= max);
    for (int i = 0; i < n; i++) {
        CHECK(events[i].ready != 0);
        for (int j = 0; j < i; j++)
            CHECK(events[i].fd != events[j].fd);
        if (events[i].fd == fd)
            ready |= events[i].ready;
    }
    return ready;
}

/* All that is said of `fd` in many waits. */
static inline unsigned ready_ever(int fd)
{
    unsigned ready = 0;

    for (int i = 0; i < TRIES; i++)
        ready |= ready_once(fd, EVENTS, 0);
    return ready;
}

static inline int64_t time_now(void)
{
    struct ml_clock clock;

    ml_clock_real(&clock);
    return clock.now(&clock);
}

static inline void pair_open(int pair[2])
{
    CHECK_MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
    for (int i = 0; i < 2; i++)
        CHECK_MUST(fcntl(pair[i], F_SETFL, O_NONBLOCK) == 0);
}

static inline void pair_close(const int pair[2])
{
    CHECK_MUST(close(pair[0]) == 0);
    CHECK_MUST(close(pair[1]) == 0);
}

static inline void put_byte(int fd)
{
    CHECK_MUST(write(fd, "x", 1) == 1);
}

static inline void take_byte(int fd)
{
    char byte;

    CHECK_MUST(read(fd, &byte, 1) == 1);
}

/* Writes until nothing more fits. */
static inline void fill(int fd)
{
    static const char bytes[4096];

    while (write(fd, bytes, sizeof bytes) > 0)
        continue;
}

#endif
