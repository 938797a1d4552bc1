/* A loop inside the host's own: a pollable descriptor and a timeout. */

#include "api_fixture.h"
#include "api_thread.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

/* ---- a host's loop ------------------------------------------------------- */

/* Whether the descriptor gets readable within the time. */
static bool readable(int fd, int ms)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    int n = poll(&p, 1, ms);
    CHECK_MUST(n >= 0);
    return n > 0;
}

static int timeout_ms(ml_loop *loop)
{
    double seconds = ml_timeout(loop);
    return isinf(seconds) ? -1 : (int)ceil(seconds * 1000);
}

/* Runs the loop to its end by poll(); gives the number of its rounds. */
static int drive(ml_loop *loop, int *result)
{
    int rounds = 0;
    while ((*result = ml_run(loop, ML_RUN_NOWAIT)) == 1 && rounds < 1000) {
        (void)readable(ml_pollfd(loop), timeout_ms(loop));
        rounds++;
    }
    return rounds;
}

static ml_loop *open_poller(const char *name, unsigned flags)
{
    ml_options options = options_of(flags);
    options.alloc = counted;
    options.poller = name;
    return open_with(&options);
}

/* C9.1: no round is made in vain. */
static void test_a_host_drives_a_loop_by_poll(void)
{
    ml_loop *loop = open_loop(0);
    int result = 0;
    spawn(loop, "local ml = require 'miniloop'\n"
                "for i = 1, 5 do ml.sleep(0.002) end\n"
                "n = 1");
    int rounds = drive(loop, &result);
    CHECK_EQ(result, 0);
    CHECK_EQ(integer_of(loop, "n"), 1);
    CHECK(rounds >= 5 && rounds <= 20);
    close_loop(loop);
}

/* ---- what makes it readable ---------------------------------------------- */

static void nothing(ml_loop *loop, void *ud)
{
    (void)loop;
    (void)ud;
}

static void *post_later(void *arg)
{
    moment();
    CHECK_EQ(ml_post((ml_loop *)arg, nothing, NULL), 0);
    return NULL;
}

/* C9.1 */
static void test_the_descriptor_gets_readable_by_a_post(void)
{
    ml_loop *loop = open_loop(ML_FOREVER);
    struct thread thread;
    CHECK_EQ(ml_run(loop, ML_RUN_NOWAIT), 1);
    int fd = ml_pollfd(loop);
    CHECK(fd >= 0);
    CHECK(!readable(fd, 0));
    CHECK(isinf(ml_timeout(loop)));
    thread_start(&thread, post_later, loop);
    CHECK(readable(fd, -1));
    thread_join(&thread);
    CHECK(ml_timeout(loop) == 0);
    CHECK_EQ(ml_run(loop, ML_RUN_NOWAIT), 1);
    CHECK(!readable(fd, 0));
    ml_wake(loop);
    CHECK(readable(fd, 0));
    close_loop(loop);
}

static int pipe_fds[2];

static void pipe_open(void)
{
    CHECK_MUST(pipe(pipe_fds) == 0);
    CHECK_MUST(fcntl(pipe_fds[0], F_SETFL, O_NONBLOCK) == 0);
}

static void pipe_close(void)
{
    CHECK_MUST(close(pipe_fds[0]) == 0);
    CHECK_MUST(close(pipe_fds[1]) == 0);
}

static void set_integer(ml_loop *loop, const char *name, int value)
{
    lua_pushinteger(ml_state(loop), value);
    lua_setglobal(ml_state(loop), name);
}

static const char *const reader = "local ml = require 'miniloop'\n"
                                  "ok = ml.wait_io_read(fd) and 1 or 0";

