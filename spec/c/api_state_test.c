/* A state that the host brings: what is installed on it, what stays. */

#include "api_fixture.h"

/* What coroutines do, as a text: values, statuses and messages. */
static const char *const coroutines =
    "local out = {}\n"
    "local function note(...)\n"
    "  local t = table.pack(...)\n"
    "  for i = 1, t.n do\n"
    "    t[i] = tostring(t[i]):gsub('0x%x+', 'P')\n"
    "  end\n"
    "  out[#out + 1] = table.concat(t, ' ')\n"
    "end\n"
    "local function try(f, ...) note(pcall(f, ...)) end\n"
    "local names = {}\n"
    "for name in pairs(coroutine) do names[#names + 1] = name end\n"
    "table.sort(names)\n"
    "note(table.unpack(names))\n"
    "local co = coroutine.create(function(a, ...)\n"
    "  note(a, ..., coroutine.isyieldable())\n"
    "  note(coroutine.yield(1, 2, 3))\n"
    "  note(select(2, coroutine.running()))\n"
    "  return 'end'\n"
    "end)\n"
    "note(coroutine.status(co), type(co))\n"
    "note(coroutine.resume(co, 'x', 'y'))\n"
    "note(coroutine.status(co), coroutine.isyieldable(co))\n"
    "note(coroutine.resume(co))\n"
    "note(coroutine.resume(co))\n"
    "note(coroutine.status(co))\n"
    "note(coroutine.resume(coroutine.create(error), 'oops', 0))\n"
    "note(coroutine.resume(coroutine.create(function() local x = nil + 1 end)))\n"
    "try(coroutine.wrap(function() error('wrapped') end))\n"
    "try(coroutine.wrap(function() error({}) end))\n"
    "local dead = coroutine.wrap(function() end)\n"
    "dead()\n"
    "try(dead)\n"
    "try(coroutine.yield, 1)\n"
    "try(coroutine.create, 1)\n"
    "try(coroutine.wrap)\n"
    "try(coroutine.resume, 1)\n"
    "try(coroutine.status)\n"
    "try(coroutine.close, coroutine.running())\n"
    "note(coroutine.resume(coroutine.running()))\n"
    "note(coroutine.isyieldable(), select(2, coroutine.running()))\n"
    "co = coroutine.create(function()\n"
    "  local v <close> = setmetatable({}, {__close = function(_, e)\n"
    "    note('closed', e)\n"
    "  end})\n"
    "  coroutine.yield()\n"
    "end)\n"
    "coroutine.resume(co)\n"
    "note(coroutine.close(co))\n"
    "note(coroutine.close(co), coroutine.status(co))\n"
    "co = coroutine.create(function()\n"
    "  local v <close> = setmetatable({}, {__close = function()\n"
    "    error('in close', 0)\n"
    "  end})\n"
    "  coroutine.yield()\n"
    "end)\n"
    "coroutine.resume(co)\n"
    "note(coroutine.close(co))\n"
    "co = coroutine.wrap(function()\n"
    "  local inner = coroutine.wrap(function()\n"
    "    for i = 1, 3 do coroutine.yield(i) end\n"
    "  end)\n"
    "  for i in inner do coroutine.yield(i * i) end\n"
    "end)\n"
    "for i in co do note(i) end\n"
    "local outer\n"
    "outer = coroutine.create(function()\n"
    "  local inner = coroutine.create(function()\n"
    "    note(coroutine.status(outer), coroutine.resume(outer))\n"
    "    try(coroutine.close, outer)\n"
    "  end)\n"
    "  note(coroutine.resume(inner))\n"
    "end)\n"
    "note(coroutine.resume(outer))\n"
    "note(pcall(string.gsub, 'a', 'a', coroutine.yield))\n"
    "note(pcall(coroutine.wrap(function()\n"
    "  table.sort({2, 1}, coroutine.yield)\n"
    "end)))\n"
    "return table.concat(out, '\\n')\n";

