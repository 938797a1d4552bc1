/* A limit of memory: who meets it, and who does not. */

#include "api_fixture.h"

/* Takes memory until there is none, over and over. */
static const char *const bomb =
    "local hoard = {}\n"
    "while true do\n"
    "  hoard[#hoard + 1] = ('x'):rep(20000 + #hoard)"
    "\nend";

/* C9.1 */
static void test_a_memory_limit_is_met_by_the_task_that_reaches_it(void)
{
    ml_options options = options_of(0);
    options.memory_limit = 2 << 20;
    ml_loop *loop = open_with(&options);
    spawn(loop, "local ml = require 'miniloop'\n"
                "for i = 1, 50 do n = i; ml.yield() end");
    int64_t id = spawn(loop, bomb);
    spawn(loop, "local ml = require 'miniloop'\n"
                "for i = 1, 50 do m = ('y'):rep(i) .. i; ml.yield() end");
    CHECK_EQ(ml_run(loop, ML_RUN_DEFAULT), -ECHILD);
    CHECK_EQ(heard_count, 1);
    CHECK_EQ(heard.task, id);
    CHECK(has(heard.message, "not enough memory"));
    CHECK_EQ(integer_of(loop, "n"), 50);
    CHECK_EQ(ml_tasks(loop), 0);
    close_loop(loop);
}

/* C9.1: tasks that are kept for the next ones do not use it up. */
static void test_tasks_that_have_ended_leave_room_below_the_limit(void)
{
    ml_options options = options_of(0);
    options.memory_limit = 13 << 20;
    ml_loop *loop = open_with(&options);
    spawn(loop, "local ml = require 'miniloop'\n"
                "ml.group(function(g)\n"
                "  for _ = 1, 7000 do g:spawn(ml.sleep, 0) end\n"
                "end)\n"
                "n = #('x'):rep(4 << 20)\n");
    run(loop);
    CHECK_EQ(integer_of(loop, "n"), 4 << 20);
    close_loop(loop);
}

/* C9.1 */
static void test_a_state_does_not_fit_a_limit_that_is_too_small(void)
{
    ml_options options = options_of(0);
    options.memory_limit = 10000;
    ml_loop *loop = NULL;
    CHECK_EQ(ml_open(&loop, &options), -ENOMEM);
    CHECK(loop == NULL);
}

/* C9.1: what the loop keeps for itself is met by it as well. Between the steps of
 * tasks a timeout cancels thousands, for each of which it needs a little: those
 * that there is nothing for are killed, and that is told. */
static void test_a_memory_limit_holds_for_the_loop_itself(void)
{
    static const struct {
        size_t limit;
        int tasks;
    } rows[] = {{4 << 20, 2000}, {20 << 20, 10000}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        ml_options options = options_of(ML_VIRTUAL_TIME);
        options.memory_limit = rows[i].limit;
        ml_loop *loop = open_with(&options);
        lua_pushinteger(ml_state(loop), rows[i].tasks);
        lua_setglobal(ml_state(loop), "tasks");
        spawn(loop, "local ml = require 'miniloop'\n"
                    "local hoard = {}\n"
                    "local _, err = ml.timeout(1, ml.group, function(g)\n"
                    "  for _ = 1, tasks do g:spawn(ml.sleep, 3600) end\n"
                    "  ml.sleep(0)\n"
                    "  for size = 12, 5, -1 do\n"
                    "    pcall(function()\n"
                    "      while true do\n"
                    "        hoard = { hoard, ('x'):rep(1 << size) .. size }\n"
                    "      end\n"
                    "    end)\n"
                    "  end\n"
                    "  ml.sleep(3600)\n"
                    "end)\n"
                    "hoard = nil\n"
                    "code = err.code\n");
        (void)ml_run(loop, ML_RUN_DEFAULT);
        CHECK(global_is(loop, "code", "ETIMEDOUT"));
        CHECK(heard_count > 0);
        CHECK_EQ((long long)ml_tasks(loop), 0);
        close_loop(loop);
    }
}

static const struct check_test tests[] = {
    CHECK_TEST(test_a_memory_limit_is_met_by_the_task_that_reaches_it),
    CHECK_TEST(test_tasks_that_have_ended_leave_room_below_the_limit),
    CHECK_TEST(test_a_state_does_not_fit_a_limit_that_is_too_small),
    CHECK_TEST(test_a_memory_limit_holds_for_the_loop_itself),
};

int main(void)
{
    return check_run(tests, sizeof tests / sizeof tests[0]);
}
