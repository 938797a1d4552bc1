#include "net/io.h"

#include "net/quiet.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/* Without the flag (older macOS) sockets are written to like pipes. */
#ifndef MSG_NOSIGNAL
#    define MSG_NOSIGNAL 0
#endif

/* macOS refuses a count above INT_MAX instead of doing part of it. */
enum {
    COUNT_MAX = 1 << 30
};

/* POSIX promises 16; the systems that we know take 1024. */
#ifdef IOV_MAX
enum {
    PIECES_MAX = IOV_MAX
};
#else
enum {
    PIECES_MAX = 16
};
#endif

static size_t clamp(size_t n)
{
    return n < COUNT_MAX ? n : COUNT_MAX;
}

/* --- what it is ---------------------------------------------------------- */

static int socket_int(int fd, int option)
{
    int value = 0;
    socklen_t len = sizeof value;

    if (getsockopt(fd, SOL_SOCKET, option, &value, &len) != 0)
        return -1;
    return value;
}

/* Not every system tells who listens. */
static enum ml_io_kind socket_kind(int fd)
{
    int listens = socket_int(fd, SO_ACCEPTCONN);
    if (listens > 0)
        return ML_IO_LISTENER;
    int type =
        listens < 0 && errno != ENOPROTOOPT ? listens : socket_int(fd, SO_TYPE);
    if (type < 0)
        return ML_IO_BAD;
    return type == SOCK_STREAM ? ML_IO_STREAM : ML_IO_DGRAM;
}

enum ml_io_kind ml_io_kind(int fd)
{
    struct stat st;

    if (fstat(fd, &st) != 0)
        return ML_IO_BAD;
    if (S_ISSOCK(st.st_mode))
        return socket_kind(fd);
    if (S_ISFIFO(st.st_mode))
        return ML_IO_PIPE;
    if (S_ISREG(st.st_mode) || S_ISDIR(st.st_mode) || S_ISBLK(st.st_mode))
        return ML_IO_FILE;
    if (S_ISCHR(st.st_mode) && isatty(fd))
        return ML_IO_TTY;
    return ML_IO_OTHER;
}

int ml_io_events(int fd, short events)
{
    struct pollfd entry = {.fd = fd, .events = events};
    int n;

    do {
        n = poll(&entry, 1, 0);
    } while (n < 0 && errno == EINTR);
    /* EAGAIN is how some systems say that there is no memory just now. */
    if (n < 0)
        return errno == EAGAIN ? -ENOMEM : -errno;
    return entry.revents;
}

/* --- bytes --------------------------------------------------------------- */

/*
 * A peer that has not answered for as long as the system asks is ETIMEDOUT to the
 * system. To whoever reads and writes, that code says that a time of his own is
 * up, and that he may go on: he would do so for ever.
 */
static ssize_t stream_error(void)
{
    return errno == ETIMEDOUT ? -ECONNABORTED : -errno;
}

ssize_t ml_io_read(int fd, void *buf, size_t n)
{
    ssize_t got;

    do {
        got = read(fd, buf, clamp(n));
    } while (got < 0 && errno == EINTR);
    return got < 0 ? stream_error() : got;
}

static ssize_t write_retrying(int fd, const void *buf, size_t n)
{
    ssize_t put;

    do {
        put = write(fd, buf, n);
    } while (put < 0 && errno == EINTR);
    return put < 0 ? stream_error() : put;
}

static ssize_t writev_retrying(int fd, struct iovec *pieces, int n)
{
    ssize_t put;

    do {
        put = writev(fd, pieces, n);
    } while (put < 0 && errno == EINTR);
    return put < 0 ? stream_error() : put;
}

static bool is_short(ssize_t put, const struct iovec *pieces, size_t n)
{
    size_t sum = 0;

    for (size_t i = 0; i < n; i++)
        sum += pieces[i].iov_len;
    return put >= 0 && (size_t)put < sum;
}

static ssize_t send_retrying(int fd, const void *buf, size_t n,
                             const struct ml_address *to)
{
    const struct sockaddr *name = to != NULL ? &to->base : NULL;
    socklen_t len = to != NULL ? to->len : 0;
    ssize_t put;

    do {
        put = sendto(fd, buf, n, MSG_NOSIGNAL, name, len);
    } while (put < 0 && errno == EINTR);
    return put < 0 ? stream_error() : put;
}

static ssize_t sendv_retrying(int fd, struct iovec *pieces, size_t n)
{
    /* The field is an int or a size_t, by system; this widens to either. */
    unsigned short count = (unsigned short)n;
    struct msghdr message = {.msg_iov = pieces, .msg_iovlen = count};
    ssize_t put;

    do {
        put = sendmsg(fd, &message, MSG_NOSIGNAL);
    } while (put < 0 && errno == EINTR);
    return put < 0 ? stream_error() : put;
}

ssize_t ml_io_write(int fd, const void *buf, size_t n, bool is_socket)
{
    struct ml_quiet quiet;
    ssize_t put;

    if (is_socket && MSG_NOSIGNAL != 0)
        return send_retrying(fd, buf, clamp(n), NULL);
    ml_quiet_begin(&quiet);
    put = write_retrying(fd, buf, clamp(n));
    ml_quiet_end(&quiet, put == -EPIPE || (put >= 0 && (size_t)put < n));
    return put;
}

ssize_t ml_io_writev(int fd, struct iovec *pieces, size_t n, bool is_socket)
{
    struct ml_quiet quiet;
    ssize_t put;

    if (n > PIECES_MAX)
        n = PIECES_MAX;
    if (is_socket && MSG_NOSIGNAL != 0)
        return sendv_retrying(fd, pieces, n);
    ml_quiet_begin(&quiet);
    put = writev_retrying(fd, pieces, (int)n);
    ml_quiet_end(&quiet, put == -EPIPE || is_short(put, pieces, n));
    return put;
}

/* --- datagrams ----------------------------------------------------------- */

ssize_t ml_io_sendto(int fd, const void *buf, size_t n,
                     const struct ml_address *to)
{
    return send_retrying(fd, buf, n, to);
}

ssize_t ml_io_recvfrom(int fd, void *buf, size_t n, struct ml_address *from,
                       bool *truncated)
{
    struct iovec piece = {.iov_base = buf, .iov_len = n};
    struct msghdr message = {.msg_iov = &piece, .msg_iovlen = 1};
    ssize_t got;

    if (from != NULL) {
        message.msg_name = &from->storage;
        message.msg_namelen = sizeof from->storage;
    }
    do {
        got = recvmsg(fd, &message, 0);
    } while (got < 0 && errno == EINTR);
    if (got < 0)
        return -errno;
    if (from != NULL)
        from->len = message.msg_namelen;
    if (truncated != NULL)
        *truncated = (message.msg_flags & MSG_TRUNC) != 0;
    return got;
}

/* --- descriptors --------------------------------------------------------- */

int ml_io_nonblock(int fd, bool on)
{
    int flags = fcntl(fd, F_GETFL);
    int wanted = on ? flags | O_NONBLOCK : flags & ~O_NONBLOCK;

    if (flags < 0)
        return -errno;
    if (wanted != flags && fcntl(fd, F_SETFL, wanted) < 0)
        return -errno;
    return 0;
}

int ml_io_cloexec(int fd)
{
    int flags = fcntl(fd, F_GETFD);

    if (flags < 0 || fcntl(fd, F_SETFD, flags | FD_CLOEXEC) < 0)
        return -errno;
    return 0;
}

int ml_io_close(int fd)
{
    if (close(fd) == 0 || errno == EINTR || errno == EINPROGRESS)
        return 0;
    return -errno;
}
