/* Sockets: made, bound, connected, asked. */

#include "mode.h"
#include "wrap.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <sys/socket.h>

FAULT_WRAP(socket, int, -1, (int family, int type, int protocol),
           (family, type, protocol))

FAULT_WRAP(socketpair, int, -1,
           (int family, int type, int protocol, int fds[2]),
           (family, type, protocol, fds))

FAULT_WRAP(bind, int, -1, (int fd, const struct sockaddr *to, socklen_t len),
           (fd, to, len))

FAULT_WRAP(listen, int, -1, (int fd, int backlog), (fd, backlog))

int __real_shutdown(int fd, int how);
int __wrap_shutdown(int fd, int how);

int __wrap_shutdown(int fd, int how)
{
    if (fault_strike(FAULT_shutdown) != 0) {
        return -1;
    }
    fault_mode_shut(fd);
    return __real_shutdown(fd, how);
}

FAULT_WRAP(getsockopt, int, -1,
           (int fd, int level, int option, void *value, socklen_t *len),
           (fd, level, option, value, len))

int __real_setsockopt(int fd, int level, int option, const void *value,
                      socklen_t len);
int __wrap_setsockopt(int fd, int level, int option, const void *value,
                      socklen_t len);

/* Without TCP_NODELAY the system would hold bytes back for a time that a clock
 * that jumps does not wait: so of that the refusal alone is seen. */
int __wrap_setsockopt(int fd, int level, int option, const void *value,
                      socklen_t len)
{
    int code = fault_strike(FAULT_setsockopt);
    bool told = code == 0 || (level == IPPROTO_TCP && option == TCP_NODELAY);
    int done = told ? __real_setsockopt(fd, level, option, value, len) : -1;
    errno = code != 0 ? code : errno;
    return code != 0 ? -1 : done;
}

FAULT_WRAP(getsockname, int, -1,
           (int fd, struct sockaddr *name, socklen_t *len), (fd, name, len))

FAULT_WRAP(getpeername, int, -1,
           (int fd, struct sockaddr *name, socklen_t *len), (fd, name, len))

int __real_accept4(int fd, struct sockaddr *peer, socklen_t *len, int flags);
int __wrap_accept4(int fd, struct sockaddr *peer, socklen_t *len, int flags);

int __wrap_accept4(int fd, struct sockaddr *peer, socklen_t *len, int flags)
{
    return fault_refuse(FAULT_accept4, fd, 0)
               ? -1
               : __real_accept4(fd, peer, len, flags);
}

int __real_connect(int fd, const struct sockaddr *to, socklen_t len);
int __wrap_connect(int fd, const struct sockaddr *to, socklen_t len);

/* Says that a connect goes on, as it then must, after it has begun; where there
 * is none to wait for, with datagrams, it is simply made. */
static int connect_in_part(int fd, const struct sockaddr *to, socklen_t len,
                           int code)
{
    int type = 0;
    socklen_t size = sizeof type;
    int done = __real_connect(fd, to, len);
    if (done != 0 && errno != EINPROGRESS) {
        return done;
    }
    if (__real_getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 &&
        type == SOCK_DGRAM) {
        return done;
    }
    errno = code;
    return -1;
}

int __wrap_connect(int fd, const struct sockaddr *to, socklen_t len)
{
    int code = fault_strike(FAULT_connect);
    if (code == EINTR || code == EINPROGRESS || code == EALREADY) {
        return connect_in_part(fd, to, len, code);
    }
    return code != 0 ? -1 : __real_connect(fd, to, len);
}
