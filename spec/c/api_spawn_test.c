/* Spawning, killing and cancelling tasks from C. */

#include "api_fixture.h"

#include <unistd.h>

/* ---- from functions ------------------------------------------------------ */

/* C9.1, C4.1 */
static void test_a_function_is_spawned_with_its_arguments(void)
{
    ml_loop *loop = open_loop(0);
    lua_State *L = ml_state(loop);
    int64_t ids[3] = {0, 0, 0};
    do_string(L, "function f(a, b, ...) log = (log or '') .. a .. tostring(b) "
                 ".. select('#', ...) .. ' ' end");
    for (int i = 0; i < 3; i++) {
        lua_pushliteral(L, "kept");
        lua_getglobal(L, "f");
        for (int arg = 1; arg <= i + 1; arg++) {
            lua_pushinteger(L, arg);
        }
        CHECK_EQ(ml_spawn(loop, L, i + 1, &ids[i]), 0);
        CHECK_EQ(ids[i], i + 1);
        CHECK_EQ(lua_gettop(L), i + 1);
    }
    lua_settop(L, 0);
    CHECK_EQ(ml_tasks(loop), 3);
    CHECK(global_is(loop, "log", "nil")); /* not before the loop runs */
    run(loop);
    CHECK(global_is(loop, "log", "1nil0 120 121 "));
    CHECK_EQ(ml_tasks(loop), 0);
    close_loop(loop);
}

/* C9.1 */
static void test_a_coroutine_of_the_state_will_do_for_spawning(void)
{
    ml_loop *loop = open_loop(0);
    lua_State *L = ml_state(loop);
    lua_State *co = lua_newthread(L);
    do_string(L, "function f(x) n = x end");
    lua_getglobal(co, "f");
    lua_pushinteger(co, 5);
    CHECK_EQ(ml_spawn(loop, co, 1, NULL), 0);
    CHECK_EQ(lua_gettop(co), 0);
    lua_pop(L, 1);
    run(loop);
    CHECK_EQ(integer_of(loop, "n"), 5);
    close_loop(loop);
}

/* C9.1 */
static void test_what_can_be_called_can_be_spawned_and_nothing_else(void)
{
    ml_loop *loop = open_loop(0);
    lua_State *L = ml_state(loop);
    do_string(L, "callable = setmetatable({}, {__call = function(_, x) n = x "
                 "end})\nplain = {}");
    lua_getglobal(L, "callable");
    lua_pushinteger(L, 9);
    CHECK_EQ(ml_spawn(loop, L, 1, NULL), 0);
    lua_getglobal(L, "plain");
    lua_pushinteger(L, 9);
    CHECK_EQ(ml_spawn(loop, L, 1, NULL), -EINVAL);
    lua_pushnil(L);
    CHECK_EQ(ml_spawn(loop, L, 0, NULL), -EINVAL);
    CHECK_EQ(lua_gettop(L), 0);
    CHECK_EQ(ml_tasks(loop), 1);
    run(loop);
    CHECK_EQ(integer_of(loop, "n"), 9);
    close_loop(loop);
}

/* ---- from C functions ---------------------------------------------------- */

static int nap_attempt(lua_State *L, ml_call *call)
{
    if (ml_call_first(call)) {
        ml_call_wait_time(call, lua_tonumber(L, ml_call_arg(call, 1)));
        return ML_WAIT;
    }
    lua_pushliteral(L, "woken");
    return 1;
}

static const ml_syscall nap = {
    .size = sizeof nap, .name = "nap", .attempt = nap_attempt};

static int body(lua_State *L)
{
    int *count = (int *)lua_touserdata(L, 1);
    (*count)++;
    lua_settop(L, 0);
    lua_pushnumber(L, 0.001);
    return ml_perform(L, &nap);
}

/* C9.1 */
static void test_a_c_function_is_a_task_that_can_block(void)
{
    ml_loop *loop = open_loop(0);
    int count = 0;
    int64_t id = 0;
    CHECK_EQ(ml_spawn_c(loop, body, &count, &id), 0);
    CHECK_EQ(id, 1);
    CHECK_EQ(ml_run(loop, ML_RUN_NOWAIT), 1);
    CHECK_EQ(ml_tasks(loop), 1);
    run(loop);
    CHECK_EQ(count, 1);
    close_loop(loop);
}

