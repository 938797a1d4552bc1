#include "net/socket.h"

#include "net/io.h"
#include "net/newborn.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stddef.h>
#include <sys/socket.h>

int ml_socket_open(int family, int type, int protocol)
{
    return ml_newborn_socket(family, type, protocol);
}

int ml_socket_pair(int fds[2])
{
    return ml_newborn_pair(AF_UNIX, SOCK_STREAM, fds);
}

/* Where the system cannot be asked, nothing is known. */
bool ml_socket_is_tcp(int fd)
{
#ifdef SO_PROTOCOL
    int protocol = 0;
    socklen_t len = sizeof protocol;

    return getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &len) == 0 &&
           protocol == IPPROTO_TCP;
#else
    (void)fd;
    return false;
#endif
}

/* --- accepting ----------------------------------------------------------- */

int ml_socket_accept(int fd, struct ml_address *peer)
{
    int born;

    do {
        if (peer != NULL)
            peer->len = sizeof peer->storage;
        born = ml_newborn_accept(fd, peer != NULL ? &peer->base : NULL,
                                 peer != NULL ? &peer->len : NULL);
    } while (born == -EINTR);
    return born;
}

/*
 * Linux hands out errors of the new connection here (accept(2) lists them), and
 * EPERM for one that the firewall forbids; others have ECONNABORTED only.
 * EOPNOTSUPP is in that list too, but is also what a socket that can never
 * accept anything says, and to try that again would never end.
 */
static const int connection_errors[] = {
    ECONNABORTED, ECONNRESET,  EPROTO,       ENOPROTOOPT, EPERM,
    ENETDOWN,     ENETUNREACH, EHOSTUNREACH, EHOSTDOWN,   ETIMEDOUT,
#ifdef ENONET
    ENONET,
#endif
};

bool ml_socket_accept_transient(int err)
{
    const size_t count = sizeof connection_errors / sizeof connection_errors[0];

    for (size_t i = 0; i < count; i++) {
        if (connection_errors[i] == err)
            return true;
    }
    return false;
}

bool ml_socket_exhausted(int err)
{
    return err == EMFILE || err == ENFILE || err == ENOBUFS || err == ENOMEM;
}

/* --- connecting ---------------------------------------------------------- */

/*
 * 0, or -ECONNREFUSED for a TCP socket that is its own peer: two ends that call
 * each other at once make a connection, and one socket can be both ends.
 */
static int refuse_self(int fd, const struct ml_address *peer)
{
    struct ml_address own;

    if (ml_address_port(peer) < 0 || ml_io_kind(fd) != ML_IO_STREAM)
        return 0;
    if (ml_socket_name(fd, &own) != 0 || !ml_address_equal(&own, peer))
        return 0;
    return -ECONNREFUSED;
}

/* A connect that a signal interrupts goes on in the background. */
int ml_socket_connect(int fd, const struct ml_address *address)
{
    if (connect(fd, &address->base, address->len) == 0)
        return refuse_self(fd, address);
    if (errno == EINTR || errno == EALREADY)
        return -EINPROGRESS;
    return -errno;
}

static int take_error(int fd)
{
    int error = 0;
    socklen_t len = sizeof error;

    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0)
        return -errno;
    return -error;
}

/*
 * SO_ERROR alone is not enough: it is 0 as well while the connect is under way,
 * and after the error was told once. Only a peer's name proves a connection.
 */
int ml_socket_connect_result(int fd)
{
    struct ml_address peer;
    /* Only a socket whose connect is over, well or not, is writable. */
    int found = ml_io_events(fd, POLLOUT);
    int err;

    if (found <= 0)
        return found < 0 ? found : -EINPROGRESS;
    err = take_error(fd);
    if (err == 0)
        err = ml_socket_peer(fd, &peer);
    if (err == 0)
        err = refuse_self(fd, &peer);
    return err;
}

/* --- the rest ------------------------------------------------------------ */

int ml_socket_shutdown(int fd, int how)
{
    return shutdown(fd, how) != 0 ? -errno : 0;
}

int ml_socket_name(int fd, struct ml_address *out)
{
    out->len = sizeof out->storage;
    return getsockname(fd, &out->base, &out->len) != 0 ? -errno : 0;
}

int ml_socket_peer(int fd, struct ml_address *out)
{
    out->len = sizeof out->storage;
    return getpeername(fd, &out->base, &out->len) != 0 ? -errno : 0;
}
