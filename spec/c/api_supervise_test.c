/* A host that acts on the failures it hears of: it kills, cancels, and starts
 * again what has failed. */

#include "api_fixture.h"

static void (*act)(ml_loop *loop, const ml_failure *failure);

static void hear_and_act(ml_loop *loop, const ml_failure *failure, void *ud)
{
    hear(loop, failure, ud);
    act(loop, failure);
}

/* On the host's state, or on one of its own. */
static ml_loop *open_acting(lua_State *L,
                            void (*fn)(ml_loop *loop, const ml_failure *))
{
    ml_options options = options_of(0);
    options.state = L;
    options.alloc = L == NULL ? counted : NULL;
    options.on_failure = hear_and_act;
    act = fn;
    return open_with(&options);
}

/* ---- deadlocks ----------------------------------------------------------- */

static const char *const stuck = "coroutine.yield(syscall.sleep(math.huge))";

static void kill_the_one(ml_loop *loop, const ml_failure *failure)
{
    CHECK_EQ(ml_kill(loop, failure->task), 0);
}

/* C3.6 */
static void test_a_task_in_a_deadlock_may_be_killed_when_it_is_told(void)
{
    ml_loop *loop = open_acting(NULL, kill_the_one);
    for (int i = 0; i < 3; i++) {
        spawn(loop, stuck);
    }
    CHECK_EQ(ml_run(loop, ML_RUN_DEFAULT), -EDEADLK);
    CHECK_EQ(heard_count, 3);
    CHECK_EQ((long long)ml_tasks(loop), 0);
    close_loop(loop);
}

static void kill_the_next(ml_loop *loop, const ml_failure *failure)
{
    CHECK_EQ(ml_kill(loop, failure->task + 1), 0);
}

/* C3.6 */
static void test_who_was_killed_is_in_no_deadlock(void)
{
    ml_loop *loop = open_acting(NULL, kill_the_next);
    for (int i = 0; i < 4; i++) {
        spawn(loop, stuck);
    }
    CHECK_EQ(ml_run(loop, ML_RUN_DEFAULT), -EDEADLK);
    CHECK_EQ(heard_count, 2);
    CHECK_EQ(heard.task, 3);
    CHECK_EQ((long long)ml_tasks(loop), 0);
    close_loop(loop);
}

static void spawn_another(ml_loop *loop, const ml_failure *failure)
{
    (void)failure;
    spawn(loop, "ran = true");
}

/* C3.6: nor is what is spawned then, which goes with the others. */
static void test_who_was_just_spawned_is_in_no_deadlock(void)
{
    ml_loop *loop = open_acting(NULL, spawn_another);
    spawn(loop, stuck);
    spawn(loop, stuck);
    CHECK_EQ(ml_run(loop, ML_RUN_DEFAULT), -EDEADLK);
    CHECK_EQ(heard_count, 2);
    CHECK_EQ((long long)ml_tasks(loop), 0);
    CHECK(global_is(loop, "ran", "nil"));
    close_loop(loop);
}

/* ---- failures that were kept back, for somebody might have taken them ------ */

/* A task whose handle is held fails; `rest` is what its parent does. */
static void spawn_failing(ml_loop *loop, const char *rest)
{
    char source[256];
    (void)snprintf(source, sizeof source,
                   "local ml = require 'miniloop'\n"
                   "handle = ml.spawn(function() error 'x' end)\n"
                   "%s",
                   rest);
    spawn(loop, source);
}

/* C9.1: a run does not end before the task that was started again does. */
static void test_a_task_is_started_again_at_the_end_of_a_run(void)
{
    ml_loop *loop = open_acting(NULL, spawn_another);
    spawn_failing(loop, "");
    CHECK_EQ(ml_run(loop, ML_RUN_DEFAULT), -ECHILD);
    CHECK_EQ(heard_count, 1);
    CHECK_EQ((long long)ml_tasks(loop), 0);
    CHECK(global_is(loop, "ran", "true"));
    close_loop(loop);
}

static void set_event(ml_loop *loop, const ml_failure *failure)
{
    if (strcmp(failure->kind, "failed") == 0) {
        spawn(loop, "event:set()");
    }
}

/* C3.6: nothing is stuck that the answer to a failure wakes. */
static void test_a_task_is_started_again_before_a_deadlock(void)
{
    ml_loop *loop = open_acting(NULL, set_event);
    spawn_failing(loop, "event = ml.event()\n"
                        "event:wait()\n"
                        "woken = true");
    CHECK_EQ(ml_run(loop, ML_RUN_DEFAULT), -ECHILD);
    CHECK_EQ(heard_count, 1);
    CHECK(global_is(loop, "woken", "true"));
    close_loop(loop);
}

static void kill_the_first(ml_loop *loop, const ml_failure *failure)
{
    (void)failure;
    CHECK_EQ(ml_kill(loop, 1), 0);
}

/* C9.1: there is nothing to wait for then. */
static void test_the_last_task_is_killed_before_a_deadlock(void)
{
    ml_loop *loop = open_acting(NULL, kill_the_first);
    spawn_failing(loop, "ml.event():wait()");
    CHECK_EQ(ml_run(loop, ML_RUN_DEFAULT), -ECHILD);
    CHECK_EQ(heard_count, 1);
    close_loop(loop);
}

/* C9.3: a loop that is closed runs nothing, and loses nothing. */
static void test_a_task_that_is_started_again_by_closing_is_killed(void)
{
    lua_State *L = state_open();
    ml_loop *loop = open_acting(L, spawn_another);
    spawn_failing(loop, "ml.sleep(3600)");
    CHECK_EQ(ml_run(loop, ML_RUN_NOWAIT), 1);
    CHECK_EQ(ml_run(loop, ML_RUN_NOWAIT), 1);
    CHECK_EQ(heard_count, 0);
    close_loop(loop);
    CHECK_EQ(heard_count, 1);
    do_string(L, "assert(not ran)");
    lua_close(L);
}

static const struct check_test tests[] = {
    CHECK_TEST(test_a_task_in_a_deadlock_may_be_killed_when_it_is_told),
    CHECK_TEST(test_who_was_killed_is_in_no_deadlock),
    CHECK_TEST(test_who_was_just_spawned_is_in_no_deadlock),
    CHECK_TEST(test_a_task_is_started_again_at_the_end_of_a_run),
    CHECK_TEST(test_a_task_is_started_again_before_a_deadlock),
    CHECK_TEST(test_the_last_task_is_killed_before_a_deadlock),
    CHECK_TEST(test_a_task_that_is_started_again_by_closing_is_killed),
};

int main(void)
{
    return check_run(tests, sizeof tests / sizeof tests[0]);
}