/* What `require` does, as a text. */
static const char *const requires =
    "local out = {}\n"
    "local function note(...)\n"
    "  local t = table.pack(...)\n"
    "  for i = 1, t.n do t[i] = tostring(t[i]) end\n"
    "  out[#out + 1] = table.concat(t, ' ')\n"
    "end\n"
    "package.path, package.cpath = './no/?.lua;./nor/?.lua', './no/?.so'\n"
    "package.preload.a = function(...) note('load', ...); return 'A' end\n"
    "package.preload.b = function() end\n"
    "package.preload.c = function() package.loaded.c = 'C' end\n"
    "package.preload.d = function() error('broken', 0) end\n"
    "package.preload.e = function() return false end\n"
    "for name in ('a a b b c d d e e nowhere no.where'):gmatch('%S+') do\n"
    "  note(name, pcall(require, name))\n"
    "  note(tostring(package.loaded[name]))\n"
    "end\n"
    "note(pcall(require))\n"
    "note(pcall(require, {}))\n"
    "note(pcall(require, 12))\n"
    "note(pcall(function() require 'nowhere' end))\n"
    "table.insert(package.searchers, 1, function(name)\n"
    "  if name == 'own' then\n"
    "    return function(...) note(...); return 1 end, 'extra'\n"
    "  end\n"
    "end)\n"
    "note(require('own'))\n"
    "note(require('own'))\n"
    "table.remove(package.searchers, 1)\n"
    "for _, name in ipairs {'a', 'b', 'c', 'e', 'own'} do\n"
    "  package.loaded[name] = nil\n"
    "end\n"
    "return table.concat(out, '\\n')\n";

/* Runs the chunk outside of any task; what it returned is left on L. */
static const char *transcript(lua_State *L, const char *chunk)
{
    CHECK_MUST(luaL_loadbuffer(L, chunk, strlen(chunk), "=chunk") == LUA_OK);
    if (lua_pcall(L, 0, 1, 0) != LUA_OK) {
        (void)printf("  %s\n", lua_tostring(L, -1));
        CHECK_MUST(false);
    }
    return lua_tostring(L, -1);
}

/* Prints the first line in which the texts differ. */
static bool same_text(const char *a, const char *b)
{
    while (*a != '\0' && *a == *b) {
        a++;
        b++;
    }
    if (*a != *b) {
        (void)printf("  ...%.200s\n  instead of\n  ...%.200s\n", b, a);
    }
    return *a == *b;
}

/* The same chunk on an untouched state, with a loop open, and after it. */
static void check_as_stock(const char *chunk)
{
    lua_State *stock = state_open();
    lua_State *L = state_open();
    const char *expected = transcript(stock, chunk);
    ml_loop *loop = open_on(L, 0);
    CHECK(same_text(expected, transcript(L, chunk)));
    spawn(loop, "require 'miniloop'.sleep(0)");
    run(loop);
    CHECK(same_text(expected, transcript(L, chunk)));
    close_loop(loop);
    CHECK(same_text(expected, transcript(L, chunk)));
    lua_close(L);
    lua_close(stock);
}

/* C9.2 */
static void test_coroutines_outside_of_tasks_behave_as_stock(void)
{
    check_as_stock(coroutines);
}

/* C9.2 */
static void test_require_outside_of_tasks_behaves_as_stock(void)
{
    check_as_stock(requires);
}

/* C9.2 */
static void test_the_runtimes_coroutine_and_require_are_installed(void)
{
    lua_State *L = state_open();
    do_string(L, "old = {coroutine, coroutine.yield, require}");
    ml_loop *loop = open_on(L, 0);
    do_string(L, "assert(coroutine ~= old[1] and require ~= old[3])\n"
                 "assert(package.loaded.coroutine == coroutine)");
    close_loop(loop);
    lua_close(L);
}

/* C9.2 */
static void test_a_flag_keeps_the_globals_of_the_host(void)
{
    lua_State *L = state_open();
    do_string(L, "old = {coroutine, coroutine.yield, require, os.exit}");
    ml_loop *loop = open_on(L, ML_KEEP_GLOBALS);
    do_string(L, "assert(coroutine == old[1] and coroutine.yield == old[2])\n"
                 "assert(require == old[3] and os.exit == old[4])\n"
                 "assert(package.loaded.coroutine == coroutine)");
    spawn(loop, "local ml = require 'miniloop'\n"
                "ml.perform(require 'miniloop.syscall'.sleep(0))\n"
                "n = ml.id()");
    run(loop);
    CHECK_EQ(integer_of(loop, "n"), 1);
    close_loop(loop);
    lua_close(L);
}

