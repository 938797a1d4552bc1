/*
 * The poller on Linux' epoll: the cost of a wait is that of what is ready,
 * whatever is registered.
 *
 * Some facts about epoll
 * ----------------------
 *
 * What is registered is not a descriptor but the pair of a number and the open
 * file behind it. So:
 *
 * - When the last number of a file is closed, the kernel forgets the
 *   registration and says nothing. If the number was registered and now means
 *   another file, MOD and DEL answer ENOENT; if it means none, EBADF. A change
 *   of interest therefore ends in what was wanted, by another operation if
 *   need be.
 * - When a registered number is closed but the file lives on, through a dup or
 *   in a child process, the registration lives on too: it reports a number
 *   that is closed or that means something else by now, and cannot be removed
 *   any more, since removing goes by the pair. With level triggering that is a
 *   loop that never sleeps again. (It takes no more than a Lua file that was
 *   waited for, a child that inherited it, and a close that the loop did not
 *   see.)
 *
 * Hence each registration carries a generation next to its number. An event
 * whose generation is not that of the number's current registration is dropped,
 * and shows that there is a dead registration: then the whole set is made anew,
 * which is the only cure and rare.
 *
 * Files that are always ready (on a disk) are refused with EPERM. Errors and
 * hang-ups are reported whether asked for or not, so a descriptor without
 * interest is taken out rather than kept with an empty mask.
 */

#define _GNU_SOURCE 1 /* dup3, syscall */

#include "base/clock.h"
#include "poll/poll.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
    BATCH = 256,
    SMALLEST = 64
};

/* What is registered for a number. */
struct epoll_entry {
    uint32_t generation; /* of the newest registration of this number */
    uint32_t interest;   /* ML_POLL_*; 0 if none */
};

struct epoll_poll {
    struct ml_poll base;
    struct ml_alloc alloc;
    int epfd;
    bool no_pwait2;              /* this kernel has whole milliseconds only */
    struct epoll_entry *entries; /* owned; by descriptor */
    size_t entries_size;
    struct epoll_event batch[BATCH]; /* of one wait; here to save the stack */
};

/* The time that the kernel takes, whatever the C library's time_t is. */
struct kernel_time {
    int64_t sec, nsec;
};

static int epoll_open(struct ml_poll **out, const struct ml_alloc *alloc,
                      uint64_t seed)
{
    struct epoll_poll *e = ml_alloc_new(alloc, sizeof *e);

    (void)seed;
    if (!e)
        return -ENOMEM;
    *e = (struct epoll_poll){.base = {&ml_poll_epoll}, .alloc = *alloc};
    e->epfd = epoll_create1(EPOLL_CLOEXEC);
    if (e->epfd < 0) {
        int rc = -errno;

        ml_alloc_free(alloc, e, sizeof *e);
        return rc;
    }
    *out = &e->base;
    return 0;
}

static int entries_grow(struct epoll_poll *e, size_t fd)
{
    size_t size = e->entries_size ? e->entries_size : SMALLEST;
    struct epoll_entry *entries;

    while (size <= fd)
        size *= 2;
    entries = ml_alloc_resize(&e->alloc, e->entries,
                              e->entries_size * sizeof *entries,
                              size * sizeof *entries);
    if (!entries)
        return -ENOMEM;
    for (size_t i = e->entries_size; i < size; i++)
        entries[i] = (struct epoll_entry){0, 0};
    e->entries = entries;
    e->entries_size = size;
    return 0;
}

/*
 * The peer's end of sending (RDHUP) is asked for only along with reading: a
 * half-closed connection that is being written to would report it for ever.
 * Urgent data are asked for only with edges: a level would report them as long
 * as they are not read, and they stay so unless asked for in particular.
 */
static uint32_t epoll_mask(unsigned interest)
{
    uint32_t mask = 0;

    if (interest & ML_POLL_READ)
        mask |= EPOLLIN | EPOLLRDHUP;
    if (interest & ML_POLL_WRITE)
        mask |= EPOLLOUT;
    if (interest & ML_POLL_EDGE)
        mask |= EPOLLET | (interest & ML_POLL_READ ? EPOLLPRI : 0);
    return mask;
}

static int epoll_control(int epfd, int op, int fd, unsigned interest,
                         uint32_t generation)
{
    struct epoll_event event = {.events = epoll_mask(interest)};

    event.data.u64 = (uint64_t)generation << 32 | (uint32_t)fd;
    return epoll_ctl(epfd, op, fd, &event) < 0 ? -errno : 0;
}

/* Registers, or changes, whichever of the two it turns out to be. */
static int epoll_register(struct epoll_poll *e, int fd, bool known,
                          unsigned now)
{
    uint32_t generation = e->entries[fd].generation;
    int rc = -ENOENT;

    if (known)
        rc = epoll_control(e->epfd, EPOLL_CTL_MOD, fd, now, generation);
    if (rc != -ENOENT)
        return rc;
    generation = ++e->entries[fd].generation;
    rc = epoll_control(e->epfd, EPOLL_CTL_ADD, fd, now, generation);
    if (rc == -EEXIST)
        rc = epoll_control(e->epfd, EPOLL_CTL_MOD, fd, now, generation);
    return rc;
}

