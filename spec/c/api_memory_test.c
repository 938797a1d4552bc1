/* Blocks and what they raise, while memory fails at any allocation. */

#include "api_starving.h"

#include <errno.h>
#include <unistd.h>

static const char *const blocks =
    "local ml = require 'miniloop'\n"
    "local function fail() ml.sleep(0) error 'x' end\n"
    "local function fail_late() pcall(ml.sleep, 9) error {} end\n"
    "ml.spawn(function()\n"
    "  ml.group(function(g)\n"
    "    g:spawn(function()\n"
    "      ml.group(function(h) h:spawn(fail) h:spawn(fail_late) end)\n"
    "    end)\n"
    "    g:spawn(fail_late)\n"
    "  end)\n"
    "end):wait()\n"
    "ml.locals().x = 1\n"
    "pcall(ml.timeout, 1, ml.shield, error, 'x')\n"
    "ml.group(function(g)\n"
    "  g:spawn(pcall, ml.sleep, 9)\n"
    "  ml.sleep(0)\n"
    "  g:cancel('why', { grace = 1 })\n"
    "  g:spawn(type)\n"
    "end)\n"
    "ml.timeout(1, ml.group, function(g) g:spawn(fail_late) end)\n"
    "local owner = ml.self()\n"
    "ml.group(function(g) g:spawn(owner.wait, owner) end)\n"
    "local early = ml.spawn(type)\n"
    "early:cancel('early')\n"
    "early:wait()\n";

/* False once the n-th allocation is never made. */
static bool runs_or_not(long n, long times)
{
    struct scarce scarce = {n, times};
    ml_options options = options_of(ML_VIRTUAL_TIME);
    ml_loop *loop = NULL;
    options.alloc = scarce_alloc;
    options.alloc_ud = &scarce;
    if (ml_open(&loop, &options) == 0) {
        (void)ml_spawn_string(loop, blocks, "=spec", NULL);
        int err = ml_run(loop, ML_RUN_DEFAULT);
        CHECK(err == -ENOMEM || ml_tasks(loop) == 0);
        close_loop(loop);
    }
    CHECK_EQ(check.bytes, 0);
    return scarce.refused < times;
}

/* C5.4: no task outlives its group, also where there is no memory to say why
 * it ends. */
static void test_blocks_hold_while_memory_fails(void)
{
    static const long times[] = {1, 2, 40, 100000};
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        long n = 0;
        while (runs_or_not(n, times[i])) {
            n += check_step();
        }
        CHECK(n > 500);
    }
}

/* ---- who else pays ---------------------------------------------------------- */

/* C5.4: members of a cancelled group that cannot be told of it are killed, which
 * is reported, and nobody else is. */
static void test_others_outlive_members_that_could_not_be_told(void)
{
    ml_loop *loop = open_starving(ML_VIRTUAL_TIME);
    spawn(loop, "local ml = require 'miniloop'\n"
                "local group, start = nil, ml.now()\n"
                "local owner = ml.spawn(ml.group, function(g)\n"
                "  group = g\n"
                "  g:spawn(function() pcall(ml.sleep, 9) went_on = true end)\n"
                "end)\n"
                "ml.sleep(0) ml.sleep(0)\n"
                "starve() group:cancel() feed()\n"
                "owner:wait()\n"
                "took = ml.now() - start\n");
    CHECK_EQ(ml_run(loop, ML_RUN_DEFAULT), 0);
    CHECK(global_is(loop, "went_on", "nil"));
    CHECK(global_is(loop, "took", "0.0"));
    CHECK_EQ(heard_count, 1);
    CHECK_EQ(heard.task, 3);
    CHECK_EQ(strcmp(heard.kind, "killed"), 0);
    close_loop(loop);
}

/* A spawn that raises has spawned nothing. C3.new */
static void test_a_task_runs_if_its_spawn_has_answered(void)
{
    ml_loop *loop = open_starving(ML_VIRTUAL_TIME);
    spawn(loop, "local ml = require 'miniloop'\n"
                "wrong, raised = 0, 0\n"
                "local function try(spawn, g)\n"
                "  for n = 0, 60 do\n"
                "    local ran = false\n"
                "    local function note()\n"
                "      ran = true\n"
                "      wrong = wrong + (ml.locals().x == n and 0 or 1)\n"
                "    end\n"
                "    ml.locals().x = n\n"
                "    ml.sleep(0) collectgarbage()\n"
                "    allow(n // 2, n % 2 == 0 and 2 or nil)\n"
                "    local ok = pcall(spawn, g or note, note)\n"
                "    feed()\n"
                "    ml.sleep(0)\n"
                "    if ok ~= ran then wrong = wrong + 1 end\n"
                "    if not ok then raised = raised + 1 end\n"
                "  end\n"
                "end\n"
                "try(ml.spawn)\n"
                "ml.group(function(g) try(g.spawn, g) end)\n");
    run(loop);
    CHECK(integer_of(loop, "raised") > 3);
    CHECK_EQ(integer_of(loop, "wrong"), 0);
    close_loop(loop);
}

