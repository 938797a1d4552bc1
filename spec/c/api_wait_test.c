/* System calls of the host's own: what they wait for, and how they end without
 * an answer. */

#include "api_fixture.h"

#include <poll.h>
#include <time.h>
#include <unistd.h>

static int withdrawn; /* how often a call was */

static void withdraw(ml_call *call)
{
    (void)call;
    withdrawn++;
}

/* ---- waiting for descriptors and for time -------------------------------- */

static bool is_ready(int fd, int events)
{
    struct pollfd p = {.fd = fd};
    p.events = (short)(((events & ML_READ) != 0 ? POLLIN : 0) |
                       ((events & ML_WRITE) != 0 ? POLLOUT : 0));
    return poll(&p, 1, 0) > 0;
}

/* ready(fd, events [, timeout]): 1 once it is; looks after the first wait. */
static int ready_attempt(lua_State *L, ml_call *call)
{
    int fd = (int)lua_tointeger(L, ml_call_arg(call, 1));
    int events = (int)lua_tointeger(L, ml_call_arg(call, 2));
    if (!ml_call_first(call) && is_ready(fd, events)) {
        lua_pushinteger(L, 1);
        return 1;
    }
    if (ml_call_first(call) && ml_call_nargs(call) > 2) {
        ml_call_settimeout(call, lua_tonumber(L, ml_call_arg(call, 3)));
    }
    int err = ml_call_wait_fd(call, fd, events);
    return err != 0 ? err : ML_WAIT;
}

static const ml_syscall ready = {.size = sizeof ready,
                                 .name = "ready",
                                 .attempt = ready_attempt,
                                 .withdraw = withdraw};

static int fds[2];

static ml_loop *open_with_pipe(void)
{
    ml_loop *loop = open_loop(0);
    CHECK_EQ(add_call(loop, &ready), 0);
    CHECK_MUST(pipe(fds) == 0);
    withdrawn = 0;
    lua_pushinteger(ml_state(loop), fds[0]);
    lua_setglobal(ml_state(loop), "r");
    lua_pushinteger(ml_state(loop), fds[1]);
    lua_setglobal(ml_state(loop), "w");
    return loop;
}

static void close_with_pipe(ml_loop *loop)
{
    CHECK_MUST(close(fds[0]) == 0 && close(fds[1]) == 0);
    close_loop(loop);
}

/* take(): a byte out of the pipe. */
static int take(lua_State *L)
{
    char byte;
    (void)L;
    CHECK_EQ(read(fds[0], &byte, 1), 1);
    return 0;
}

/* C9.1 */
static void test_a_call_waits_for_a_descriptor(void)
{
    ml_loop *loop = open_with_pipe();
    spawn(loop, "a = coroutine.yield(syscall.ready(r, 1))");
    spawn(loop, "b = coroutine.yield(syscall.ready(w, 2))");
    spawn(loop, "c = coroutine.yield(syscall.ready(w, 3))");
    CHECK_EQ(ml_run(loop, ML_RUN_NOWAIT), 1);
    CHECK_EQ(ml_run(loop, ML_RUN_NOWAIT), 1);
    CHECK_EQ(integer_of(loop, "b"), 1);
    CHECK_EQ(integer_of(loop, "c"), 1);
    CHECK_EQ(ml_tasks(loop), 1);
    CHECK_MUST(write(fds[1], "x", 1) == 1);
    run(loop);
    CHECK_EQ(integer_of(loop, "a"), 1);
    CHECK_EQ(withdrawn, 0);
    close_with_pipe(loop);
}

/* C9.1 */
static void test_a_descriptor_that_cannot_be_is_refused(void)
{
    ml_loop *loop = open_with_pipe();
    spawn(loop, "local ok, err = coroutine.yield(syscall.ready(-1, 1))\n"
                "a = err.code\n"
                "ok, err = coroutine.yield(syscall.ready(r, 0))\n"
                "b = err.code\n"
                "ok, err = coroutine.yield(syscall.ready(r, 4))\n"
                "c = err.code");
    run(loop);
    CHECK(global_is(loop, "a", "EBADF"));
    CHECK(global_is(loop, "b", "EINVAL"));
    CHECK(global_is(loop, "c", "EINVAL"));
    CHECK_EQ(withdrawn, 3);
    close_with_pipe(loop);
}