/* Spawns its argument from inside of a task. */
static int spawn_again(lua_State *L)
{
    int64_t self = 0;
    int64_t child = 0;
    ml_loop *loop = ml_current(L, &self);
    lua_settop(L, 1);
    CHECK_EQ(ml_spawn(loop, L, 0, &child), 0);
    CHECK(child > self);
    lua_pushinteger(L, child);
    return 1;
}

/* C9.1 */
static void test_a_c_function_in_a_task_spawns_others(void)
{
    ml_loop *loop = open_loop(0);
    define(loop, "again", spawn_again);
    spawn(loop, "log = 'a'\n"
                "id = again(function() log = log .. 'c' end)\n"
                "log = log .. 'b'");
    run(loop);
    CHECK(global_is(loop, "log", "abc"));
    CHECK_EQ(integer_of(loop, "id"), 2);
    close_loop(loop);
}

/* C5.6: what a task with locals spawns has them, whoever spawns it. (Coroutines
 * of tasks that have ended are used again, which takes another way.) */
static void test_what_a_c_function_spawns_inherits_the_locals(void)
{
    ml_loop *loop = open_loop(0);
    define(loop, "again", spawn_again);
    spawn(loop, "local ml = require 'miniloop'\n"
                "seen = ''\n"
                "local function child()\n"
                "  seen = seen .. (ml.locals().x or '-')\n"
                "end\n"
                "local function three()\n"
                "  for i = 1, 3 do again(child) end\n"
                "  ml.sleep(0.001)\n"
                "end\n"
                "three() three()\n"
                "ml.locals().x = 'x'\n"
                "three()");
    run(loop);
    CHECK(global_is(loop, "seen", "------xxx"));
    close_loop(loop);
}

/* ---- who runs ------------------------------------------------------------ */

struct whereabouts {
    ml_loop *loop;
    int64_t id;
};

static struct whereabouts seen;

static int look(lua_State *L)
{
    seen.loop = ml_current(L, &seen.id);
    return 0;
}

static void look_posted(ml_loop *loop, void *ud)
{
    (void)ud;
    (void)look(ml_state(loop));
}

static void test_a_c_function_can_tell_the_loop_and_the_task_it_runs_in(void)
{
    ml_loop *loop = open_loop(0);
    lua_State *bare = state_open();
    define(loop, "look", look);
    (void)look(ml_state(loop));
    CHECK(seen.loop == NULL && seen.id == 0);
    CHECK(ml_current(bare, NULL) == NULL);
    lua_close(bare);
    spawn(loop, "return");
    spawn(loop, "coroutine.wrap(look)()");
    run(loop);
    CHECK(seen.loop == loop && seen.id == 2);
    CHECK_EQ(ml_post(loop, look_posted, NULL), 0);
    run(loop);
    CHECK(seen.loop == loop && seen.id == 0);
    close_loop(loop);
}

/* ---- from source text ---------------------------------------------------- */

/* A message is on top of the state's stack; pops it. */
static void check_message(ml_loop *loop, const char *part)
{
    lua_State *L = ml_state(loop);
    CHECK_EQ(lua_gettop(L), 1);
    CHECK(has(lua_tostring(L, -1), part));
    lua_settop(L, 0);
}

static void test_source_that_does_not_compile_leaves_a_message(void)
{
    ml_loop *loop = open_loop(0);
    CHECK_EQ(ml_spawn_string(loop, "x =", "=mine", NULL), -EINVAL);
    check_message(loop, "mine:1:");
    CHECK_EQ(ml_spawn_string(loop, "x =", NULL, NULL), -EINVAL);
    check_message(loop, "unexpected symbol");
    CHECK_EQ(ml_tasks(loop), 0);
    CHECK_EQ(lua_gettop(ml_state(loop)), 0);
    close_loop(loop);
}

