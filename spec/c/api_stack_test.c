/* A host's stack that is full, while there is no memory to make it larger: what
 * the library needs room for says so, and leaves the stack as it should be. */

#include "api_fixture.h"

static bool starved;
static long left; /* blocks that are still given out while starved */

static void *scarce(void *ud, void *p, size_t osize, size_t nsize)
{
    bool grows = nsize > (p != NULL ? osize : 0);
    bool given = !starved || !grows || left-- > 0;
    return given ? counted(ud, p, osize, nsize) : NULL;
}

static lua_State *L;
static ml_loop *loop;

/* The host's state and a loop on it, with a task that sleeps. */
static int64_t open_sleeping(void)
{
    L = lua_newstate(scarce, NULL);
    CHECK_MUST(L != NULL);
    luaL_openlibs(L);
    loop = open_on(L, ML_VIRTUAL_TIME);
    int64_t id = spawn(loop, "require 'miniloop'.sleep(1)");
    CHECK_EQ(ml_run(loop, ML_RUN_NOWAIT), 1);
    return id;
}

static void close_all(void)
{
    starved = false;
    close_loop(loop);
    lua_close(L);
}

/* Pushes nil until there is no room, and from then on no memory; the stack's
 * height. */
static int fill(void)
{
    lua_gc(L, LUA_GCSTOP);
    starved = true;
    left = 0;
    while (lua_checkstack(L, 1) != 0) {
        lua_pushnil(L);
    }
    return lua_gettop(L);
}

static void drain(void)
{
    starved = false;
    lua_settop(L, 0);
    lua_gc(L, LUA_GCRESTART);
}

static int do_nothing(lua_State *co)
{
    (void)co;
    return 0;
}

/* C9.1: the function is taken off in any case. */
static void test_a_spawn_that_finds_no_room_spawns_nothing(void)
{
    (void)open_sleeping();
    int top = fill();
    lua_pop(L, 1);
    lua_pushcfunction(L, do_nothing);
    CHECK_EQ(ml_spawn(loop, L, 0, NULL), -ENOMEM);
    CHECK_EQ(lua_gettop(L), top - 1);
    lua_pushnil(L);
    CHECK_EQ(ml_spawn_c(loop, do_nothing, NULL, NULL), -ENOMEM);
    CHECK_EQ(ml_spawn_string(loop, "", "=spec", NULL), -ENOMEM);
    CHECK_EQ(ml_spawn_file(loop, "spec.lua", NULL), -ENOMEM);
    CHECK_EQ(lua_gettop(L), top);
    drain();
    CHECK_EQ((long long)ml_tasks(loop), 1);
    run(loop);
    close_all();
}

/* C9.1: whether an object can be called is not to be found out then. */
static void test_an_object_that_finds_no_room_is_not_called(void)
{
    (void)open_sleeping();
    do_string(L, "object = setmetatable({}, { __call = function() end })");
    lua_getglobal(L, "object");
    int top = fill();
    lua_copy(L, 1, top);
    CHECK_EQ(ml_spawn(loop, L, 0, NULL), -EINVAL);
    CHECK_EQ(lua_gettop(L), top - 1);
    drain();
    lua_getglobal(L, "object");
    CHECK_EQ(ml_spawn(loop, L, 0, NULL), 0);
    run(loop);
    close_all();
}

/* C9.1 */
static void test_a_cancellation_that_finds_no_memory_has_not_happened(void)
{
    int64_t id = open_sleeping();
    int top = fill();
    CHECK_EQ(ml_cancel(loop, id, "why"), -ENOMEM);
    lua_pop(L, 10);
    CHECK_EQ(ml_cancel(loop, id, "why"), -ENOMEM);
    CHECK_EQ(lua_gettop(L), top - 10);
    drain();
    run(loop); /* it has slept */
    close_all();
}

/* C9.1 */
static void test_a_loop_that_finds_no_room_does_not_run(void)
{
    (void)open_sleeping();
    int64_t id = 1;
    int top = fill();
    CHECK_EQ(ml_run(loop, ML_RUN_DEFAULT), -ENOMEM);
    CHECK(ml_current(L, &id) == NULL);
    CHECK_EQ(id, 0);
    CHECK_EQ(lua_gettop(L), top);
    drain();
    run(loop);
    close_all();
}

/* C9.1 */
static void test_a_loop_that_finds_no_room_is_not_opened(void)
{
    ml_loop *second = NULL;
    ml_options options = options_of(0);
    (void)open_sleeping();
    options.state = L;
    int top = fill();
    CHECK_EQ(ml_open(&second, &options), -ENOMEM);
    CHECK_EQ(lua_gettop(L), top);
    drain();
    CHECK_EQ(ml_open(&second, &options), 0);
    close_loop(second);
    close_all();
}

