/* core/round.c and core/watch.c: what a round asks of the poller, counted, on a
 * clock that stands still but for the waits. */

#include "api_fixture.h"

#include "core/loop.h"
#include "core/task.h"

static struct {
    const struct ml_poll_ops *real;
    struct ml_poll_ops ops;
    int64_t now;
    int waits, sets;
} poller;

static int64_t clock_now(struct ml_clock *clock)
{
    (void)clock;
    return poller.now;
}

/* Asks the real one, and lets its time go by. */
static int counted_wait(struct ml_poll *p, struct ml_poll_event *events,
                        int max, int64_t timeout)
{
    poller.waits++;
    int n = poller.real->wait(p, events, max, timeout > 0 ? 0 : timeout);
    poller.now += n == 0 && timeout > 0 ? timeout : 0;
    return n;
}

static int counted_set(struct ml_poll *p, int fd, unsigned old, unsigned now)
{
    poller.sets++;
    return poller.real->set(p, fd, old, now);
}

/* A loop with that clock, on a poller whose calls are counted. */
static ml_loop *open_counted_on(const char *name)
{
    ml_options options = options_of(0);
    options.poller = name;
    ml_loop *loop = open_with(&options);
    poller.real = loop->ops;
    poller.ops = *loop->ops;
    poller.ops.wait = counted_wait;
    poller.ops.set = counted_set;
    poller.now = 0;
    poller.waits = 0;
    poller.sets = 0;
    loop->ops = &poller.ops;
    loop->clock.now = clock_now;
    return loop;
}

static ml_loop *open_counted(void)
{
    return open_counted_on("poll");
}

static void close_counted(ml_loop *loop)
{
    loop->ops = poller.real;
    close_loop(loop);
}

static void run_rounds(ml_loop *loop, int rounds)
{
    for (int i = 0; i < rounds; i++) {
        CHECK_EQ(ml_run(loop, ML_RUN_ONCE), 1);
    }
}

/* ---- how often --------------------------------------------------------------- */

static const char *const busy =
    "local ml = require 'miniloop'\n"
    "ml.spawn(function() while true do ml.yield() end end)\n";

/* C4.1: every 50 microseconds, and not for every round. */
static void test_while_tasks_are_ready_the_poller_is_asked_now_and_then(void)
{
    ml_loop *loop = open_counted();
    spawn(loop, busy);
    spawn(loop, "local net = require 'miniloop.net'\n"
                "a, b = net.pair()\n"
                "heard = a:recv()\n");
    run_rounds(loop, 10);
    int before = poller.waits;
    for (int i = 1; i <= 20; i++) {
        poller.now += 50000;
        run_rounds(loop, 10);
        CHECK_EQ(poller.waits - before, i);
    }
    poller.now += 49999;
    run_rounds(loop, 10);
    CHECK_EQ(poller.waits - before, 20);
    do_string(ml_state(loop), "b:writesome 'x'");
    poller.now += 1;
    run_rounds(loop, 3);
    CHECK(global_is(loop, "heard", "x"));
    close_counted(loop);
}

static void test_for_nobody_the_poller_is_not_asked(void)
{
    ml_loop *loop = open_counted();
    spawn(loop, busy);
    for (int i = 0; i < 20; i++) {
        poller.now += 50000;
        run_rounds(loop, 10);
    }
    CHECK_EQ(poller.waits, 0);
    close_counted(loop);
}

/* ---- and for how long ---------------------------------------------------------- */

/* C2.3: alarms that are far from each other ring at their times, also after very
 * many. */
static void test_a_few_alarms_are_waited_for_one_by_one(void)
{
    ml_loop *loop = open_counted();
    spawn(loop, "local ml = require 'miniloop'\n"
                "late = 0\n"
                "local function sleep(seconds)\n"
                "  local _, by = ml.sleep(seconds)\n"
                "  late = math.max(late, by)\n"
                "end\n"
                "for _ = 1, 50 do\n"
                "  ml.spawn(sleep, 0.0003)\n"
                "  sleep(0.01)\n"
                "end\n");
    run(loop);
    CHECK(global_is(loop, "late", "0"));
    CHECK_EQ(poller.waits, 100);
    close_counted(loop);
}

