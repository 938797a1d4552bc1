/* Single calls that find no memory; and memory that comes back. */

#include "api_starving.h"

/* A choice needs room for its waits, and a watch for each descriptor. */
static void test_a_choice_that_finds_no_memory_fails_and_leaves_nothing(void)
{
    ml_loop *loop = open_starving(ML_VIRTUAL_TIME);
    spawn(loop, "local ml, net = require 'miniloop', require 'miniloop.net'\n"
                "local check = require 'miniloop.core'.check\n"
                "chosen, refused, faults = 0, 0, ''\n"
                "for n = 0, 79 do\n"
                "  local ends, requests, writer = {}, {}, nil\n"
                "  for i = 1, 20 do\n"
                "    local a, b = net.pair()\n"
                "    ends[#ends + 1], ends[#ends + 2] = a, b\n"
                "    requests[i], writer = syscall.wait_io_read(a:getfd()), b\n"
                "  end\n"
                "  local any = syscall.any(table.unpack(requests))\n"
                "  ml.spawn(function() feed() writer:write 'x' end)\n"
                "  allow(n // 2, n % 2 == 0 and 1 or nil)\n"
                "  local ok, index, err, why = pcall(coroutine.yield, any)\n"
                "  feed()\n"
                "  if ok and index == 20 then\n"
                "    chosen = chosen + 1\n"
                "  elseif not ok or (err or why).code == 'ENOMEM' then\n"
                "    refused = refused + 1\n"
                "  end\n"
                "  local good, fault = check()\n"
                "  faults = faults .. (good and '' or fault)\n"
                "  ml.sleep(0)\n"
                "  for _, stream in ipairs(ends) do stream:close() end\n"
                "end\n");
    run(loop);
    CHECK_EQ(integer_of(loop, "chosen") + integer_of(loop, "refused"), 80);
    CHECK(integer_of(loop, "chosen") > 5);
    CHECK(integer_of(loop, "refused") > 20);
    CHECK(global_is(loop, "faults", ""));
    close_loop(loop);
}

/* C5.4 */
static void test_members_that_never_ran_end_without_memory_to_say_why(void)
{
    ml_loop *loop = open_starving(ML_VIRTUAL_TIME);
    spawn(loop, "local ml = require 'miniloop'\n"
                "cancelled, bare = 0, 0\n"
                "for n = 0, 9 do\n"
                "  local member\n"
                "  pcall(ml.timeout, 0, ml.group, function(g)\n"
                "    member = g:spawn(type)\n"
                "    allow(n) ml.sleep(9)\n"
                "  end)\n"
                "  feed()\n"
                "  local _, err = member:wait()\n"
                "  if err.code == 'ECANCELED' then\n"
                "    cancelled = cancelled + 1\n"
                "    bare = bare + (err.reason and 0 or 1)\n"
                "  end\n"
                "end\n");
    run(loop);
    CHECK_EQ(integer_of(loop, "cancelled"), 10);
    CHECK(integer_of(loop, "bare") > 0);
    close_loop(loop);
}

/* Runs a script that dies, after `n` more allocations without memory. */
static ml_loop *run_dying(const char *script, long n)
{
    ml_loop *loop = open_starving(ML_VIRTUAL_TIME | ML_SCRIPT);
    lua_pushinteger(ml_state(loop), n);
    lua_setglobal(ml_state(loop), "n");
    spawn(loop, script);
    CHECK_EQ(ml_run(loop, ML_RUN_DEFAULT), -ECHILD);
    (void)feed(NULL);
    CHECK_EQ(ml_tasks(loop), 0);
    return loop;
}

