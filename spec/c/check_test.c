/* ml_check (core/check.h) finds what does not agree: each structure of a loop
 * is broken in one place, which must be told, and mended again. */

#include "api_fixture.h"

#include "core/check.h"
#include "core/loop.h"
#include "core/scope.h"
#include "core/task.h"

/* The tasks, by what they do; ids ascend from 1. */
enum {
    FIRST = 1,     /* is before the next in the queue of an event */
    SECOND,        /* the same */
    SLEEPER,       /* has an alarm */
    LATER,         /* the same deadline, set later */
    TIMED,         /* sleeps in a timeout block */
    OWNER,         /* waits for the member of its group */
    READER,        /* waits for a stream */
    IDLE,          /* has read one, and sleeps */
    WRITER,        /* waits for room in one */
    MEMBER,        /* of the group */
    READY,         /* gave way */
    ASKED = FIRST, /* to end */
    TASKS = READY
};

static const char *const script =
    "local ml, net = require 'miniloop', require 'miniloop.net'\n"
    "local event = ml.event()\n"
    "ml.new(event.wait, event)\n"
    "ml.new(ml.sleep, 5)\n"
    "ml.new(ml.sleep, 5)\n"
    "ml.new(ml.timeout, 9, ml.sleep, 100)\n"
    "ml.new(ml.group, function(group) group:spawn(ml.sleep, 100) end)\n"
    "a, b = net.pair()\n"
    "ml.new(a.recv, a)\n"
    "ml.new(function() b:recv(1, 0) ml.sleep(100) end)\n"
    "c, d = net.pair()\n"
    "ml.new(c.write, c, ('x'):rep(1 << 22))\n"
    "event:wait()\n";

static struct ml_loop *loop;

static struct ml_task *task_of(int id)
{
    struct ml_task *task = ml_task_find(loop, id);
    CHECK_MUST(task != NULL);
    return task;
}

static void check_good(void)
{
    const char *what = NULL;
    CHECK_EQ(ml_check(loop, &what), 0);
    if (what != NULL) {
        (void)printf("  %s\n", what);
    }
}

static void check_told(int line, const char *expected)
{
    const char *what = NULL;
    CHECK_EQ(ml_check(loop, &what), -EINVAL);
    if (what == NULL || strcmp(what, expected) != 0) {
        (void)printf("  line %d: '%s', not '%s'\n", line,
                     what != NULL ? what : "nothing", expected);
        check.failures++;
    }
}

/* With `place`, which is of this type, at another value for a moment. */
#define BREAK(type, place, value, expected) \
    do {                                    \
        type saved = (place);               \
        (place) = (value);                  \
        check_told(__LINE__, expected);     \
        (place) = saved;                    \
        check_good();                       \
    } while (0)

/* The same of a field of `bits` bits. */
#define BREAK_BITS(bits, place, value, expected)   \
    do {                                           \
        unsigned saved = (place);                  \
        (place) = (value) & ((1U << (bits)) - 1U); \
        check_told(__LINE__, expected);            \
        (place) = saved & ((1U << (bits)) - 1U);   \
        check_good();                              \
    } while (0)

static void open_busy_on(const char *poller)
{
    ml_options options = {
        .size = sizeof options, .poller = poller, .flags = ML_VIRTUAL_TIME};
    loop = open_with(&options);
    spawn(loop, script);
    for (int i = 0; i < 3; i++) {
        CHECK_EQ(ml_run(loop, ML_RUN_NOWAIT), 1);
    }
    spawn(loop, "");
    CHECK_EQ(loop->ntasks, TASKS);
    check_good();
}

static void open_busy(void)
{
    open_busy_on("sim");
}

static void test_a_queue(void)
{
    open_busy();
    struct ml_task *first = task_of(FIRST);
    struct ml_task *second = task_of(SECOND);
    struct ml_list *link = &first->wait.link;
    const char *told = "a queue's links agree";
    BREAK(struct ml_list *, link->next->prev, link->next, told);
    BREAK(struct ml_list *, link->prev, link, told);
    told = "who is in a queue has declared it";
    BREAK(int, second->nwaits, 0, told);
    BREAK(struct ml_queue *, second->wait.queue, &first->ends, told);
    told = "a declared wait is registered";
    BREAK(struct ml_queue *, first->wait.queue, NULL, told);
    ml_list_unlink(link);
    check_told(__LINE__, "a declared wait is registered");
    ml_list_prepend(&first->wait.queue->waits, link);
    check_good();
    BREAK(struct ml_queue *, first->wait.queue, &second->ends,
          "a wait is in its queue");
    BREAK(struct ml_task *, first->wait.call->task, second,
          "a wait is of its task's call");
    close_loop(loop);
}

