/* What the library does not do unless it is asked: signals, threads, output,
 * descriptors, globals. */

#include "api_fixture.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

/* A busy life of a loop: every kind of thing a task does, and a failure. */
static const char *const life =
    "local ml = require 'miniloop'\n"
    "for i = 1, 40 do ml.spawn(function() ml.sleep(0.0001 * i) end) end\n"
    "local task = ml.spawn(function() ml.sleep(3600) end)\n"
    "ml.sleep(0.001); task:kill(); task:wait()\n"
    "local f = io.tmpfile()\n"
    "ml.wait_io_write(f); f:close()\n"
    "pcall(error, 'caught')\n"
    "coroutine.wrap(function() ml.yield() end)()\n"
    "error 'let go'";

static const char *const pollers[] = {"auto", "select", "poll"};

static void live(void)
{
    for (size_t i = 0; i < sizeof pollers / sizeof *pollers; i++) {
        ml_options options = {.size = sizeof options, .poller = pollers[i]};
        ml_loop *loop = open_with(&options);
        spawn(loop, life);
        CHECK_EQ(ml_run(loop, ML_RUN_DEFAULT), -ECHILD);
        (void)ml_pollfd(loop);
        spawn(loop, "require 'miniloop'.event():wait()");
        CHECK_EQ(ml_run(loop, ML_RUN_DEFAULT), -EDEADLK);
        close_loop(loop);
    }
}

/* ---- signals ------------------------------------------------------------- */

enum {
    SIGNALS = 32
};

static void look_at_signals(struct sigaction actions[SIGNALS], sigset_t *mask)
{
    memset(actions, 0, SIGNALS * sizeof *actions);
    for (int number = 1; number < SIGNALS; number++) {
        (void)sigaction(number, NULL, &actions[number]);
    }
    CHECK_MUST(pthread_sigmask(SIG_SETMASK, NULL, mask) == 0);
}

/* C9.2 */
static void test_no_signal_is_handled_blocked_or_ignored(void)
{
    static struct sigaction before[SIGNALS];
    static struct sigaction after[SIGNALS];
    sigset_t masks[2];
    look_at_signals(before, &masks[0]);
    live();
    look_at_signals(after, &masks[1]);
    for (int number = 1; number < SIGNALS; number++) {
        CHECK(before[number].sa_handler == after[number].sa_handler);
        CHECK_EQ(before[number].sa_flags, after[number].sa_flags);
        CHECK_EQ(sigismember(&masks[0], number),
                 sigismember(&masks[1], number));
    }
}

/* C5.10, C9.1: a script that asks for signals needs the host's leave. */
static void test_a_script_catches_signals_by_leave_of_the_host(void)
{
    static const char *const script =
        "local ml = require 'miniloop'\n"
        "signals, err = ml.signals('HUP')\n"
        "name, refusal = coroutine.yield(syscall.signal('HUP'))\n"
        "index, arm, choice = ml.any { syscall.sleep(9), "
        "syscall.signal('HUP') }";
    static struct sigaction before[SIGNALS];
    static struct sigaction after[SIGNALS];
    sigset_t mask;
    look_at_signals(before, &mask);
    ml_loop *loop = open_loop(0);
    spawn(loop, script);
    run(loop);
    do_string(ml_state(loop),
              "assert(signals == nil and err.code == 'ENOTSUP')\n"
              "assert(err.op == 'signals', err.op)\n"
              "assert(name == nil and refusal.code == 'ENOTSUP')\n"
              "assert(refusal.op == 'signal', refusal.op)\n"
              "assert(index == 2 and arm == nil and choice.code == "
              "'ENOTSUP')");
    close_loop(loop);
    look_at_signals(after, &mask);
    CHECK(before[SIGHUP].sa_handler == after[SIGHUP].sa_handler);
}

static void raise_hup(ml_loop *loop, void *ud)
{
    (void)loop;
    (void)ud;
    CHECK_EQ(raise(SIGHUP), 0);
}

/* C5.10, C9.1 */
static void test_a_script_catches_signals_where_the_host_gave_leave(void)
{
    static struct sigaction before[SIGNALS];
    static struct sigaction after[SIGNALS];
    sigset_t mask;
    look_at_signals(before, &mask);
    ml_loop *loop = open_loop(ML_SIGNALS);
    spawn(loop, "local ml = require 'miniloop'\n"
                "local signals <close> = ml.signals('HUP')\n"
                "name = signals:wait()");
    CHECK_EQ(ml_run(loop, ML_RUN_NOWAIT), 1);
    CHECK_EQ(ml_post(loop, raise_hup, NULL), 0);
    run(loop);
    CHECK(global_is(loop, "name", "HUP"));
    close_loop(loop);
    look_at_signals(after, &mask);
    CHECK(before[SIGHUP].sa_handler == after[SIGHUP].sa_handler);
}

