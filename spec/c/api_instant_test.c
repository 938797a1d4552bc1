/* Calls that never wait, and what they start that goes on without them. */

#include "api_fixture.h"

#include <unistd.h>

static ml_completion *completion;
static int worked, released;

static void work(void *data)
{
    *(int *)data = 1;
}

static void release(void *data)
{
    worked += *(int *)data;
    released++;
    free(data);
}

static int *new_data(void)
{
    worked = 0;
    released = 0;
    int *data = calloc(1, sizeof *data);
    CHECK_MUST(data != NULL);
    return data;
}

/* start(): has work done, and looks not for its end. */
static int start_attempt(lua_State *L, ml_call *call)
{
    CHECK_EQ(ml_call_offload(call, work, new_data(), release), 0);
    CHECK(!ml_call_completed(call));
    lua_pushliteral(L, "started");
    return 1;
}

static const ml_syscall start = {.size = sizeof start,
                                 .name = "start",
                                 .attempt = start_attempt,
                                 .flags = ML_SYSCALL_INSTANT};

/* promise(raise): somebody completes what has returned long ago, or raised. */
static int promise_attempt(lua_State *L, ml_call *call)
{
    completion = ml_call_later(call, new_data(), release);
    CHECK_MUST(completion != NULL);
    if (lua_toboolean(L, ml_call_arg(call, 1)) != 0) {
        return luaL_error(L, "raised");
    }
    return 0;
}

static const ml_syscall promise = {.size = sizeof promise,
                                   .name = "promise",
                                   .attempt = promise_attempt,
                                   .flags = ML_SYSCALL_INSTANT};

static ml_loop *open_instant(void)
{
    ml_loop *loop = open_loop(0);
    CHECK_EQ(add_call(loop, &start), 0);
    CHECK_EQ(add_call(loop, &promise), 0);
    return loop;
}

/* C9.1, C9.3 */
static void test_an_instant_call_starts_work_that_goes_on(void)
{
    ml_loop *loop = open_instant();
    spawn(loop, "answer = coroutine.yield(syscall.start())\n"
                "require 'miniloop'.sleep(3600)");
    CHECK_EQ(ml_run(loop, ML_RUN_NOWAIT), 1);
    CHECK(global_is(loop, "answer", "started"));
    while (released == 0) {
        CHECK_MUST(ml_run(loop, ML_RUN_ONCE) == 1);
    }
    CHECK_EQ(worked, 1);
    close_loop(loop);
    CHECK_EQ(released, 1);
}

static void check_promise(const char *source)
{
    ml_loop *loop = open_instant();
    spawn(loop, source);
    run(loop);
    CHECK_EQ(released, 0);
    ml_complete(completion);
    run(loop);
    CHECK_EQ(released, 1);
    close_loop(loop);
    CHECK_EQ(released, 1);
}

/* C9.3 */
static void test_an_instant_call_is_completed_after_its_end(void)
{
    check_promise("coroutine.yield(syscall.promise())");
    check_promise("pcall(coroutine.yield, syscall.promise(true))");
}

/* C9.3 */
static void test_what_an_instant_call_promised_is_released_by_closing(void)
{
    ml_loop *loop = open_instant();
    spawn(loop, "coroutine.yield(syscall.promise())");
    run(loop);
    close_loop(loop);
    CHECK_EQ(released, 1);
    ml_complete(completion);
    CHECK_EQ(released, 1);
}

static int wait_attempt(lua_State *L, ml_call *call)
{
    (void)L;
    return ml_call_wait_fd(call, STDIN_FILENO, ML_READ);
}

static const ml_syscall waits = {.size = sizeof waits,
                                 .name = "waits",
                                 .attempt = wait_attempt,
                                 .flags = ML_SYSCALL_INSTANT};

/* C9.1 */
static void test_an_instant_call_waits_for_no_descriptor(void)
{
    ml_loop *loop = open_loop(0);
    CHECK_EQ(add_call(loop, &waits), 0);
    spawn(loop, "local ok, err = coroutine.yield(syscall.waits())\n"
                "code = err.code\n"
                "require 'miniloop'.sleep(0)");
    run(loop);
    CHECK(global_is(loop, "code", "EINVAL"));
    close_loop(loop);
}

static const struct check_test tests[] = {
    CHECK_TEST(test_an_instant_call_starts_work_that_goes_on),
    CHECK_TEST(test_an_instant_call_is_completed_after_its_end),
    CHECK_TEST(test_what_an_instant_call_promised_is_released_by_closing),
    CHECK_TEST(test_an_instant_call_waits_for_no_descriptor),
};

int main(void)
{
    return check_run(tests, sizeof tests / sizeof tests[0]);
}
