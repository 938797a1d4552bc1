/* transport.h - what carries the bytes of a stream.
 *
 * A stream without a transport, as most are, reads and writes its descriptor
 * itself. One that has a transport (TLS) leaves both to it, and keeps what is
 * the same for all: turns, timeouts, formats, waiting, closing. The transport
 * never waits, registers nothing, and knows neither tasks nor calls. */
#ifndef ML_SYS_TRANSPORT_H
#define ML_SYS_TRANSPORT_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <sys/uio.h>

/* What reading and writing answer besides counts and -errno, when they would
 * block: -EAGAIN if the descriptor has to be waited for in the direction of
 * the call, and this if in the other one. No errno, nor ML_WAIT. */
enum {
    ML_TRANSPORT_OTHER = -0x7ffe
};

struct ml_transport;

/* None of these may use Lua, for a collector may call them, or close the
 * descriptor. Each is called with the stream open, by one task at a time in
 * each direction. */
struct ml_transport_ops {
    const char *name; /* as reports say it: "tls" */

    /* Reads at most `n` bytes (not 0): their number, 0 at the end of the
     * stream, -EAGAIN, ML_TRANSPORT_OTHER, or -errno (of base/errno.h). It may
     * give fewer than there are: a short read means nothing. */
    ssize_t (*read)(struct ml_transport *t, void *buf, size_t n);

    /* Takes bytes to be sent from the front of the pieces: how many, which may
     * be more than were sent, so that they are not given to it again; or the
     * same as `read`, having taken none. The next pieces need not be those that
     * it could not take. Without pieces (`n` is 0) it sends what it has taken:
     * 0 when nothing of it is left, and the same as `read`. */
    ssize_t (*write)(struct ml_transport *t, struct iovec *pieces, size_t n);

    /* How many bytes it has taken and not sent. */
    size_t (*unsent)(const struct ml_transport *t);

    /* Ends the directions of `how` (SHUT_RD, ...). 0 when that is done, -EAGAIN
     * (wait for writing) or ML_TRANSPORT_OTHER (for reading): call again; or
     * -errno. */
    int (*shutdown)(struct ml_transport *t, int how);

    /* True if a read would not block though the descriptor has nothing to
     * read. It is asked after each call that reads or writes. */
    bool (*pending)(const struct ml_transport *t);

    /* The same, found out by reading ahead: bytes of the descriptor need not be
     * bytes of the stream. 1; 0, which is an -EAGAIN of the descriptor; or
     * ML_TRANSPORT_OTHER: something has to be sent first. */
    int (*look)(struct ml_transport *t);

    /* Why the last call failed, if the code does not say it all; or NULL. Good
     * until the next call. */
    const char *(*reason)(const struct ml_transport *t);

    /* Frees the transport. Called once, before the descriptor is closed; what
     * can be said to the peer without waiting may be said. */
    void (*close)(struct ml_transport *t);
};

/* The head of each transport's own struct. */
struct ml_transport {
    const struct ml_transport_ops *ops;
};

/* True if what reading or writing answered means that it would block. */
static inline bool ml_transport_blocks(ssize_t n)
{
    return n == -EAGAIN || n == ML_TRANSPORT_OTHER;
}

#endif
