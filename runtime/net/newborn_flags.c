#include "net/newborn.h"

#if ML_NEWBORN_FLAGS

#    include <errno.h>

enum {
    FLAGS = SOCK_NONBLOCK | SOCK_CLOEXEC
};

int ml_newborn_socket(int family, int type, int protocol)
{
    int fd = socket(family, type | FLAGS, protocol);

    return fd < 0 ? -errno : fd;
}

int ml_newborn_accept(int fd, struct sockaddr *peer, socklen_t *len)
{
    int born = accept4(fd, peer, len, FLAGS);

    return born < 0 ? -errno : born;
}

int ml_newborn_pair(int family, int type, int fds[2])
{
    return socketpair(family, type | FLAGS, 0, fds) != 0 ? -errno : 0;
}

#endif
