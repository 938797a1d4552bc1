/* Running loops: for how long, from where, and how it ends. */

#include "api_fixture.h"

#include <time.h>

static double now(void)
{
    struct timespec ts;
    CHECK_MUST(clock_gettime(CLOCK_MONOTONIC, &ts) == 0);
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* ---- for how long -------------------------------------------------------- */

static const char *const counter = "local ml = require 'miniloop'\n"
                                   "for i = 1, 3 do n = i; ml.sleep(0.002) end";

/* C9.1 */
static void test_by_default_a_loop_runs_until_no_task_is_left(void)
{
    static const char *const pollers[] = {"auto", "select", "poll", "sim"};
    for (size_t i = 0; i < 4; i++) {
        ml_options options = options_of(0);
        options.poller = pollers[i];
        ml_loop *loop = open_with(&options);
        spawn(loop, counter);
        run(loop);
        CHECK_EQ(integer_of(loop, "n"), 3);
        run(loop); /* nothing to do is done at once */
        spawn(loop, "n = 10");
        run(loop);
        CHECK_EQ(integer_of(loop, "n"), 10);
        close_loop(loop);
    }
}

/* C9.1 */
static void test_one_round_waits_for_something_to_happen(void)
{
    ml_loop *loop = open_loop(0);
    spawn(loop, "require 'miniloop'.sleep(0.05); n = 1");
    double start = now();
    CHECK_EQ(ml_run(loop, ML_RUN_ONCE), 1);
    CHECK(now() - start >= 0.05);
    CHECK(global_is(loop, "n", "nil")); /* it is ready: for the next round */
    CHECK_EQ(ml_run(loop, ML_RUN_ONCE), 0);
    CHECK_EQ(integer_of(loop, "n"), 1);
    close_loop(loop);
}

/* C9.1, C4.1 */
static void test_one_round_runs_each_ready_task_once(void)
{
    ml_loop *loop = open_loop(0);
    spawn(loop, "local ml = require 'miniloop'\n"
                "log = ''\n"
                "for i = 1, 3 do log = log .. 'a'; ml.yield() end");
    spawn(loop, "local ml = require 'miniloop'\n"
                "for i = 1, 3 do log = log .. 'b'; ml.yield() end");
    CHECK_EQ(ml_run(loop, ML_RUN_ONCE), 1);
    CHECK(global_is(loop, "log", "ab"));
    CHECK_EQ(ml_run(loop, ML_RUN_NOWAIT), 1);
    CHECK(global_is(loop, "log", "abab"));
    run(loop);
    CHECK(global_is(loop, "log", "ababab"));
    close_loop(loop);
}

/* C9.1 */
static void test_a_run_without_waiting_never_waits(void)
{
    ml_loop *loop = open_loop(0);
    spawn(loop, "require 'miniloop'.sleep(3600)");
    double start = now();
    for (int i = 0; i < 5; i++) {
        CHECK_EQ(ml_run(loop, ML_RUN_NOWAIT), 1);
    }
    CHECK(now() - start < 60);
    close_loop(loop);
}

static int stop(lua_State *L)
{
    ml_stop(ml_current(L, NULL));
    return 0;
}

/* C4.7, C9.1 */
static void test_a_loop_that_runs_for_ever_stays_without_tasks(void)
{
    ml_loop *loop = open_loop(ML_FOREVER);
    define(loop, "stop", stop);
    spawn(loop, "local ml = require 'miniloop'\n"
                "ml.spawn(function() ml.sleep(0.002); stop(); n = 1 end)");
    CHECK_EQ(ml_run(loop, ML_RUN_DEFAULT), 1);
    CHECK_EQ(ml_tasks(loop), 0);
    CHECK_EQ(integer_of(loop, "n"), 1);
    CHECK_EQ(ml_run(loop, ML_RUN_NOWAIT), 1);
    spawn(loop, "n = 2; stop()");
    CHECK_EQ(ml_run(loop, ML_RUN_DEFAULT), 1);
    CHECK_EQ(integer_of(loop, "n"), 2);
    close_loop(loop);
}

/* C4.7 */
static void test_a_loop_that_runs_for_ever_has_no_deadlock(void)
{
    ml_loop *loop = open_loop(ML_FOREVER);
    spawn(loop, "require 'miniloop'.sleep(math.huge)");
    CHECK_EQ(ml_run(loop, ML_RUN_NOWAIT), 1);
    ml_wake(loop);
    CHECK_EQ(ml_run(loop, ML_RUN_ONCE), 1);
    CHECK_EQ(heard_count, 0);
    CHECK_EQ(ml_tasks(loop), 1);
    close_loop(loop);
}

/* C9.1 */
static void test_a_stopped_run_returns_and_leaves_its_tasks(void)
{
    ml_loop *loop = open_loop(0);
    define(loop, "stop", stop);
    spawn(loop, "local ml = require 'miniloop'\n"
                "stop(); n = 1; ml.yield(); n = 2");
    CHECK_EQ(ml_run(loop, ML_RUN_DEFAULT), 1);
    CHECK_EQ(integer_of(loop, "n"), 1);
    CHECK_EQ(ml_tasks(loop), 1);
    run(loop);
    CHECK_EQ(integer_of(loop, "n"), 2);
    close_loop(loop);
}

/* C9.1: a stop is for one run, in progress or next, whatever its mode. */
static void test_a_stop_counts_for_one_run(void)
{
    ml_loop *loop = open_loop(0);
    spawn(loop, "local ml = require 'miniloop'\n"
                "for i = 1, 9 do n = i; ml.yield() end");
    ml_stop(loop);
    CHECK_EQ(ml_run(loop, ML_RUN_DEFAULT), 1);
    CHECK_EQ(integer_of(loop, "n"), 1);
    ml_stop(loop);
    CHECK_EQ(ml_run(loop, ML_RUN_ONCE), 1);
    ml_stop(loop);
    CHECK_EQ(ml_run(loop, ML_RUN_NOWAIT), 1);
    run(loop);
    CHECK_EQ(integer_of(loop, "n"), 9);
    close_loop(loop);
}

static void test_an_unknown_mode_is_refused(void)
{
    ml_loop *loop = open_loop(0);
    spawn(loop, "n = 1");
    CHECK_EQ(ml_run(loop, -1), -EINVAL);
    CHECK_EQ(ml_run(loop, 3), -EINVAL);
    run(loop);
    close_loop(loop);
}

/* A virtual clock jumps to the next deadline. */
static void test_virtual_time_does_not_pass_by_itself(void)
{
    ml_loop *loop = open_loop(ML_VIRTUAL_TIME);
    spawn(loop, "local ml = require 'miniloop'\n"
                "local start = ml.now()\n"
                "ml.sleep(1e6)\ntook = ml.now() - start");
    double start = now();
    run(loop);
    CHECK(now() - start < 60);
    CHECK(global_is(loop, "took", "1000000.0"));
    close_loop(loop);
}

/* ---- from where ---------------------------------------------------------- */

static struct {
    ml_loop *self, *neighbour, *stranger;
    int run, close, neighbour_run, neighbour_close, stranger_run;
} busy;

static void try_all(void)
{
    busy.run = ml_run(busy.self, ML_RUN_NOWAIT);
    busy.close = ml_close(busy.self);
    busy.neighbour_run = ml_run(busy.neighbour, ML_RUN_DEFAULT);
    busy.stranger_run = ml_run(busy.stranger, ML_RUN_DEFAULT);
}

static int try_in_task(lua_State *L)
{
    (void)L;
    try_all();
    return 0;
}

static void try_posted(ml_loop *loop, void *ud)
{
    (void)ud;
    if (loop != NULL) {
        try_all();
    }
}

static void try_on_failure(ml_loop *loop, const ml_failure *failure, void *ud)
{
    (void)loop;
    (void)failure;
    (void)ud;
    try_all();
}

static void busy_open(void)
{
    ml_options options = options_of(0);
    memset(&busy, 1, sizeof busy);
    options.on_failure = try_on_failure;
    busy.self = open_with(&options);
    busy.neighbour = open_on(ml_state(busy.self), 0);
    busy.stranger = open_loop(0);
    spawn(busy.neighbour, "m = 1");
    spawn(busy.stranger, "n = 1");
    define(busy.self, "try", try_in_task);
}

static void busy_close(void)
{
    CHECK_EQ(integer_of(busy.stranger, "n"), 1);
    CHECK_EQ(integer_of(busy.self, "m"), 0);
    close_loop(busy.stranger);
    close_loop(busy.neighbour);
    close_loop(busy.self);
}

static void busy_check(void)
{
    CHECK_EQ(busy.run, -EBUSY);
    CHECK_EQ(busy.close, -EBUSY);
    CHECK_EQ(busy.neighbour_run, -EBUSY);
    CHECK_EQ(busy.stranger_run, 0); /* it has a state of its own */
}

/* C9.3 */
static void test_a_loop_cannot_be_run_from_its_own_task(void)
{
    busy_open();
    spawn(busy.self, "try()");
    run(busy.self);
    busy_check();
    busy_close();
}

/* C9.3 */
static void test_a_loop_cannot_be_run_from_a_coroutine_of_its_task(void)
{
    busy_open();
    spawn(busy.self, "coroutine.wrap(try)()");
    run(busy.self);
    busy_check();
    busy_close();
}

/* C9.3 */
static void test_a_loop_cannot_be_run_from_a_posted_function(void)
{
    busy_open();
    CHECK_EQ(ml_post(busy.self, try_posted, NULL), 0);
    run(busy.self);
    busy_check();
    busy_close();
}

/* Calls the function ml.run of the global variable `run`. */
static void run_in_lua(ml_loop *loop, void *ud)
{
    (void)ud;
    if (loop != NULL) {
        lua_State *L = ml_state(loop);
        lua_getglobal(L, "run");
        lua_getglobal(L, "print");
        CHECK_EQ(lua_pcall(L, 1, 0, 0), LUA_ERRRUN);
        CHECK(has(lua_tostring(L, -1), "a loop is running"));
        lua_pop(L, 1);
    }
}

/* C5.11 */
static void test_ml_run_cannot_be_called_from_a_posted_function(void)
{
    ml_loop *loop = open_loop(0);
    spawn(loop, "run = require 'miniloop'.run");
    run(loop);
    CHECK_EQ(ml_post(loop, run_in_lua, NULL), 0);
    CHECK_EQ(ml_run(loop, ML_RUN_DEFAULT), 0);
    close_loop(loop);
}

/* C9.3 */
static void test_a_loop_cannot_be_run_from_a_report(void)
{
    busy_open();
    spawn(busy.self, "error 'x'");
    CHECK_EQ(ml_run(busy.self, ML_RUN_DEFAULT), -ECHILD);
    busy_check();
    busy_close();
}

/* C9.3: nor while it is being closed. */
static void test_a_loop_cannot_be_run_while_it_is_closed(void)
{
    ml_loop *loop = open_loop(0);
    memset(&busy, 1, sizeof busy);
    busy.self = loop;
    busy.stranger = open_loop(0);
    define(loop, "try", try_in_task);
    busy.neighbour = busy.stranger;
    spawn(loop, "local v <close> = setmetatable({}, {__close = try})\n"
                "require 'miniloop'.sleep(3600)");
    CHECK_EQ(ml_run(loop, ML_RUN_NOWAIT), 1);
    close_loop(loop);
    CHECK_EQ(busy.run, -EBUSY);
    CHECK_EQ(busy.close, -EBUSY);
    close_loop(busy.stranger);
}

static int run_other(lua_State *L)
{
    ml_loop *other = (ml_loop *)lua_touserdata(L, lua_upvalueindex(1));
    lua_pushinteger(L, ml_run(other, ML_RUN_DEFAULT));
    return 1;
}

/* Lua code that is no task may run a loop, inside a coroutine as well. */
static void test_a_loop_can_be_run_by_a_script_of_the_host(void)
{
    lua_State *L = state_open();
    ml_loop *loop = open_on(L, 0);
    lua_pushlightuserdata(L, loop);
    lua_pushcclosure(L, run_other, 1);
    lua_setglobal(L, "run");
    spawn(loop, "require 'miniloop'.sleep(0); n = 1");
    do_string(L, "assert(run() == 0 and n == 1)");
    spawn(loop, "require 'miniloop'.sleep(0); n = 2");
    do_string(L, "assert(coroutine.wrap(function() return run() end)() == 0)\n"
                 "assert(n == 2)");
    close_loop(loop);
    lua_close(L);
}

/* ---- how it ends --------------------------------------------------------- */

/* C4.6 */
static void test_a_deadlock_ends_the_run_with_its_tasks(void)
{
    ml_loop *loop = open_loop(0);
    spawn(loop, "local ml = require 'miniloop'\n"
                "local v <close> = setmetatable({}, {__close = function() "
                "n = 1 end})\n"
                "ml.event():wait()");
    CHECK_EQ(ml_run(loop, ML_RUN_DEFAULT), -EDEADLK);
    CHECK_EQ(heard_count, 1);
    CHECK_EQ(integer_of(loop, "n"), 1);
    CHECK_EQ(ml_tasks(loop), 0);
    heard_count = 0;
    run(loop);
    close_loop(loop);
}

/* C4.4 */
static void test_a_failure_that_nobody_took_is_told_at_the_end(void)
{
    ml_loop *loop = open_loop(0);
    spawn(loop, "error 'one'");
    spawn(loop, "require 'miniloop'.sleep(0.001); n = 1");
    CHECK_EQ(ml_run(loop, ML_RUN_DEFAULT), -ECHILD);
    CHECK_EQ(heard_count, 1);
    CHECK_EQ(integer_of(loop, "n"), 1);
    spawn(loop, "n = 2");
    CHECK_EQ(ml_run(loop, ML_RUN_DEFAULT), -ECHILD); /* since it was opened */
    CHECK_EQ(integer_of(loop, "n"), 2);
    close_loop(loop);
}

/* C4.4 */
static void test_a_failure_that_a_task_took_is_none_of_the_run(void)
{
    ml_loop *loop = open_loop(0);
    spawn(loop, "local ml = require 'miniloop'\n"
                "local ok, err = ml.wait(ml.spawn(error, 'mine'))\n"
                "value = err.value");
    run(loop);
    CHECK(global_is(loop, "value", "mine"));
    close_loop(loop);
}

/* C4.5 */
static void test_the_death_of_the_script_ends_the_others(void)
{
    ml_loop *loop = open_loop(ML_SCRIPT);
    spawn(loop, "local ml = require 'miniloop'\n"
                "ml.spawn(function()\n"
                "  local ok, err = pcall(ml.sleep, 3600)\n"
                "  code = err.code\n"
                "end)\n"
                "ml.sleep(0.001); error 'script'");
    CHECK_EQ(ml_run(loop, ML_RUN_DEFAULT), -ECHILD);
    CHECK(global_is(loop, "code", "ECANCELED"));
    close_loop(loop);
}

static const struct check_test tests[] = {
    CHECK_TEST(test_by_default_a_loop_runs_until_no_task_is_left),
    CHECK_TEST(test_one_round_waits_for_something_to_happen),
    CHECK_TEST(test_one_round_runs_each_ready_task_once),
    CHECK_TEST(test_a_run_without_waiting_never_waits),
    CHECK_TEST(test_a_loop_that_runs_for_ever_stays_without_tasks),
    CHECK_TEST(test_a_loop_that_runs_for_ever_has_no_deadlock),
    CHECK_TEST(test_a_stopped_run_returns_and_leaves_its_tasks),
    CHECK_TEST(test_a_stop_counts_for_one_run),
    CHECK_TEST(test_an_unknown_mode_is_refused),
    CHECK_TEST(test_virtual_time_does_not_pass_by_itself),
    CHECK_TEST(test_a_loop_cannot_be_run_from_its_own_task),
    CHECK_TEST(test_a_loop_cannot_be_run_from_a_coroutine_of_its_task),
    CHECK_TEST(test_a_loop_cannot_be_run_from_a_posted_function),
    CHECK_TEST(test_ml_run_cannot_be_called_from_a_posted_function),
    CHECK_TEST(test_a_loop_cannot_be_run_from_a_report),
    CHECK_TEST(test_a_loop_cannot_be_run_while_it_is_closed),
    CHECK_TEST(test_a_loop_can_be_run_by_a_script_of_the_host),
    CHECK_TEST(test_a_deadlock_ends_the_run_with_its_tasks),
    CHECK_TEST(test_a_failure_that_nobody_took_is_told_at_the_end),
    CHECK_TEST(test_a_failure_that_a_task_took_is_none_of_the_run),
    CHECK_TEST(test_the_death_of_the_script_ends_the_others),
};

int main(void)
{
    return check_run(tests, sizeof tests / sizeof tests[0]);
}
