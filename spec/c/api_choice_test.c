/* System calls of the host's own as arms of a choice. */

#include "api_fixture.h"
#include "api_thread.h"

#include <fcntl.h>
#include <unistd.h>

/* What the arms under test have seen, by the number that they were given. */
enum {
    ARMS = 9
};

static struct arm {
    ml_completion *promise;
    pthread_t released_by;
    int attempts, withdrawals, releases;
} arms[ARMS];

static void arm_release(void *data)
{
    struct arm *arm = (struct arm *)data;
    arm->releases++;
    arm->released_by = pthread_self();
}

static void arm_withdraw(ml_call *call)
{
    struct arm *arm = (struct arm *)ml_call_data(call);
    CHECK_MUST(arm != NULL); /* a call that was never tried holds nothing */
    CHECK_EQ(arm->releases, 0);
    arm->withdrawals++;
}

/* later(number): its number, when it was completed. */
static int later_attempt(lua_State *L, ml_call *call)
{
    int number = (int)lua_tointeger(L, ml_call_arg(call, 1));
    struct arm *arm = &arms[number];
    if (ml_call_completed(call)) {
        CHECK(ml_call_data(call) == arm);
        lua_pushinteger(L, number);
        return 1;
    }
    if (ml_call_first(call)) {
        CHECK_EQ(arm->attempts, 0);
        arm->promise = ml_call_later(call, arm, arm_release);
        CHECK_MUST(arm->promise != NULL);
    }
    arm->attempts++;
    return ML_WAIT;
}

static const ml_syscall later = {.size = sizeof later,
                                 .name = "later",
                                 .attempt = later_attempt,
                                 .withdraw = arm_withdraw};

static ml_loop *open_arms(void)
{
    ml_loop *loop = open_loop(0);
    memset(arms, 0, sizeof arms);
    CHECK_EQ(add_call(loop, &later), 0);
    return loop;
}

/* A loop whose task 1 has begun this choice, and tells of its answers. */
static ml_loop *open_choosing(const char *choice)
{
    ml_loop *loop = open_arms();
    char source[300];
    (void)snprintf(source, sizeof source,
                   "ok, n, a, b = pcall(coroutine.yield, %s)", choice);
    spawn(loop, source);
    CHECK_EQ(ml_run(loop, ML_RUN_NOWAIT), 1);
    return loop;
}

static void *complete(void *promise)
{
    moment();
    ml_complete((ml_completion *)promise);
    return NULL;
}

/* How often the arm was withdrawn, and that it is released once in all. */
static void check_arm(const struct arm *arm, int withdrawals)
{
    CHECK_EQ(arm->withdrawals, withdrawals);
    CHECK_EQ(arm->releases, 1);
    CHECK(pthread_equal(arm->released_by, pthread_self()));
}

/* ---- one wins ------------------------------------------------------------ */

/* C6.3, C9.1 */
static void test_an_arm_is_completed_by_another_thread(void)
{
    ml_loop *loop = open_choosing(
        "syscall.any(syscall.later(1), syscall.later(2), syscall.sleep(60))");
    struct thread thread;
    thread_start(&thread, complete, arms[2].promise);
    run(loop);
    thread_join(&thread);
    CHECK_EQ(integer_of(loop, "n"), 2);
    CHECK_EQ(integer_of(loop, "a"), 2);
    CHECK_EQ(arms[1].releases, 0); /* the other thread may use it still */
    ml_complete(arms[1].promise);
    run(loop);
    check_arm(&arms[1], 1);
    check_arm(&arms[2], 0);
    close_loop(loop);
}

/* C6.3 */
static void test_the_earliest_of_two_that_came_is_taken(void)
{
    ml_loop *loop =
        open_choosing("syscall.any(syscall.later(1), syscall.later(2))");
    ml_complete(arms[2].promise);
    ml_complete(arms[1].promise);
    run(loop);
    CHECK_EQ(integer_of(loop, "n"), 1);
    check_arm(&arms[1], 0);
    check_arm(&arms[2], 1);
    close_loop(loop);
}

/* C6.3: the arm of a choice inside of a choice. */
static void test_a_nested_arm_is_completed(void)
{
    ml_loop *loop = open_choosing(
        "syscall.any(syscall.sleep(60), syscall.any(syscall.later(1)))");
    ml_complete(arms[1].promise);
    run(loop);
    CHECK_EQ(integer_of(loop, "n"), 2);
    CHECK_EQ(integer_of(loop, "a"), 1);
    CHECK_EQ(integer_of(loop, "b"), 1);
    check_arm(&arms[1], 0);
    close_loop(loop);
}

/* ---- others lose --------------------------------------------------------- */

