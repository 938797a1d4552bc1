/* Failures as the host hears of them. */

#include "api_fixture.h"

#include <unistd.h>

/* ---- what is told -------------------------------------------------------- */

/* C4.4, C9.1 */
static void test_a_failure_is_told_with_all_that_is_known(void)
{
    ml_loop *loop = open_loop(0);
    spawn(loop, "local ml = require 'miniloop'\n"
                "local function deep() error 'boom' end\n"
                "local function task() deep() end\n"
                "ml.new(task)");
    CHECK_EQ(ml_run(loop, ML_RUN_DEFAULT), -ECHILD);
    CHECK_EQ(heard_count, 1);
    CHECK_EQ(heard.task, 2);
    CHECK(strcmp(heard.kind, "failed") == 0);
    CHECK(strcmp(heard.message, "spec:2: boom") == 0);
    CHECK(has(heard.traceback, "stack traceback"));
    CHECK(has(heard.traceback, "spec:3:"));
    CHECK(has(heard.spawned, "spec:4"));
    CHECK(heard.has_message && heard.has_traceback && heard.has_spawned);
    CHECK(!heard.has_waiting);
    CHECK(heard.name[0] == '\0');
    close_loop(loop);
}

/* C4.4 */
static void test_a_failure_is_told_with_the_name_of_its_task(void)
{
    ml_loop *loop = open_loop(0);
    spawn(loop, "local ml = require 'miniloop'\n"
                "ml.self().name = 'worker'\nerror({})");
    CHECK_EQ(ml_run(loop, ML_RUN_DEFAULT), -ECHILD);
    CHECK_EQ(heard_count, 1);
    CHECK(strcmp(heard.name, "worker") == 0);
    CHECK(has(heard.message, "table: "));
    close_loop(loop);
}

/* C4.4: any value can be an error, also one whose text cannot be had. */
static void test_an_error_value_without_a_text_is_told_nevertheless(void)
{
    ml_loop *loop = open_loop(0);
    spawn(loop, "error(setmetatable({}, {__tostring = function() error 'no' "
                "end}))");
    spawn(loop, "error()");
    spawn(loop, "error(setmetatable({}, {__tostring = function() return 'mine' "
                "end}))");
    CHECK_EQ(ml_run(loop, ML_RUN_NOWAIT), -ECHILD);
    CHECK_EQ(heard_count, 3);
    CHECK(strcmp(heard.message, "mine") == 0);
    spawn(loop, "error()");
    CHECK_EQ(ml_run(loop, ML_RUN_NOWAIT), -ECHILD);
    CHECK(strcmp(heard.message, "nil") == 0);
    close_loop(loop);
}

/* C4.6 */
static void test_a_deadlock_is_told_for_each_task_that_remains(void)
{
    ml_loop *loop = open_loop(0);
    spawn(loop, "local ml = require 'miniloop'\n"
                "ml.spawn(function() ml.sleep(math.huge) end)\n"
                "ml.event():wait()");
    CHECK_EQ(ml_run(loop, ML_RUN_DEFAULT), -EDEADLK);
    CHECK_EQ(heard_count, 2);
    CHECK_EQ(heard.task, 2);
    CHECK(strcmp(heard.kind, "deadlock") == 0);
    CHECK(has(heard.waiting, "sleep"));
    CHECK(has(heard.traceback, "spec:2:"));
    CHECK(has(heard.spawned, "spec:2"));
    CHECK(!heard.has_message);
    close_loop(loop);
}

/* C3.6 */
static void test_an_error_while_a_killed_task_is_closed_is_told(void)
{
    ml_loop *loop = open_loop(0);
    int64_t id = spawn(loop, "local v <close> = setmetatable({}, {__close = "
                             "function() error 'late' end})\n"
                             "require 'miniloop'.sleep(3600)");
    CHECK_EQ(ml_run(loop, ML_RUN_NOWAIT), 1);
    CHECK_EQ(ml_kill(loop, id), 0);
    CHECK_EQ(heard_count, 1);
    CHECK_EQ(heard.task, id);
    CHECK(strcmp(heard.kind, "close") == 0);
    CHECK(has(heard.message, "late"));
    CHECK(!heard.has_traceback && !heard.has_waiting);
    CHECK(!heard.has_spawned); /* not from Lua */
    close_loop(loop);
}

/* ---- when ---------------------------------------------------------------- */

/* C4.4: at the end of the run, which is closing for a run that never ended. */
static void test_a_failure_that_may_yet_be_taken_is_told_on_closing(void)
{
    ml_loop *loop = open_loop(0);
    spawn(loop, "local ml = require 'miniloop'\n"
                "kept = ml.spawn(error, 'kept', 0)\n"
                "ml.sleep(3600)");
    CHECK_EQ(ml_run(loop, ML_RUN_NOWAIT), 1);
    CHECK_EQ(ml_run(loop, ML_RUN_NOWAIT), 1);
    CHECK_EQ(heard_count, 0);
    close_loop(loop);
    CHECK_EQ(heard_count, 1);
    CHECK(strcmp(heard.message, "kept") == 0);
}

/* C4.4 */
static void test_the_other_tasks_go_on(void)
{
    ml_loop *loop = open_loop(0);
    spawn(loop, "error 'x'");
    spawn(loop, "require 'miniloop'.sleep(0); n = 1");
    CHECK_EQ(ml_run(loop, ML_RUN_NOWAIT), 1);
    CHECK_EQ(heard_count, 1); /* at once: it has no handle */
    CHECK_EQ(ml_run(loop, ML_RUN_DEFAULT), -ECHILD);
    CHECK_EQ(integer_of(loop, "n"), 1);
    close_loop(loop);
}

