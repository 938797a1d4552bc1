#ifndef ML_SPEC_NET_FIXTURE_H
#define ML_SPEC_NET_FIXTURE_H

#include "check.h"
#include "net/address.h"
#include "net/io.h"
#include "net/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

/*
 * What the specs of sockets share: addresses from text, connections, waiting
 * for one descriptor.
 */

static inline struct ml_address address_of(const char *text)
{
    struct ml_endpoint endpoint;
    struct ml_address address;
    const char *why = "";

    CHECK_MUST(ml_endpoint_parse(&endpoint, text, strlen(text), &why) == 0);
    CHECK_MUST(ml_address_numeric(&endpoint, true, &address) == 0);
    return address;
}

static inline bool reads(const struct ml_address *address, const char *text)
{
    char got[ML_ADDRESS_TEXT_SIZE];

    CHECK_EQ(ml_address_format(address, got, sizeof got), strlen(text));
    if (strcmp(got, text) != 0)
        (void)printf("  got '%s', not '%s'\n", got, text);
    return strcmp(got, text) == 0;
}

/* The name of a socket that must have one. */
static inline struct ml_address name_of(int fd)
{
    struct ml_address name;

    CHECK_MUST(ml_socket_name(fd, &name) == 0);
    return name;
}

/* Many containers have no IPv6; what needs it is not tried there. */
static inline bool has_ipv6(void)
{
    struct ml_address loopback = address_of("[::1]:0");
    int fd = ml_socket_bind(&loopback, NULL);

    return fd >= 0 && ml_io_close(fd) == 0;
}

/* Waits for what must come; false only if it did not within ten seconds. */
static inline bool comes(int fd, short events)
{
    struct pollfd entry = {.fd = fd, .events = events};

    return poll(&entry, 1, 10000) == 1;
}

/* --- sockets ------------------------------------------------------------- */

static const struct ml_listen_options plain = ML_LISTEN_OPTIONS_INIT;

static inline int listen_at(const char *text)
{
    struct ml_address address = address_of(text);

    return ml_socket_listen(&address, NULL);
}

static inline void close_all(const int *fds, size_t count)
{
    for (size_t i = 0; i < count; i++)
        CHECK_EQ(ml_io_close(fds[i]), 0);
}

/* Connects, to the end; a descriptor or -errno. */
static inline int connect_to(const struct ml_address *address)
{
    int fd = ml_socket_open(ml_address_family(address), SOCK_STREAM, 0);
    int err;

    CHECK_MUST(fd >= 0);
    err = ml_socket_connect(fd, address);
    if (err == -EINPROGRESS) {
        CHECK(comes(fd, POLLOUT));
        err = ml_socket_connect_result(fd);
    }
    if (err == 0)
        return fd;
    CHECK_EQ(ml_io_close(fd), 0);
    return err;
}

static inline int accept_from(int listener, struct ml_address *peer)
{
    CHECK_MUST(comes(listener, POLLIN));
    return ml_socket_accept(listener, peer);
}

static inline bool born_right(int fd)
{
    return (fcntl(fd, F_GETFL) & O_NONBLOCK) != 0 &&
           (fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0;
}

/* --- files of Unix sockets ----------------------------------------------- */

static char directory[32]; /* made when first wanted; gone after net_run() */

/* The address of a file there, and its path, which has room for an address. */
static inline struct ml_address file_address(const char *name, char *path)
{
    char text[5 + ML_ADDRESS_TEXT_SIZE];

    if (directory[0] == '\0') {
        (void)snprintf(directory, sizeof directory, "/tmp/ml_test.XXXXXX");
        CHECK_MUST(mkdtemp(directory) != NULL);
    }
    (void)snprintf(path, ML_ADDRESS_TEXT_SIZE, "%s/%s", directory, name);
    (void)snprintf(text, sizeof text, "unix:%s", path);
    return address_of(text);
}

/* --- running ------------------------------------------------------------- */

static inline int count_open(void)
{
    int count = 0;

    for (int fd = 0; fd < 256; fd++)
        count += fcntl(fd, F_GETFD) >= 0;
    return count;
}

/* As check_run; besides, no test may leave a descriptor or a file behind. */
static inline int net_run(const struct check_test *tests, size_t count)
{
    int before = count_open();
    int status = check_run(tests, count);

    if (count_open() != before) {
        (void)printf("descriptors: %d, then %d\n", before, count_open());
        status = EXIT_FAILURE;
    }
    if (directory[0] != '\0' && rmdir(directory) != 0) {
        (void)printf("%s is not empty\n", directory);
        status = EXIT_FAILURE;
    }
    return status;
}

#endif