/* C5.10: a signal is one loop's at a time. */
static void test_a_signal_that_another_loop_catches_is_refused(void)
{
    static const char *const script =
        "local ml = require 'miniloop'\n"
        "signals, err = ml.signals('HUP', 'USR1')\n"
        "code = err and err.code\n"
        "ml.sleep(3600)";
    ml_loop *first = open_loop(ML_SIGNALS);
    ml_loop *second = open_loop(ML_SIGNALS);
    spawn(first, script);
    spawn(second, script);
    CHECK_EQ(ml_run(first, ML_RUN_NOWAIT), 1);
    CHECK_EQ(ml_run(second, ML_RUN_NOWAIT), 1);
    CHECK(global_is(first, "code", "nil"));
    CHECK(global_is(second, "code", "EBUSY"));
    close_loop(first);
    spawn(second, script);
    CHECK_EQ(ml_run(second, ML_RUN_NOWAIT), 1);
    CHECK(global_is(second, "code", "nil"));
    close_loop(second);
}

/* ---- threads and descriptors --------------------------------------------- */

/* The threads of this process; -1 where the system does not tell. */
static long threads(void)
{
    FILE *file = fopen("/proc/self/status", "r");
    char line[128];
    long count = -1;
    if (file == NULL) {
        return -1;
    }
    while (fgets(line, sizeof line, file) != NULL) {
        if (strncmp(line, "Threads:", 8) == 0) {
            count = strtol(line + 8, NULL, 10);
        }
    }
    CHECK_MUST(fclose(file) == 0);
    return count;
}

static int descriptors(void)
{
    int count = 0;
    for (int fd = 0; fd < 256; fd++) {
        count += fcntl(fd, F_GETFD) >= 0 ? 1 : 0;
    }
    return count;
}

/* C9.2: not even while a loop is open. */
static void test_no_thread_is_started(void)
{
    long before = threads();
    ml_loop *loop = open_loop(0);
    spawn(loop, "for i = 1, 9 do require 'miniloop'.sleep(0) end");
    live();
    run(loop);
    CHECK_EQ(threads(), before);
    close_loop(loop);
}

/* C9.3: what a loop made is freed. */
static void test_no_descriptor_is_left_behind(void)
{
    int before = descriptors();
    live();
    CHECK_EQ(descriptors(), before);
}

/* ---- output -------------------------------------------------------------- */

/* How many bytes are written to the descriptor by a busy life. */
static long written_to(int fd)
{
    FILE *file = tmpfile();
    CHECK_MUST(fflush(NULL) == 0);
    int saved = dup(fd);
    CHECK_MUST(file != NULL && saved >= 0);
    CHECK_MUST(dup2(fileno(file), fd) == fd);
    live();
    CHECK_MUST(fflush(NULL) == 0);
    CHECK_MUST(dup2(saved, fd) == fd && close(saved) == 0);
    CHECK_MUST(fseek(file, 0, SEEK_END) == 0);
    long size = ftell(file);
    CHECK_MUST(fclose(file) == 0);
    return size;
}

/* C9.2: also when tasks die and can never go on. */
static void test_nothing_is_written(void)
{
    CHECK_EQ(written_to(STDERR_FILENO), 0);
    CHECK_EQ(written_to(STDOUT_FILENO), 0);
}

/* ---- globals of Lua ------------------------------------------------------ */

/* C9.2: on a host's state, nothing but what is said gets a name. */
static void test_no_global_variable_is_made(void)
{
    lua_State *L = state_open();
    ml_options options = {.size = sizeof options, .state = L};
    do_string(L, "before = {}\n"
                 "for name, value in pairs(_G) do before[name] = value end\n"
                 "before.before = before");
    ml_loop *loop = open_with(&options);
    spawn(loop, "require 'miniloop'.sleep(0)");
    CHECK_EQ(ml_run(loop, ML_RUN_DEFAULT), 0);
    do_string(L, "for name, value in pairs(_G) do\n"
                 "  assert(before[name] ~= nil, name)\n"
                 "  assert(before[name] == value or name == 'coroutine' or\n"
                 "    name == 'require', name)\n"
                 "end");
    CHECK_EQ(lua_gettop(L), 0);
    close_loop(loop);
    lua_close(L);
}

static const struct check_test tests[] = {
    CHECK_TEST(test_no_signal_is_handled_blocked_or_ignored),
    CHECK_TEST(test_a_script_catches_signals_by_leave_of_the_host),
    CHECK_TEST(test_a_script_catches_signals_where_the_host_gave_leave),
    CHECK_TEST(test_a_signal_that_another_loop_catches_is_refused),
    CHECK_TEST(test_no_thread_is_started),
    CHECK_TEST(test_no_descriptor_is_left_behind),
    CHECK_TEST(test_nothing_is_written),
    CHECK_TEST(test_no_global_variable_is_made),
};

int main(void)
{
    return check_run(tests, sizeof tests / sizeof tests[0]);
}