/* C6.3 */
static void test_an_arm_that_loses_is_withdrawn_once(void)
{
    ml_loop *loop =
        open_choosing("syscall.any(syscall.later(1), syscall.later(2), "
                      "syscall.sleep(0.001))");
    run(loop);
    CHECK_EQ(integer_of(loop, "n"), 3);
    for (int i = 1; i <= 2; i++) {
        CHECK_EQ(arms[i].withdrawals, 1);
        CHECK_EQ(arms[i].releases, 0);
        ml_complete(arms[i].promise);
    }
    run(loop);
    check_arm(&arms[1], 1);
    check_arm(&arms[2], 1);
    close_loop(loop);
}

/* C6.3: without a trace: it was not even begun. */
static void test_an_arm_behind_one_that_is_ready_is_left_alone(void)
{
    ml_loop *loop = open_arms();
    spawn(loop, "n = coroutine.yield(syscall.any(syscall.later(1), "
                "syscall.sleep(0), syscall.later(2)))");
    run(loop);
    CHECK_EQ(integer_of(loop, "n"), 2);
    CHECK_EQ(arms[1].withdrawals, 1);
    CHECK_EQ(arms[2].attempts, 0);
    CHECK_EQ(arms[2].withdrawals, 0);
    ml_complete(arms[1].promise);
    run(loop);
    check_arm(&arms[1], 1);
    close_loop(loop);
}

/* C9.3 */
static void test_the_arms_of_a_killed_task_are_withdrawn(void)
{
    ml_loop *loop =
        open_choosing("syscall.any(syscall.later(1), syscall.later(2))");
    struct thread thread;
    thread_start(&thread, complete, arms[2].promise);
    CHECK_EQ(ml_kill(loop, 1), 0);
    for (int i = 1; i <= 2; i++) {
        CHECK_EQ(arms[i].withdrawals, 1);
        CHECK_EQ(arms[i].releases, 0);
    }
    thread_join(&thread);
    run(loop);
    check_arm(&arms[2], 1);
    close_loop(loop); /* which does not wait for the first */
    check_arm(&arms[1], 1);
    ml_complete(arms[1].promise);
    CHECK_EQ(arms[1].releases, 1);
}

/* C9.1, C9.3: withdrawn by a cancellation after it was completed. */
static void test_the_arms_of_a_cancelled_task_are_withdrawn(void)
{
    ml_loop *loop = open_choosing("syscall.any(syscall.later(1))");
    CHECK_EQ(ml_cancel(loop, 1, "no more"), 0);
    ml_complete(arms[1].promise);
    run(loop);
    do_string(ml_state(loop), "assert(n.code == 'ECANCELED')");
    check_arm(&arms[1], 1);
    close_loop(loop);
}

/* ---- what arms wait for -------------------------------------------------- */

static int pipes[2];

/* reading([timeout]): what a pipe gives, within that time. */
static int reading_attempt(lua_State *L, ml_call *call)
{
    char byte;
    if (ml_call_first(call) && ml_call_nargs(call) > 0) {
        ml_call_settimeout(call, lua_tonumber(L, ml_call_arg(call, 1)));
    }
    if (read(pipes[0], &byte, 1) == 1) {
        lua_pushlstring(L, &byte, 1);
        return 1;
    }
    int err = ml_call_wait_fd(call, pipes[0], ML_READ);
    return err != 0 ? err : ML_WAIT;
}

static const ml_syscall reading = {
    .size = sizeof reading, .name = "reading", .attempt = reading_attempt};

static ml_loop *open_reading(const char *choice)
{
    ml_loop *loop = open_arms();
    char source[300];
    CHECK_MUST(pipe(pipes) == 0);
    CHECK_EQ(fcntl(pipes[0], F_SETFL, O_NONBLOCK), 0);
    CHECK_EQ(add_call(loop, &reading), 0);
    (void)snprintf(source, sizeof source, "n, a, b = coroutine.yield(%s)",
                   choice);
    spawn(loop, source);
    CHECK_EQ(ml_run(loop, ML_RUN_NOWAIT), 1);
    return loop;
}

static void close_reading(ml_loop *loop)
{
    close_loop(loop);
    CHECK_EQ(close(pipes[0]), 0);
    CHECK_EQ(close(pipes[1]), 0);
}

/* C6.3 */
static void test_an_arm_waits_for_a_descriptor(void)
{
    ml_loop *loop =
        open_reading("syscall.any(syscall.sleep(60), syscall.reading())");
    CHECK_EQ(write(pipes[1], "x", 1), 1);
    run(loop);
    CHECK_EQ(integer_of(loop, "n"), 2);
    CHECK(global_is(loop, "a", "x"));
    close_reading(loop);
}

/* C6.3: a request that is refused has completed. */
static void test_the_time_of_an_arm_ends_the_choice(void)
{
    ml_loop *loop =
        open_reading("syscall.any(syscall.sleep(60), syscall.reading(0.001))");
    run(loop);
    CHECK_EQ(integer_of(loop, "n"), 2);
    do_string(ml_state(loop),
              "assert(b.code == 'ETIMEDOUT' and b.op == 'reading')");
    close_reading(loop);
}

