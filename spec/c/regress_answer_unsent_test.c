/* An answer of a pipeline that was held back, and then could not be sent: nobody
 * was told of it, and its client waited until the next one was made. */

#define _GNU_SOURCE 1 /* RTLD_NEXT */

#include "api_fixture.h"

#include <dlfcn.h>
#include <errno.h>
#include <sys/socket.h>
#include <sys/types.h>

typedef ssize_t send_fn(int fd, const void *bytes, size_t n, int flags,
                        const struct sockaddr *to, socklen_t len);

static const int *fates; /* of the next sends: 0, or the errno; ends with -1 */

/* In the place of the system's, whose types are of a union of its own. */
send_fn send_fated __asm__("sendto");

/* NOLINTNEXTLINE(readability-function-size): it has six parameters */
ssize_t send_fated(int fd, const void *bytes, size_t n, int flags,
                   const struct sockaddr *to, socklen_t len)
{
    send_fn *real = NULL;
    *(void **)&real = dlsym(RTLD_NEXT, "sendto");
    CHECK_MUST(real != NULL);
    int fate = *fates >= 0 ? *fates++ : 0;
    if (fate > 0) {
        errno = fate;
        return -1;
    }
    return real(fd, bytes, n, flags, to, len);
}

/* Asks for an answer that comes at once, and one that does not. */
static const char script[] =
    "local ml, net = require 'miniloop', require 'miniloop.net'\n"
    "local server = require 'miniloop.http'.serve('127.0.0.1:0', {\n"
    "  ['GET /fast'] = function() return 'fast' end,\n"
    "  ['GET /slow'] = function() ml.sleep(3600) end,\n"
    "})\n"
    "local conn = net.connect(server:address())\n"
    "local rest = ' HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n'\n"
    "conn:write('GET /fast' .. rest .. 'GET /slow' .. rest)\n"
    "local bytes, err = conn:recv(nil, 60)\n"
    "told = bytes and bytes:match '%a+$' or err and err.code or 'the end'\n"
    "conn:close()\n"
    "server:stop(0)\n";

/* The client's request is sent, and the answers fare as the list says. */
static void check_told(const int *list, const char *told)
{
    ml_loop *loop = open_loop(ML_VIRTUAL_TIME);
    (void)spawn(loop, script);
    fates = list;
    CHECK_EQ(ml_run(loop, ML_RUN_DEFAULT), 0);
    CHECK_EQ(*fates, -1);
    CHECK(global_is(loop, "told", told));
    close_loop(loop);
}

static void test_a_client_is_not_kept_waiting_for_what_cannot_be_sent(void)
{
    static const int list[] = {0, ENOBUFS, ENOBUFS, -1};
    check_told(list, "the end");
}

static void test_nor_where_that_had_to_wait(void)
{
    static const int list[] = {0, EAGAIN, ENOBUFS, -1};
    check_told(list, "the end");
}

static void test_what_failed_once_is_tried_again(void)
{
    static const int list[] = {0, ENOBUFS, 0, -1};
    check_told(list, "fast");
}

static const struct check_test tests[] = {
    CHECK_TEST(test_a_client_is_not_kept_waiting_for_what_cannot_be_sent),
    CHECK_TEST(test_nor_where_that_had_to_wait),
    CHECK_TEST(test_what_failed_once_is_tried_again),
};

int main(void)
{
    return check_run(tests, sizeof tests / sizeof tests[0]);
}