/* C9.2: what `coroutine.running` gives of a task is never another's. The
 * runtime knows of it only by its own one. */
static void test_tasks_share_no_thread_where_the_globals_are_kept(void)
{
    lua_State *L = state_open();
    ml_loop *loop = open_on(L, ML_KEEP_GLOBALS);
    spawn(loop, "local ml = require 'miniloop'\n"
                "local seen = {}\n"
                "for i = 1, 3 do\n"
                "  ml.spawn(function()\n"
                "    local co = coroutine.running()\n"
                "    n = seen[co] or i\n"
                "    seen[co] = i\n"
                "  end):wait()\n"
                "end\n");
    run(loop);
    CHECK_EQ(integer_of(loop, "n"), 3);
    close_loop(loop);
    lua_close(L);
}

/* C9.2: the flag is of the loop that is opened; once installed, it stays. */
static void test_globals_are_installed_by_the_first_loop_that_may(void)
{
    lua_State *L = state_open();
    do_string(L, "old = coroutine");
    ml_loop *first = open_on(L, ML_KEEP_GLOBALS);
    do_string(L, "assert(coroutine == old)");
    ml_loop *second = open_on(L, 0);
    do_string(L, "assert(coroutine ~= old); new = coroutine");
    ml_loop *third = open_on(L, ML_KEEP_GLOBALS);
    do_string(L, "assert(coroutine == new)");
    close_loop(first);
    close_loop(second);
    close_loop(third);
    lua_close(L);
}

/* C3: `syscall` is a global where the host asks for it. */
static void test_the_global_syscall_is_set_on_demand(void)
{
    lua_State *L = state_open();
    ml_options options = {.size = sizeof options, .state = L};
    ml_loop *loop = open_with(&options);
    do_string(L, "assert(syscall == nil)\n"
                 "assert(require 'miniloop.syscall'.sleep)");
    close_loop(loop);
    options.flags = ML_SYSCALL_GLOBAL;
    loop = open_with(&options);
    do_string(L, "assert(syscall == require 'miniloop.syscall')");
    close_loop(loop);
    lua_close(L);
}

/* C9.3: what a host's script holds of a loop outlives it, and is dead. */
static void test_a_state_of_the_host_stays_when_its_loop_is_closed(void)
{
    lua_State *L = state_open();
    ml_loop *loop = open_on(L, 0);
    spawn(loop, "ml = require 'miniloop'\n"
                "task = ml.spawn(ml.sleep, math.huge)\n"
                "event = ml.event(); me = ml.self(); ml.sleep(3600)");
    CHECK_EQ(ml_run(loop, ML_RUN_NOWAIT), 1);
    CHECK_EQ(ml_run(loop, ML_RUN_NOWAIT), 1);
    close_loop(loop);
    do_string(L, "assert(task:status() == 'cancelled' and task.id == 2)\n"
                 "assert(me:status() == 'cancelled')\n"
                 "event:set(); collectgarbage()\n"
                 "local ok, err = pcall(ml.sleep, 0)\n"
                 "assert(not ok and err:find('not inside a task'), err)\n"
                 "ok, err = pcall(ml.spawn, print)\n"
                 "assert(not ok and err:find('not inside a task'), err)");
    loop = open_on(L, 0);
    CHECK_EQ(spawn(loop, "ok, err = ml.wait(task)"), 1);
    run(loop);
    do_string(L, "assert(ok == nil and err.code == 'ECANCELED')");
    close_loop(loop);
    lua_close(L);
}

/* C9.2: what a task began, a host may go on with when it is over. */
static void test_a_coroutine_of_a_task_outlives_it_and_fails_outside(void)
{
    lua_State *L = state_open();
    do_string(L, "plain_yield = coroutine.yield");
    ml_loop *loop = open_on(L, 0);
    spawn(loop, "local ml = require 'miniloop'\n"
                "ml.sleep(0)\n"
                "bare = coroutine.create(function()\n"
                "  coroutine.yield() error('x', 0)\n"
                "end)\n"
                "block = coroutine.create(function()\n"
                "  ml.timeout(9, function() plain_yield() error('x', 0) end)\n"
                "end)\n"
                "coroutine.resume(bare) coroutine.resume(block)\n");
    run(loop);
    do_string(L, "for _, co in ipairs { bare, block } do\n"
                 "  local ok, err = coroutine.resume(co)\n"
                 "  assert(not ok and err == 'x')\n"
                 "  assert(coroutine.status(co) == 'dead')\n"
                 "end");
    close_loop(loop);
    lua_close(L);
}

