#include "net/newborn.h"

#if !ML_NEWBORN_FLAGS

#    include "net/io.h"

#    include <errno.h>

/* Gives a descriptor its flags, or closes it; `fd` or -errno. */
static int raise_child(int fd)
{
    int err = fd < 0 ? -errno : ml_io_cloexec(fd);

    if (err == 0)
        err = ml_io_nonblock(fd, true);
    if (err == 0)
        return fd;
    if (fd >= 0)
        (void)ml_io_close(fd); /* the error that matters is the first */
    return err;
}

int ml_newborn_socket(int family, int type, int protocol)
{
    return raise_child(socket(family, type, protocol));
}

int ml_newborn_accept(int fd, struct sockaddr *peer, socklen_t *len)
{
    return raise_child(accept(fd, peer, len));
}

int ml_newborn_pair(int family, int type, int fds[2])
{
    int err;

    if (socketpair(family, type, 0, fds) != 0)
        return -errno;
    err = raise_child(fds[0]);
    if (err < 0) {
        (void)ml_io_close(fds[1]);
        return err;
    }
    err = raise_child(fds[1]);
    if (err < 0) {
        (void)ml_io_close(fds[0]);
        return err;
    }
    return 0;
}

#endif
