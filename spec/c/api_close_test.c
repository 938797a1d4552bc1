/* Closing loops: what is killed, in which order, and what stays. */

#include "api_fixture.h"

static const char *const guarded =
    "local ml = require 'miniloop'\n"
    "log = log or ''\n"
    "local id = ml.id()\n"
    "local v <close> = setmetatable({}, {__close = function(_, err)\n"
    "  log = log .. id .. tostring(err) .. ' '\n"
    "end})\n"
    "ml.sleep(3600)\n"
    "log = log .. 'survived '";

/* C9.3 */
static void test_tasks_are_killed_the_youngest_first(void)
{
    lua_State *L = state_open();
    ml_loop *loop = open_on(L, 0);
    for (int i = 0; i < 4; i++) {
        spawn(loop, guarded);
    }
    CHECK_EQ(ml_run(loop, ML_RUN_NOWAIT), 1);
    close_loop(loop);
    do_string(L, "assert(log == '4nil 3nil 2nil 1nil ', log)");
    lua_close(L);
}

/* C9.3, C3.6: no pcall of theirs sees it, and what never ran never runs. */
static void test_tasks_that_are_ready_are_killed_as_well(void)
{
    lua_State *L = state_open();
    ml_loop *loop = open_on(L, 0);
    spawn(loop, "local ml = require 'miniloop'\n"
                "log = 'a'\n"
                "pcall(ml.yield)\nlog = log .. 'b'");
    CHECK_EQ(ml_run(loop, ML_RUN_NOWAIT), 1);
    spawn(loop, "log = log .. 'c'");
    close_loop(loop);
    do_string(L, "assert(log == 'a', log)");
    lua_close(L);
}

/* C9.3 */
static void test_closing_runs_the_variables_of_nested_coroutines(void)
{
    lua_State *L = state_open();
    ml_loop *loop = open_on(L, 0);
    spawn(loop, "local ml = require 'miniloop'\n"
                "log = ''\n"
                "local function guard(name)\n"
                "  return setmetatable({}, {__close = function()\n"
                "    log = log .. name\n"
                "  end})\n"
                "end\n"
                "local a <close> = guard 'a'\n"
                "coroutine.wrap(function()\n"
                "  local b <close> = guard 'b'\n"
                "  coroutine.wrap(function()\n"
                "    local c <close> = guard 'c'\n"
                "    ml.sleep(3600)\n"
                "  end)()\n"
                "end)()");
    CHECK_EQ(ml_run(loop, ML_RUN_NOWAIT), 1);
    close_loop(loop);
    do_string(L, "assert(log == 'cba', log)");
    lua_close(L);
}

/* C9.3: errors in closing are reported, and stop nothing. */
static void test_errors_in_closing_are_reported(void)
{
    lua_State *L = state_open();
    ml_loop *loop = open_on(L, 0);
    spawn(loop, guarded);
    spawn(loop, "local v <close> = setmetatable({}, {__close = function()\n"
                "  require 'miniloop'.sleep(1)\n"
                "end})\n"
                "require 'miniloop'.sleep(3600)");
    CHECK_EQ(ml_run(loop, ML_RUN_NOWAIT), 1);
    close_loop(loop);
    CHECK_EQ(heard_count, 1);
    CHECK_EQ(heard.task, 2);
    CHECK(has(heard.message, "cannot call 'sleep' here"));
    do_string(L, "assert(log == '1nil ', log)");
    lua_close(L);
}

/* A variable that is closed may spawn: the new task is killed, too. */
static void test_tasks_that_are_spawned_by_closing_never_run(void)
{
    lua_State *L = state_open();
    ml_loop *loop = open_on(L, 0);
    spawn(loop, "local ml = require 'miniloop'\n"
                "local v <close> = setmetatable({}, {__close = function()\n"
                "  spawned = ml.spawn(function() ran = true end)\n"
                "end})\n"
                "ml.sleep(3600)");
    CHECK_EQ(ml_run(loop, ML_RUN_NOWAIT), 1);
    close_loop(loop);
    do_string(L, "assert(spawned:status() == 'cancelled' and not ran)");
    lua_close(L);
}

static ml_loop *closing;
static int answers[3];

static void try_again(ml_loop *loop, const ml_failure *failure, void *ud)
{
    (void)failure;
    (void)ud;
    answers[0] = ml_close(loop);
    answers[1] = ml_run(loop, ML_RUN_NOWAIT);
}

static void post_again(ml_loop *loop, void *ud)
{
    int *count = (int *)ud;
    answers[1] = ml_run(closing, ML_RUN_NOWAIT);
    ml_wake(closing); /* which nobody hears any more */
    if (loop == NULL && ++*count < 3) {
        answers[2] = ml_post(closing, post_again, ud);
    }
}

/* C9.3: whatever calls back cannot get into the loop again. */
static void test_a_loop_that_is_being_closed_is_busy(void)
{
    ml_options options = options_of(0);
    options.on_failure = try_again;
    ml_loop *loop = open_with(&options);
    spawn(loop, "local v <close> = setmetatable({}, {__close = error})\n"
                "require 'miniloop'.sleep(3600)");
    CHECK_EQ(ml_run(loop, ML_RUN_NOWAIT), 1);
    close_loop(loop);
    CHECK_EQ(answers[0], -EBUSY);
    CHECK_EQ(answers[1], -EBUSY);
}

/* C9.3: what is posted to a loop that is being closed is handed back at once. */
static void test_a_post_made_by_closing_is_called_as_well(void)
{
    int count = 0;
    closing = open_loop(0);
    CHECK_EQ(ml_post(closing, post_again, &count), 0);
    close_loop(closing);
    CHECK_EQ(count, 3);
    CHECK_EQ(answers[1], -EBUSY);
    CHECK_EQ(answers[2], 0);
}

