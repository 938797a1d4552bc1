/* Calls that another thread completes, in every order of events. */

#include "api_fixture.h"
#include "api_thread.h"

/* What a call holds: released once, wherever it is known to be over. */
struct box {
    ml_completion *promise;
    pthread_t released_by;
    int releases;
    int value;
};

static struct box box; /* of the call under test */
static int withdrawn;

static void box_release(void *data)
{
    struct box *b = (struct box *)data;
    b->releases++;
    b->released_by = pthread_self();
}

static void withdraw(ml_call *call)
{
    CHECK(ml_call_data(call) == &box);
    CHECK_EQ(box.releases, 0);
    withdrawn++;
}

/* later([timeout]): the box's value, when it was completed. */
static int later_attempt(lua_State *L, ml_call *call)
{
    if (ml_call_completed(call)) {
        lua_pushinteger(L, ((struct box *)ml_call_data(call))->value);
        return 1;
    }
    if (ml_call_first(call)) {
        box = (struct box){.value = 7};
        box.promise = ml_call_later(call, &box, box_release);
        if (ml_call_nargs(call) > 0) {
            ml_call_settimeout(call, lua_tonumber(L, ml_call_arg(call, 1)));
        }
    }
    return box.promise != NULL ? ML_WAIT : -ENOMEM;
}

static const ml_syscall later = {.size = sizeof later,
                                 .name = "later",
                                 .attempt = later_attempt,
                                 .withdraw = withdraw};

/* A loop whose task 1 is inside the call. */
static ml_loop *open_waiting(const char *request)
{
    ml_loop *loop = open_loop(0);
    char source[200];
    CHECK_EQ(add_call(loop, &later), 0);
    withdrawn = 0;
    (void)snprintf(source, sizeof source,
                   "local ok\nok, n, err = pcall(coroutine.yield, %s)",
                   request);
    spawn(loop, source);
    CHECK_EQ(ml_run(loop, ML_RUN_NOWAIT), 1);
    CHECK_EQ(box.releases, 0);
    return loop;
}

/* The loop is through with the call; how it ended. */
static void check_end(ml_loop *loop, int releases, int withdrawals)
{
    CHECK_EQ(box.releases, releases);
    CHECK_EQ(withdrawn, withdrawals);
    close_loop(loop);
    CHECK_EQ(box.releases, 1);
    CHECK_EQ(withdrawn, withdrawals);
    CHECK(pthread_equal(box.released_by, pthread_self()));
}

static void *complete(void *promise)
{
    moment();
    ml_complete((ml_completion *)promise);
    return NULL;
}

/* ---- completed ----------------------------------------------------------- */

/* C9.1 */
static void test_a_call_is_completed_by_another_thread(void)
{
    ml_loop *loop = open_waiting("syscall.later()");
    struct thread thread;
    thread_start(&thread, complete, box.promise);
    run(loop); /* it is no deadlock: somebody may complete */
    thread_join(&thread);
    CHECK_EQ(integer_of(loop, "n"), 7);
    check_end(loop, 1, 0);
}

/* C9.1 */
static void test_a_call_is_completed_by_the_thread_of_its_loop(void)
{
    ml_loop *loop = open_waiting("syscall.later()");
    ml_complete(box.promise);
    run(loop);
    CHECK_EQ(integer_of(loop, "n"), 7);
    check_end(loop, 1, 0);
}

static int at_once_attempt(lua_State *L, ml_call *call)
{
    int n = later_attempt(L, call);
    if (n == ML_WAIT) {
        ml_complete(box.promise);
    }
    return n;
}

static const ml_syscall at_once = {.size = sizeof at_once,
                                   .name = "at_once",
                                   .attempt = at_once_attempt,
                                   .withdraw = withdraw};

/* C9.1: before the task has begun to wait. */
static void test_a_call_is_completed_inside_of_its_attempt(void)
{
    ml_loop *loop = open_loop(0);
    withdrawn = 0;
    CHECK_EQ(add_call(loop, &at_once), 0);
    spawn(loop, "n = coroutine.yield(syscall.at_once())");
    run(loop);
    CHECK_EQ(integer_of(loop, "n"), 7);
    check_end(loop, 1, 0);
}

static int wakes; /* of the patient call */

/* Is woken by time until it is completed, which it does itself. */
static int patient_attempt(lua_State *L, ml_call *call)
{
    if (++wakes == 3) {
        ml_complete(box.promise);
    }
    ml_call_wait_time(call, 0.001);
    return later_attempt(L, call);
}