/* Three tasks outlive a script that dies: so many of them clean up. */
static long long clean_up(long n)
{
    ml_loop *loop = run_dying("local ml = require 'miniloop'\n"
                              "cleaned = 0\n"
                              "local function clean()\n"
                              "  pcall(ml.sleep, 9)\n"
                              "  feed()\n"
                              "  ml.shield(ml.sleep, 1)\n"
                              "  cleaned = cleaned + 1\n"
                              "end\n"
                              "for _ = 1, 3 do ml.spawn(clean) end\n"
                              "ml.sleep(0) collectgarbage()\n"
                              "allow(n) error('x', 0)\n",
                              n);
    long long cleaned = integer_of(loop, "cleaned");
    CHECK_EQ(heard_count, 1 + 3 - cleaned);
    close_loop(loop);
    return cleaned;
}

/* C4.5, C5.1: those that cannot be told to go are killed, which is reported, the
 * others have the time for clean-up. */
static void test_without_memory_a_script_that_dies_ends_the_others(void)
{
    bool seen[4] = {false, false, false, false};
    for (long n = 0; n < 30; n++) {
        long long cleaned = clean_up(n);
        CHECK_MUST(cleaned >= 0 && cleaned <= 3);
        seen[cleaned] = true;
    }
    CHECK(seen[0] && seen[1] && seen[2] && seen[3]);
}

/* C4.5 */
static void test_without_memory_tasks_that_never_ran_go_with_it(void)
{
    for (long n = 0; n < 60; n++) {
        ml_loop *loop = run_dying("local ml = require 'miniloop'\n"
                                  "other = ml.spawn(type)\n"
                                  "allow(n) error('x', 0)\n",
                                  n);
        do_string(ml_state(loop), "status = other:status()");
        CHECK(global_is(loop, "status", "cancelled"));
        close_loop(loop);
    }
}

/* Also where a task that has ended is used again. */
static void test_a_spawn_without_room_for_its_arguments_fails(void)
{
    enum {
        ARGUMENTS = 1000
    };
    ml_loop *loop = open_starving(ML_VIRTUAL_TIME);
    lua_State *L = ml_state(loop);
    spawn(loop, "function count(...) n = select('#', ...) end count()");
    run(loop);
    for (int fed = 0; fed <= 1; fed++) {
        CHECK_MUST(lua_checkstack(L, ARGUMENTS + LUA_MINSTACK) != 0);
        lua_getglobal(L, "count");
        for (int i = 1; i <= ARGUMENTS; i++) {
            lua_pushinteger(L, i);
        }
        ration.refused = fed != 0 ? 0 : LONG_MAX;
        CHECK_EQ(ml_spawn(loop, L, ARGUMENTS, NULL), fed != 0 ? 0 : -ENOMEM);
        ration.refused = 0;
        CHECK_EQ(lua_gettop(L), 0);
        run(loop);
        CHECK_EQ(integer_of(loop, "n"), fed != 0 ? ARGUMENTS : 0);
    }
    close_loop(loop);
}

/* C5.4: nor is there always room for what a block gives, or memory to say so. */
static void test_no_member_outlives_a_block_whose_results_find_no_room(void)
{
    ml_loop *loop = open_starving(ML_VIRTUAL_TIME);
    spawn(loop, "local ml = require 'miniloop'\n"
                "local check = require 'miniloop.core'.check\n"
                "failed, left, faults = 0, 0, ''\n"
                "for n = 1, 200 do\n"
                "  local member\n"
                "  local give = load('return 0' .. (', 0'):rep(n))\n"
                "  local ok = pcall(ml.group, function(g)\n"
                "    member = g:spawn(ml.sleep, 9)\n"
                "    ml.sleep(0)\n"
                "    starve()\n"
                "    return give()\n"
                "  end)\n"
                "  feed()\n"
                "  failed = failed + (ok and 0 or 1)\n"
                "  left = left + (member:status() == 'waiting' and 1 or 0)\n"
                "  local good, fault = check()\n"
                "  faults = faults .. (good and '' or fault)\n"
                "end\n");
    (void)ml_run(loop, ML_RUN_DEFAULT); /* members may end without a word */
    CHECK(integer_of(loop, "failed") > 0);
    CHECK_EQ(integer_of(loop, "left"), 0);
    CHECK(global_is(loop, "faults", ""));
    close_loop(loop);
}