/* C2.6, C6.3 */
static void test_a_descriptor_that_is_forgotten_ends_the_choice(void)
{
    ml_loop *loop =
        open_reading("syscall.any(syscall.later(1), syscall.reading())");
    ml_forget(loop, pipes[0]);
    run(loop);
    CHECK_EQ(integer_of(loop, "n"), 2);
    do_string(ml_state(loop), "assert(b.code == 'EBADF')");
    CHECK_EQ(arms[1].withdrawals, 1);
    close_reading(loop);
    CHECK_EQ(arms[1].releases, 1);
    ml_complete(arms[1].promise);
}

/* ---- others -------------------------------------------------------------- */

/* leaving(): leaves something on the stack. */
static int leaving_attempt(lua_State *L, ml_call *call)
{
    if (ml_call_first(call)) {
        for (int i = 0; i < LUA_MINSTACK - 1; i++) {
            lua_pushinteger(L, i);
        }
    }
    return ML_WAIT;
}

static const ml_syscall leaving = {
    .size = sizeof leaving, .name = "leaving", .attempt = leaving_attempt};

/* Each has the room on the stack that any function of C has. */
static void test_arms_may_leave_things_on_the_stack(void)
{
    ml_loop *loop = open_arms();
    CHECK_EQ(add_call(loop, &leaving), 0);
    spawn(loop, "local requests = {}\n"
                "for i = 1, 100 do requests[i] = syscall.leaving() end\n"
                "requests[101] = syscall.sleep(0.001)\n"
                "n = require 'miniloop'.any(requests)");
    run(loop);
    CHECK_EQ(integer_of(loop, "n"), 101);
    close_loop(loop);
}

static int withdrawals;

static void count_withdraw(ml_call *call)
{
    (void)call;
    withdrawals++;
}

static int tries;

static int ready_attempt(lua_State *L, ml_call *call)
{
    (void)L;
    (void)call;
    tries++;
    return 0;
}

static const ml_syscall ready = {.size = sizeof ready,
                                 .name = "ready",
                                 .attempt = ready_attempt,
                                 .withdraw = count_withdraw};

/* A task whose calls all succeed at once gives way before one of them. */
static void test_a_call_that_was_not_tried_is_not_withdrawn(void)
{
    ml_loop *loop = open_arms();
    CHECK_EQ(add_call(loop, &ready), 0);
    withdrawals = 0;
    tries = 0;
    spawn(loop, "while true do coroutine.yield(syscall.ready()) end");
    CHECK_EQ(ml_run(loop, ML_RUN_NOWAIT), 1);
    CHECK(tries > 0);
    CHECK_EQ(ml_kill(loop, 1), 0);
    CHECK_EQ(withdrawals, 0);
    close_loop(loop);
}

/* The block that holds what a choice of many waits for is given back whole. */
static void test_a_choice_of_many_gives_all_memory_back(void)
{
    ml_loop *loop = open_loop(ML_VIRTUAL_TIME);
    spawn(loop, "local ml = require 'miniloop'\n"
                "local channels, requests = {}, {}\n"
                "for i = 1, 40 do\n"
                "  channels[i] = ml.channel()\n"
                "  requests[i] = syscall.recv(channels[i])\n"
                "end\n"
                "local function choose() return ml.perform(\n"
                "  syscall.any(table.unpack(requests))) end\n"
                "local loser = ml.spawn(choose)\n"
                "local task = ml.spawn(choose)\n"
                "ml.sleep(1)\n"
                "loser:kill()\n"
                "channels[33]:send 'x'\n"
                "ok, index, value = task:wait()\n");
    run(loop);
    CHECK_EQ(integer_of(loop, "index"), 33);
    CHECK(global_is(loop, "value", "x"));
    close_loop(loop);
}

static const struct check_test tests[] = {
    CHECK_TEST(test_an_arm_is_completed_by_another_thread),
    CHECK_TEST(test_the_earliest_of_two_that_came_is_taken),
    CHECK_TEST(test_a_nested_arm_is_completed),
    CHECK_TEST(test_an_arm_that_loses_is_withdrawn_once),
    CHECK_TEST(test_an_arm_behind_one_that_is_ready_is_left_alone),
    CHECK_TEST(test_the_arms_of_a_killed_task_are_withdrawn),
    CHECK_TEST(test_the_arms_of_a_cancelled_task_are_withdrawn),
    CHECK_TEST(test_an_arm_waits_for_a_descriptor),
    CHECK_TEST(test_the_time_of_an_arm_ends_the_choice),
    CHECK_TEST(test_a_descriptor_that_is_forgotten_ends_the_choice),
    CHECK_TEST(test_arms_may_leave_things_on_the_stack),
    CHECK_TEST(test_a_call_that_was_not_tried_is_not_withdrawn),
    CHECK_TEST(test_a_choice_of_many_gives_all_memory_back),
};

int main(void)
{
    return check_run(tests, sizeof tests / sizeof tests[0]);
}
