/* A host that keeps Lua's own coroutine.resume, and goes on with a task's thread
 * by itself: it is not said what becomes of that task, but nothing else suffers. */

#include "api_fixture.h"

/* The loop is on a state whose `resume` is Lua's own. */
static ml_loop *open_foreign(lua_State **state)
{
    lua_State *L = state_open();
    do_string(L, "resume, close = coroutine.resume, coroutine.close");
    *state = L;
    return open_on(L, ML_VIRTUAL_TIME);
}

/* Runs a task by this text until it waits, goes on with its thread from outside
 * of any task, and runs the loop to its end, with another task that must not
 * notice. */
static void go_on_with(const char *text)
{
    lua_State *L = NULL;
    ml_loop *loop = open_foreign(&L);
    spawn(loop, text);
    spawn(loop, "local ml = require 'miniloop'\n"
                "for i = 1, 5 do ml.sleep(1) n = i end");
    CHECK_EQ(ml_run(loop, ML_RUN_NOWAIT), 1);
    do_string(L, "resume(thread)");
    (void)ml_run(loop, ML_RUN_DEFAULT);
    CHECK_EQ(integer_of(loop, "n"), 5);
    close_loop(loop);
    lua_close(L);
}

#define THREAD                              \
    "local ml = require 'miniloop'\n"       \
    "thread = coroutine.running()\n"        \
    "local function fail() error 'x' end\n" \
    "local guard = setmetatable({}, { __close = fail })\n"

static void test_others_go_on_when_a_task_is_gone_on_with_by_others(void)
{
    go_on_with(THREAD "ml.sleep(3)");
    go_on_with(THREAD "ml.sleep(3) error 'x'");
    go_on_with(THREAD "ml.timeout(9, function() ml.sleep(3) error 'x' end)");
    go_on_with(THREAD "for i = 1, 1e4 do\n"
                      "  coroutine.yield(syscall.id())\n"
                      "end");
    go_on_with(THREAD "local co = coroutine.wrap(function()\n"
                      "  ml.sleep(3) error 'x'\n"
                      "end)\n"
                      "co()");
}

/* Its handlers run where no task does. */
static void test_others_go_on_when_a_task_is_closed_by_others(void)
{
    static const char *const texts[] = {
        THREAD "local _ <close> = guard ml.sleep(3)",
        THREAD "local co = coroutine.wrap(function()\n"
               "  local _ <close> = guard ml.sleep(3)\n"
               "end)\n"
               "co()",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        lua_State *L = NULL;
        ml_loop *loop = open_foreign(&L);
        spawn(loop, texts[i]);
        spawn(loop, "local ml = require 'miniloop'\n"
                    "for i = 1, 5 do ml.sleep(1) n = i end");
        CHECK_EQ(ml_run(loop, ML_RUN_NOWAIT), 1);
        do_string(L, "close(thread)");
        (void)ml_run(loop, ML_RUN_DEFAULT);
        CHECK_EQ(integer_of(loop, "n"), 5);
        close_loop(loop);
        lua_close(L);
    }
}

static const struct check_test tests[] = {
    CHECK_TEST(test_others_go_on_when_a_task_is_gone_on_with_by_others),
    CHECK_TEST(test_others_go_on_when_a_task_is_closed_by_others),
};

int main(void)
{
    return check_run(tests, sizeof tests / sizeof tests[0]);
}