static const ml_syscall patient = {.size = sizeof patient,
                                   .name = "patient",
                                   .attempt = patient_attempt,
                                   .withdraw = withdraw};

/* C9.1: a completion is declared once, for all waits of the call. */
static void test_a_completion_outlasts_other_wakes(void)
{
    ml_loop *loop = open_loop(0);
    withdrawn = 0;
    wakes = 0;
    CHECK_EQ(add_call(loop, &patient), 0);
    spawn(loop, "n = coroutine.yield(syscall.patient())");
    run(loop);
    CHECK(wakes >= 4);
    CHECK_EQ(integer_of(loop, "n"), 7);
    check_end(loop, 1, 0);
}

/* ---- withdrawn first ----------------------------------------------------- */

/* C9.3: then nothing is done, but what it holds is released. */
static void test_a_killed_call_is_completed_in_vain(void)
{
    ml_loop *loop = open_waiting("syscall.later()");
    struct thread thread;
    CHECK_EQ(ml_kill(loop, 1), 0);
    CHECK_EQ(withdrawn, 1);
    CHECK_EQ(box.releases, 0); /* the other thread may use it still */
    thread_start(&thread, complete, box.promise);
    thread_join(&thread);
    run(loop);
    check_end(loop, 1, 1);
}

/* C9.3 */
static void test_a_cancelled_call_is_completed_in_vain(void)
{
    ml_loop *loop = open_waiting("syscall.later()");
    CHECK_EQ(ml_cancel(loop, 1, "no more"), 0);
    run(loop);
    do_string(ml_state(loop),
              "assert(n.code == 'ECANCELED' and n.reason == 'no more')");
    CHECK_EQ(box.releases, 0);
    ml_complete(box.promise);
    run(loop);
    check_end(loop, 1, 1);
}

/* C9.3 */
static void test_a_call_whose_time_is_up_is_completed_in_vain(void)
{
    ml_loop *loop = open_waiting("syscall.later(0.001)");
    run(loop);
    do_string(ml_state(loop), "assert(err.code == 'ETIMEDOUT')");
    ml_complete(box.promise);
    run(loop);
    check_end(loop, 1, 1);
}

/* C9.3: the letter is on its way. */
static void test_a_call_is_killed_after_its_completion(void)
{
    ml_loop *loop = open_waiting("syscall.later()");
    ml_complete(box.promise);
    CHECK_EQ(ml_kill(loop, 1), 0);
    CHECK_EQ(withdrawn, 1);
    run(loop);
    check_end(loop, 1, 1);
}

/* C9.3: the task knows, but has not gone on. */
static void test_a_call_is_killed_after_its_wake(void)
{
    ml_loop *loop = open_waiting("syscall.later()");
    ml_complete(box.promise);
    CHECK_EQ(ml_run(loop, ML_RUN_NOWAIT), 1);
    CHECK_EQ(ml_kill(loop, 1), 0);
    check_end(loop, 1, 1);
}

/* ---- and closed loops ---------------------------------------------------- */

/* C9.3 */
static void test_a_call_is_released_by_the_end_of_its_loop(void)
{
    ml_loop *loop = open_waiting("syscall.later()");
    close_loop(loop);
    CHECK_EQ(box.releases, 1);
    CHECK_EQ(withdrawn, 1);
    ml_complete(box.promise); /* a promise is kept in any case */
    CHECK_EQ(box.releases, 1);
}

/* C9.3 */
static void test_a_completion_on_its_way_is_released_by_closing(void)
{
    ml_loop *loop = open_waiting("syscall.later()");
    ml_complete(box.promise);
    close_loop(loop);
    CHECK_EQ(box.releases, 1);
    CHECK_EQ(withdrawn, 1);
}

/* C9.3 */
static void test_a_completion_may_come_after_its_loop(void)
{
    ml_loop *loop = open_waiting("syscall.later()");
    struct thread thread;
    thread_start(&thread, complete, box.promise);
    close_loop(loop);
    CHECK_EQ(box.releases, 1);
    CHECK_EQ(withdrawn, 1);
    thread_join(&thread);
    CHECK_EQ(box.releases, 1);
    CHECK(pthread_equal(box.released_by, pthread_self()));
}

/* ---- other forms --------------------------------------------------------- */

static int plain_attempt(lua_State *L, ml_call *call)
{
    (void)L;
    if (ml_call_first(call)) {
        box.promise = ml_call_later(call, NULL, NULL);
        return ML_WAIT;
    }
    return ml_call_completed(call) ? 0 : ML_WAIT;
}