/* C9.1: a number that is far beyond all that is open costs nothing. */
static void test_no_room_is_made_for_a_number_that_is_not_open(void)
{
    ml_loop *loop = open_with_pipe();
    spawn(loop, "function refused(fd)\n"
                "  local _, err = coroutine.yield(syscall.ready(fd, 3))\n"
                "  return err.code\n"
                "end\n"
                "a = refused(99999999)\n"
                "b = refused(0x7fffffff)");
    run(loop);
    CHECK(global_is(loop, "a", "EBADF"));
    CHECK(global_is(loop, "b", "EBADF"));
    CHECK(check.bytes < 10000000);
    close_with_pipe(loop);
}

/* C2.3, C2.7: no time is as good as 0, which tries once. */
static void test_a_call_is_bounded_by_a_timeout(void)
{
    static const char *const times[] = {"0", "0.002", "-1", "0/0"};
    for (size_t i = 0; i < 4; i++) {
        ml_loop *loop = open_with_pipe();
        char source[160];
        (void)snprintf(source, sizeof source,
                       "local ok, err = coroutine.yield(syscall.ready(r, 1, "
                       "%s))\ncode = err.code .. err.op",
                       times[i]);
        spawn(loop, source);
        run(loop);
        CHECK(global_is(loop, "code", "ETIMEDOUTready"));
        CHECK_EQ(withdrawn, 1);
        close_with_pipe(loop);
    }
}

/* C4.2: what is ready in the round of its timeout wins. */
static void test_a_timeout_loses_against_what_is_ready(void)
{
    ml_loop *loop = open_with_pipe();
    spawn(loop, "a = coroutine.yield(syscall.ready(r, 1, 0.001))");
    CHECK_EQ(ml_run(loop, ML_RUN_NOWAIT), 1);
    CHECK_MUST(write(fds[1], "x", 1) == 1);
    struct timespec past = {0, 3000000};
    CHECK_MUST(nanosleep(&past, NULL) == 0);
    run(loop);
    CHECK_EQ(integer_of(loop, "a"), 1);
    close_with_pipe(loop);
}

/* C2.6: and not by chance another file of the same number. */
static void test_a_descriptor_closed_under_a_call_fails_it(void)
{
    ml_loop *loop = open_with_pipe();
    spawn(loop, "local ok, err = coroutine.yield(syscall.ready(r, 1))\n"
                "code = err.code");
    CHECK_EQ(ml_run(loop, ML_RUN_NOWAIT), 1);
    ml_forget(loop, fds[0]);
    run(loop);
    CHECK(global_is(loop, "code", "EBADF"));
    CHECK_EQ(withdrawn, 1);
    close_with_pipe(loop);
}

/* ticks(n, step): n waits of `step` seconds, counted on the stack. */
static int ticks_attempt(lua_State *L, ml_call *call)
{
    if (ml_call_first(call)) {
        CHECK(ml_call_data(call) == NULL);
        lua_pushinteger(L, 0);
    } else {
        CHECK(ml_call_data(call) == &withdrawn);
        lua_Integer n = lua_tointeger(L, -1) + 1;
        lua_pop(L, 1);
        lua_pushinteger(L, n);
        if (n == lua_tointeger(L, ml_call_arg(call, 1))) {
            return 1;
        }
    }
    ml_call_setdata(call, &withdrawn);
    ml_call_wait_time(call, 3600);
    ml_call_wait_time(call, lua_tonumber(L, ml_call_arg(call, 2)));
    ml_call_wait_time(call, HUGE_VAL);
    return ML_WAIT;
}

static void ticks_describe(const ml_call *call, char *text, size_t size)
{
    (void)call;
    (void)snprintf(text, size, "the next of many ticks");
}

static const ml_syscall ticks = {.size = sizeof ticks,
                                 .name = "ticks",
                                 .attempt = ticks_attempt,
                                 .withdraw = withdraw,
                                 .describe = ticks_describe};

