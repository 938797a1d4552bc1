/* What other threads may do to a loop: post, hold, release, wake, stop. */

#include "api_fixture.h"
#include "api_thread.h"

/* ---- posting ------------------------------------------------------------- */

/* What was posted, in the order in which it was called. */
static struct {
    int values[16];
    int count, closed;
    ml_loop *loop;
    pthread_t thread;
    int64_t task;
} calls;

static void note(ml_loop *loop, void *ud)
{
    calls.loop = loop;
    calls.thread = pthread_self();
    calls.closed += loop == NULL ? 1 : 0;
    calls.task = -1;
    if (loop != NULL) {
        (void)ml_current(ml_state(loop), &calls.task);
    }
    if (calls.count < 16) {
        calls.values[calls.count] = *(int *)ud;
    }
    calls.count++;
}

static int numbers[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9};

/* C9.1, C9.3 */
static void test_what_is_posted_is_called_in_order_outside_of_tasks(void)
{
    ml_loop *loop = open_loop(0);
    memset(&calls, 0, sizeof calls);
    spawn(loop, "for i = 1, 9 do require 'miniloop'.yield() end");
    for (int i = 0; i < 10; i++) {
        CHECK_EQ(ml_post(loop, note, &numbers[i]), 0);
    }
    CHECK_EQ(calls.count, 0); /* not before the loop runs */
    run(loop);
    CHECK_EQ(calls.count, 10);
    for (int i = 0; i < 10; i++) {
        CHECK_EQ(calls.values[i], i);
    }
    CHECK(calls.loop == loop && calls.task == 0);
    CHECK(pthread_equal(calls.thread, pthread_self()));
    close_loop(loop);
    CHECK_EQ(calls.count, 10);
}

static void post_again(ml_loop *loop, void *ud)
{
    int *left = (int *)ud;
    if (--*left > 0) {
        CHECK_EQ(ml_post(loop, post_again, ud), 0);
    }
}

static void post_spawn(ml_loop *loop, void *ud)
{
    spawn(loop, (const char *)ud);
}

/* C9.1: a run does not end while something is posted. */
static void test_a_posted_function_may_post_and_spawn(void)
{
    static char source[] = "n = 12";
    ml_loop *loop = open_loop(0);
    int left = 5;
    CHECK_EQ(ml_post(loop, post_again, &left), 0);
    CHECK_EQ(ml_post(loop, post_spawn, source), 0);
    run(loop);
    CHECK_EQ(left, 0);
    CHECK_EQ(integer_of(loop, "n"), 12);
    close_loop(loop);
}

/* C9.3: to free what it holds, on the thread that closes. */
static void test_what_is_posted_and_not_called_is_called_on_closing(void)
{
    ml_loop *loop = open_loop(0);
    memset(&calls, 0, sizeof calls);
    for (int i = 0; i < 3; i++) {
        CHECK_EQ(ml_post(loop, note, &numbers[i]), 0);
    }
    close_loop(loop);
    CHECK_EQ(calls.count, 3);
    CHECK_EQ(calls.closed, 3);
    CHECK_EQ(calls.values[2], 2);
    CHECK(pthread_equal(calls.thread, pthread_self()));
}

enum {
    THREADS = 4,
    POSTS = 500
};

struct poster {
    ml_loop *loop;
    struct thread thread;
    int next; /* the number that is to come next; the loop's thread */
    bool in_order;
};

struct numbered {
    struct poster *from;
    int n;
};

static void count_post(ml_loop *loop, void *ud)
{
    struct numbered *post = (struct numbered *)ud;
    struct poster *from = post->from;
    from->in_order = from->in_order && loop != NULL && post->n == from->next;
    from->next++;
    free(post);
}

static void *post_many(void *arg)
{
    struct poster *me = (struct poster *)arg;
    for (int i = 0; i < POSTS; i++) {
        struct numbered *post = malloc(sizeof *post);
        CHECK_MUST(post != NULL);
        *post = (struct numbered){me, i};
        CHECK_MUST(ml_post(me->loop, count_post, post) == 0);
    }
    ml_release(me->loop);
    return NULL;
}

/* C9.3 */
static void test_posts_of_many_threads_keep_the_order_of_each(void)
{
    ml_loop *loop = open_loop(0);
    struct poster posters[THREADS];
    for (int i = 0; i < THREADS; i++) {
        posters[i] = (struct poster){.loop = loop, .in_order = true};
        ml_hold(loop);
        thread_start(&posters[i].thread, post_many, &posters[i]);
    }
    spawn(loop, "for i = 1, 100 do require 'miniloop'.sleep(0) end");
    run(loop);
    for (int i = 0; i < THREADS; i++) {
        thread_join(&posters[i].thread);
        CHECK_EQ(posters[i].next, POSTS);
        CHECK(posters[i].in_order);
    }
    close_loop(loop);
}

/* ---- holding ------------------------------------------------------------- */

static void *release_later(void *arg)
{
    moment();
    ml_release((ml_loop *)arg);
    moment();
    ml_release((ml_loop *)arg);
    return NULL;
}