static void test_a_wait(void)
{
    open_busy();
    struct ml_task *sleeper = task_of(SLEEPER);
    struct ml_task *reader = task_of(READER);
    BREAK(int64_t, sleeper->call.alarm, sleeper->call.alarm + 1,
          "the alarm of who waits is armed for its deadline");
    BREAK(int64_t, sleeper->call.alarm, ML_TIME_NEVER,
          "the alarm of who waits is armed if it has a deadline");
    BREAK(const ml_syscall *, sleeper->call.def, NULL, "who waits has a call");
    BREAK(int, reader->maxwaits, 0, "waits have room");
    const char *told = "a wait is in the queue of its descriptor and direction";
    BREAK(int, reader->wait.fd, 1 << 20, told);
    BREAK(int, reader->wait.fd, loop->mailfd, told);
    close_loop(loop);
}

static void list_move(struct ml_list *item, struct ml_list *list)
{
    ml_list_unlink(item);
    ml_list_append(list, item);
}

/* A choice's waits are in a block, and the link that is left is free. */
static void test_a_wait_in_a_block(void)
{
    open_busy();
    struct ml_list elsewhere;
    struct ml_task *reader = task_of(READER);
    struct ml_wait *own = &reader->wait;
    struct ml_wait block = *own;
    ml_list_init(&elsewhere);
    ml_list_init(&block.link);
    list_move(&own->link, &elsewhere);
    list_move(&block.link, &own->queue->waits);
    reader->waits = &block;
    check_told(__LINE__, "who waits is not queued");
    ml_list_unlink(&own->link);
    check_good();
    ml_list_unlink(&block.link);
    list_move(&own->link, &own->queue->waits);
    reader->waits = own;
    check_good();
    close_loop(loop);
}

static void test_a_block(void)
{
    open_busy();
    struct ml_task *owner = task_of(OWNER);
    struct ml_task *timed = task_of(TIMED);
    struct ml_task *member = task_of(MEMBER);
    struct ml_task *first = task_of(FIRST);
    BREAK(struct ml_task *, owner->scope->task, first,
          "a block belongs to its task");
    BREAK(uint8_t, timed->scope->stage, ML_SCOPE_ASKED,
          "a grace begins when the cancellation is raised");
    BREAK(uint8_t, owner->scope->stage, ML_SCOPE_ASKED,
          "who is cancelled is told");
    timed->alert = true;
    BREAK(uint8_t, timed->scope->stage, ML_SCOPE_OVER,
          "who is cancelled is woken");
    timed->alert = false;
    BREAK(struct ml_group *, member->group, NULL,
          "a member belongs to its group");
    BREAK(struct ml_group *, first->group, member->group,
          "who has a group is in it");
    BREAK(struct ml_list *, member->member.prev, &member->member,
          "a group's links agree");
    close_loop(loop);
}

static void test_a_state(void)
{
    open_busy();
    struct ml_task *ready = task_of(READY);
    BREAK(int, ready->nwaits, 1, "who does not wait declares nothing");
    BREAK_BITS(31, ready->alarm.timer.pos, 1U,
               "who does not wait has no alarm");
    BREAK_BITS(3, ready->state, (unsigned)ML_TASK_RUNNING,
               "who runs is not queued");
    BREAK_BITS(3, ready->state, 7U, "who runs is not queued");
    BREAK_BITS(3, ready->state, (unsigned)ML_TASK_DYING,
               "who is queued is in that state");
    ml_list_unlink(ml_task_link(ready));
    check_told(__LINE__, "who is ready is queued");
    ml_list_append(&loop->ready, ml_task_link(ready));
    check_good();
    close_loop(loop);
}