/* C9.1: the earliest of the times that an attempt declares. */
static void test_a_call_waits_for_time_and_keeps_its_stack(void)
{
    ml_loop *loop = open_loop(ML_VIRTUAL_TIME);
    CHECK_EQ(add_call(loop, &ticks), 0);
    spawn(loop, "local ml = require 'miniloop'\n"
                "local start = ml.now()\n"
                "n = coroutine.yield(syscall.ticks(5, 2))\n"
                "took = ml.now() - start\n"
                "m = coroutine.yield(syscall.ticks(3, -2))");
    run(loop);
    CHECK_EQ(integer_of(loop, "n"), 5);
    CHECK(global_is(loop, "took", "10.0"));
    CHECK_EQ(integer_of(loop, "m"), 3);
    close_loop(loop);
}

static int never_attempt(lua_State *L, ml_call *call)
{
    (void)L;
    ml_call_wait_time(call, HUGE_VAL);
    return ML_WAIT;
}

static const ml_syscall never = {.size = sizeof never,
                                 .name = "never",
                                 .attempt = never_attempt,
                                 .withdraw = withdraw,
                                 .describe = ticks_describe};

/* C4.6: a wait for ever counts as none. */
static void test_a_deadlock_is_described_in_the_words_of_the_call(void)
{
    ml_loop *loop = open_loop(0);
    CHECK_EQ(add_call(loop, &never), 0);
    withdrawn = 0;
    spawn(loop, "coroutine.yield(syscall.never())");
    CHECK_EQ(ml_run(loop, ML_RUN_DEFAULT), -EDEADLK);
    CHECK(strcmp(heard.waiting, "never the next of many ticks") == 0);
    CHECK_EQ(withdrawn, 1);
    close_loop(loop);
}

/* ---- ends without an answer ---------------------------------------------- */

static ml_loop *open_waiting(void)
{
    ml_loop *loop = open_loop(ML_FOREVER);
    CHECK_EQ(add_call(loop, &never), 0);
    withdrawn = 0;
    spawn(loop, "local ok, err = pcall(coroutine.yield, syscall.never())\n"
                "code = err.code");
    CHECK_EQ(ml_run(loop, ML_RUN_NOWAIT), 1);
    return loop;
}

static int tell_withdrawn(lua_State *L)
{
    lua_pushinteger(L, withdrawn);
    return 1;
}

/* C9.1, C3.6: first of all, before its variables are closed. */
static void test_a_call_is_withdrawn_when_its_task_is_killed(void)
{
    ml_loop *loop = open_loop(ML_FOREVER);
    CHECK_EQ(add_call(loop, &never), 0);
    withdrawn = 0;
    define(loop, "withdrawn", tell_withdrawn);
    spawn(loop, "local v <close> = setmetatable({}, {__close = function()\n"
                "  n = withdrawn()\n"
                "end})\n"
                "coroutine.yield(syscall.never())");
    CHECK_EQ(ml_run(loop, ML_RUN_NOWAIT), 1);
    CHECK_EQ(ml_kill(loop, 1), 0);
    CHECK_EQ(withdrawn, 1);
    CHECK_EQ(integer_of(loop, "n"), 1);
    CHECK_EQ(ml_run(loop, ML_RUN_NOWAIT), 1);
    close_loop(loop);
    CHECK_EQ(withdrawn, 1);
}

/* C9.1 */
static void test_a_call_is_withdrawn_when_its_task_is_cancelled(void)
{
    ml_loop *loop = open_waiting();
    CHECK_EQ(ml_cancel(loop, 1, NULL), 0);
    CHECK_EQ(ml_run(loop, ML_RUN_NOWAIT), 1);
    CHECK_EQ(withdrawn, 1);
    CHECK(global_is(loop, "code", "ECANCELED"));
    close_loop(loop);
    CHECK_EQ(withdrawn, 1);
}

