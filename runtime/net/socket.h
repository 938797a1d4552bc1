#ifndef ML_NET_SOCKET_H
#define ML_NET_SOCKET_H

#include "net/address.h"

#include <stdbool.h>

/*
 * Sockets: opened, bound, connected, named.
 *
 * Every descriptor that comes from here is non-blocking and close-on-exec, and
 * belongs to the caller, who ends it with ml_io_close() (net/io.h). Nothing
 * blocks; what fails returns -errno and leaves no descriptor behind. For
 * options see net/socket_option.h.
 */

/* A socket of AF_INET, AF_INET6 or AF_UNIX; a descriptor or -errno. */
int ml_socket_open(int family, int type, int protocol);

/* Two connected Unix stream sockets; 0 or -errno. */
int ml_socket_pair(int fds[2]);

/* --- servers ------------------------------------------------------------- */

/* How to bind. Begin with ML_LISTEN_OPTIONS_INIT: zero is not the default. */
struct ml_listen_options {
    int backlog;    /* 0: as many as the system allows */
    bool reuseport; /* several sockets share the port; or -ENOPROTOOPT */

    /*
     * For IPv6. -1: an address for both families if the system can, and "::"
     * becomes 0.0.0.0 on a system without IPv6. 0 and 1: exactly so, or fail.
     */
    int v6only;

    int mode; /* permissions of a Unix socket's file; -1: what umask leaves */

    /*
     * Removes the file of a Unix socket that a dead server left behind. Only if
     * it is a socket and connecting to it is refused; a live server sees such
     * a connection come and go. Two servers that start at once on one path can
     * both find the file stale, and the slower removes the other's new one: who
     * starts servers in parallel needs a lock file.
     */
    bool unlink;
};

#define ML_LISTEN_OPTIONS_INIT   \
    {                            \
        .v6only = -1, .mode = -1 \
    }

/*
 * A listening stream socket; a descriptor or -errno. `options` may be NULL.
 * Internet addresses may be bound again at once after a restart (SO_REUSEADDR).
 * A Unix socket's file has its mode before anyone can connect; it is removed
 * again if listening fails, and is otherwise the caller's to remove. Its
 * directory must be one in which others cannot replace files.
 */
int ml_socket_listen(const struct ml_address *address,
                     const struct ml_listen_options *options);

/*
 * The same for datagrams: bound, not listening. SO_REUSEADDR stays off, since
 * for UDP it would let another process take the port's traffic.
 */
int ml_socket_bind(const struct ml_address *address,
                   const struct ml_listen_options *options);

/*
 * The next connection of a listener, and its peer's address unless `peer` is
 * NULL. A descriptor; -EAGAIN if there is none; else -errno, which the two
 * functions below tell apart.
 */
int ml_socket_accept(int fd, struct ml_address *peer);

/*
 * Is the (positive) errno of an accept the fault of the connection that would
 * have been next? It is gone then; the listener is well: try again at once.
 */
bool ml_socket_accept_transient(int err);

/*
 * Is it a lack of descriptors or memory? The connection stays in the queue, and
 * the listener stays readable: back off, or the loop spins.
 */
bool ml_socket_exhausted(int err);

/* --- clients ------------------------------------------------------------- */

/*
 * Begins to connect. 0: connected; -EINPROGRESS: wait until writable, then ask
 * ml_socket_connect_result(); else -errno. A Unix listener whose backlog is
 * full gives -EAGAIN: there is nothing to wait for then but time, after which
 * the same descriptor may try again. After any other failure it is fit for
 * closing only.
 */
int ml_socket_connect(int fd, const struct ml_address *address);

/*
 * How it ended: 0 if connected, -EINPROGRESS while it is still under way (a
 * wake-up was spurious), else -errno. The system tells the reason once: to ask
 * a failed socket again gives -ENOTCONN.
 *
 * Both functions give -ECONNREFUSED for a TCP socket that has connected to
 * itself, which happens when nobody listens on the port that it wants and the
 * system picks that very port as its own.
 */
int ml_socket_connect_result(int fd);

/* --- both ---------------------------------------------------------------- */

/*
 * True if it is known to be TCP, whose reads give all that has come, unless the
 * end, an error or urgent data are next.
 */
bool ml_socket_is_tcp(int fd);

/* `how` is SHUT_RD, SHUT_WR or SHUT_RDWR; 0 or -errno. */
int ml_socket_shutdown(int fd, int how);

/* The socket's own address, and that of its peer; 0 or -errno. */
int ml_socket_name(int fd, struct ml_address *out);
int ml_socket_peer(int fd, struct ml_address *out);

#endif
