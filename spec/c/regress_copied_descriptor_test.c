/* A number that was closed behind the loop's back, while a copy keeps the file
 * open: epoll goes on telling of it, and cannot be asked to stop. */

#include "api_fixture.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#ifdef ML_HAVE_EPOLL
static bool is_readable(int fd)
{
    struct pollfd entry = {.fd = fd, .events = POLLIN};
    return poll(&entry, 1, 0) == 1;
}

/* C2.6: the loop looks at it once, and is not kept busy. */
static void test_a_copy_does_not_keep_the_loop_busy(void)
{
    ml_options options = options_of(0);
    options.poller = "epoll";
    ml_loop *loop = open_with(&options);
    int fds[2];
    CHECK_MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0);
    lua_pushinteger(ml_state(loop), fds[0]);
    lua_setglobal(ml_state(loop), "fd");
    spawn(loop, "require 'miniloop'.sleep(3600)");
    int64_t waiter = spawn(loop, "require 'miniloop'.wait_io_read(fd)");
    CHECK_EQ(ml_run(loop, ML_RUN_NOWAIT), 1);
    CHECK_EQ(ml_run(loop, ML_RUN_NOWAIT), 1);
    int copy = dup(fds[0]);
    CHECK_MUST(copy >= 0 && close(fds[0]) == 0);
    CHECK_EQ(ml_kill(loop, waiter), 0);
    CHECK_EQ(ml_run(loop, ML_RUN_NOWAIT), 1);
    CHECK_MUST(write(fds[1], "x", 1) == 1);
    for (int i = 0; i < 3; i++) {
        CHECK_EQ(ml_run(loop, ML_RUN_NOWAIT), 1);
    }
    CHECK(!is_readable(ml_pollfd(loop)));
    CHECK_MUST(close(copy) == 0 && close(fds[1]) == 0);
    close_loop(loop);
}
#endif

static const struct check_test tests[] = {
#ifdef ML_HAVE_EPOLL
    CHECK_TEST(test_a_copy_does_not_keep_the_loop_busy),
#endif
    {NULL, NULL},
};

int main(void)
{
    return check_run(tests, sizeof tests / sizeof tests[0] - 1);
}
