/* Completions from two threads, while tasks are killed and loops are closed. */

#include "api_fixture.h"
#include "api_thread.h"

enum {
    CALLS = 300
};

static struct {
    ml_completion *promises[CALLS];
    int made, released;
} storm;

static void storm_release(void *data)
{
    (void)data;
    storm.released++;
}

static int storm_attempt(lua_State *L, ml_call *call)
{
    (void)L;
    if (ml_call_first(call)) {
        ml_completion *c = ml_call_later(call, &storm, storm_release);
        CHECK_MUST(c != NULL);
        storm.promises[storm.made++] = c;
        return ML_WAIT;
    }
    return ml_call_completed(call) ? 0 : ML_WAIT;
}

static const ml_syscall storm_call = {
    .size = sizeof storm_call, .name = "storm", .attempt = storm_attempt};

/* Completes every second promise, from the first or the second on. */
static void *storm_complete(void *first)
{
    for (int i = *(int *)first; i < CALLS; i += 2) {
        ml_complete(storm.promises[i]);
    }
    return NULL;
}

static ml_loop *storm_open(void)
{
    ml_loop *loop = open_loop(0);
    memset(&storm, 0, sizeof storm);
    CHECK_EQ(add_call(loop, &storm_call), 0);
    for (int i = 0; i < CALLS; i++) {
        spawn(loop, "coroutine.yield(syscall.storm())");
    }
    CHECK_EQ(ml_run(loop, ML_RUN_NOWAIT), 1);
    CHECK_EQ(storm.made, CALLS);
    return loop;
}

/* C9.3: two threads complete, while every third task is killed, and the loop
 * is closed over the rest or not. */
static void check_storm(bool finish)
{
    static int firsts[] = {0, 1};
    struct thread threads[2];
    ml_loop *loop = storm_open();
    for (int i = 0; i < 2; i++) {
        thread_start(&threads[i], storm_complete, &firsts[i]);
    }
    for (int id = 1; id <= CALLS; id += 3) {
        CHECK_EQ(ml_run(loop, ML_RUN_NOWAIT) & ~1, 0);
        int err = ml_kill(loop, id);
        CHECK(err == 0 || err == -ESRCH);
    }
    if (finish) {
        run(loop);
    }
    close_loop(loop);
    CHECK_EQ(storm.released, CALLS);
    for (int i = 0; i < 2; i++) {
        thread_join(&threads[i]);
    }
    CHECK_EQ(storm.released, CALLS);
}

static void test_completions_and_kills_cross_in_any_order(void)
{
    for (int round = 0; round < 5; round++) {
        check_storm(true);
        check_storm(false);
    }
}

static const struct check_test tests[] = {
    CHECK_TEST(test_completions_and_kills_cross_in_any_order),
};

int main(void)
{
    return check_run(tests, sizeof tests / sizeof tests[0]);
}
