/* Tasks and coroutines whose stack or whose timers are full, while there is no
 * memory for more. Where that begins depends on Lua, so all sizes around it are
 * tried. */

#include "api_starving.h"

#include "core/vm.h"

/* Lua suspends the task, and the runtime knows nothing of it. */
static int suspend(lua_State *L)
{
    return lua_yield(L, 0);
}

static const char *const helpers =
    "ml = require 'miniloop'\n"
    "check = require 'miniloop.core'.check\n"
    /* a function that fails where it has so many variables */
    "function failing(n)\n"
    "  local names = {}\n"
    "  for i = 1, n do names[i] = 'v' .. i end\n"
    "  return load('local ' .. table.concat(names, ',') .. ' = 1\\n'\n"
    "    .. 'return v1.x.y')\n"
    "end\n"
    /* calls it where nothing can suspend: coroutines get no frame there */
    "function plainly(f) string.gsub('x', 'x', f) end\n"
    "function told(err)\n"
    "  local text = tostring(err)\n"
    "  return text:find 'memory' or text:find 'stack overflow'\n"
    "    or text:find 'too many'\n"
    "end\n"
    "faults = ''\n"
    "function judge(n, good)\n"
    "  local sound, fault = check()\n"
    "  if not good then faults = faults .. n .. ' ' end\n"
    "  if not sound then faults = faults .. fault end\n"
    "end\n";

static ml_loop *open_helped(void)
{
    ration = (struct scarce){0, 0};
    ml_loop *loop = open_starving(ML_VIRTUAL_TIME);
    define(loop, "suspend", suspend);
    spawn(loop, helpers);
    run(loop);
    return loop;
}

static void run_script(const char *script)
{
    ml_loop *loop = open_helped();
    spawn(loop, script);
    run(loop);
    CHECK(global_is(loop, "faults", ""));
    close_loop(loop);
}

/* ---- coroutines -------------------------------------------------------------- */

/* On a Lua whose stack has to be made larger in advance (README, "Lua"), that is
 * done before there is a coroutine. */
static void test_a_coroutine_without_its_reserve_is_not_made(void)
{
    ml_loop *loop = open_helped();
    ml_vm_get(ml_state(loop))->reserve = 1000;
    spawn(loop, "local made = 0\n"
                "for n = 0, 9 do\n"
                "  allow(n)\n"
                "  local ok, co = pcall(coroutine.create, type)\n"
                "  feed()\n"
                "  made = made + (ok and 1 or 0)\n"
                "  judge(n, ok or told(co))\n"
                "end\n"
                "judge('made', made > 0 and made < 10)\n");
    run(loop);
    CHECK(global_is(loop, "faults", ""));
    close_loop(loop);
}

/* It runs without a frame then, or not at all. */
static void test_a_resume_with_arguments_that_fill_the_stack(void)
{
    run_script("local t = {}\n"
               "for n = 1, 100 do\n"
               "  t[n] = n\n"
               "  local co = coroutine.create(function(...)\n"
               "    return select('#', ...)\n"
               "  end)\n"
               "  local function go()\n"
               "    return coroutine.resume(co, table.unpack(t))\n"
               "  end\n"
               "  starve()\n"
               "  local sent, ok, count = pcall(go)\n"
               "  feed()\n"
               "  judge(n, ok == true and count == n\n"
               "    or told(sent and count or ok))\n"
               "end\n");
}

static void test_the_traceback_of_a_coroutine_that_died_with_a_full_stack(void)
{
    run_script("for n = 1, 80 do\n"
               "  local co = coroutine.create(failing(n))\n"
               "  plainly(function() coroutine.resume(co) end)\n"
               "  for k = 0, 20 do\n"
               "    allow(k)\n"
               "    local ok, text = pcall(debug.traceback, co)\n"
               "    feed()\n"
               "    judge(n, ok and text:find 'traceback:' or told(text))\n"
               "  end\n"
               "end\n");
}

/* Whether a cancellation has ended it is not to be found out then. C5.1 */
static void test_a_coroutine_that_dies_so_in_a_cancelled_task(void)
{
    run_script("local task = ml.spawn(function()\n"
               "  pcall(ml.sleep, 9)\n"
               "  for n = 4, 240 do\n"
               "    local ok, err\n"
               "    local co = coroutine.create(failing(n // 4))\n"
               "    plainly(function()\n"
               "      allow(n % 4) ok, err = coroutine.resume(co) feed()\n"
               "    end)\n"
               "    judge(n, not ok and (told(err) or err:find 'index'))\n"
               "  end\n"
               "  done = true\n"
               "end)\n"
               "ml.yield() task:cancel() task:wait()\n"
               "judge('done', done)\n");
}

/* It is as if it had none. C4.4 */
static void test_an_error_that_finds_no_memory_for_its_traceback(void)
{
    run_script("for n = 0, 40 do\n"
               "  local co = coroutine.create(function()\n"
               "    allow(n) error('x', 0)\n"
               "  end)\n"
               "  local ok, err = coroutine.resume(co)\n"
               "  feed()\n"
               "  judge(n, not ok and (err == 'x' or told(err)))\n"
               "end\n");
}