static void test_compiled_chunks_are_refused(void)
{
    ml_loop *loop = open_loop(0);
    CHECK_EQ(ml_spawn_string(loop, "\033Lua", "=bytes", NULL), -EINVAL);
    check_message(loop, "attempt to load a binary chunk");
    close_loop(loop);
}

/* A file with that text; its path is in the static buffer. */
static const char *file_with(const char *text)
{
    static char path[32];
    (void)snprintf(path, sizeof path, "/tmp/ml_api_XXXXXX");
    int fd = mkstemp(path);
    CHECK_MUST(fd >= 0);
    CHECK_MUST(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    CHECK_MUST(close(fd) == 0);
    return path;
}

static void test_a_file_is_run(void)
{
    ml_loop *loop = open_loop(0);
    const char *path = file_with("#!/usr/bin/env miniloop\n"
                                 "n = require 'miniloop'.id() + select('#', "
                                 "...)\n");
    int64_t id = 0;
    CHECK_EQ(ml_spawn_file(loop, path, &id), 0);
    CHECK_EQ(unlink(path), 0);
    CHECK_EQ(id, 1);
    run(loop);
    CHECK_EQ(integer_of(loop, "n"), 1);
    close_loop(loop);
}

static void test_a_file_that_cannot_be_loaded_leaves_a_message(void)
{
    ml_loop *loop = open_loop(0);
    const char *path = file_with("x = = 1");
    CHECK_EQ(ml_spawn_file(loop, path, NULL), -EINVAL);
    check_message(loop, path);
    CHECK_EQ(unlink(path), 0);
    CHECK_EQ(ml_spawn_file(loop, path, NULL), -ENOENT);
    check_message(loop, "cannot open");
    CHECK_EQ(ml_spawn_file(loop, "/", NULL), -ENOENT);
    check_message(loop, "cannot read");
    path = file_with("\033Lua");
    CHECK_EQ(ml_spawn_file(loop, path, NULL), -EINVAL);
    check_message(loop, "attempt to load a binary chunk");
    CHECK_EQ(unlink(path), 0);
    close_loop(loop);
}

/* ---- kill and cancel ----------------------------------------------------- */

/* C3.6: at once, with its variables closed. */
static void test_a_task_is_killed_from_outside(void)
{
    ml_loop *loop = open_loop(0);
    int64_t id = spawn(loop, "local ml = require 'miniloop'\n"
                             "local v <close> = setmetatable({}, {__close = "
                             "function() n = 4 end})\n"
                             "ml.sleep(3600)\nn = 5");
    CHECK_EQ(ml_run(loop, ML_RUN_NOWAIT), 1);
    CHECK_EQ(ml_kill(loop, id), 0);
    CHECK_EQ(integer_of(loop, "n"), 4);
    CHECK_EQ(ml_tasks(loop), 0);
    CHECK_EQ(ml_kill(loop, id), -ESRCH);
    CHECK_EQ(ml_kill(loop, 0), -ESRCH);
    CHECK_EQ(ml_kill(loop, -1), -ESRCH);
    CHECK_EQ(ml_kill(loop, 99), -ESRCH);
    run(loop);
    close_loop(loop);
}

/* C3.6 */
static void test_a_task_that_has_not_run_yet_is_killed_and_never_runs(void)
{
    ml_loop *loop = open_loop(0);
    int64_t id = spawn(loop, "n = 1");
    CHECK_EQ(ml_kill(loop, id), 0);
    run(loop);
    CHECK(global_is(loop, "n", "nil"));
    close_loop(loop);
}

static int kill_self(lua_State *L)
{
    int64_t id = 0;
    ml_loop *loop = ml_current(L, &id);
    lua_pushinteger(L, ml_kill(loop, id));
    return 1;
}

static void test_a_task_killed_from_inside_ends_as_it_gives_way(void)
{
    ml_loop *loop = open_loop(0);
    define(loop, "kill_self", kill_self);
    spawn(loop, "local ml = require 'miniloop'\n"
                "log = 'a' .. kill_self()\nml.sleep(0)\nlog = log .. 'b'");
    run(loop);
    CHECK(global_is(loop, "log", "a0"));
    close_loop(loop);
}

static const char *const sleeper =
    "local ml = require 'miniloop'\n"
    "local ok, err = pcall(ml.sleep, 3600)\n"
    "log = tostring(ok) .. err.code .. tostring(err.reason)";

/* C9.1, C9.3: a task is cancelled as from Lua. */
static void test_a_task_is_cancelled_from_outside(void)
{
    static const struct {
        const char *reason, *log;
    } rows[] = {{"enough", "falseECANCELEDenough"},
                {NULL, "falseECANCELEDnil"}};
    for (size_t i = 0; i < 2; i++) {
        ml_loop *loop = open_loop(0);
        int64_t id = spawn(loop, sleeper);
        CHECK_EQ(ml_run(loop, ML_RUN_NOWAIT), 1);
        CHECK_EQ(ml_cancel(loop, id, rows[i].reason), 0);
        CHECK_EQ(ml_cancel(loop, id, "again"), 0);
        CHECK_EQ(ml_cancel(loop, 99, "who"), -ESRCH);
        CHECK_EQ(ml_tasks(loop), 1); /* it has the rest of its run */
        run(loop);
        CHECK(global_is(loop, "log", rows[i].log));
        CHECK_EQ(ml_cancel(loop, id, NULL), -ESRCH);
        close_loop(loop);
    }
}

static void test_a_task_that_has_not_run_yet_is_cancelled_and_never_runs(void)
{
    ml_loop *loop = open_loop(0);
    int64_t id = spawn(loop, "n = 1");
    CHECK_EQ(ml_cancel(loop, id, "early"), 0);
    CHECK_EQ(ml_tasks(loop), 0);
    run(loop);
    CHECK(global_is(loop, "n", "nil"));
    close_loop(loop);
}

/* The grace time of the options: then it is raised again, then it kills. */
static void test_the_grace_time_is_an_option(void)
{
    ml_options options = options_of(0);
    options.grace = 0.01;
    ml_loop *loop = open_with(&options);
    int64_t id = spawn(loop, "local ml = require 'miniloop'\n"
                             "start = ml.now()\n"
                             "local v <close> = setmetatable({}, {__close = "
                             "function() took = ml.now() - start end})\n"
                             "while true do pcall(ml.sleep, 3600) end");
    CHECK_EQ(ml_run(loop, ML_RUN_NOWAIT), 1);
    CHECK_EQ(ml_cancel(loop, id, NULL), 0);
    run(loop);
    do_string(ml_state(loop), "assert(took >= 0.02 and took < 60, took)");
    close_loop(loop);
}

static const struct check_test tests[] = {
    CHECK_TEST(test_a_function_is_spawned_with_its_arguments),
    CHECK_TEST(test_a_coroutine_of_the_state_will_do_for_spawning),
    CHECK_TEST(test_what_can_be_called_can_be_spawned_and_nothing_else),
    CHECK_TEST(test_a_c_function_is_a_task_that_can_block),
    CHECK_TEST(test_a_c_function_in_a_task_spawns_others),
    CHECK_TEST(test_what_a_c_function_spawns_inherits_the_locals),
    CHECK_TEST(test_a_c_function_can_tell_the_loop_and_the_task_it_runs_in),
    CHECK_TEST(test_source_that_does_not_compile_leaves_a_message),
    CHECK_TEST(test_compiled_chunks_are_refused),
    CHECK_TEST(test_a_file_is_run),
    CHECK_TEST(test_a_file_that_cannot_be_loaded_leaves_a_message),
    CHECK_TEST(test_a_task_is_killed_from_outside),
    CHECK_TEST(test_a_task_that_has_not_run_yet_is_killed_and_never_runs),
    CHECK_TEST(test_a_task_killed_from_inside_ends_as_it_gives_way),
    CHECK_TEST(test_a_task_is_cancelled_from_outside),
    CHECK_TEST(test_a_task_that_has_not_run_yet_is_cancelled_and_never_runs),
    CHECK_TEST(test_the_grace_time_is_an_option),
};

int main(void)
{
    return check_run(tests, sizeof tests / sizeof tests[0]);
}
