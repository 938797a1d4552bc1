/* Writes of which the system takes a part, though it has room for more: it may
 * have run out of memory in the midst of them, for a moment. */

#include "api_fixture.h"

#ifdef ML_TLS_LIBRARY
#    include "proto/tls_bio.h"
#endif

#include <sys/socket.h>
#include <unistd.h>

static int writes;

/* (The system's header has a type of its own for the parameter `to`.) */
ssize_t sendto_one(int fd, const void *buf, size_t n, int flags,
                   const struct sockaddr *to, socklen_t len) __asm__("sendto");

/* NOLINTNEXTLINE(readability-function-size): the system's own parameters */
ssize_t sendto_one(int fd, const void *buf, size_t n, int flags,
                   const struct sockaddr *to, socklen_t len)
{
    (void)to; /* of a stream there is none */
    (void)len;
    writes++;
    return send(fd, buf, n > 0 ? 1 : 0, flags);
}

static void test_what_fits_is_more_than_what_one_write_takes(void)
{
    ml_loop *loop = open_loop(0);
    (void)spawn(loop, "local net = require 'miniloop.net'\n"
                      "local near, far = net.pair()\n"
                      "count = near:writesome('abcdef')\n"
                      "near:close()\n"
                      "bytes = far:read('a')\n"
                      "far:close()\n");
    CHECK_EQ(ml_run(loop, ML_RUN_DEFAULT), 0);
    CHECK(global_is(loop, "count", "6"));
    CHECK(global_is(loop, "bytes", "abcdef"));
    close_loop(loop);
}

#ifdef ML_TLS_LIBRARY

/* A close flushes once: the alert that tells the end may be what is held. */
static void test_what_tls_holds_goes_out_as_a_whole(void)
{
    const struct ml_alloc alloc = {counted, NULL};
    struct ml_tls_wire wire = {.alloc = &alloc, .socket = true};
    int fds[2];
    char bytes[8];

    CHECK_MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0);
    wire.fd = fds[0];
    ml_buffer_init(&wire.out);
    CHECK_EQ(ml_buffer_append(&wire.out, &alloc, "good-bye", 8), 0);
    writes = 0;
    CHECK_EQ(ml_tls_bio_flush(&wire), 0);
    CHECK_EQ(writes, 8);
    CHECK_EQ(read(fds[1], bytes, sizeof bytes), 8);
    ml_buffer_term(&wire.out, &alloc);
    CHECK_EQ(close(fds[0]), 0);
    CHECK_EQ(close(fds[1]), 0);
}

#endif

static const struct check_test tests[] = {
    CHECK_TEST(test_what_fits_is_more_than_what_one_write_takes),
#ifdef ML_TLS_LIBRARY
    CHECK_TEST(test_what_tls_holds_goes_out_as_a_whole),
#endif
};

int main(void)
{
    return check_run(tests, sizeof tests / sizeof tests[0]);
}
