/* What the system has no more of: threads, locks, descriptors, and memory that
 * is shared with other threads and so none of Lua's. The functions
 * that ask it for them are this program's own, and refuse when told to. (What
 * was made before is to be gone: check_run looks.) */

#include "api_fixture.h"
#include "api_thread.h"

#include <dlfcn.h>
#include <stdatomic.h>
#include <unistd.h>

/* How many calls of each still succeed; -1: all. */
static struct {
    int thread, lock, condition, pipe, block;
} left = {-1, -1, -1, -1, -1};

static bool is_refused(int *count)
{
    if (*count > 0) {
        (*count)--;
        return false;
    }
    return *count == 0;
}

/* Declares `next`, the function that this program's own of that name stands
 * before. */
#define NEXT(name)            \
    __typeof__(&(name)) next; \
    next_function(#name, (void **)(void *)&next)

static void next_function(const char *name, void **place)
{
    *place = dlsym(RTLD_NEXT, name);
    CHECK_MUST(*place != NULL);
}

/* Their names and parameters are the system's. */
/* NOLINTBEGIN(readability-inconsistent-declaration-parameter-name) */

int pthread_create(pthread_t *thread, const pthread_attr_t *attr,
                   void *(*main)(void *), void *arg)
{
    NEXT(pthread_create);
    return is_refused(&left.thread) ? EAGAIN : next(thread, attr, main, arg);
}

int pthread_mutex_init(pthread_mutex_t *lock, const pthread_mutexattr_t *attr)
{
    NEXT(pthread_mutex_init);
    return is_refused(&left.lock) ? EAGAIN : next(lock, attr);
}

int pthread_cond_init(pthread_cond_t *condition, const pthread_condattr_t *attr)
{
    NEXT(pthread_cond_init);
    return is_refused(&left.condition) ? EAGAIN : next(condition, attr);
}

int pipe(int fds[2])
{
    NEXT(pipe);
    if (is_refused(&left.pipe)) {
        errno = EMFILE;
        return -1;
    }
    return next(fds);
}

void *calloc(size_t count, size_t size)
{
    NEXT(calloc);
    return is_refused(&left.block) ? NULL : next(count, size);
}

/* NOLINTEND(readability-inconsistent-declaration-parameter-name) */

/* ---- a loop ----------------------------------------------------------------- */

static int try_open(void)
{
    ml_loop *loop = NULL;
    ml_options options = options_of(0);
    options.alloc = counted;
    return ml_open(&loop, &options);
}

static void test_a_loop_that_gets_no_lock_leaves_nothing(void)
{
    left.lock = 0;
    CHECK_EQ(try_open(), -EAGAIN);
    left.lock = -1;
}

static void test_a_loop_that_gets_no_descriptor_leaves_nothing(void)
{
    left.pipe = 0;
    CHECK_EQ(try_open(), -EMFILE);
    left.pipe = -1;
}

static void test_a_loop_that_gets_no_mailbox_leaves_nothing(void)
{
    left.block = 0;
    CHECK_EQ(try_open(), -ENOMEM);
    left.block = -1;
}

/* ---- a call that a worker does ---------------------------------------------- */

static atomic_int works, releases;
static struct gate *gate; /* to be passed by each work, or NULL */

static void job_work(void *data)
{
    (void)data;
    works++;
    if (gate != NULL) {
        gate_pass(gate);
    }
}

static void job_release(void *data)
{
    (void)data;
    releases++;
}

static int work_attempt(lua_State *L, ml_call *call)
{
    static int data;
    if (ml_call_completed(call)) {
        lua_pushboolean(L, 1);
        return 1;
    }
    int err = ml_call_first(call)
                  ? ml_call_offload(call, job_work, &data, job_release)
                  : 0;
    return err != 0 ? err : ML_WAIT;
}

static const ml_syscall work = {
    .size = sizeof work, .name = "work", .attempt = work_attempt};

static const char *const script =
    "local ok, err = coroutine.yield(syscall.work())\n"
    "answers = (answers or '') .. (ok and 'ok ' or err.code .. ' ')";

static ml_loop *open_with_work(void)
{
    ml_loop *loop = open_loop(0);
    CHECK_EQ(add_call(loop, &work), 0);
    works = 0;
    releases = 0;
    gate = NULL;
    return loop;
}

/* The error is the task's, which keeps its data; the next one may have luck. */
static void test_a_call_that_gets_no_worker_fails(void)
{
    ml_loop *loop = open_with_work();
    left.thread = 0;
    spawn(loop, script);
    run(loop);
    left.thread = -1;
    CHECK_EQ(works, 0);
    CHECK_EQ(releases, 0);
    spawn(loop, script);
    run(loop);
    CHECK(global_is(loop, "answers", "EAGAIN ok "));
    CHECK_EQ(works, 1);
    CHECK_EQ(releases, 1);
    /* Nothing is awaited any more: C4.6. */
    spawn(loop, "coroutine.yield(syscall.sleep(math.huge))");
    CHECK_EQ(ml_run(loop, ML_RUN_DEFAULT), -EDEADLK);
    close_loop(loop);
}

/* begin(): does not wait for the worker. */
static int begin_attempt(lua_State *L, ml_call *call)
{
    static int data;
    int err = ml_call_offload(call, job_work, &data, job_release);
    lua_pushboolean(L, 1);
    return err != 0 ? err : 1;
}

static const ml_syscall begin = {.size = sizeof begin,
                                 .name = "begin",
                                 .flags = ML_SYSCALL_INSTANT,
                                 .attempt = begin_attempt};

static void test_a_call_that_does_not_wait_fails_without_a_worker(void)
{
    ml_loop *loop = open_with_work();
    CHECK_EQ(add_call(loop, &begin), 0);
    left.thread = 0;
    spawn(loop, "local ok, err = coroutine.yield(syscall.begin())\n"
                "code = err.code\n");
    run(loop);
    left.thread = -1;
    CHECK(global_is(loop, "code", "EAGAIN"));
    CHECK_EQ(releases, 0);
    close_loop(loop);
}

/* It is done by the worker that there is. */
static void test_a_call_that_gets_no_second_worker_waits(void)
{
    struct gate closed = GATE_CLOSED;
    ml_loop *loop = open_with_work();
    gate = &closed;
    left.thread = 1;
    for (int i = 0; i < 3; i++) {
        spawn(loop, script);
    }
    CHECK_EQ(ml_run(loop, ML_RUN_NOWAIT), 1);
    gate_open(&closed);
    run(loop);
    left.thread = -1;
    CHECK(global_is(loop, "answers", "ok ok ok "));
    CHECK_EQ(works, 3);
    CHECK_EQ(releases, 3);
    close_loop(loop);
}

/* Of what the workers share, after the first `before` of it. */
static void refuse_once(int *count, int before)
{
    ml_loop *loop = open_with_work();
    *count = before;
    spawn(loop, script);
    run(loop);
    *count = -1;
    spawn(loop, script);
    run(loop);
    CHECK(global_is(loop, "answers", "ENOMEM ok "));
    CHECK_EQ(works, 1);
    close_loop(loop);
}

static void test_workers_that_get_no_lock_can_be_had_later(void)
{
    refuse_once(&left.lock, 0);
    refuse_once(&left.condition, 0);
}

/* For the workers' own, for the work, and for its end. */
static void test_a_call_that_gets_no_memory_for_its_work_fails(void)
{
    for (int before = 0; before < 3; before++) {
        refuse_once(&left.block, before);
    }
}

static const struct check_test tests[] = {
    CHECK_TEST(test_a_loop_that_gets_no_lock_leaves_nothing),
    CHECK_TEST(test_a_loop_that_gets_no_descriptor_leaves_nothing),
    CHECK_TEST(test_a_loop_that_gets_no_mailbox_leaves_nothing),
    CHECK_TEST(test_a_call_that_gets_no_worker_fails),
    CHECK_TEST(test_a_call_that_does_not_wait_fails_without_a_worker),
    CHECK_TEST(test_a_call_that_gets_no_second_worker_waits),
    CHECK_TEST(test_workers_that_get_no_lock_can_be_had_later),
    CHECK_TEST(test_a_call_that_gets_no_memory_for_its_work_fails),
};

int main(void)
{
    return check_run(tests, sizeof tests / sizeof tests[0]);
}