/* C9.1 */
static void test_a_loop_opens_on_a_coroutine_of_the_state(void)
{
    lua_State *L = state_open();
    lua_State *co = lua_newthread(L);
    ml_loop *loop = open_on(co, 0);
    CHECK(ml_state(loop) == L);
    spawn(loop, "n = 3");
    run(loop);
    CHECK_EQ(integer_of(loop, "n"), 3);
    close_loop(loop);
    lua_close(L);
}

static int answer(lua_State *L)
{
    lua_pushinteger(L, ml_current(L, NULL) != NULL ? 1 : 2);
    lua_setglobal(L, "seen");
    return 0;
}

/* C9.1: a state of the host needs no library at all. */
static void test_a_bare_state_is_enough(void)
{
    lua_State *L = lua_newstate(counted, NULL);
    CHECK_MUST(L != NULL);
    ml_loop *loop = open_on(L, ML_KEEP_GLOBALS);
    CHECK_EQ(ml_spawn_c(loop, answer, NULL, NULL), 0);
    run(loop);
    CHECK_EQ(integer_of(loop, "seen"), 1);
    close_loop(loop);
    loop = open_on(L, 0);
    close_loop(loop);
    lua_close(L);
}

/* C9.2: hosts that run what they do not trust keep `debug` from it. */
static void test_a_state_without_the_debug_library_is_enough(void)
{
    lua_State *L = state_open();
    do_string(L, "debug = nil; package.loaded.debug = nil\n"
                 "package.preload.mine = function()\n"
                 "  require 'miniloop'.sleep(0)\n"
                 "  return 'slept'\n"
                 "end");
    ml_loop *loop = open_on(L, 0);
    spawn(loop, "found = require 'mine'\n"
                "_, message = pcall(require, 'none')");
    run(loop);
    CHECK(global_is(loop, "found", "slept"));
    lua_getglobal(L, "message");
    CHECK(has(lua_tostring(L, -1), "module 'none' not found:"));
    lua_pop(L, 1);
    close_loop(loop);
    lua_close(L);
}

static int own_require(lua_State *L)
{
    lua_pushliteral(L, "mine");
    return 1;
}

/* A host without Lua's package library keeps the `require` of its own. */
static void test_a_require_of_the_host_stays_without_a_package_library(void)
{
    lua_State *L = state_open();
    lua_pushnil(L);
    lua_setglobal(L, "package");
    lua_pushcfunction(L, own_require);
    lua_setglobal(L, "require");
    ml_loop *loop = open_on(L, 0);
    do_string(L, "assert(require 'x' == 'mine')");
    close_loop(loop);
    lua_close(L);
}

static const struct check_test tests[] = {
    CHECK_TEST(test_coroutines_outside_of_tasks_behave_as_stock),
    CHECK_TEST(test_require_outside_of_tasks_behaves_as_stock),
    CHECK_TEST(test_the_runtimes_coroutine_and_require_are_installed),
    CHECK_TEST(test_a_flag_keeps_the_globals_of_the_host),
    CHECK_TEST(test_tasks_share_no_thread_where_the_globals_are_kept),
    CHECK_TEST(test_globals_are_installed_by_the_first_loop_that_may),
    CHECK_TEST(test_the_global_syscall_is_set_on_demand),
    CHECK_TEST(test_a_state_of_the_host_stays_when_its_loop_is_closed),
    CHECK_TEST(test_a_coroutine_of_a_task_outlives_it_and_fails_outside),
    CHECK_TEST(test_a_loop_opens_on_a_coroutine_of_the_state),
    CHECK_TEST(test_a_bare_state_is_enough),
    CHECK_TEST(test_a_state_without_the_debug_library_is_enough),
    CHECK_TEST(test_a_require_of_the_host_stays_without_a_package_library),
};

int main(void)
{
    return check_run(tests, sizeof tests / sizeof tests[0]);
}