/* A callback may go on with the loop, if not run it. */
static void spawn_successor(ml_loop *loop, const ml_failure *failure, void *ud)
{
    int *deaths = (int *)ud;
    (void)failure;
    (*deaths)++;
    if (*deaths < 3) {
        spawn(loop, "error 'again'");
    }
}

static void test_a_callback_may_spawn_tasks(void)
{
    int deaths = 0;
    ml_options options = options_of(0);
    options.on_failure = spawn_successor;
    options.ud = &deaths;
    ml_loop *loop = open_with(&options);
    spawn(loop, "error 'first'");
    CHECK_EQ(ml_run(loop, ML_RUN_DEFAULT), -ECHILD);
    CHECK_EQ(deaths, 3);
    close_loop(loop);
}

/* What it raises by mistake goes nowhere, and it is not called a second time. */
static void raise_in_callback(ml_loop *loop, const ml_failure *failure,
                              void *ud)
{
    int *calls = (int *)ud;
    (void)failure;
    (*calls)++;
    (void)luaL_error(ml_state(loop), "raised");
}

static void test_a_callback_that_raises_is_called_once(void)
{
    int calls = 0;
    ml_options options = options_of(0);
    options.on_failure = raise_in_callback;
    options.ud = &calls;
    ml_loop *loop = open_with(&options);
    spawn(loop, "error 'first'");
    spawn(loop, "require 'miniloop'.sleep(0); n = 1");
    CHECK_EQ(ml_run(loop, ML_RUN_DEFAULT), -ECHILD);
    CHECK_EQ(calls, 1);
    CHECK_EQ(integer_of(loop, "n"), 1);
    close_loop(loop);
}

/* ---- to whom ------------------------------------------------------------- */

/* Runs a task that dies, and gives what was written to standard error. */
static const char *written_by_failure(unsigned flags, bool callback)
{
    static char text[2048];
    ml_options options = {.size = sizeof options,
                          .flags = flags,
                          .on_failure = callback ? hear : NULL};
    ml_loop *loop = open_with(&options);
    int saved = dup(STDERR_FILENO);
    FILE *file = tmpfile();
    CHECK_MUST(saved >= 0 && file != NULL);
    CHECK_MUST(dup2(fileno(file), STDERR_FILENO) >= 0);
    spawn(loop, "error 'to whom'");
    CHECK_EQ(ml_run(loop, ML_RUN_DEFAULT), -ECHILD);
    CHECK_MUST(dup2(saved, STDERR_FILENO) >= 0 && close(saved) == 0);
    rewind(file);
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    CHECK_EQ(fclose(file), 0);
    close_loop(loop);
    return text;
}

/* C9.2 */
static void test_failures_are_silent_unless_the_host_asks(void)
{
    CHECK(strcmp(written_by_failure(0, false), "") == 0);
}

/* C9.1 */
static void test_failures_are_written_where_the_host_asks(void)
{
    const char *text = written_by_failure(ML_REPORT, false);
    CHECK(has(text, "task 1"));
    CHECK(has(text, "spec:1: to whom"));
}

/* C9.1 */
static void test_a_callback_takes_the_place_of_the_report(void)
{
    heard_count = 0;
    CHECK(strcmp(written_by_failure(ML_REPORT, true), "") == 0);
    CHECK_EQ(heard_count, 1);
}

/* Allocations until the last one that is refused; so is the one before it, for
 * Lua tries again after a collection. 0: none. */
static int refused;

static void *refusing(void *ud, void *p, size_t osize, size_t nsize)
{
    if (nsize > (p != NULL ? osize : 0) && refused > 0 && --refused <= 1) {
        return NULL;
    }
    return counted(ud, p, osize, nsize);
}

static int refuse(lua_State *L)
{
    refused = (int)luaL_checkinteger(L, 1) + 1;
    return 0;
}

/* C4.4: whatever there was no memory for, its end or its message. */
static void test_a_task_that_ends_without_memory_has_failed(void)
{
    for (int n = 1; n <= 20; n++) {
        char source[64];
        ml_options options = options_of(0);
        options.alloc = refusing;
        ml_loop *loop = open_with(&options);
        define(loop, "refuse", refuse);
        (void)snprintf(source, sizeof source, "refuse(%d) error 'x'", n);
        spawn(loop, source);
        CHECK_EQ(ml_run(loop, ML_RUN_DEFAULT), -ECHILD);
        refused = 0;
        CHECK(heard_count == 0 || strcmp(heard.kind, "failed") == 0);
        close_loop(loop);
    }
}

static const struct check_test tests[] = {
    CHECK_TEST(test_a_failure_is_told_with_all_that_is_known),
    CHECK_TEST(test_a_failure_is_told_with_the_name_of_its_task),
    CHECK_TEST(test_an_error_value_without_a_text_is_told_nevertheless),
    CHECK_TEST(test_a_deadlock_is_told_for_each_task_that_remains),
    CHECK_TEST(test_an_error_while_a_killed_task_is_closed_is_told),
    CHECK_TEST(test_a_failure_that_may_yet_be_taken_is_told_on_closing),
    CHECK_TEST(test_the_other_tasks_go_on),
    CHECK_TEST(test_a_callback_may_spawn_tasks),
    CHECK_TEST(test_a_callback_that_raises_is_called_once),
    CHECK_TEST(test_failures_are_silent_unless_the_host_asks),
    CHECK_TEST(test_failures_are_written_where_the_host_asks),
    CHECK_TEST(test_a_callback_takes_the_place_of_the_report),
    CHECK_TEST(test_a_task_that_ends_without_memory_has_failed),
};

int main(void)
{
    return check_run(tests, sizeof tests / sizeof tests[0]);
}
