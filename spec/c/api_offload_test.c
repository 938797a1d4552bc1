/* Calls that a worker thread of the loop's pool does. */

#include "api_fixture.h"
#include "api_thread.h"

#include <signal.h>
#include <stdatomic.h>

/* A job: what it did, and who let go of it. */
struct job {
    struct gate *gate; /* to pass first, or NULL */
    struct gate done;  /* opened by its release */
    pthread_t worker, releaser;
    int input, output;
    atomic_int works, releases;
    bool signals_blocked;
};

static void job_work(void *data)
{
    struct job *job = (struct job *)data;
    sigset_t blocked;
    if (job->gate != NULL) {
        gate_pass(job->gate);
    }
    CHECK_MUST(pthread_sigmask(SIG_SETMASK, NULL, &blocked) == 0);
    job->signals_blocked = sigismember(&blocked, SIGINT) == 1 &&
                           sigismember(&blocked, SIGCHLD) == 1;
    job->worker = pthread_self();
    job->output = job->input * 2;
    job->works++;
}

static void job_release(void *data)
{
    struct job *job = (struct job *)data;
    job->releaser = pthread_self();
    job->releases++;
    gate_open(&job->done);
}

static struct job *given; /* to the next call */

/* double(): the output of the job given. */
static int double_attempt(lua_State *L, ml_call *call)
{
    if (ml_call_completed(call)) {
        lua_pushinteger(L, ((struct job *)ml_call_data(call))->output);
        return 1;
    }
    if (ml_call_first(call)) {
        int err = ml_call_offload(call, job_work, given, job_release);
        CHECK_EQ(err, 0);
        CHECK(ml_call_data(call) == given);
        given++;
    }
    return ML_WAIT;
}

static const ml_syscall doubling = {
    .size = sizeof doubling, .name = "double", .attempt = double_attempt};

static void jobs_init(struct job *jobs, int n, struct gate *gate)
{
    static const struct gate closed = GATE_CLOSED;
    memset(jobs, 0, (size_t)n * sizeof *jobs);
    for (int i = 0; i < n; i++) {
        jobs[i].input = i + 1;
        jobs[i].gate = gate;
        jobs[i].done = closed;
    }
    given = jobs;
}

/* A loop with a task for each of the jobs, which it has begun. */
static ml_loop *open_with_jobs(struct job *jobs, int n, struct gate *gate)
{
    ml_loop *loop = open_loop(0);
    jobs_init(jobs, n, gate);
    CHECK_EQ(add_call(loop, &doubling), 0);
    do_string(ml_state(loop), "sum = 0");
    for (int i = 0; i < n; i++) {
        spawn(loop, "local n = coroutine.yield(syscall.double())\n"
                    "sum = sum + n");
    }
    CHECK_EQ(ml_run(loop, ML_RUN_NOWAIT), 1);
    return loop;
}

/* C9.1 */
static void test_work_is_done_on_another_thread(void)
{
    struct job job;
    ml_loop *loop = open_with_jobs(&job, 1, NULL);
    run(loop); /* it is no deadlock */
    CHECK_EQ(integer_of(loop, "sum"), 2);
    CHECK_EQ(job.works, 1);
    CHECK_EQ(job.releases, 1);
    CHECK(!pthread_equal(job.worker, pthread_self()));
    CHECK(pthread_equal(job.releaser, pthread_self()));
    close_loop(loop);
    CHECK_EQ(job.releases, 1);
}

/* C9.2: signals are for the threads of the host. */
static void test_a_worker_takes_no_signals(void)
{
    struct job job;
    ml_loop *loop = open_with_jobs(&job, 1, NULL);
    run(loop);
    CHECK(job.signals_blocked);
    close_loop(loop);
}

/* C9.1: more jobs than workers. */
static void test_any_number_of_jobs_is_done(void)
{
    enum {
        JOBS = 200
    };
    static struct job jobs[JOBS];
    ml_loop *loop = open_with_jobs(jobs, JOBS, NULL);
    run(loop);
    CHECK_EQ(integer_of(loop, "sum"), JOBS * (JOBS + 1));
    for (int i = 0; i < JOBS; i++) {
        CHECK_EQ(jobs[i].works, 1);
        CHECK_EQ(jobs[i].releases, 1);
    }
    close_loop(loop);
}

/* C9.3: the data stay until the worker is through, too. */
static void test_a_job_whose_task_is_killed_is_done_in_vain(void)
{
    struct gate gate = GATE_CLOSED;
    struct job job;
    ml_loop *loop = open_with_jobs(&job, 1, &gate);
    CHECK_EQ(ml_kill(loop, 1), 0);
    run(loop);
    CHECK_EQ(job.releases, 0);
    gate_open(&gate);
    ml_hold(loop);
    while (job.releases == 0) {
        CHECK_EQ(ml_run(loop, ML_RUN_ONCE), 1);
    }
    ml_release(loop);
    run(loop);
    CHECK_EQ(job.works, 1);
    CHECK_EQ(job.releases, 1);
    CHECK(pthread_equal(job.releaser, pthread_self()));
    CHECK_EQ(integer_of(loop, "sum"), 0);
    close_loop(loop);
}

static void *open_later(void *gate)
{
    moment();
    gate_open((struct gate *)gate);
    return NULL;
}