/* C9.1 */
static void test_the_descriptor_gets_readable_by_a_descriptor_of_a_task(void)
{
    static const char *const pollers[] = {"auto", "epoll"};
    for (size_t i = 0; i < 2; i++) {
        ml_options options = options_of(0);
        ml_loop *loop = NULL;
        options.poller = pollers[i];
        if (ml_open(&loop, &options) == -EINVAL) {
            continue; /* not of this system */
        }
        pipe_open();
        set_integer(loop, "fd", pipe_fds[0]);
        spawn(loop, reader);
        CHECK_EQ(ml_run(loop, ML_RUN_NOWAIT), 1);
        CHECK(!readable(ml_pollfd(loop), 0));
        CHECK(isinf(ml_timeout(loop)));
        CHECK_MUST(write(pipe_fds[1], "x", 1) == 1);
        CHECK(readable(ml_pollfd(loop), 0));
        CHECK_EQ(ml_run(loop, ML_RUN_NOWAIT), 1);
        CHECK(ml_timeout(loop) == 0); /* the task is ready */
        run(loop);
        CHECK_EQ(integer_of(loop, "ok"), 1);
        pipe_close();
        close_loop(loop);
    }
}

static ml_completion *promise;

static int later_attempt(lua_State *L, ml_call *call)
{
    (void)L;
    if (ml_call_first(call)) {
        promise = ml_call_later(call, NULL, NULL);
        return promise != NULL ? ML_WAIT : -ENOMEM;
    }
    return ml_call_completed(call) ? 0 : ML_WAIT;
}

static const ml_syscall later = {
    .size = sizeof later, .name = "later", .attempt = later_attempt};

/* C9.1 */
static void test_the_descriptor_gets_readable_by_a_completion(void)
{
    ml_loop *loop = open_loop(0);
    CHECK_EQ(add_call(loop, &later), 0);
    spawn(loop, "coroutine.yield(syscall.later()); n = 1");
    CHECK_EQ(ml_run(loop, ML_RUN_NOWAIT), 1);
    CHECK(!readable(ml_pollfd(loop), 0));
    ml_complete(promise);
    CHECK(readable(ml_pollfd(loop), 0));
    int result = 1;
    (void)drive(loop, &result);
    CHECK_EQ(result, 0);
    CHECK_EQ(integer_of(loop, "n"), 1);
    close_loop(loop);
}

/* ---- which pollers have one ---------------------------------------------- */

/* C9.1 */
static void test_select_has_no_descriptor_to_poll(void)
{
    static const char *const pollers[] = {"select", "poll"};
    for (size_t i = 0; i < 2; i++) {
        ml_loop *loop = open_poller(pollers[i], 0);
        CHECK_EQ(ml_pollfd(loop), -ENOTSUP);
        spawn(loop, "n = 1"); /* and is of use nevertheless */
        run(loop);
        close_loop(loop);
    }
}

/* C9.1, C4.3: what was registered before it moves with it. */
static void test_auto_takes_the_scalable_poller_when_it_is_asked(void)
{
    ml_loop *loop = open_poller("auto", 0);
    pipe_open();
    set_integer(loop, "fd", pipe_fds[0]);
    spawn(loop, reader);
    CHECK_EQ(ml_run(loop, ML_RUN_NOWAIT), 1);
    int fd = ml_pollfd(loop);
    CHECK(fd >= 0);
    CHECK_EQ(ml_pollfd(loop), fd);
    CHECK_MUST(write(pipe_fds[1], "x", 1) == 1);
    CHECK(readable(fd, 0));
    run(loop);
    CHECK_EQ(integer_of(loop, "ok"), 1);
    pipe_close();
    close_loop(loop);
}

/* ---- the timeout --------------------------------------------------------- */

/* C9.1 */
static void test_the_timeout_is_the_time_to_the_next_deadline(void)
{
    ml_loop *loop = open_loop(0);
    CHECK(isinf(ml_timeout(loop)));
    spawn(loop, "local ml = require 'miniloop'\n"
                "ml.spawn(ml.sleep, 1000)\n"
                "ml.spawn(ml.sleep, 500)\n"
                "ml.spawn(ml.sleep, math.huge)");
    CHECK(ml_timeout(loop) == 0);
    CHECK_EQ(ml_run(loop, ML_RUN_NOWAIT), 1);
    CHECK_EQ(ml_run(loop, ML_RUN_NOWAIT), 1);
    double timeout = ml_timeout(loop);
    CHECK(timeout > 400 && timeout <= 500);
    CHECK_EQ(ml_kill(loop, 3), 0);
    timeout = ml_timeout(loop);
    CHECK(timeout > 900 && timeout <= 1000);
    CHECK_EQ(ml_kill(loop, 2), 0);
    CHECK(isinf(ml_timeout(loop)));
    CHECK_EQ(ml_cancel(loop, 4, NULL), 0);
    CHECK(ml_timeout(loop) == 0);
    close_loop(loop);
}