/* C9.3: a loop in a state of its own takes that with it. */
static void test_a_state_of_its_own_is_closed_with_the_loop(void)
{
    ml_loop *loop = open_loop(0);
    spawn(loop, "x = setmetatable({}, {__gc = function() end})\n"
                "require 'miniloop'.sleep(3600)");
    CHECK_EQ(ml_run(loop, ML_RUN_NOWAIT), 1);
    close_loop(loop);
    CHECK_EQ(check.bytes, 0);
}

static int run_closing(lua_State *L)
{
    lua_pushinteger(L, ml_run(closing, ML_RUN_NOWAIT));
    return 1;
}

/* C9.3: what closes with one loop cannot run another of the same state. */
static void test_a_handler_of_a_loop_that_is_closed_runs_no_other(void)
{
    lua_State *L = state_open();
    ml_loop *loop = open_on(L, 0);
    closing = open_on(L, 0);
    define(loop, "run_other", run_closing);
    spawn(closing, "ran = true");
    spawn(loop, "local v <close> = setmetatable({}, {\n"
                "  __close = function() answer = run_other() end\n"
                "})\n"
                "require 'miniloop'.sleep(3600)");
    CHECK_EQ(ml_run(loop, ML_RUN_NOWAIT), 1);
    close_loop(loop);
    CHECK_EQ(integer_of(closing, "answer"), -EBUSY);
    CHECK(global_is(closing, "ran", "nil"));
    run(closing);
    CHECK(global_is(closing, "ran", "true"));
    close_loop(closing);
    lua_close(L);
}

/* C9.3: one loop of a state ends, the others go on. */
static void test_closing_one_loop_leaves_the_others_alone(void)
{
    lua_State *L = state_open();
    ml_loop *first = open_on(L, 0);
    ml_loop *second = open_on(L, 0);
    spawn(first, guarded);
    spawn(second, "n = 0\n"
                  "for i = 1, 3 do require 'miniloop'.sleep(0); n = i end");
    CHECK_EQ(ml_run(first, ML_RUN_NOWAIT), 1);
    CHECK_EQ(ml_run(second, ML_RUN_NOWAIT), 1);
    close_loop(first);
    run(second);
    CHECK_EQ(integer_of(second, "n"), 3);
    close_loop(second);
    lua_close(L);
}

/* A task of one loop may end another loop of its state. */
static int close_other(lua_State *L)
{
    lua_pushinteger(L, ml_close(closing));
    return 1;
}

static void test_a_loop_is_closed_by_a_task_of_another(void)
{
    lua_State *L = state_open();
    ml_loop *loop = open_on(L, 0);
    closing = open_on(L, 0);
    spawn(closing, guarded);
    CHECK_EQ(ml_run(closing, ML_RUN_NOWAIT), 1);
    define(loop, "close_other", close_other);
    spawn(loop, "local ml = require 'miniloop'\n"
                "result = close_other(); ml.sleep(0); id = ml.id()");
    run(loop);
    do_string(L, "assert(result == 0 and id == 1 and log == '1nil ', log)");
    close_loop(loop);
    lua_close(L);
}

/* C9.3: nor can a task that is killed close it, when the host asks for the kill
 * from outside of any run. */
static void test_a_loop_that_kills_a_task_is_busy(void)
{
    ml_loop *loop = open_loop(0);
    closing = loop;
    define(loop, "close_other", close_other);
    int64_t id =
        spawn(loop, "local v <close> = setmetatable({}, {\n"
                    "  __close = function() answer = close_other() end\n"
                    "})\n"
                    "require 'miniloop'.sleep(3600)");
    CHECK_EQ(ml_run(loop, ML_RUN_NOWAIT), 1);
    CHECK_EQ(ml_kill(loop, id), 0);
    CHECK_EQ(integer_of(loop, "answer"), -EBUSY);
    CHECK_EQ((long long)ml_tasks(loop), 0);
    close_loop(loop);
}

/* C9.3: no more can a task that runs, where no other loop has the state. */
static void test_a_loop_that_runs_is_busy(void)
{
    ml_loop *loop = open_loop(0);
    closing = loop;
    define(loop, "close_other", close_other);
    spawn(loop, "answer = close_other()");
    run(loop);
    CHECK_EQ(integer_of(loop, "answer"), -EBUSY);
    close_loop(loop);
}

static const struct check_test tests[] = {
    CHECK_TEST(test_tasks_are_killed_the_youngest_first),
    CHECK_TEST(test_tasks_that_are_ready_are_killed_as_well),
    CHECK_TEST(test_closing_runs_the_variables_of_nested_coroutines),
    CHECK_TEST(test_errors_in_closing_are_reported),
    CHECK_TEST(test_tasks_that_are_spawned_by_closing_never_run),
    CHECK_TEST(test_a_loop_that_is_being_closed_is_busy),
    CHECK_TEST(test_a_post_made_by_closing_is_called_as_well),
    CHECK_TEST(test_a_state_of_its_own_is_closed_with_the_loop),
    CHECK_TEST(test_a_handler_of_a_loop_that_is_closed_runs_no_other),
    CHECK_TEST(test_closing_one_loop_leaves_the_others_alone),
    CHECK_TEST(test_a_loop_is_closed_by_a_task_of_another),
    CHECK_TEST(test_a_loop_that_kills_a_task_is_busy),
    CHECK_TEST(test_a_loop_that_runs_is_busy),
};

int main(void)
{
    return check_run(tests, sizeof tests / sizeof tests[0]);
}
