/* Bytes in and out. What is done only in part, by the mode of the run, is
 * announced again where edges are waited for: see edges.h. */

#include "edges.h"
#include "mode.h"

#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>

/* Of a call that was cut from `n` to `cap` bytes and did `done`. */
static ssize_t ended(int fd, size_t n, size_t cap, ssize_t done)
{
    fault_mode_done(fd, done);
    if (cap < n && done >= 0) {
        fault_edges_renew(fd);
    }
    return done;
}

/* --- one piece -------------------------------------------------------------- */

ssize_t __real_read(int fd, void *buf, size_t n);
ssize_t __real_write(int fd, const void *buf, size_t n);
ssize_t __real_pread(int fd, void *buf, size_t n, off_t at);
ssize_t __real_sendfile(int to, int from, off_t *at, size_t n);
ssize_t __wrap_read(int fd, void *buf, size_t n);
ssize_t __wrap_write(int fd, const void *buf, size_t n);
ssize_t __wrap_pread(int fd, void *buf, size_t n, off_t at);
ssize_t __wrap_sendfile(int to, int from, off_t *at, size_t n);

ssize_t __wrap_read(int fd, void *buf, size_t n)
{
    size_t cap = fault_mode_cut(fd, n);
    if (fault_refuse(FAULT_read, fd, n)) {
        return -1;
    }
    return ended(fd, n, cap, __real_read(fd, buf, cap));
}

ssize_t __wrap_write(int fd, const void *buf, size_t n)
{
    size_t cap = fault_mode_cut_write(fd, n);
    if (fault_refuse(FAULT_write, fd, n)) {
        return -1;
    }
    return ended(fd, n, cap, __real_write(fd, buf, cap));
}

ssize_t __wrap_pread(int fd, void *buf, size_t n, off_t at)
{
    size_t cap = fault_mode_cut_at(fd, n, at);
    return fault_refuse(FAULT_pread, fd, n) ? -1
                                            : __real_pread(fd, buf, cap, at);
}

ssize_t __wrap_sendfile(int to, int from, off_t *at, size_t n)
{
    size_t cap = fault_mode_cut(to, n);
    if (fault_refuse(FAULT_sendfile, to, n)) {
        return -1;
    }
    return ended(to, n, cap, __real_sendfile(to, from, at, cap));
}

/* --- several pieces --------------------------------------------------------- */

ssize_t __real_writev(int fd, const struct iovec *pieces, int count);
ssize_t __real_sendmsg(int fd, const struct msghdr *message, int flags);
ssize_t __real_recvmsg(int fd, struct msghdr *message, int flags);
ssize_t __wrap_writev(int fd, const struct iovec *pieces, int count);
ssize_t __wrap_sendmsg(int fd, const struct msghdr *message, int flags);
ssize_t __wrap_recvmsg(int fd, struct msghdr *message, int flags);

static size_t sum(const struct iovec *pieces, size_t count)
{
    size_t n = 0;
    for (size_t i = 0; i < count; i++) {
        n += pieces[i].iov_len;
    }
    return n;
}

/* The beginning of the first piece that is not empty, `cap` bytes at most. */
static struct iovec first_piece(const struct iovec *pieces, size_t cap)
{
    while (pieces->iov_len == 0) {
        pieces++;
    }
    return (struct iovec){pieces->iov_base,
                          cap < pieces->iov_len ? cap : pieces->iov_len};
}

ssize_t __wrap_writev(int fd, const struct iovec *pieces, int count)
{
    size_t n = sum(pieces, (size_t)count);
    size_t cap = fault_mode_cut_write(fd, n);
    if (fault_refuse(FAULT_writev, fd, n)) {
        return -1;
    }
    if (cap == n) {
        return __real_writev(fd, pieces, count);
    }
    struct iovec piece = first_piece(pieces, cap);
    return ended(fd, n, cap, __real_writev(fd, &piece, 1));
}

ssize_t __wrap_sendmsg(int fd, const struct msghdr *message, int flags)
{
    size_t n = sum(message->msg_iov, message->msg_iovlen);
    size_t cap = fault_mode_cut(fd, n);
    if (fault_refuse(FAULT_sendmsg, fd, n)) {
        return -1;
    }
    if (cap == n) {
        return __real_sendmsg(fd, message, flags);
    }
    struct iovec piece = first_piece(message->msg_iov, cap);
    struct msghdr part = *message;
    part.msg_iov = &piece;
    part.msg_iovlen = 1;
    return ended(fd, n, cap, __real_sendmsg(fd, &part, flags));
}

/* Only for datagrams, which must stay whole. */
ssize_t __wrap_recvmsg(int fd, struct msghdr *message, int flags)
{
    size_t n = sum(message->msg_iov, message->msg_iovlen);
    return fault_refuse(FAULT_recvmsg, fd, n)
               ? -1
               : __real_recvmsg(fd, message, flags);
}

/* --- to somebody ------------------------------------------------------------ */

ssize_t __real_sendto(int fd, const void *buf, size_t n, int flags,
                      const struct sockaddr *to, socklen_t len);
ssize_t __wrap_sendto(int fd, const void *buf, size_t n, int flags,
                      const struct sockaddr *to, socklen_t len);

/* NOLINTNEXTLINE(readability-function-size): the system's own parameters */
ssize_t __wrap_sendto(int fd, const void *buf, size_t n, int flags,
                      const struct sockaddr *to, socklen_t len)
{
    size_t cap = fault_mode_cut(fd, n);
    if (fault_refuse(FAULT_sendto, fd, n)) {
        return -1;
    }
    return ended(fd, n, cap, __real_sendto(fd, buf, cap, flags, to, len));
}