static int used(lua_State *L)
{
    (void)lua_gc(L, LUA_GCCOLLECT);
    (void)lua_gc(L, LUA_GCCOLLECT);
    lua_pushinteger(L, (lua_Integer)check.bytes);
    return 1;
}

/* And handles are what they were: one for each task, and nobody but who has it
 * keeps it. Of the tables that have an entry for each task, the smallest takes 64 kB for so
 * many. */
static void test_what_very_many_tasks_have_taken_is_given_back(void)
{
    ml_loop *loop = open_starving(ML_VIRTUAL_TIME);
    define(loop, "used", used);
    spawn(loop, "local ml = require 'miniloop'\n"
                "local function fail() error 'x' end\n"
                "local function run(count)\n"
                "  local start, tasks = ml.event(), {}\n"
                "  for i = 1, count do\n"
                "    tasks[i] = ml.spawn(function()\n"
                "      ml.locals().x = ml.wait(0)\n"
                "      pcall(ml.group, function(g) g:spawn(fail) end)\n"
                "      start:wait()\n"
                "    end)\n"
                "    tasks[i].name = 'x'\n"
                "    if i % 100 == 0 then ml.sleep(0) ml.sleep(0) end\n"
                "  end\n"
                "  start:set()\n"
                "  for i = 1, count do tasks[i]:wait() end\n"
                "end\n"
                "local function rest()\n"
                "  for _ = 1, 500 do ml.yield() end\n"
                "  ml.sleep(2)\n"
                "  return used()\n"
                "end\n"
                "local self = ml.self()\n"
                "run(1)\n"
                "local before = rest()\n"
                "run(6000)\n"
                "more = rest() - before\n"
                "same = ml.self() == self\n"
                "local seen = setmetatable({ ml.spawn(type, 1) },\n"
                "                          { __mode = 'v' })\n"
                "used()\n"
                "held = #seen\n");
    run(loop);
    CHECK(global_is(loop, "same", "true"));
    CHECK_EQ(integer_of(loop, "held"), 0);
    CHECK(integer_of(loop, "more") < 49152);
    close_loop(loop);
}

/* Where there is no memory to give memory back, all stays as it is. */
static void test_what_cannot_be_given_back_is_kept(void)
{
    ml_loop *loop = open_starving(ML_VIRTUAL_TIME);
    spawn(loop, "local ml = require 'miniloop'\n"
                "local tasks = {}\n"
                "for i = 1, 5000 do tasks[i] = ml.spawn(ml.sleep, 1) end\n"
                "local last = ml.spawn(ml.sleep, 3)\n"
                "last.name = 'last'\n"
                "for i = 1, #tasks do tasks[i]:wait() end\n"
                "for _ = 1, 500 do starve() ml.yield() feed() end\n"
                "sound = require 'miniloop.core'.check()\n"
                "name = last.name\n"
                "waited = last:wait()\n");
    run(loop);
    CHECK(global_is(loop, "sound", "true"));
    CHECK(global_is(loop, "name", "last"));
    CHECK(global_is(loop, "waited", "true"));
    close_loop(loop);
}

static const struct check_test tests[] = {
    CHECK_TEST(test_a_choice_that_finds_no_memory_fails_and_leaves_nothing),
    CHECK_TEST(test_members_that_never_ran_end_without_memory_to_say_why),
    CHECK_TEST(test_without_memory_a_script_that_dies_ends_the_others),
    CHECK_TEST(test_without_memory_tasks_that_never_ran_go_with_it),
    CHECK_TEST(test_a_spawn_without_room_for_its_arguments_fails),
    CHECK_TEST(test_no_member_outlives_a_block_whose_results_find_no_room),
    CHECK_TEST(test_what_very_many_tasks_have_taken_is_given_back),
    CHECK_TEST(test_what_cannot_be_given_back_is_kept),
};

int main(void)
{
    return check_run(tests, sizeof tests / sizeof tests[0]);
}