/* C6.1: a send that raises has sent nothing, and the channel holds no gap. */
static void test_a_value_that_could_not_be_sent_leaves_no_trace(void)
{
    ml_loop *loop = open_starving(ML_VIRTUAL_TIME);
    spawn(loop, "local ml = require 'miniloop'\n"
                "local ch = ml.channel(1000)\n"
                "wrong, raised = 0, 0\n"
                "for i = 1, 100 do\n"
                "  starve()\n"
                "  local ok = pcall(ch.send, ch, i)\n"
                "  feed()\n"
                "  if not ok then\n"
                "    raised = raised + 1\n"
                "    ch:send(i)\n"
                "  end\n"
                "end\n"
                "for i = 1, 100 do\n"
                "  if ch:recv() ~= i then wrong = wrong + 1 end\n"
                "end\n"
                "left = #ch\n");
    run(loop);
    CHECK(integer_of(loop, "raised") > 0);
    CHECK_EQ(integer_of(loop, "wrong"), 0);
    CHECK_EQ(integer_of(loop, "left"), 0);
    close_loop(loop);
}

/* C7.4: what was read when there was no memory for its string is lost, and the
 * stream does not go on as if nothing had been. */
static void test_a_stream_that_has_lost_bytes_goes_no_further(void)
{
    ml_loop *loop = open_starving(0);
    spawn(loop, "local a, b = require 'miniloop.net'.pair()\n"
                "a:write(('x'):rep(100))\n"
                "starve()\n"
                "local ok = pcall(b.recv, b)\n"
                "feed()\n"
                "a:write('more')\n"
                "local more, err = b:recv(100, 1)\n"
                "answer = ok or more or err.code\n");
    run(loop);
    CHECK(global_is(loop, "answer", "ENOMEM"));
    close_loop(loop);
}

/* C4.4: a failure is told, also when there is no memory to say more of it than
 * what it is. */
static void test_failures_are_reported_without_memory(void)
{
    ml_loop *loop = open_starving(ML_VIRTUAL_TIME);
    spawn(loop, "local ml = require 'miniloop'\n"
                "ml.detach(function() starve() error('no way', 0) end)\n");
    CHECK_EQ(ml_run(loop, ML_RUN_DEFAULT), -ECHILD);
    (void)feed(NULL);
    CHECK_EQ(heard_count, 1);
    CHECK(has(heard.message, "memory"));
    CHECK_EQ(heard.task, 2);
    close_loop(loop);
}

/* An error that is no text has none then. */
static void test_a_failure_that_is_no_text_is_told_of_without_memory(void)
{
    ml_loop *loop = open_starving(ML_VIRTUAL_TIME);
    spawn(loop, "local ml = require 'miniloop'\n"
                "local kept = ml.spawn(error, {})\n"
                "ml.sleep(0.5)\n"
                "starve() ml.sleep(1) feed()\n"
                "assert(kept:status() == 'failed')\n");
    CHECK_EQ(ml_run(loop, ML_RUN_DEFAULT), -ECHILD);
    (void)feed(NULL);
    CHECK_EQ(heard_count, 1);
    CHECK(has(heard.message, "not enough memory to tell more"));
    close_loop(loop);
}

/* A text needs no memory, but for the function that finds out that it is one. */
static void test_a_failure_is_told_by_its_text_without_memory(void)
{
    ml_loop *loop = open_starving(ML_VIRTUAL_TIME);
    spawn(loop, "local ml = require 'miniloop'\n"
                "local kept = ml.spawn(error, 'no way', 0)\n"
                "ml.sleep(0.5)\n"
                "for _ = 1, 20 do collectgarbage() end\n"
                "starve() ml.sleep(1) feed()\n"
                "assert(kept:status() == 'failed')\n");
    CHECK_EQ(ml_run(loop, ML_RUN_DEFAULT), -ECHILD);
    (void)feed(NULL);
    CHECK_EQ(heard_count, 1);
    CHECK(has(heard.message, "no way"));
    close_loop(loop);
}

/* Lua makes no traceback of such an error: then there is none, not an older. */
static void test_a_caught_errors_traceback_is_not_that_of_a_later_end(void)
{
    ml_loop *loop = open_starving(ML_VIRTUAL_TIME);
    spawn(loop, "local ml = require 'miniloop'\n"
                "ml.detach(function()\n"
                "  pcall(ml.timeout, 1, error, 'x')\n"
                "  starve(2)\n"
                "  local t = {}\n"
                "end)\n");
    CHECK_EQ(ml_run(loop, ML_RUN_DEFAULT), -ECHILD);
    CHECK_EQ(strcmp(heard.message, "not enough memory"), 0);
    CHECK(!heard.has_traceback);
    close_loop(loop);
}

/* What cannot be woken must not go to sleep: sixteen timers take the room that
 * there is at first. */