/* C9.1: a failure that waits to be taken is reported in time. */
static void test_the_timeout_knows_of_failures_to_report(void)
{
    ml_loop *loop = open_loop(0);
    spawn(loop, "local ml = require 'miniloop'\n"
                "kept = ml.spawn(error, 'kept', 0)\nml.sleep(3600)");
    CHECK_EQ(ml_run(loop, ML_RUN_NOWAIT), 1);
    CHECK_EQ(ml_run(loop, ML_RUN_NOWAIT), 1);
    double timeout = ml_timeout(loop);
    CHECK(timeout > 0 && timeout <= 1);
    close_loop(loop);
}

/* ---- descriptors that the host closes ------------------------------------ */

/* C2.6 */
static void test_a_descriptor_that_the_host_closes_is_announced(void)
{
    ml_loop *loop = open_loop(0);
    pipe_open();
    set_integer(loop, "fd", pipe_fds[0]);
    spawn(loop, "local ok, err = require 'miniloop'.wait_io_read(fd)\n"
                "code = err.code");
    CHECK_EQ(ml_run(loop, ML_RUN_NOWAIT), 1);
    ml_forget(loop, pipe_fds[0]);
    pipe_close();
    run(loop);
    CHECK(global_is(loop, "code", "EBADF"));
    ml_forget(loop, pipe_fds[0]);
    ml_forget(loop, -1);
    ml_forget(loop, 100000);
    close_loop(loop);
}

/* In which order six descriptors that are ready wake their tasks. */
static long long order_by(uint64_t seed)
{
    ml_options options = options_of(0);
    options.alloc = counted;
    options.poller = "sim";
    options.seed = seed;
    ml_loop *loop = open_with(&options);
    spawn(loop, "local ml, net = require 'miniloop', require 'miniloop.net'\n"
                "local ends = {}\n"
                "order = 0\n"
                "for i = 1, 6 do\n"
                "  local mine, other = net.pair()\n"
                "  ends[i] = other\n"
                "  ml.spawn(function()\n"
                "    ml.wait_io_read(mine)\n"
                "    order = order * 10 + i\n"
                "  end)\n"
                "end\n"
                "ml.yield()\n"
                "for i = 1, 6 do ends[i]:write 'x' end\n");
    CHECK_EQ(ml_run(loop, ML_RUN_DEFAULT), 0);
    long long order = integer_of(loop, "order");
    close_loop(loop);
    return order;
}

/* C9.1 */
static void test_the_simulated_poller_goes_by_the_seed(void)
{
    int others = 0;
    for (uint64_t seed = 1; seed <= 8; seed++) {
        long long order = order_by(seed);
        CHECK_EQ(order_by(seed), order);
        CHECK(order > 100000);
        others += order != order_by(0) ? 1 : 0;
    }
    CHECK(others > 4);
}

static const struct check_test tests[] = {
    CHECK_TEST(test_the_simulated_poller_goes_by_the_seed),
    CHECK_TEST(test_a_host_drives_a_loop_by_poll),
    CHECK_TEST(test_the_descriptor_gets_readable_by_a_post),
    CHECK_TEST(test_the_descriptor_gets_readable_by_a_descriptor_of_a_task),
    CHECK_TEST(test_the_descriptor_gets_readable_by_a_completion),
    CHECK_TEST(test_select_has_no_descriptor_to_poll),
    CHECK_TEST(test_auto_takes_the_scalable_poller_when_it_is_asked),
    CHECK_TEST(test_the_timeout_is_the_time_to_the_next_deadline),
    CHECK_TEST(test_the_timeout_knows_of_failures_to_report),
    CHECK_TEST(test_a_descriptor_that_the_host_closes_is_announced),
};

int main(void)
{
    return check_run(tests, sizeof tests / sizeof tests[0]);
}
