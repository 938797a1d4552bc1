/* A finalizer of the host's that closed the loop, or killed a task of it, in the
 * midst of a function that was just about to use it. */

#include "api_fixture.h"

static ml_loop *loop;

/* close_it(): the answer of ml_close. */
static int close_it(lua_State *L)
{
    lua_pushinteger(L, ml_close(loop));
    return 1;
}

static int kill_it(lua_State *L)
{
    lua_pushinteger(L, ml_kill(loop, 1));
    return 1;
}

/* The next time that Lua takes memory it collects all, and finalizes. */
static void finalize_soon(lua_State *L, const char *source)
{
    lua_gc(L, LUA_GCSTOP);
    do_string(L, source);
    lua_gc(L, LUA_GCINC, 0, 1000, 30);
    lua_gc(L, LUA_GCRESTART);
}

static lua_State *open_finalizing(void)
{
    lua_State *L = state_open();
    loop = open_on(L, 0);
    define(loop, "close_it", close_it);
    define(loop, "kill_it", kill_it);
    return L;
}

/* C9.3 */
static void test_a_loop_is_not_closed_under_a_spawn(void)
{
    lua_State *L = open_finalizing();
    finalize_soon(L, "setmetatable({}, { __gc = function()\n"
                     "  answer = close_it()\n"
                     "end })");
    spawn(loop, "ran = true");
    CHECK_EQ(integer_of(loop, "answer"), -EBUSY);
    run(loop);
    CHECK(global_is(loop, "ran", "true"));
    close_loop(loop);
    lua_close(L);
}

/* C9.1: who is gone before the reason of its cancellation was taken in. */
static void test_a_task_is_killed_under_its_cancellation(void)
{
    lua_State *L = open_finalizing();
    int64_t id = spawn(loop, "require 'miniloop'.sleep(3600)");
    CHECK_EQ(ml_run(loop, ML_RUN_NOWAIT), 1);
    finalize_soon(L, "setmetatable({}, { __gc = function()\n"
                     "  answer = kill_it()\n"
                     "end })");
    CHECK_EQ(ml_cancel(loop, id, "a reason that nothing else has for itself"),
             -ESRCH);
    CHECK(global_is(loop, "answer", "0"));
    CHECK_EQ((long long)ml_tasks(loop), 0);
    run(loop);
    close_loop(loop);
    lua_close(L);
}

static const struct check_test tests[] = {
    CHECK_TEST(test_a_loop_is_not_closed_under_a_spawn),
    CHECK_TEST(test_a_task_is_killed_under_its_cancellation),
};

int main(void)
{
    return check_run(tests, sizeof tests / sizeof tests[0]);
}