/* C9.1: and killed before it heard of it. */
static void test_a_call_is_withdrawn_once_by_cancel_and_kill(void)
{
    ml_loop *loop = open_waiting();
    CHECK_EQ(ml_cancel(loop, 1, NULL), 0);
    CHECK_EQ(ml_kill(loop, 1), 0);
    CHECK_EQ(withdrawn, 1);
    close_loop(loop);
    CHECK_EQ(withdrawn, 1);
}

/* C9.3 */
static void test_a_call_is_withdrawn_when_its_loop_is_closed(void)
{
    ml_loop *loop = open_waiting();
    close_loop(loop);
    CHECK_EQ(withdrawn, 1);
}

/* C5.6: two are woken by one byte, and the first cancels the other. */
static void test_a_call_woken_in_vain_is_told_of_its_cancellation(void)
{
    ml_loop *loop = open_with_pipe();
    define(loop, "take", take);
    spawn(loop, "local ml = require 'miniloop'\n"
                "local other\n"
                "ml.spawn(function()\n"
                "  coroutine.yield(syscall.ready(r, 1))\n"
                "  take()\n"
                "  other:cancel()\n"
                "end)\n"
                "other = ml.spawn(function()\n"
                "  ok, err = pcall(ml.perform, syscall.ready(r, 1))\n"
                "  code = err and err.code\n"
                "end)");
    CHECK_EQ(ml_run(loop, ML_RUN_NOWAIT), 1);
    CHECK_EQ(ml_run(loop, ML_RUN_NOWAIT), 1);
    CHECK_MUST(write(fds[1], "x", 1) == 1);
    run(loop);
    CHECK(global_is(loop, "ok", "false"));
    CHECK(global_is(loop, "code", "ECANCELED"));
    close_with_pipe(loop);
}

/* C9.1: 0 is a descriptor like any. */
static void test_a_call_waits_for_descriptor_zero(void)
{
    ml_loop *loop = open_with_pipe();
    CHECK_EQ(add_call(loop, &never), 0);
    int input = dup(0);
    CHECK_MUST(dup2(fds[0], 0) == 0);
    spawn(loop, "coroutine.yield(syscall.ready(w, 2))\n"
                "n = coroutine.yield(syscall.ready(0, 1))\n"
                "coroutine.yield(syscall.never())");
    for (int i = 0; i < 3; i++) {
        CHECK_EQ(ml_run(loop, ML_RUN_NOWAIT), 1);
    }
    CHECK_MUST(write(fds[1], "x", 1) == 1);
    CHECK_EQ(ml_run(loop, ML_RUN_DEFAULT), -EDEADLK);
    CHECK_EQ(integer_of(loop, "n"), 1);
    ml_forget(loop, 0);
    CHECK_MUST(dup2(input, 0) == 0 && close(input) == 0);
    close_with_pipe(loop);
}

static const struct check_test tests[] = {
    CHECK_TEST(test_a_call_waits_for_a_descriptor),
    CHECK_TEST(test_a_call_waits_for_descriptor_zero),
    CHECK_TEST(test_a_descriptor_that_cannot_be_is_refused),
    CHECK_TEST(test_no_room_is_made_for_a_number_that_is_not_open),
    CHECK_TEST(test_a_call_is_bounded_by_a_timeout),
    CHECK_TEST(test_a_timeout_loses_against_what_is_ready),
    CHECK_TEST(test_a_descriptor_closed_under_a_call_fails_it),
    CHECK_TEST(test_a_call_waits_for_time_and_keeps_its_stack),
    CHECK_TEST(test_a_deadlock_is_described_in_the_words_of_the_call),
    CHECK_TEST(test_a_call_is_withdrawn_when_its_task_is_killed),
    CHECK_TEST(test_a_call_is_withdrawn_when_its_task_is_cancelled),
    CHECK_TEST(test_a_call_is_withdrawn_once_by_cancel_and_kill),
    CHECK_TEST(test_a_call_is_withdrawn_when_its_loop_is_closed),
    CHECK_TEST(test_a_call_woken_in_vain_is_told_of_its_cancellation),
};

int main(void)
{
    return check_run(tests, sizeof tests / sizeof tests[0]);
}
