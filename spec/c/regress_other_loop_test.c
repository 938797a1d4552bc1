/* Who waited for a task of another loop of the same state was told that this
 * cannot be, and was in the queue of that task nevertheless. */

#include "api_fixture.h"

/* C3.1: a task is of one loop; in another of the same state it cannot be waited
 * for, and its outcome is there for all. */
static void test_a_task_of_another_loop_cannot_be_waited_for(void)
{
    ml_loop *first = open_loop(0);
    ml_loop *second = open_on(ml_state(first), 0);
    CHECK_EQ(ml_kill(second, 1), -ESRCH); /* it has not had any */
    spawn(first, "ml = require 'miniloop'\n"
                 "sleeper = ml.spawn(ml.sleep, 3600)\n"
                 "done = ml.spawn(type, 1)\n"
                 "ml.sleep(0.001)");
    CHECK_EQ(ml_run(first, ML_RUN_NOWAIT), 1);
    CHECK_EQ(ml_run(first, ML_RUN_NOWAIT), 1);
    spawn(second, "codes = ''\n"
                  "for _, f in ipairs { ml.wait, ml.kill, ml.cancel } do\n"
                  "  codes = codes .. select(2, f(sleeper)).code .. ' '\n"
                  "end\n"
                  "codes = codes .. tostring(select(2, done:wait()))\n"
                  "joined = select('#', pcall(sleeper.join, sleeper))\n"
                  "own = ml.spawn(error, 'x')\n"
                  "status = own:status()\n"
                  "caught = pcall(own.join, own)");
    run(second);
    CHECK(global_is(second, "status", "ready"));
    CHECK(global_is(second, "caught", "false"));
    CHECK(global_is(second, "codes", "EINVAL EINVAL EINVAL number"));
    CHECK_EQ(integer_of(second, "joined"), 3);
    close_loop(second);
    close_loop(first);
}

/* The same by a join, and in a choice. */
static void test_it_is_in_no_queue_of_that_loop(void)
{
    ml_loop *first = open_loop(0);
    ml_loop *second = open_on(ml_state(first), 0);
    spawn(first, "ml = require 'miniloop'\n"
                 "sleeper = ml.spawn(ml.sleep, 3600)\n"
                 "ml.sleep(0.001)");
    CHECK_EQ(ml_run(first, ML_RUN_NOWAIT), 1);
    spawn(second, "caught = select('#', pcall(sleeper.join, sleeper))\n"
                  "index = ml.any { syscall.wait(sleeper), syscall.sleep(0) }");
    run(second);
    CHECK_EQ(integer_of(second, "caught"), 3);
    CHECK_EQ(integer_of(second, "index"), 1);
    close_loop(second);
    close_loop(first);
}

static const struct check_test tests[] = {
    CHECK_TEST(test_a_task_of_another_loop_cannot_be_waited_for),
    CHECK_TEST(test_it_is_in_no_queue_of_that_loop),
};

int main(void)
{
    return check_run(tests, sizeof tests / sizeof tests[0]);
}