/* ---- waits and spawns ----------------------------------------------------------- */

static void test_a_choice_of_queues_that_finds_no_memory_waits_for_none(void)
{
    run_script(
        "local event, failed = ml.event(), 0\n"
        "local list = {}\n"
        "for i = 1, 12 do list[i] = syscall.wait(event) end\n"
        "list[13] = syscall.sleep(1)\n"
        "for n = 0, 20 do\n"
        "  allow(n, 1)\n"
        "  local ok, index, value, err = pcall(ml.any, list)\n"
        "  feed()\n"
        "  judge(n, index == 13 or (err or value or {}).code == 'ENOMEM'\n"
        "    or not ok and told(index))\n"
        "  failed = failed + (index == 13 and 0 or 1)\n"
        "end\n"
        "judge('failed', failed > 0)\n");
}

static void test_a_stream_that_finds_no_memory_to_be_watched(void)
{
    run_script("local net = require 'miniloop.net'\n"
               "local failed = 0\n"
               "for n = 0, 20 do\n"
               "  local near, far = net.pair()\n"
               "  allow(n, 1)\n"
               "  local ok, bytes, err = pcall(near.recv, near, 1, 1)\n"
               "  feed() near:close() far:close()\n"
               "  judge(n, ok and (err.code == 'ENOMEM'\n"
               "    or err.code == 'ETIMEDOUT') or told(bytes))\n"
               "  failed = failed + (ok and err.code == 'ENOMEM' and 1 or 0)\n"
               "end\n"
               "judge('failed', failed > 0)\n");
}

/* C3.new: where there are tasks to be used again, no more is taken than the table
 * of tasks needs. */
static void test_a_spawn_whose_table_cannot_grow_spawns_nothing(void)
{
    run_script("for _ = 1, 300 do ml.new(type, 1) end\n"
               "ml.yield() ml.yield()\n"
               "local made, failed = {}, 0\n"
               "for n = 1, 600 do\n"
               "  starve()\n"
               "  local ok, id = pcall(ml.new, ml.sleep, 9)\n"
               "  feed()\n"
               "  made[#made + 1] = ok and id or nil\n"
               "  failed = failed + (ok and 0 or 1)\n"
               "  judge(n, ok or told(id))\n"
               "end\n"
               "judge('failed', failed > 0 and #made > 100)\n"
               "for _, id in ipairs(made) do judge(id, ml.kill(id)) end\n");
}

/* ---- failures ------------------------------------------------------------------ */

/* C4.4: however many results they were that found no room. */
static void test_a_task_with_a_full_stack_is_told_of(void)
{
    ml_loop *loop = open_helped();
    spawn(loop, "local t = {}\n"
                "failed = 0\n"
                "for n = 1, 100 do\n"
                "  t[n] = n\n"
                "  local task = ml.spawn(function()\n"
                "    starve()\n"
                "    return table.unpack(t)\n"
                "  end)\n"
                "  ml.yield() feed()\n"
                "  local ok, err = task:wait()\n"
                "  judge(n, ok or err.code == 'ENOMEM'\n"
                "    or err.code == 'EFAILED' and told(err.value))\n"
                "  judge(n, pcall(task.join, task) == ok or not ok)\n"
                "  failed = failed + (ok and 0 or 1)\n"
                "end\n");
    CHECK_EQ(ml_run(loop, ML_RUN_DEFAULT), -ECHILD);
    CHECK(global_is(loop, "faults", ""));
    CHECK_EQ(integer_of(loop, "failed"), heard_count);
    CHECK(heard_count > 50);
    close_loop(loop);
}

/* C4.4: that a module has suspended a task is told of, too. */
static void test_a_task_that_others_suspend_is_told_of(void)
{
    enum {
        TRIES = 40
    };
    ml_loop *loop = open_helped();
    spawn(loop, "for k = 1, 40 do\n"
                "  ml.detach(function() allow(k - 1) suspend() end)\n"
                "  ml.yield() ml.yield() feed()\n"
                "end\n");
    CHECK_EQ(ml_run(loop, ML_RUN_DEFAULT), -ECHILD);
    CHECK_EQ(heard_count, TRIES);
    CHECK(has(heard.message, "suspended by C code"));
    close_loop(loop);
}

/* C5.3: and fails its group. */
static void test_a_member_that_others_suspend_fails_its_group(void)
{
    ml_loop *loop = open_helped();
    spawn(loop, "for k = 1, 40 do\n"
                "  local ok = pcall(ml.group, function(g)\n"
                "    g:spawn(function() allow(k - 1) suspend() end)\n"
                "    pcall(ml.sleep, 9)\n"
                "    feed()\n"
                "  end)\n"
                "  judge(k, not ok)\n"
                "end\n");
    (void)ml_run(loop, ML_RUN_DEFAULT); /* some are told of beside that */
    CHECK(global_is(loop, "faults", ""));
    close_loop(loop);
}

/* ---- cancellations ------------------------------------------------------------- */