/* C2.3: a virtual clock stands still meanwhile. Whose task was killed is not
 * waited for. */
static void test_time_stands_still_while_a_worker_works(void)
{
    struct gate gate = GATE_CLOSED;
    struct thread opener;
    struct job jobs[2];
    ml_loop *loop = open_loop(ML_VIRTUAL_TIME);
    jobs_init(jobs, 2, &gate);
    CHECK_EQ(add_call(loop, &doubling), 0);
    spawn(loop, "local ml, core = require 'miniloop', require 'miniloop.core'\n"
                "local start = ml.now()\n"
                "local killed = ml.spawn(function()\n"
                "  coroutine.yield(syscall.double())\n"
                "end)\n"
                "ml.spawn(function()\n"
                "  n = coroutine.yield(syscall.double())\n"
                "  took = ml.now() - start\n"
                "end)\n"
                "ml.yield()\n"
                "killed:kill()\n"
                "sound = core.check()\n"
                "ml.yield()\n"
                "ml.sleep(1)\n");
    thread_start(&opener, open_later, &gate);
    run(loop);
    thread_join(&opener);
    CHECK(global_is(loop, "sound", "true"));
    CHECK(global_is(loop, "n", "4"));
    CHECK(global_is(loop, "took", "0.0"));
    close_loop(loop);
    gate_pass(&jobs[0].done);
}

/* C9.3: closing neither waits for a worker nor takes its data away. */
static void test_a_job_in_progress_outlives_its_loop(void)
{
    struct gate gate = GATE_CLOSED;
    struct job job;
    ml_loop *loop = open_with_jobs(&job, 1, &gate);
    CHECK_EQ(ml_run(loop, ML_RUN_NOWAIT), 1);
    moment(); /* so that a worker has it, most likely */
    close_loop(loop);
    gate_open(&gate);
    gate_pass(&job.done);
    CHECK_EQ(job.releases, 1);
}

/* C9.3: what no worker has begun is released by closing, or not begun. */
static void test_jobs_that_wait_are_released_when_the_loop_is_closed(void)
{
    enum {
        JOBS = 40
    };
    static struct job jobs[JOBS];
    static struct gate gate = GATE_CLOSED;
    ml_loop *loop = open_with_jobs(jobs, JOBS, &gate);
    moment();
    close_loop(loop);
    int released = 0;
    for (int i = 0; i < JOBS; i++) {
        released += jobs[i].releases;
    }
    CHECK(released >= JOBS - 16);
    gate_open(&gate);
    for (int i = 0; i < JOBS; i++) {
        gate_pass(&jobs[i].done);
        CHECK_EQ(jobs[i].releases, 1);
    }
}

/* C9.1: of two jobs that come together, while one worker is idle, the second
 * does not wait for the first. */
static void test_a_job_that_lasts_holds_no_other_up(void)
{
    struct gate gate = GATE_CLOSED;
    struct job jobs[2];
    ml_loop *loop = open_with_jobs(jobs, 1, NULL);
    run(loop);
    moment(); /* so that its worker is idle, most likely */
    jobs_init(jobs, 2, NULL);
    jobs[0].gate = &gate;
    spawn(loop, "coroutine.yield(syscall.double())");
    spawn(loop, "coroutine.yield(syscall.double())");
    for (int i = 0; i < 1000 && jobs[1].releases == 0; i++) {
        CHECK_EQ(ml_run(loop, ML_RUN_NOWAIT), 1);
        moment();
    }
    CHECK_EQ(jobs[1].releases, 1);
    gate_open(&gate);
    run(loop);
    close_loop(loop);
}

static void count_work(void *data)
{
    ++*(atomic_int *)data;
}

/* count(): its data are nobody's to release. */
static int count_attempt(lua_State *L, ml_call *call)
{
    static atomic_int count;
    if (ml_call_completed(call)) {
        lua_pushinteger(L, count);
        return 1;
    }
    CHECK_EQ(ml_call_offload(call, count_work, &count, NULL), 0);
    return ML_WAIT;
}

static const ml_syscall counting = {
    .size = sizeof counting, .name = "count", .attempt = count_attempt};

/* C9.1 */
static void test_a_job_may_have_nothing_to_release(void)
{
    ml_loop *loop = open_loop(0);
    CHECK_EQ(add_call(loop, &counting), 0);
    spawn(loop, "n = coroutine.yield(syscall.count())");
    run(loop);
    CHECK_EQ(integer_of(loop, "n"), 1);
    close_loop(loop);
}

static const struct check_test tests[] = {
    CHECK_TEST(test_a_job_may_have_nothing_to_release),
    CHECK_TEST(test_work_is_done_on_another_thread),
    CHECK_TEST(test_a_worker_takes_no_signals),
    CHECK_TEST(test_any_number_of_jobs_is_done),
    CHECK_TEST(test_a_job_that_lasts_holds_no_other_up),
    CHECK_TEST(test_a_job_whose_task_is_killed_is_done_in_vain),
    CHECK_TEST(test_time_stands_still_while_a_worker_works),
    CHECK_TEST(test_a_job_in_progress_outlives_its_loop),
    CHECK_TEST(test_jobs_that_wait_are_released_when_the_loop_is_closed),
};

int main(void)
{
    return check_run(tests, sizeof tests / sizeof tests[0]);
}
