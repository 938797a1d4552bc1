/* core/collector.c: how long Lua's collector rests, by what is in use. */

#include "check.h"

#include "core/collector.h"

#include <lauxlib.h>
#include <stdbool.h>

#define KB ((size_t)1024)
#define MB (1024 * KB)

static size_t used;

/* The pause that Lua has: to set it tells what it was. */
static int pause_of(lua_State *L)
{
    int pause = lua_gc(L, LUA_GCSETPAUSE, 200);
    (void)lua_gc(L, LUA_GCSETPAUSE, pause);
    return pause;
}

static lua_State *state_open(void)
{
    lua_State *L = luaL_newstate();
    CHECK_MUST(L != NULL);
    return L;
}

/* The pause where so much is in use and so much may be. */
static int pause_for(size_t in_use, size_t room)
{
    struct ml_collector collector;
    lua_State *L = luaL_newstate();
    used = in_use;
    ml_collector_init(&collector, L, &used, room);
    int pause = pause_of(L);
    lua_close(L);
    return pause;
}

/* Of a small heap, 1.25 MB may come together before a cycle; of a large one, as
 * much as is in use. */
static void test_a_small_state_rests_longer(void)
{
    CHECK_EQ(pause_for(1, 0), 400);
    CHECK_EQ(pause_for(400 * KB, 0), 400);
    CHECK_EQ(pause_for(640 * KB, 0), 296);
    CHECK_EQ(pause_for(1000 * KB, 0), 224);
    CHECK_EQ(pause_for(2 * MB, 0), 200);
    CHECK_EQ(pause_for(64 * MB, 0), 200);
}

/* At four fifths of it, a cycle begins. */
static void test_a_limit_ends_the_rest_early(void)
{
    CHECK_EQ(pause_for(30 * MB, 64 * MB), 168);
    CHECK_EQ(pause_for(40 * MB, 64 * MB), 124);
    CHECK_EQ(pause_for(48 * MB, 64 * MB), 108);
    CHECK_EQ(pause_for(63 * MB, 64 * MB), 108);
    CHECK_EQ(pause_for(200 * KB, 640 * KB), 252);
}

/* A limit is no reason to rest longer. */
static void test_a_limit_that_is_far_away_changes_nothing(void)
{
    CHECK_EQ(pause_for(4 * MB, 64 * MB), 200);
    CHECK_EQ(pause_for(640 * KB, 64 * MB), 296);
}

static void test_it_follows_what_is_in_use_up_and_down(void)
{
    static const struct {
        size_t used;
        int pause;
    } steps[] = {{64 * MB, 200}, {1, 400}, {640 * KB, 296}, {64 * MB, 200}};
    struct ml_collector collector;
    lua_State *L = state_open();
    used = 1;
    ml_collector_init(&collector, L, &used, 0);
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        used = steps[i].used;
        ml_collector_adjust(&collector, L);
        CHECK_EQ(pause_of(L), steps[i].pause);
    }
    lua_close(L);
}

/* It looks when something was freed since the last time. */
static void test_it_looks_at_what_a_cycle_has_left(void)
{
    struct ml_collector collector;
    lua_State *L = state_open();
    used = 64 * MB;
    ml_collector_init(&collector, L, &used, 0);
    used = 640 * KB;
    ml_collector_look(&collector, L);
    CHECK_EQ(pause_of(L), 296);
    used = 650 * KB;
    ml_collector_look(&collector, L);
    CHECK_EQ(pause_of(L), 296);
    lua_close(L);
}

static void test_a_pause_that_a_script_has_set_is_left_alone(void)
{
    struct ml_collector collector;
    lua_State *L = state_open();
    used = 1;
    ml_collector_init(&collector, L, &used, 0);
    (void)lua_gc(L, LUA_GCSETPAUSE, 160);
    for (size_t step = 3; step >= 1; step--) {
        used = 64 * MB;
        ml_collector_look(&collector, L);
        used = step * MB;
        ml_collector_look(&collector, L);
        CHECK_EQ(pause_of(L), 160);
    }
    lua_close(L);
}

static const struct check_test tests[] = {
    CHECK_TEST(test_a_small_state_rests_longer),
    CHECK_TEST(test_a_limit_ends_the_rest_early),
    CHECK_TEST(test_a_limit_that_is_far_away_changes_nothing),
    CHECK_TEST(test_it_follows_what_is_in_use_up_and_down),
    CHECK_TEST(test_it_looks_at_what_a_cycle_has_left),
    CHECK_TEST(test_a_pause_that_a_script_has_set_is_left_alone),
};

int main(void)
{
    return check_run(tests, sizeof tests / sizeof tests[0]);
}