/* Of a crowd, no more than one wait in a millisecond after the first few, and
 * none is later than that. */
static void test_those_of_a_crowd_are_waited_for_together(void)
{
    ml_loop *loop = open_counted();
    spawn(loop, "local ml = require 'miniloop'\n"
                "late = 0\n"
                "for i = 1, 1000 do\n"
                "  ml.spawn(function()\n"
                "    local _, by = ml.sleep(i / 100000)\n"
                "    late = math.max(late, by)\n"
                "  end)\n"
                "end\n");
    run(loop);
    CHECK(poller.waits < 100);
    do_string(ml_state(loop), "assert(late > 0 and late < 0.001)");
    close_counted(loop);
}

/* ---- in which order ------------------------------------------------------------ */

/* tick(): a millisecond goes by. */
static int tick(lua_State *L)
{
    (void)L;
    poller.now += 1000000;
    return 0;
}

/* past(): waits for a time that came before all that scripts can wait for. */
static int past_attempt(lua_State *L, ml_call *call)
{
    (void)L;
    if (ml_call_first(call)) {
        call->alarm = 0;
        return ML_WAIT;
    }
    return 0;
}

static const ml_syscall past = {
    .size = sizeof past, .name = "past", .attempt = past_attempt};

/* C4.2: by their times, be those over when they are waited for or not. */
static void test_alarms_ring_in_the_order_of_their_times(void)
{
    ml_loop *loop = open_counted();
    define(loop, "tick", tick);
    CHECK_EQ(add_call(loop, &past), 0);
    spawn(loop, "local ml = require 'miniloop'\n"
                "order = ''\n"
                "local function note(letter, f, ...)\n"
                "  ml.spawn(function(...) f(...) order = order .. letter end,\n"
                "    ...)\n"
                "end\n"
                "tick()\n"
                "note('b', ml.sleep, 0)\n"
                "note('c', ml.sleep, 0.0005)\n"
                "note('d', function() tick() ml.sleep(0) end)\n"
                "note('a', function() coroutine.yield(syscall.past()) end)\n");
    run(loop);
    CHECK(global_is(loop, "order", "abcd"));
    close_counted(loop);
}

/* Of a crowd, those whose time has come meanwhile are not waited for, nor is one
 * that is to ring after all of it. */
static void test_of_a_crowd_the_late_ones_ring_at_once(void)
{
    ml_loop *loop = open_counted();
    define(loop, "tick", tick);
    spawn(loop, "local ml = require 'miniloop'\n"
                "rung, last = 0, 0\n"
                "for i = 1, 20 do\n"
                "  ml.spawn(function()\n"
                "    ml.sleep(i / 20000)\n"
                "    rung = rung + (i > last and 1 or 0)\n"
                "    last = i\n"
                "    if i == 6 then tick() tick() end\n"
                "  end)\n"
                "end\n"
                "_, late = ml.sleep(0.05)\n");
    run(loop);
    CHECK(global_is(loop, "rung", "20"));
    do_string(ml_state(loop), "assert(late < 0.001)");
    close_counted(loop);
}

/* ---- a virtual clock ----------------------------------------------------------- */

static void note_time(ml_loop *loop, void *ud)
{
    *(int64_t *)ud = loop->now;
}

static ml_loop *posting; /* where nothing is ready, something is posted; once */
static int64_t posted;

static int posting_wait(struct ml_poll *p, struct ml_poll_event *events,
                        int max, int64_t timeout)
{
    int n = poller.real->wait(p, events, max, timeout);
    if (posting != NULL) {
        CHECK_EQ(ml_post(posting, note_time, &posted), 0);
        posting = NULL;
    }
    return n;
}