static const ml_syscall plain = {
    .size = sizeof plain, .name = "plain", .attempt = plain_attempt};

static void test_a_completion_needs_no_data(void)
{
    ml_loop *loop = open_loop(0);
    CHECK_EQ(add_call(loop, &plain), 0);
    spawn(loop, "n = select('#', coroutine.yield(syscall.plain()))");
    CHECK_EQ(ml_run(loop, ML_RUN_NOWAIT), 1);
    ml_complete(box.promise);
    run(loop);
    CHECK(global_is(loop, "n", "0"));
    close_loop(loop);
}

static struct box steps[3];

/* Goes on to the next step without an end of the one before, or with it. */
static int steps_attempt(lua_State *L, ml_call *call)
{
    int n = (int)lua_tointeger(L, -1);
    if (n == 3) {
        return 1;
    }
    lua_pushinteger(L, n + 1);
    steps[n] = (struct box){.value = n};
    steps[n].promise = ml_call_later(call, &steps[n], box_release);
    CHECK(!ml_call_completed(call));
    CHECK(ml_call_data(call) == &steps[n]);
    if (n > 0) {
        ml_complete(steps[n].promise);
    }
    ml_call_wait_time(call, n == 0 ? 0 : HUGE_VAL);
    return ML_WAIT;
}

static const ml_syscall many = {
    .size = sizeof many, .name = "many", .attempt = steps_attempt};

static void test_a_second_completion_takes_the_place_of_the_first(void)
{
    ml_loop *loop = open_loop(0);
    CHECK_EQ(add_call(loop, &many), 0);
    spawn(loop, "n = coroutine.yield(syscall.many(0))");
    run(loop);
    CHECK_EQ(integer_of(loop, "n"), 3);
    CHECK_EQ(steps[0].releases, 0); /* it has not come */
    CHECK_EQ(steps[1].releases, 1);
    CHECK_EQ(steps[2].releases, 1);
    ml_complete(steps[0].promise);
    run(loop);
    CHECK_EQ(steps[0].releases, 1);
    close_loop(loop);
}

/* ---- in a choice --------------------------------------------------------- */

/* C6.3: an arm that wins by being completed. */
static void test_a_call_that_is_completed_wins_its_choice(void)
{
    ml_loop *loop =
        open_waiting("syscall.any(syscall.sleep(60), syscall.later())");
    ml_complete(box.promise);
    run(loop);
    CHECK_EQ(integer_of(loop, "n"), 2);
    CHECK_EQ(integer_of(loop, "err"), 7); /* what follows the index */
    check_end(loop, 1, 0);
}

/* C6.3, C9.3: a loser is withdrawn, once, and completed in vain. */
static void test_a_call_that_loses_its_choice_is_withdrawn(void)
{
    ml_loop *loop =
        open_waiting("syscall.any(syscall.later(), syscall.sleep(0.001))");
    run(loop);
    CHECK_EQ(integer_of(loop, "n"), 2);
    CHECK_EQ(withdrawn, 1);
    ml_complete(box.promise);
    run(loop);
    check_end(loop, 1, 1);
}

static const struct check_test tests[] = {
    CHECK_TEST(test_a_call_is_completed_by_another_thread),
    CHECK_TEST(test_a_call_is_completed_by_the_thread_of_its_loop),
    CHECK_TEST(test_a_call_is_completed_inside_of_its_attempt),
    CHECK_TEST(test_a_completion_outlasts_other_wakes),
    CHECK_TEST(test_a_killed_call_is_completed_in_vain),
    CHECK_TEST(test_a_cancelled_call_is_completed_in_vain),
    CHECK_TEST(test_a_call_whose_time_is_up_is_completed_in_vain),
    CHECK_TEST(test_a_call_is_killed_after_its_completion),
    CHECK_TEST(test_a_call_is_killed_after_its_wake),
    CHECK_TEST(test_a_call_is_released_by_the_end_of_its_loop),
    CHECK_TEST(test_a_completion_on_its_way_is_released_by_closing),
    CHECK_TEST(test_a_completion_may_come_after_its_loop),
    CHECK_TEST(test_a_completion_needs_no_data),
    CHECK_TEST(test_a_second_completion_takes_the_place_of_the_first),
    CHECK_TEST(test_a_call_that_is_completed_wins_its_choice),
    CHECK_TEST(test_a_call_that_loses_its_choice_is_withdrawn),
};

int main(void)
{
    return check_run(tests, sizeof tests / sizeof tests[0]);
}