static void test_the_tasks(void)
{
    open_busy();
    struct ml_task *first = task_of(FIRST);
    struct ml_task *second = task_of(SECOND);
    struct ml_task *sleeper = task_of(SLEEPER);
    struct ml_list spread;
    BREAK(int64_t, second->id, 1, "who is in a queue lives");
    BREAK(int64_t, sleeper->id, 1, "the living are listed by age");
    BREAK(int64_t, first->id, 0, "the living are listed by age");
    BREAK(size_t, loop->ntasks, TASKS + 1, "as many are listed as counted");
    BREAK(int64_t, loop->last_id, 0, "ids were given out");
    BREAK(size_t, loop->later, 1, "as many completions are awaited as counted");
    ml_list_init(&spread);
    ml_list_append(&loop->spreads, &spread);
    check_told(__LINE__, "cancellations have spread");
    ml_list_unlink(&spread);
    CHECK_EQ(ml_cancel(loop, ASKED, NULL), 0);
    check_good();
    ml_list_append(&loop->spreads, &task_of(ASKED)->own->spread);
    check_told(__LINE__, "cancellations have spread");
    ml_list_unlink(&task_of(ASKED)->own->spread);
    check_good();
    close_loop(loop);
}

static void test_the_timers(void)
{
    open_busy();
    struct ml_timers *timers = &loop->timers;
    struct ml_timer *timed = &task_of(TIMED)->scope->alarm.timer;
    BREAK_BITS(31, timed->pos, timed->pos + 1U, "a timer knows its place");
    CHECK(timed->pos > 1);
    BREAK(int64_t, timers->entries[timed->pos - 1].deadline, 0,
          "timers are a heap");
    BREAK(uint32_t, task_of(LATER)->alarm.timer.seq, 0, "timers are a heap");
    BREAK(uint32_t, timers->count, timers->count - 1,
          "timers belong to the living");
    close_loop(loop);
}

static const char *const drained =
    "only where the poller tells of an edge is known to be drained";

/* That of the descriptor that READER waits for. */
static struct ml_watch *reader_watch(void)
{
    struct ml_watch *watch =
        ml_watch_find(&loop->watches, task_of(READER)->wait.fd);
    CHECK_MUST(watch != NULL);
    return watch;
}

/* That of the stream that IDLE has read from. */
static struct ml_watch *idle_watch(void)
{
    for (int fd = 0; fd < loop->watches.capacity; fd++) {
        struct ml_watch *watch = ml_watch_find(&loop->watches, fd);
        if (watch != NULL && ml_list_empty(&watch->readers.waits) &&
            ml_list_empty(&watch->writers.waits)) {
            return watch;
        }
    }
    CHECK_MUST(false);
    abort(); /* for compilers */
}

static void test_the_descriptors(void)
{
    open_busy();
    struct ml_watches *watches = &loop->watches;
    struct ml_watch *watch = reader_watch();
    BREAK(uint8_t, watch->drained, ML_POLL_WRITE, drained);
    BREAK(uint8_t, watch->interest, 0,
          "what is waited for is asked of the poller");
    BREAK(bool, idle_watch()->owned, false,
          "a raw descriptor is watched only for who waits");
    BREAK(int, watch->fd, watch->fd + 1, "a watch is of its descriptor");
    BREAK(int, watches->registered, watches->registered + 1,
          "as many descriptors are registered as counted");
    BREAK(int, watches->waiting, 0, "as many wait for descriptors as counted");
    watch = ml_watch_find(watches, task_of(WRITER)->wait.fd);
    CHECK_MUST(watch != NULL);
    BREAK(uint8_t, watch->interest, ML_POLL_READ,
          "what is waited for is asked of the poller");
    close_loop(loop);
}

static void test_an_edge(void)
{
#ifdef ML_HAVE_EPOLL
    open_busy_on("epoll");
    struct ml_watch *watch = reader_watch();
    watch->drained = ML_POLL_READ;
    check_good();
    watch->drained = 0;
    BREAK(uint8_t, watch->drained, ML_POLL_WRITE, drained);
    BREAK(uint8_t, watch->drained, ML_POLL_READ | ML_POLL_WRITE, drained);
    close_loop(loop);
#endif
}

static const struct check_test tests[] = {
    CHECK_TEST(test_an_edge),
    CHECK_TEST(test_a_queue),
    CHECK_TEST(test_a_wait),
    CHECK_TEST(test_a_block),
    CHECK_TEST(test_a_state),
    CHECK_TEST(test_the_tasks),
    CHECK_TEST(test_the_timers),
    CHECK_TEST(test_the_descriptors),
    CHECK_TEST(test_a_wait_in_a_block),
};

int main(void)
{
    return check_run(tests, sizeof tests / sizeof tests[0]);
}