/* C2.4: what comes from outside comes before the time goes on. */
static void test_a_post_is_opened_before_time_goes_on(void)
{
    ml_options options = options_of(ML_VIRTUAL_TIME);
    ml_loop *loop = open_with(&options);
    poller.real = loop->ops;
    poller.ops = *loop->ops;
    poller.ops.wait = posting_wait;
    loop->ops = &poller.ops;
    posting = loop;
    posted = -1;
    spawn(loop, "local ml = require 'miniloop'\n"
                "ml.sleep(1)\n"
                "slept = true\n");
    int64_t start = loop->clock.now(&loop->clock);
    run(loop);
    CHECK_EQ(posted, start);
    CHECK(global_is(loop, "slept", "true"));
    close_counted(loop);
}

/* ---- for what -------------------------------------------------------------------- */

#ifdef ML_HAVE_EPOLL

/* What the poller holds for the descriptor that the task waits for. */
static unsigned interest_of(ml_loop *loop, int64_t id)
{
    const struct ml_task *task = ml_task_find(loop, id);
    CHECK_MUST(task != NULL && task->nwaits == 1);
    return ml_watch_of(&task->wait)->interest;
}

/* A stream is watched for edges as long as the runtime alone reads it. */
static void test_a_stream_is_watched_for_edges_until_others_may_read_it(void)
{
    ml_loop *loop = open_counted_on("epoll");
    int64_t id = spawn(loop, "local net = require 'miniloop.net'\n"
                             "a, b = net.pair()\n"
                             "a:recv()\n"
                             "a:getfd()\n"
                             "a:recv()\n");
    CHECK_EQ(ml_run(loop, ML_RUN_NOWAIT), 1);
    CHECK_EQ(interest_of(loop, id), ML_POLL_READ | ML_POLL_EDGE);
    do_string(ml_state(loop), "b:writesome 'x'");
    for (int i = 0; i < 3; i++) {
        CHECK_EQ(ml_run(loop, ML_RUN_NOWAIT), 1);
    }
    CHECK_EQ(interest_of(loop, id), ML_POLL_READ);
    close_counted(loop);
}

/* The poller is told of a stream once, and not for each message, be somebody
 * waiting for it or not. */
static void test_the_poller_is_told_of_a_stream_once(void)
{
    ml_loop *loop = open_counted_on("epoll");
    spawn(loop, "local ml, net = require 'miniloop', require 'miniloop.net'\n"
                "local a, b = net.pair()\n"
                "ml.spawn(function()\n"
                "  for _ = 1, 100 do\n"
                "    ml.sleep(0.01)\n"
                "    b:write('x')\n"
                "  end\n"
                "end)\n"
                "for _ = 1, 50 do\n"
                "  a:recv(1)\n"
                "  ml.sleep(0.015)\n"
                "  a:recv(1)\n"
                "end\n");
    run(loop);
    CHECK(poller.sets <= 4);
    CHECK(poller.waits > 100);
    close_counted(loop);
}

#else

static void test_a_stream_is_watched_for_edges_until_others_may_read_it(void)
{
}

static void test_the_poller_is_told_of_a_stream_once(void)
{
}

#endif

static const struct check_test tests[] = {
    CHECK_TEST(test_while_tasks_are_ready_the_poller_is_asked_now_and_then),
    CHECK_TEST(test_for_nobody_the_poller_is_not_asked),
    CHECK_TEST(test_a_few_alarms_are_waited_for_one_by_one),
    CHECK_TEST(test_those_of_a_crowd_are_waited_for_together),
    CHECK_TEST(test_alarms_ring_in_the_order_of_their_times),
    CHECK_TEST(test_of_a_crowd_the_late_ones_ring_at_once),
    CHECK_TEST(test_a_post_is_opened_before_time_goes_on),
    CHECK_TEST(test_a_stream_is_watched_for_edges_until_others_may_read_it),
    CHECK_TEST(test_the_poller_is_told_of_a_stream_once),
};

int main(void)
{
    return check_run(tests, sizeof tests / sizeof tests[0]);
}
