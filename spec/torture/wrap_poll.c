/* Waiting for descriptors. */

#define _GNU_SOURCE 1 /* syscall */

#include "edges.h"
#include "mode.h"
#include "wrap.h"

#include <poll.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <time.h>

/* --- epoll ------------------------------------------------------------------ */

FAULT_WRAP(epoll_create1, int, -1, (int flags), (flags))

int __real_epoll_ctl(int epfd, int op, int fd, struct epoll_event *event);
int __wrap_epoll_ctl(int epfd, int op, int fd, struct epoll_event *event);

/* To take out needs neither memory nor room. */
int __wrap_epoll_ctl(int epfd, int op, int fd, struct epoll_event *event)
{
    if (op != EPOLL_CTL_DEL && fault_strike(FAULT_epoll_ctl) != 0) {
        return -1;
    }
    int done = __real_epoll_ctl(epfd, op, fd, event);
    if (done == 0) {
        fault_edges_note(epfd, op, fd, event);
    }
    return done;
}

int __real_epoll_wait(int epfd, struct epoll_event *events, int max,
                      int timeout);
int __wrap_epoll_wait(int epfd, struct epoll_event *events, int max,
                      int timeout);

/* Ends at once, with what is not ready, or with nothing. */
static int hasty_wait(int epfd, struct epoll_event *events)
{
    return fault_edges_spurious(epfd, fault_mode_random(), events);
}

int __wrap_epoll_wait(int epfd, struct epoll_event *events, int max,
                      int timeout)
{
    if (fault_strike(FAULT_epoll_wait) != 0) {
        return -1;
    }
    if (fault_mode_hasty()) {
        return hasty_wait(epfd, events);
    }
    return __real_epoll_wait(epfd, events, fault_mode_events(max), timeout);
}

long __real_syscall(long number, ...);
long __wrap_syscall(long number, ...);

/* The only one that the runtime makes this way is epoll_pwait2. */
long __wrap_syscall(long number, ...)
{
    va_list rest;
    va_start(rest, number);
    int epfd = va_arg(rest, int);
    struct epoll_event *events = va_arg(rest, struct epoll_event *);
    int max = va_arg(rest, int);
    const void *time = va_arg(rest, const void *);
    const void *mask = va_arg(rest, const void *);
    size_t size = va_arg(rest, size_t);
    va_end(rest);
    if (fault_strike(FAULT_epoll_pwait2) != 0) {
        return -1;
    }
    if (fault_mode_hasty()) {
        return hasty_wait(epfd, events);
    }
    return __real_syscall(number, epfd, events, fault_mode_events(max), time,
                          mask, size);
}

/* --- select ----------------------------------------------------------------- */

/* NOLINTNEXTLINE(readability-function-size): the system's own parameters */
int __real_pselect(int count, fd_set *read, fd_set *write, fd_set *except,
                   const struct timespec *timeout, const sigset_t *mask);
int __wrap_pselect(int count, fd_set *read, fd_set *write, fd_set *except,
                   const struct timespec *timeout, const sigset_t *mask);

/* The first descriptor from `from` on that is in one of the sets, or -1. */
static int next_in(const fd_set *read, const fd_set *write, int count, int from)
{
    for (int i = 0; i < count; i++) {
        int fd = (from + i) % count;
        if (FD_ISSET(fd, read) || FD_ISSET(fd, write)) {
            return fd;
        }
    }
    return -1;
}

/* Leaves one descriptor in the sets; how many bits are left. */
static int keep_one(fd_set *read, fd_set *write, int count)
{
    int from = count > 0 ? (int)(fault_mode_random() % (uint64_t)count) : 0;
    int fd = next_in(read, write, count, from);
    int readable = fd >= 0 && FD_ISSET(fd, read);
    int writable = fd >= 0 && FD_ISSET(fd, write);
    FD_ZERO(read);
    FD_ZERO(write);
    if (readable) {
        FD_SET(fd, read);
    }
    if (writable) {
        FD_SET(fd, write);
    }
    return readable + writable;
}

/* NOLINTNEXTLINE(readability-function-size): the system's own parameters */
int __wrap_pselect(int count, fd_set *read, fd_set *write, fd_set *except,
                   const struct timespec *timeout, const sigset_t *mask)
{
    if (fault_strike(FAULT_pselect) != 0) {
        return -1;
    }
    if (fault_mode_hasty()) {
        return keep_one(read, write, count);
    }
    int n = __real_pselect(count, read, write, except, timeout, mask);
    return n > 1 && fault_mode_events(n) == 1 ? keep_one(read, write, count)
                                              : n;
}

/* --- poll ------------------------------------------------------------------- */

int __real_poll(struct pollfd *entries, nfds_t count, int timeout);
int __wrap_poll(struct pollfd *entries, nfds_t count, int timeout);

/* Leaves one of those that are ready; 1. */
static int keep_one_entry(struct pollfd *entries, nfds_t count)
{
    if (count == 0) {
        return 0;
    }
    nfds_t at = (nfds_t)fault_mode_random() % count;
    while (entries[at].revents == 0) {
        at = (at + 1) % count;
    }
    short kept = entries[at].revents;
    for (nfds_t i = 0; i < count; i++) {
        entries[i].revents = 0;
    }
    entries[at].revents = kept;
    return 1;
}

/* As if one of them were ready. */
static int hasty_poll(struct pollfd *entries, nfds_t count)
{
    nfds_t at = (nfds_t)fault_mode_random() % count;
    for (nfds_t i = 0; i < count; i++) {
        entries[i].revents = 0;
    }
    entries[at].revents = entries[at].events;
    return entries[at].events != 0;
}

/* Who asks of one descriptor, without waiting, asks for the truth. */
int __wrap_poll(struct pollfd *entries, nfds_t count, int timeout)
{
    bool waits = count > 1 || timeout != 0;
    if (fault_strike(FAULT_poll) != 0) {
        return -1;
    }
    if (waits && count > 0 && fault_mode_hasty()) {
        return hasty_poll(entries, count);
    }
    int n = __real_poll(entries, count, timeout);
    return n > 1 && fault_mode_events(n) == 1 ? keep_one_entry(entries, count)
                                              : n;
}