/* C9.1, C9.3: what runs in a kill, and its failures, need some. */
static void test_a_loop_that_finds_no_room_kills_and_closes_nothing(void)
{
    int64_t id = open_sleeping();
    int top = fill();
    CHECK_EQ(ml_kill(loop, id), -ENOMEM);
    CHECK_EQ(ml_close(loop), -ENOMEM);
    CHECK(ml_timeout(loop) == 0); /* to be run: that tells */
    CHECK_EQ(lua_gettop(L), top);
    drain();
    CHECK_EQ((long long)ml_tasks(loop), 1);
    CHECK(ml_timeout(loop) > 0);
    CHECK_EQ(ml_kill(loop, id), 0);
    run(loop);
    close_all();
}

static const char *const failing =
    "local ml = require 'miniloop'\n"
    "local kept = ml.spawn(function() error 'x' end)\n"
    "local v <close> = setmetatable({}, { __close = error })\n"
    "ml.sleep(3600)";

/* C9.1: with memory, a stack that is full is none of the host's concern. */
static void test_a_full_stack_grows(void)
{
    (void)open_sleeping();
    int64_t id = spawn(loop, failing);
    spawn(loop, failing);
    CHECK_EQ(ml_run(loop, ML_RUN_NOWAIT), 1);
    CHECK_EQ(ml_run(loop, ML_RUN_NOWAIT), 1);
    for (int i = 0; i < LUA_MINSTACK; i++) {
        lua_pushinteger(L, i);
    }
    CHECK(ml_timeout(loop) >= 0);
    CHECK_EQ(ml_kill(loop, id), 0);
    CHECK_EQ(lua_gettop(L), LUA_MINSTACK);
    close_loop(loop);
    CHECK_EQ(heard_count, 4);
    CHECK_EQ(lua_tointeger(L, -1), LUA_MINSTACK - 1);
    lua_close(L);
}

/* C5.4: a member that there is no memory to tell goes all the same. */
static void test_a_member_that_finds_no_room_is_killed(void)
{
    (void)open_sleeping();
    int64_t id = spawn(loop, "require 'miniloop'.group(function(g)\n"
                             "  g:spawn(function()\n"
                             "    pcall(require 'miniloop'.sleep, 3600)\n"
                             "    went_on = true\n"
                             "  end)\n"
                             "end)\n");
    for (int i = 0; i < 3; i++) {
        CHECK_EQ(ml_run(loop, ML_RUN_NOWAIT), 1);
    }
    int top = fill();
    lua_pop(L, 2 * LUA_MINSTACK);
    left = 1; /* for the owner's own */
    CHECK_EQ(ml_cancel(loop, id, NULL), 0);
    CHECK_EQ(lua_gettop(L), top - 2 * LUA_MINSTACK);
    drain();
    CHECK_EQ((long long)ml_tasks(loop), 2);
    (void)ml_run(loop, ML_RUN_DEFAULT);
    CHECK(global_is(loop, "went_on", "nil"));
    CHECK_EQ(heard_count, 1);
    close_all();
}

static const char *const traced =
    "local co = coroutine.create(function() error 'x' end)\n"
    "require 'miniloop'.sleep(0)\n"
    "coroutine.resume(co)\n"
    "text = debug.traceback(co)\n";

/* C9.1: wherever memory ran out, what is missing is made the next time. */
static void test_a_loop_opens_where_one_could_not_be_opened(void)
{
    int err = 0;
    for (long n = 0; n == 0 || err != 0; n += 11) {
        ml_options options = options_of(ML_VIRTUAL_TIME);
        L = lua_newstate(scarce, NULL);
        CHECK_MUST(L != NULL);
        luaL_openlibs(L);
        options.state = L;
        starved = true;
        left = n;
        err = ml_open(&loop, &options);
        starved = false;
        if (err != 0) {
            CHECK_EQ(err, -ENOMEM);
            CHECK_MUST(ml_open(&loop, &options) == 0);
        }
        spawn(loop, traced);
        run(loop);
        lua_getglobal(L, "text");
        CHECK(has(lua_tostring(L, -1), "in function <spec:1>"));
        close_all();
    }
}

static const struct check_test tests[] = {
    CHECK_TEST(test_a_loop_opens_where_one_could_not_be_opened),
    CHECK_TEST(test_a_spawn_that_finds_no_room_spawns_nothing),
    CHECK_TEST(test_an_object_that_finds_no_room_is_not_called),
    CHECK_TEST(test_a_cancellation_that_finds_no_memory_has_not_happened),
    CHECK_TEST(test_a_member_that_finds_no_room_is_killed),
    CHECK_TEST(test_a_loop_that_finds_no_room_does_not_run),
    CHECK_TEST(test_a_loop_that_finds_no_room_is_not_opened),
    CHECK_TEST(test_a_loop_that_finds_no_room_kills_and_closes_nothing),
    CHECK_TEST(test_a_full_stack_grows),
};

int main(void)
{
    return check_run(tests, sizeof tests / sizeof tests[0]);
}