/*
 * That the descriptor is gone, or means another file, is success: either the
 * kernel has forgotten it, or its dead registration will be known by its
 * generation.
 */
static void epoll_forget(struct epoll_poll *e, int fd)
{
    if (fd < 0 || (size_t)fd >= e->entries_size)
        return;
    e->entries[fd].interest = 0;
    (void)epoll_control(e->epfd, EPOLL_CTL_DEL, fd, 0, 0);
}

static int epoll_set(struct ml_poll *p, int fd, unsigned old, unsigned now)
{
    struct epoll_poll *e = (struct epoll_poll *)p;
    int rc;

    if (!now) {
        epoll_forget(e, fd);
        return 0;
    }
    if (fd < 0)
        return -EBADF;
    if ((size_t)fd >= e->entries_size && entries_grow(e, (size_t)fd) < 0)
        return -ENOMEM;
    rc = epoll_register(e, fd, old != 0, now);
    if (rc == 0)
        e->entries[fd].interest = now;
    return rc;
}

/*
 * Makes the set anew, under the same number so that whoever watches it need not
 * be told. What cannot be registered again was closed, which nobody would have
 * been told either. If the system has no descriptor to spare the dead
 * registration stays, and the next of its events tries again.
 */
static void epoll_renew(struct epoll_poll *e)
{
    int fresh = epoll_create1(EPOLL_CLOEXEC);

    if (fresh < 0)
        return;
    for (size_t fd = 0; fd < e->entries_size; fd++) {
        const struct epoll_entry *entry = &e->entries[fd];

        if (entry->interest) {
            (void)epoll_control(fresh, EPOLL_CTL_ADD, (int)fd, entry->interest,
                                entry->generation);
        }
    }
    (void)dup3(fresh, e->epfd, O_CLOEXEC); /* if not, see above */
    (void)close(fresh);
}

static unsigned epoll_ready(uint32_t events)
{
    unsigned ready = 0;

    if (events & (EPOLLERR | EPOLLHUP))
        ready |= ML_POLL_READ | ML_POLL_WRITE | ML_POLL_HUP;
    if (events & (EPOLLRDHUP | EPOLLPRI))
        ready |= ML_POLL_READ | ML_POLL_HUP;
    if (events & EPOLLIN)
        ready |= ML_POLL_READ;
    if (events & EPOLLOUT)
        ready |= ML_POLL_WRITE;
    return ready;
}

/* Hands out the first `count` of the batch, without those of the dead. */
static int epoll_collect(struct epoll_poll *e, int count,
                         struct ml_poll_event *events)
{
    bool dead = false;
    int n = 0;

    for (int i = 0; i < count; i++) {
        uint64_t data = e->batch[i].data.u64;
        int fd = (int)(data & UINT32_MAX);
        const struct epoll_entry *entry = &e->entries[fd];

        if (entry->interest && entry->generation == data >> 32) {
            events[n].fd = fd;
            events[n++].ready = epoll_ready(e->batch[i].events);
        } else {
            dead = true;
        }
    }
    if (dead)
        epoll_renew(e);
    return n;
}

/*
 * epoll_wait with nanoseconds, where the kernel (5.11) and whatever filters
 * its calls have it; asked for by number since C libraries got it later.
 */
static int epoll_wait_ns(struct epoll_poll *e, int max, int64_t timeout_ns)
{
#ifdef SYS_epoll_pwait2
    if (timeout_ns > 0 && !e->no_pwait2) {
        struct kernel_time kt = {timeout_ns / 1000000000,
                                 timeout_ns % 1000000000};
        long n = syscall(SYS_epoll_pwait2, e->epfd, e->batch, max, &kt, NULL,
                         (size_t)0);

        if (n >= 0 || (errno != ENOSYS && errno != EPERM))
            return (int)n;
        e->no_pwait2 = true;
    }
#endif
    return epoll_wait(e->epfd, e->batch, max, ml_time_to_ms(timeout_ns));
}

static int epoll_poll_wait(struct ml_poll *p, struct ml_poll_event *events,
                           int max, int64_t timeout_ns)
{
    struct epoll_poll *e = (struct epoll_poll *)p;
    int n;

    do {
        n = epoll_wait_ns(e, max < BATCH ? max : BATCH, timeout_ns);
    } while (n < 0 && errno == EINTR && timeout_ns == 0);
    if (n < 0)
        return errno == EINTR ? 0 : -errno;
    return epoll_collect(e, n, events);
}

static int epoll_pollfd(struct ml_poll *p)
{
    return ((struct epoll_poll *)p)->epfd;
}

static void epoll_close(struct ml_poll *p)
{
    struct epoll_poll *e = (struct epoll_poll *)p;
    struct ml_alloc alloc = e->alloc;

    (void)close(e->epfd); /* nothing can be done about a failure */
    ml_alloc_free(&alloc, e->entries, e->entries_size * sizeof *e->entries);
    ml_alloc_free(&alloc, e, sizeof *e);
}

const struct ml_poll_ops ml_poll_epoll = {
    .name = "epoll",
    .edge = true,
    .open = epoll_open,
    .set = epoll_set,
    .wait = epoll_poll_wait,
    .pollfd = epoll_pollfd,
    .close = epoll_close,
};
