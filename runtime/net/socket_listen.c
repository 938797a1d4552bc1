#include "net/io.h"
#include "net/socket.h"

#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * Binding. A Unix socket gets its permissions between bind() and listen(): its
 * file exists then, but nobody can connect to it yet, so that the looser mode
 * that umask may have left is never of use to anyone. To set umask itself would
 * change it for every thread of the process.
 */

/* FreeBSD spreads connections over the sockets only by the second name. */
#if defined(SO_REUSEPORT_LB)
#    define REUSEPORT SO_REUSEPORT_LB
#elif defined(SO_REUSEPORT)
#    define REUSEPORT SO_REUSEPORT
#else
#    define REUSEPORT (-1) /* no system has it: ENOPROTOOPT */
#endif

static const struct ml_listen_options defaults = ML_LISTEN_OPTIONS_INIT;

static int set_int(int fd, int level, int option, int value)
{
    return setsockopt(fd, level, option, &value, sizeof value) != 0 ? -errno
                                                                    : 0;
}

/* --- before bind() ------------------------------------------------------- */

/* OpenBSD has no dual-stack sockets: what is only a wish (-1) may fail. */
static int set_v6only(int fd, int v6only)
{
    int err = set_int(fd, IPPROTO_IPV6, IPV6_V6ONLY, v6only == 1);

    return v6only < 0 ? 0 : err;
}

static int prepare(int fd, const struct ml_address *address, int type,
                   const struct ml_listen_options *options)
{
    int family = ml_address_family(address);
    int err = 0;

    if (family == AF_INET6)
        err = set_v6only(fd, options->v6only);
    if (err == 0 && family != AF_UNIX && type == SOCK_STREAM)
        err = set_int(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    if (err == 0 && options->reuseport)
        err = set_int(fd, SOL_SOCKET, REUSEPORT, 1);
    return err;
}

/* --- files of Unix sockets ----------------------------------------------- */

/* Gets the path of a socket's file; false if it has none. */
static bool file_of(const struct ml_address *address,
                    char path[ML_ADDRESS_TEXT_SIZE])
{
    if (ml_address_family(address) != AF_UNIX ||
        address->un.sun_path[0] == '\0')
        return false;
    return ml_address_host(address, path, ML_ADDRESS_TEXT_SIZE) > 0;
}

/* Does connecting to it get the answer that nobody is there? */
static bool nobody_listens(const struct ml_address *address, int type)
{
    int fd = ml_socket_open(AF_UNIX, type, 0);
    int err;

    if (fd < 0)
        return false;
    err = ml_socket_connect(fd, address);
    (void)ml_io_close(fd); /* nothing was written that could be lost */
    return err == -ECONNREFUSED;
}

static bool remove_stale(const struct ml_address *address, int type)
{
    char path[ML_ADDRESS_TEXT_SIZE];
    struct stat st;

    return file_of(address, path) && lstat(path, &st) == 0 &&
           S_ISSOCK(st.st_mode) && nobody_listens(address, type) &&
           unlink(path) == 0;
}

/* After a failure: what bind() made goes with the socket. */
static void remove_own(const struct ml_address *address)
{
    char path[ML_ADDRESS_TEXT_SIZE];

    if (file_of(address, path))
        (void)unlink(path); /* the error that matters is an earlier one */
}

static int set_mode(const struct ml_address *address, int mode)
{
    char path[ML_ADDRESS_TEXT_SIZE];

    if (mode < 0 || !file_of(address, path))
        return 0;
    return chmod(path, (mode_t)mode) != 0 ? -errno : 0;
}

/* --- bind() -------------------------------------------------------------- */

static int bind_once(int fd, const struct ml_address *address)
{
    return bind(fd, &address->base, address->len) != 0 ? -errno : 0;
}

static int bind_address(int fd, const struct ml_address *address, int type,
                        const struct ml_listen_options *options)
{
    int err = bind_once(fd, address);

    if (err == -EADDRINUSE && options->unlink && remove_stale(address, type))
        err = bind_once(fd, address);
    if (err != 0)
        return err;
    err = set_mode(address, options->mode);
    if (err != 0)
        remove_own(address);
    return err;
}

static int open_bound(const struct ml_address *address, int type,
                      const struct ml_listen_options *options)
{
    int fd = ml_socket_open(ml_address_family(address), type, 0);
    int err;

    if (fd < 0)
        return fd;
    err = prepare(fd, address, type, options);
    if (err == 0)
        err = bind_address(fd, address, type, options);
    if (err == 0)
        return fd;
    (void)ml_io_close(fd); /* the error that matters is the earlier one */
    return err;
}

/* As above, but "::" may become 0.0.0.0: `*bound` is what it is then. */
static int open_bound_any(struct ml_address *bound, int type,
                          const struct ml_listen_options *options)
{
    int fd = open_bound(bound, type, options);

    if (fd != -EAFNOSUPPORT || options->v6only >= 0 ||
        ml_address_family(bound) != AF_INET6 || !ml_address_isany(bound))
        return fd;
    ml_address_any(bound, AF_INET, (uint16_t)ml_address_port(bound));
    return open_bound(bound, type, options);
}

int ml_socket_bind(const struct ml_address *address,
                   const struct ml_listen_options *options)
{
    struct ml_address bound = *address;

    return open_bound_any(&bound, SOCK_DGRAM,
                          options != NULL ? options : &defaults);
}

int ml_socket_listen(const struct ml_address *address,
                     const struct ml_listen_options *options)
{
    struct ml_address bound = *address;
    const struct ml_listen_options *o = options != NULL ? options : &defaults;
    int fd = open_bound_any(&bound, SOCK_STREAM, o);
    int err;

    if (fd < 0)
        return fd;
    /* The system cuts a backlog down to the most that it allows. */
    if (listen(fd, o->backlog > 0 ? o->backlog : INT_MAX) == 0)
        return fd;
    err = -errno;
    remove_own(&bound);
    (void)ml_io_close(fd);
    return err;
}
