/* The hooks at the points of a task's life: core/trace.h. */

#include "api_fixture.h"

#include "core/loop.h"
#include "core/task.h"
#include "core/trace.h"

static char log_text[128];

static void note(char what, const struct ml_task *task)
{
    size_t length = strlen(log_text);
    (void)snprintf(log_text + length, sizeof log_text - length, "%c%lld ", what,
                   (long long)task->id);
}

static void on_spawn(void *ud, const struct ml_task *task)
{
    CHECK(ud == log_text);
    note('+', task);
}

static void on_step(void *ud, const struct ml_task *task)
{
    (void)ud;
    note('>', task);
}

static void on_wait(void *ud, const struct ml_task *task)
{
    (void)ud;
    note('w', task);
}

static void on_ready(void *ud, const struct ml_task *task)
{
    (void)ud;
    note('r', task);
}

static void on_end(void *ud, const struct ml_task *task)
{
    (void)ud;
    note('-', task);
}

/* What a task that spawns another, sleeps and ends is seen to do. */
static const char *life_by(const struct ml_trace *trace)
{
    ml_loop *loop = open_loop(ML_VIRTUAL_TIME);
    loop->trace = trace;
    log_text[0] = '\0';
    spawn(loop, "local ml = require 'miniloop'\n"
                "ml.new(ml.yield)\n"
                "ml.sleep(1)");
    run(loop);
    close_loop(loop);
    return log_text;
}

static void test_each_point_is_told_in_order(void)
{
    const struct ml_trace trace = {.ud = log_text,
                                   .spawn = on_spawn,
                                   .step = on_step,
                                   .wait = on_wait,
                                   .ready = on_ready,
                                   .end = on_end};
    CHECK(has(life_by(&trace), "+1 r1 >1 +2 r2 w1 >2 r2 >2 -2 r1 >1 -1 "));
}

static void test_a_hook_that_is_not_set_is_not_called(void)
{
    const struct ml_trace trace = {.ud = log_text, .end = on_end};
    CHECK(has(life_by(&trace), "-2 -1 "));
}

static void test_without_hooks_nothing_is_told(void)
{
    CHECK_EQ(strlen(life_by(NULL)), 0);
}

static const struct check_test tests[] = {
    CHECK_TEST(test_each_point_is_told_in_order),
    CHECK_TEST(test_a_hook_that_is_not_set_is_not_called),
    CHECK_TEST(test_without_hooks_nothing_is_told),
};

int main(void)
{
    return check_run(tests, sizeof tests / sizeof tests[0]);
}
