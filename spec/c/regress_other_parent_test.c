/* A task of one loop that spawned in another passed the place of its own spawn
 * on, which is in the first loop's table of places: the second looked for it in
 * its own to free it. */

#include "api_fixture.h"

static ml_loop *second;

/* spawn_there(f): spawns f in the second loop. */
static int spawn_there(lua_State *L)
{
    lua_settop(L, 1);
    CHECK_EQ(ml_spawn(second, L, 0, NULL), 0);
    return 0;
}

/* C4.4: the places of a task's ancestors end where its loop does. */
static void test_a_task_spawned_by_another_loop_has_no_ancestors(void)
{
    ml_loop *first = open_loop(0);
    second = open_on(ml_state(first), 0);
    define(first, "spawn_there", spawn_there);
    spawn(first, "require 'miniloop'.new(function()\n"
                 "  spawn_there(error)\n"
                 "end)");
    run(first);
    CHECK_EQ(ml_run(second, ML_RUN_DEFAULT), -ECHILD);
    CHECK(strcmp(heard.spawned, "spec:2") == 0);
    close_loop(second);
    close_loop(first);
}

static const struct check_test tests[] = {
    CHECK_TEST(test_a_task_spawned_by_another_loop_has_no_ancestors),
};

int main(void)
{
    return check_run(tests, sizeof tests / sizeof tests[0]);
}
