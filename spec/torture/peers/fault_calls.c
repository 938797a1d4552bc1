/* fault_calls.c - the functions of the C library that fault.c can have fail. They
 * take the place of the library's own, for the modules and what is below them as
 * well as for the interpreter. */
#include "fault.h"

#include <dlfcn.h>
#include <errno.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <unistd.h>

/* Names and parameters are the library's. */
/* NOLINTBEGIN(readability-*, bugprone-macro-parentheses) */

/* ---- memory ------------------------------------------------------------------- */

void *__libc_malloc(size_t n);
void *__libc_calloc(size_t count, size_t n);
void *__libc_realloc(void *block, size_t n);

static bool no_memory(void)
{
    if (fault_refuses(FAULT_MEMORY)) {
        errno = ENOMEM;
        return true;
    }
    return false;
}

void *malloc(size_t n)
{
    return no_memory() ? NULL : __libc_malloc(n);
}

void *calloc(size_t count, size_t n)
{
    return no_memory() ? NULL : __libc_calloc(count, n);
}

/* To make a block smaller may be refused as well: nobody is promised more. */
void *realloc(void *block, size_t n)
{
    return n > 0 && no_memory() ? NULL : __libc_realloc(block, n);
}

/* ---- system calls --------------------------------------------------------------- */

/* A call of the C library that fails with a code which it may have, so that no
 * program can say that this cannot be. */
#define CALL(type, name, parameters, arguments, code)  \
    type name parameters                               \
    {                                                  \
        static type(*real) parameters;                 \
        if (fault_refuses(FAULT_CALLS)) {              \
            errno = (code);                            \
            return -1;                                 \
        }                                              \
        if (real == NULL) {                            \
            *(void **)&real = dlsym(RTLD_NEXT, #name); \
        }                                              \
        return real arguments;                         \
    }

/* The same for one that sockets share with files, which are left alone. */
#define BYTES(name, parameters, arguments, code)           \
    ssize_t name parameters                                \
    {                                                      \
        static ssize_t(*real) parameters;                  \
        if (is_socket(fd) && fault_refuses(FAULT_CALLS)) { \
            errno = (code);                                \
            return -1;                                     \
        }                                                  \
        if (real == NULL) {                                \
            *(void **)&real = dlsym(RTLD_NEXT, #name);     \
        }                                                  \
        return real arguments;                             \
    }

static bool is_socket(int fd)
{
    int type = 0;
    socklen_t n = sizeof type;
    return syscall(SYS_getsockopt, fd, SOL_SOCKET, SO_TYPE, &type, &n) == 0;
}

CALL(int, socket, (int family, int type, int protocol),
     (family, type, protocol), EMFILE)
CALL(int, socketpair, (int family, int type, int protocol, int fds[2]),
     (family, type, protocol, fds), EMFILE)
CALL(int, bind, (int fd, const struct sockaddr *address, socklen_t n),
     (fd, address, n), EADDRINUSE)
CALL(int, listen, (int fd, int backlog), (fd, backlog), EADDRINUSE)
CALL(int, connect, (int fd, const struct sockaddr *address, socklen_t n),
     (fd, address, n), ECONNREFUSED)
CALL(int, accept, (int fd, struct sockaddr *address, socklen_t *n),
     (fd, address, n), EMFILE)
CALL(int, accept4, (int fd, struct sockaddr *address, socklen_t *n, int flags),
     (fd, address, n, flags), EMFILE)
CALL(int, shutdown, (int fd, int how), (fd, how), ENOTCONN)
CALL(int, getsockname, (int fd, struct sockaddr *address, socklen_t *n),
     (fd, address, n), ENOBUFS)
CALL(int, getpeername, (int fd, struct sockaddr *address, socklen_t *n),
     (fd, address, n), ENOTCONN)
CALL(int, setsockopt,
     (int fd, int level, int name, const void *value, socklen_t n),
     (fd, level, name, value, n), ENOMEM)
CALL(int, epoll_create1, (int flags), (flags), EMFILE)
CALL(int, epoll_ctl, (int fd, int what, int other, struct epoll_event *event),
     (fd, what, other, event), ENOMEM)
CALL(int, epoll_wait, (int fd, struct epoll_event *events, int n, int time),
     (fd, events, n, time), EINTR)
CALL(int, epoll_pwait,
     (int fd, struct epoll_event *events, int n, int time,
      const sigset_t *signals),
     (fd, events, n, time, signals), EINTR)
CALL(int, poll, (struct pollfd * fds, nfds_t n, int time), (fds, n, time),
     EINTR)
CALL(int, select,
     (int n, fd_set *read, fd_set *write, fd_set *other, struct timeval *time),
     (n, read, write, other, time), EINTR)
CALL(int, pselect,
     (int n, fd_set *read, fd_set *write, fd_set *other,
      const struct timespec *time, const sigset_t *signals),
     (n, read, write, other, time, signals), EINTR)
CALL(int, eventfd, (unsigned value, int flags), (value, flags), EMFILE)
CALL(int, timerfd_create, (clockid_t clock, int flags), (clock, flags), EMFILE)
CALL(int, pipe2, (int fds[2], int flags), (fds, flags), EMFILE)
CALL(int, pipe, (int fds[2]), (fds), EMFILE)
BYTES(read, (int fd, void *bytes, size_t n), (fd, bytes, n), ECONNRESET)
BYTES(write, (int fd, const void *bytes, size_t n), (fd, bytes, n), ECONNRESET)
BYTES(writev, (int fd, const struct iovec *parts, int n), (fd, parts, n),
      ECONNRESET)
BYTES(recv, (int fd, void *bytes, size_t n, int flags), (fd, bytes, n, flags),
      ECONNRESET)
BYTES(recvmsg, (int fd, struct msghdr *message, int flags),
      (fd, message, flags), ECONNRESET)
BYTES(recvfrom,
      (int fd, void *restrict bytes, size_t n, int flags,
       struct sockaddr *restrict address, socklen_t *restrict size),
      (fd, bytes, n, flags, address, size), ECONNRESET)
BYTES(send, (int fd, const void *bytes, size_t n, int flags),
      (fd, bytes, n, flags), ECONNRESET)
BYTES(sendmsg, (int fd, const struct msghdr *message, int flags),
      (fd, message, flags), ECONNRESET)
BYTES(sendto,
      (int fd, const void *bytes, size_t n, int flags,
       const struct sockaddr *address, socklen_t size),
      (fd, bytes, n, flags, address, size), ECONNRESET)

/* NOLINTEND(readability-*, bugprone-macro-parentheses) */
