#define _POSIX_C_SOURCE 200809L

#include "poll/pollset.h"

#include <errno.h>

enum {
    SMALLEST = 16
};

void ml_pollset_init(struct ml_pollset *set, const struct ml_alloc *alloc)
{
    *set = (struct ml_pollset){.alloc = *alloc};
}

void ml_pollset_term(struct ml_pollset *set)
{
    ml_alloc_free(&set->alloc, set->fds, set->capacity * sizeof *set->fds);
    ml_alloc_free(&set->alloc, set->places,
                  set->places_size * sizeof *set->places);
    ml_pollset_init(set, &set->alloc);
}

static int places_grow(struct ml_pollset *set, size_t fd)
{
    size_t size = set->places_size ? set->places_size : SMALLEST;
    uint32_t *places;

    while (size <= fd)
        size *= 2;
    places = ml_alloc_resize(&set->alloc, set->places,
                             set->places_size * sizeof *places,
                             size * sizeof *places);
    if (!places)
        return -ENOMEM;
    for (size_t i = set->places_size; i < size; i++)
        places[i] = 0;
    set->places = places;
    set->places_size = size;
    return 0;
}

static int fds_grow(struct ml_pollset *set)
{
    size_t capacity = set->capacity ? set->capacity * 2 : SMALLEST;
    struct pollfd *fds =
        ml_alloc_resize(&set->alloc, set->fds, set->capacity * sizeof *fds,
                        capacity * sizeof *fds);

    if (!fds)
        return -ENOMEM;
    set->fds = fds;
    set->capacity = capacity;
    return 0;
}

static int pollset_add(struct ml_pollset *set, int fd)
{
    if ((size_t)fd >= set->places_size && places_grow(set, (size_t)fd) < 0)
        return -ENOMEM;
    if (set->count == set->capacity && fds_grow(set) < 0)
        return -ENOMEM;
    set->fds[set->count] = (struct pollfd){.fd = fd};
    set->places[fd] = (uint32_t)++set->count;
    return 0;
}

/* Fills the gap with the last one. */
static void pollset_remove(struct ml_pollset *set, int fd)
{
    size_t at = set->places[fd] - 1;

    set->fds[at] = set->fds[--set->count];
    set->places[set->fds[at].fd] = (uint32_t)at + 1;
    set->places[fd] = 0;
}

static short pollset_events(unsigned interest)
{
    int events = 0;

    if (interest & ML_POLL_READ)
        events |= POLLIN;
    if (interest & ML_POLL_WRITE)
        events |= POLLOUT;
    return (short)events;
}

int ml_pollset_set(struct ml_pollset *set, int fd, unsigned now)
{
    bool known =
        fd >= 0 && (size_t)fd < set->places_size && set->places[fd] != 0;

    if (!now) {
        if (known)
            pollset_remove(set, fd);
        return 0;
    }
    if (fd < 0)
        return -EBADF;
    if (!known) {
        int rc = pollset_add(set, fd);

        if (rc < 0)
            return rc;
    }
    set->fds[set->places[fd] - 1].events = pollset_events(now);
    return 0;
}

int ml_pollset_poll(struct ml_pollset *set, int timeout_ms)
{
    int n;

    do {
        n = poll(set->fds, (nfds_t)set->count, timeout_ms);
    } while (n < 0 && errno == EINTR && timeout_ms == 0);

    /* EAGAIN is how some systems say that there is no memory just now. */
    if (n < 0)
        return errno == EINTR ? 0 : errno == EAGAIN ? -ENOMEM : -errno;
    return n;
}

unsigned ml_pollset_ready(short revents)
{
    unsigned ready = 0;

    if (revents & POLLNVAL)
        return ML_POLL_READ | ML_POLL_WRITE | ML_POLL_BAD;
    if (revents & (POLLERR | POLLHUP))
        return ML_POLL_READ | ML_POLL_WRITE;
    if (revents & POLLIN)
        ready |= ML_POLL_READ;
    if (revents & POLLOUT)
        ready |= ML_POLL_WRITE;
    return ready;
}