static void test_a_sleep_that_finds_no_memory_for_its_timer_fails(void)
{
    ml_loop *loop = open_starving(ML_VIRTUAL_TIME);
    spawn(loop, "local ml = require 'miniloop'\n"
                "for _ = 1, 16 do ml.spawn(ml.sleep, 3600) end\n"
                "ml.sleep(0)\n"
                "starve(1)\n"
                "local ok, err = ml.sleep(1)\n"
                "code = err.code\n");
    run(loop);
    CHECK(global_is(loop, "code", "ENOMEM"));
    close_loop(loop);
}

/* C3, wait: no memory is another failure than an error of the task's own. */
static void test_a_task_whose_results_find_no_memory_says_so(void)
{
    ml_loop *loop = open_starving(ML_VIRTUAL_TIME);
    spawn(loop, "local ml = require 'miniloop'\n"
                "local task = ml.spawn(function() starve(2) return 1, 2 end)\n"
                "local ok, err = task:wait()\n"
                "code = err.code\n");
    CHECK_EQ(ml_run(loop, ML_RUN_DEFAULT), -ECHILD); /* and is reported */
    CHECK_EQ(heard_count, 1);
    CHECK(global_is(loop, "code", "ENOMEM"));
    close_loop(loop);
}

/* What it is cancelled by goes with it. */
static void test_a_cancelled_task_without_memory_leaves_nothing(void)
{
    ml_loop *loop = open_starving(ML_VIRTUAL_TIME);
    spawn(loop, "local ml = require 'miniloop'\n"
                "local task = ml.spawn(function()\n"
                "  pcall(ml.sleep, 9)\n"
                "  starve(2)\n"
                "  return 1, 2\n"
                "end)\n"
                "ml.sleep(0)\n"
                "task:cancel()\n"
                "task:wait()\n");
    CHECK_EQ(ml_run(loop, ML_RUN_DEFAULT), -ECHILD); /* and is reported */
    CHECK_EQ(heard_count, 1);
    close_loop(loop);
}

/* C5.3: and it fails its group. */
static void test_a_member_whose_results_find_no_memory_fails_its_group(void)
{
    ml_loop *loop = open_starving(ML_VIRTUAL_TIME);
    spawn(loop, "local ml = require 'miniloop'\n"
                "ok, err = pcall(ml.group, function(g)\n"
                "  g:spawn(function() starve(2) return 1, 2 end)\n"
                "  ml.sleep(3600)\n"
                "end)\n");
    CHECK_EQ(ml_run(loop, ML_RUN_DEFAULT), -ECHILD); /* and is reported */
    CHECK_EQ(heard_count, 1);
    CHECK(global_is(loop, "ok", "false"));
    close_loop(loop);
}

/* Runs a script that fails without memory, with standard error in `text`. */
static void run_mute(char *text, size_t size)
{
    FILE *file = tmpfile();
    int kept = dup(STDERR_FILENO);
    ml_options options = options_of(ML_VIRTUAL_TIME | ML_REPORT);
    options.on_failure = NULL;
    options.alloc = scarce_alloc;
    options.alloc_ud = &ration;
    ml_loop *loop = open_with(&options);
    define(loop, "starve", starve);
    spawn(loop, "starve() return {}");
    CHECK_MUST(file != NULL && dup2(fileno(file), STDERR_FILENO) >= 0);
    CHECK_EQ(ml_run(loop, ML_RUN_DEFAULT), -ECHILD);
    CHECK_MUST(dup2(kept, STDERR_FILENO) >= 0);
    (void)feed(NULL);
    rewind(file);
    text[fread(text, 1, size - 1, file)] = '\0';
    (void)fclose(file);
    (void)close(kept);
    close_loop(loop);
}

/* C4.4 */
static void test_standard_error_has_them_too(void)
{
    char text[256];
    run_mute(text, sizeof text);
    CHECK_EQ(strcmp(text, "miniloop: task 1 failed: not enough memory\n"), 0);
}

static const struct check_test tests[] = {
    CHECK_TEST(test_blocks_hold_while_memory_fails),
    CHECK_TEST(test_others_outlive_members_that_could_not_be_told),
    CHECK_TEST(test_a_task_runs_if_its_spawn_has_answered),
    CHECK_TEST(test_a_value_that_could_not_be_sent_leaves_no_trace),
    CHECK_TEST(test_a_stream_that_has_lost_bytes_goes_no_further),
    CHECK_TEST(test_failures_are_reported_without_memory),
    CHECK_TEST(test_a_failure_that_is_no_text_is_told_of_without_memory),
    CHECK_TEST(test_a_failure_is_told_by_its_text_without_memory),
    CHECK_TEST(test_a_caught_errors_traceback_is_not_that_of_a_later_end),
    CHECK_TEST(test_a_sleep_that_finds_no_memory_for_its_timer_fails),
    CHECK_TEST(test_a_task_whose_results_find_no_memory_says_so),
    CHECK_TEST(test_a_cancelled_task_without_memory_leaves_nothing),
    CHECK_TEST(test_a_member_whose_results_find_no_memory_fails_its_group),
    CHECK_TEST(test_standard_error_has_them_too),
};

int main(void)
{
    return check_run(tests, sizeof tests / sizeof tests[0]);
}