/* Sixteen timers take the room that there is at first. */
static const char *const sixteen =
    "for _ = 1, 16 do ml.spawn(ml.sleep, 3600) end ml.yield()\n";

/* Whether a task that is cancelled may still block, if the n-th allocation from
 * there on fails. */
static bool has_grace(int n)
{
    ml_loop *loop = open_helped();
    lua_pushinteger(ml_state(loop), n);
    lua_setglobal(ml_state(loop), "n");
    spawn(loop, sixteen);
    spawn(loop, "local event = ml.event()\n"
                "local task = ml.spawn(function()\n"
                "  local _, err = pcall(event.wait, event)\n"
                "  feed()\n"
                "  judge(n, err.code == 'ECANCELED')\n"
                "  grace = pcall(ml.sleep, 0) and 1 or 0\n"
                "end)\n"
                "ml.yield()\n"
                "task:cancel() allow(n, 1)\n"
                "task:wait()\n");
    run(loop);
    CHECK(global_is(loop, "faults", ""));
    bool grace = integer_of(loop, "grace") == 1;
    close_loop(loop);
    return grace;
}

/* C5.1: without a timer for it there is no time for clean-up. */
static void test_a_cancellation_without_a_timer_gives_no_grace(void)
{
    int without = 0;
    for (int n = 0; n < 12; n++) {
        without += has_grace(n) ? 0 : 1;
    }
    CHECK_EQ(without, 1);
}

/* C5.1: who does not listen is told so a hundred times, then has to pause; if
 * there is no timer for that, he gives way at least. */
static void test_who_does_not_listen_and_finds_no_timer_gives_way(void)
{
    ml_loop *loop = open_helped();
    spawn(loop, "for _ = 1, 15 do ml.spawn(ml.sleep, 3600) end\n"
                "local event = ml.event()\n"
                "local task = ml.spawn(function()\n"
                "  pcall(event.wait, event)\n"
                "  pcall(event.wait, event)\n"
                "  local over = ml.now()\n"
                "  for _ = 1, 100 do pcall(event.wait, event) end\n"
                "  starve(1) pcall(event.wait, event) feed()\n"
                "  judge('time', ml.now() == over)\n"
                "  pcall(event.wait, event)\n"
                "  judge('pause', ml.now() > over)\n"
                "end)\n"
                "ml.yield()\n"
                "task:cancel()\n"
                "judge('end', task:wait())\n");
    run(loop);
    CHECK(global_is(loop, "faults", ""));
    close_loop(loop);
}

/* A member that cannot be told that its owner's grace is over is killed, and its
 * clean-up kills the owner in turn. C5.4 */
static void test_an_owner_is_killed_as_its_grace_ends(void)
{
    ml_loop *loop = open_helped();
    spawn(loop, "local owner, member\n"
                "owner = ml.spawn(function()\n"
                "  pcall(ml.sleep, 9)\n"
                "  ml.group(function(g)\n"
                "    member = g:spawn(function()\n"
                "      local _ <close> = setmetatable({}, {\n"
                "        __close = function() feed() owner:kill() end,\n"
                "      })\n"
                "      ml.sleep(90)\n"
                "    end)\n"
                "    ml.sleep(90)\n"
                "  end)\n"
                "end)\n"
                "ml.yield()\n"
                "owner:cancel()\n"
                "ml.sleep(4.75)\n"
                "starve()\n"
                "ml.sleep(0.5)\n"
                "feed()\n"
                "judge('owner', owner:status() == 'cancelled')\n"
                "judge('member', member:status() == 'cancelled')\n");
    CHECK_EQ(ml_run(loop, ML_RUN_DEFAULT), 0);
    CHECK(global_is(loop, "faults", ""));
    CHECK_EQ(heard_count, 1); /* of the member, which was killed */
    close_loop(loop);
}

static const struct check_test tests[] = {
    CHECK_TEST(test_a_coroutine_without_its_reserve_is_not_made),
    CHECK_TEST(test_a_resume_with_arguments_that_fill_the_stack),
    CHECK_TEST(test_the_traceback_of_a_coroutine_that_died_with_a_full_stack),
    CHECK_TEST(test_a_coroutine_that_dies_so_in_a_cancelled_task),
    CHECK_TEST(test_an_error_that_finds_no_memory_for_its_traceback),
    CHECK_TEST(test_a_choice_of_queues_that_finds_no_memory_waits_for_none),
    CHECK_TEST(test_a_stream_that_finds_no_memory_to_be_watched),
    CHECK_TEST(test_a_spawn_whose_table_cannot_grow_spawns_nothing),
    CHECK_TEST(test_a_task_with_a_full_stack_is_told_of),
    CHECK_TEST(test_a_task_that_others_suspend_is_told_of),
    CHECK_TEST(test_a_member_that_others_suspend_fails_its_group),
    CHECK_TEST(test_a_cancellation_without_a_timer_gives_no_grace),
    CHECK_TEST(test_who_does_not_listen_and_finds_no_timer_gives_way),
    CHECK_TEST(test_an_owner_is_killed_as_its_grace_ends),
};

int main(void)
{
    return check_run(tests, sizeof tests / sizeof tests[0]);
}
