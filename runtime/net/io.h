#ifndef ML_NET_IO_H
#define ML_NET_IO_H

#include "net/address.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <sys/uio.h>

/*
 * Bytes in and out of any descriptor, without surprises: errors come back as
 * -errno, an interrupted call is made again, and nothing raises SIGPIPE. On a
 * non-blocking descriptor "would block" is -EAGAIN.
 */

/* What stands behind a descriptor. */
enum ml_io_kind {
    ML_IO_BAD,      /* not an open descriptor, or nobody can say: see errno */
    ML_IO_STREAM,   /* a stream socket, connected or not yet */
    ML_IO_DGRAM,    /* a socket that keeps the bounds of messages */
    ML_IO_LISTENER, /* a listening socket */
    ML_IO_PIPE,     /* a pipe or FIFO */
    ML_IO_TTY,      /* a terminal */
    ML_IO_FILE,     /* a file, directory or disk: always ready */
    ML_IO_OTHER     /* another device, an eventfd, a poller, ... */
};

enum ml_io_kind ml_io_kind(int fd);

/*
 * What poll(2) says of a descriptor now, without waiting: its events, 0 if
 * there are none, or -errno.
 */
int ml_io_events(int fd, short events);

/* --- bytes --------------------------------------------------------------- */

/* Some bytes, 0 at the end of the stream, or -errno. -ECONNABORTED: the peer does
 * not answer any more (ETIMEDOUT of the system); writing gives it, too. */
ssize_t ml_io_read(int fd, void *buf, size_t n);

/*
 * Writes what fits; how much that was, or -errno. `is_socket` must be true
 * exactly for sockets: there one flag keeps SIGPIPE away, elsewhere the signal
 * is blocked for this thread around the write, which costs two system calls.
 * Handlers, dispositions and signals already pending are left alone.
 */
ssize_t ml_io_write(int fd, const void *buf, size_t n, bool is_socket);

/*
 * The same from several pieces, which are not changed. Of more than the system
 * takes at a time it writes the first.
 */
ssize_t ml_io_writev(int fd, struct iovec *pieces, size_t n, bool is_socket);

/* --- datagrams ----------------------------------------------------------- */

/*
 * Sends one datagram, to the connected peer if `to` is NULL; its length, or
 * -errno. -EMSGSIZE: too long for the protocol. On a connected socket an
 * earlier datagram that was refused is told here, too: -ECONNREFUSED.
 */
ssize_t ml_io_sendto(int fd, const void *buf, size_t n,
                     const struct ml_address *to);

/*
 * Receives one datagram; the number of bytes in `buf` (0 is an empty datagram),
 * or -errno. `from` and `truncated` may be NULL; `*truncated` says that it was
 * longer than `buf` and the rest is lost.
 */
ssize_t ml_io_recvfrom(int fd, void *buf, size_t n, struct ml_address *from,
                       bool *truncated);

/* --- descriptors --------------------------------------------------------- */

/*
 * Sets or clears O_NONBLOCK; 0 or -errno. The flag belongs to the open file,
 * not the descriptor: other processes that share it (a terminal) see it change.
 */
int ml_io_nonblock(int fd, bool on);

/* Sets close-on-exec; 0 or -errno. */
int ml_io_cloexec(int fd);

/*
 * Closes, once: 0 or -errno, and the number is free in every case but EBADF. An
 * interrupted close has closed; trying again could hit a number that another
 * thread was just given.
 */
int ml_io_close(int fd);

#endif