/* C9.1, C9.3 */
static void test_a_loop_that_is_held_stays_without_tasks(void)
{
    ml_loop *loop = open_loop(0);
    struct thread thread;
    ml_hold(loop);
    ml_hold(loop);
    CHECK_EQ(ml_run(loop, ML_RUN_NOWAIT), 1);
    thread_start(&thread, release_later, loop);
    run(loop);
    thread_join(&thread);
    close_loop(loop);
}

static void *post_and_release(void *arg)
{
    static char source[] = "event:set()";
    moment();
    CHECK_EQ(ml_post((ml_loop *)arg, post_spawn, source), 0);
    ml_release((ml_loop *)arg);
    return NULL;
}

/* C4.6, C9.3: a host that holds the loop counts as able to wake. */
static void test_a_loop_that_is_held_has_no_deadlock(void)
{
    ml_loop *loop = open_loop(0);
    struct thread thread;
    spawn(loop, "event = require 'miniloop'.event(); event:wait(); n = 1");
    ml_hold(loop);
    thread_start(&thread, post_and_release, loop);
    run(loop);
    CHECK_EQ(integer_of(loop, "n"), 1);
    thread_join(&thread);
    close_loop(loop);
}

/* C4.6 */
static void test_a_loop_that_was_released_has_its_deadlock(void)
{
    ml_loop *loop = open_loop(0);
    spawn(loop, "require 'miniloop'.event():wait()");
    ml_hold(loop);
    CHECK_EQ(ml_run(loop, ML_RUN_NOWAIT), 1);
    ml_release(loop);
    CHECK_EQ(ml_run(loop, ML_RUN_DEFAULT), -EDEADLK);
    close_loop(loop);
}

/* ---- waking and stopping ------------------------------------------------- */

static void *wake_later(void *arg)
{
    moment();
    ml_wake((ml_loop *)arg);
    return NULL;
}

/* C9.3: it ends the wait in progress. */
static void test_a_wait_is_ended_from_another_thread(void)
{
    ml_loop *loop = open_loop(ML_FOREVER);
    struct thread thread;
    thread_start(&thread, wake_later, loop);
    CHECK_EQ(ml_run(loop, ML_RUN_ONCE), 1);
    thread_join(&thread);
    close_loop(loop);
}

/* C9.3: or the next one. */
static void test_a_wake_is_not_lost_when_nobody_waits(void)
{
    ml_loop *loop = open_loop(ML_FOREVER);
    ml_wake(loop);
    ml_wake(loop);
    CHECK_EQ(ml_run(loop, ML_RUN_ONCE), 1);
    close_loop(loop);
}

static void *stop_later(void *arg)
{
    moment();
    ml_stop((ml_loop *)arg);
    return NULL;
}

/* C9.1 */
static void test_a_run_is_stopped_from_another_thread(void)
{
    ml_loop *loop = open_loop(ML_FOREVER);
    struct thread thread;
    spawn(loop, "require 'miniloop'.sleep(3600)");
    thread_start(&thread, stop_later, loop);
    CHECK_EQ(ml_run(loop, ML_RUN_DEFAULT), 1);
    thread_join(&thread);
    CHECK_EQ(ml_tasks(loop), 1);
    close_loop(loop);
}

/* ---- two loops ----------------------------------------------------------- */

static void *run_one(void *arg)
{
    ml_options options = {.size = sizeof options};
    ml_loop *loop = open_with(&options);
    spawn(loop, "local ml = require 'miniloop'\n"
                "for i = 1, 200 do\n"
                "  ml.spawn(function() ml.sleep(0.0001 * (i % 7)) end)\n"
                "end\n"
                "ml.sleep(0.01); n = 1");
    int err = ml_run(loop, ML_RUN_DEFAULT);
    *(int *)arg = err == 0 ? (int)integer_of(loop, "n") : err;
    CHECK_EQ(ml_close(loop), 0);
    return NULL;
}

/* C9.1, C9.2 */
static void test_loops_run_on_threads_of_their_own(void)
{
    struct thread threads[THREADS];
    int results[THREADS] = {0};
    for (int i = 0; i < THREADS; i++) {
        thread_start(&threads[i], run_one, &results[i]);
    }
    for (int i = 0; i < THREADS; i++) {
        thread_join(&threads[i]);
        CHECK_EQ(results[i], 1);
    }
}

static const struct check_test tests[] = {
    CHECK_TEST(test_what_is_posted_is_called_in_order_outside_of_tasks),
    CHECK_TEST(test_a_posted_function_may_post_and_spawn),
    CHECK_TEST(test_what_is_posted_and_not_called_is_called_on_closing),
    CHECK_TEST(test_posts_of_many_threads_keep_the_order_of_each),
    CHECK_TEST(test_a_loop_that_is_held_stays_without_tasks),
    CHECK_TEST(test_a_loop_that_is_held_has_no_deadlock),
    CHECK_TEST(test_a_loop_that_was_released_has_its_deadlock),
    CHECK_TEST(test_a_wait_is_ended_from_another_thread),
    CHECK_TEST(test_a_wake_is_not_lost_when_nobody_waits),
    CHECK_TEST(test_a_run_is_stopped_from_another_thread),
    CHECK_TEST(test_loops_run_on_threads_of_their_own),
};

int main(void)
{
    return check_run(tests, sizeof tests / sizeof tests[0]);
}
