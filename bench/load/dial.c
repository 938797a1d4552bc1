#include "dial.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#ifndef IP_BIND_ADDRESS_NO_PORT
#    define IP_BIND_ADDRESS_NO_PORT 24
#endif

enum {
    SOURCES = 200,
    PATIENCE = 20 /* seconds, of a socket that blocks */
};

static bool dial_prepare(int fd, long n)
{
    int on = 1;
    struct timeval patience = {.tv_sec = PATIENCE};
    struct sockaddr_in source = {
        .sin_family = AF_INET,
        .sin_addr.s_addr =
            htonl(INADDR_LOOPBACK + 1 + (uint32_t)(n % SOURCES))};
    return setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) == 0 &&
           setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience,
                      sizeof patience) == 0 &&
           setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on,
                      sizeof on) == 0 &&
           bind(fd, (struct sockaddr *)&source, sizeof source) == 0;
}

static bool dial_connect(int fd, const struct load_options *options)
{
    const struct sockaddr_in *address = &options->address;
    return connect(fd, (const struct sockaddr *)address, sizeof *address) ==
               0 ||
           errno == EINPROGRESS;
}

int dial_open(const struct load_options *options, long n, bool blocking)
{
    int flags = blocking ? 0 : SOCK_NONBLOCK;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);
    if (fd >= 0 && (!dial_prepare(fd, n) || !dial_connect(fd, options))) {
        int error = errno;
        (void)close(fd);
        errno = error;
        return -1;
    }
    return fd;
}

void dial_reset(int fd)
{
    struct linger linger = {.l_onoff = 1, .l_linger = 0};
    (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
    (void)close(fd);
}
