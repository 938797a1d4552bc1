/* offload.c - blocking C calls on worker threads. The only file with threads.
 *
 * Workers are started when jobs wait and none is idle, up to a limit. They are
 * detached: a worker that sits in a name look-up for half a minute must not
 * hold up the end of the program. So the pool is counted, and what a worker
 * touches (its job, the pool, a completion) does not belong to the loop. */
#include "core/offload.h"

#include "core/loop.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>

enum {
    WORKERS_MAX = 16
};

/* A job is let go by two: the worker, and the completion. If the loop is closed
 * while the work goes on, the worker is the last, and its the data then. */
struct job {
    struct job *next;
    void (*work)(void *data);
    void *data;
    void (*release)(void *data);
    ml_completion *completion;
    atomic_int refs;
};

struct ml_offload {
    pthread_mutex_t lock; /* guards everything below */
    pthread_cond_t wake;
    struct job *first, **last;
    int refs; /* the loop's, and one for each worker */
    int workers, idle;
    int queued; /* jobs that no worker has taken */
    bool closed;
};

static struct ml_offload *pool_open(void)
{
    struct ml_offload *pool = calloc(1, sizeof *pool);
    if (pool == NULL) {
        return NULL;
    }
    pool->last = &pool->first;
    pool->refs = 1;
    if (pthread_mutex_init(&pool->lock, NULL) != 0) {
        free(pool);
        return NULL;
    }
    if (pthread_cond_init(&pool->wake, NULL) != 0) {
        (void)pthread_mutex_destroy(&pool->lock);
        free(pool);
        return NULL;
    }
    return pool;
}

/* With the lock held, which it gives up. */
static void pool_unref(struct ml_offload *pool)
{
    int left = --pool->refs;
    (void)pthread_mutex_unlock(&pool->lock);
    if (left == 0) {
        (void)pthread_cond_destroy(&pool->wake);
        (void)pthread_mutex_destroy(&pool->lock);
        free(pool);
    }
}

/* With the lock held. Waits for a job; NULL when the pool is closed. */
static struct job *pool_take(struct ml_offload *pool)
{
    while (pool->first == NULL && !pool->closed) {
        pool->idle++;
        (void)pthread_cond_wait(&pool->wake, &pool->lock);
        pool->idle--;
    }
    struct job *job = pool->first;
    if (job != NULL) {
        pool->first = job->next;
        pool->queued--;
        if (pool->first == NULL) {
            pool->last = &pool->first;
        }
    }
    return job;
}

static void job_unref(void *arg)
{
    struct job *job = (struct job *)arg;
    if (atomic_fetch_sub(&job->refs, 1) > 1) {
        return;
    }
    if (job->release != NULL) {
        job->release(job->data);
    }
    free(job);
}

/* The worker lets go first, so that the data are released on the loop's thread
 * unless the loop is closed. */
static void job_end(struct job *job)
{
    ml_completion *completion = job->completion;
    job_unref(job);
    ml_complete(completion);
}

static void *worker_main(void *arg)
{
    struct ml_offload *pool = (struct ml_offload *)arg;
    struct job *job;
    (void)pthread_mutex_lock(&pool->lock);
    while ((job = pool_take(pool)) != NULL) {
        (void)pthread_mutex_unlock(&pool->lock);
        job->work(job->data);
        job_end(job);
        (void)pthread_mutex_lock(&pool->lock);
    }
    pool_unref(pool);
    return NULL;
}

/* Signals are for the host's threads: a worker has them all blocked. */
static int worker_start(struct ml_offload *pool)
{
    pthread_t thread;
    sigset_t all;
    sigset_t old;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &old);
    int err = pthread_create(&thread, NULL, worker_main, pool);
    (void)pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (err == 0) {
        (void)pthread_detach(thread);
    }
    return -err;
}

/* With the lock held. Fails only if there is no worker at all. */
static int pool_man(struct ml_offload *pool)
{
    if (pool->idle > pool->queued || pool->workers == WORKERS_MAX) {
        return 0;
    }
    pool->refs++;
    pool->workers++;
    int err = worker_start(pool);
    if (err != 0) {
        pool->refs--;
        pool->workers--;
    }
    return pool->workers > 0 ? 0 : err;
}

static int pool_add(struct ml_offload *pool, struct job *job)
{
    (void)pthread_mutex_lock(&pool->lock);
    int err = pool_man(pool);
    if (err == 0) {
        *pool->last = job;
        pool->last = &job->next;
        pool->queued++;
        (void)pthread_cond_signal(&pool->wake);
    }
    (void)pthread_mutex_unlock(&pool->lock);
    return err;
}

static struct ml_offload *loop_pool(struct ml_loop *loop)
{
    struct ml_offload *pool = loop->offload;
    if (pool == NULL) {
        pool = pool_open();
        loop->offload = pool;
    }
    return pool;
}

int ml_call_offload(ml_call *call, void (*work)(void *data), void *data,
                    void (*release)(void *data))
{
    void *before = call->data; /* what the call lets go if this fails */
    struct ml_offload *pool = loop_pool(ml_call_owner(call)->loop);
    struct job *job = calloc(1, sizeof *job);
    if (pool == NULL || job == NULL) {
        free(job);
        return -ENOMEM;
    }
    job->work = work;
    job->data = data;
    job->release = release;
    atomic_init(&job->refs, 2);
    job->completion = ml_call_later(call, job, job_unref);
    if (job->completion == NULL) {
        free(job);
        return -ENOMEM;
    }
    call->data = data;
    int err = pool_add(pool, job);
    if (err != 0) {
        ml_completion_cancel(job->completion);
        call->data = before;
        free(job);
    }
    return err;
}

/* The jobs that nobody will do: their completions come nevertheless. */
static void jobs_drop(struct job *job)
{
    while (job != NULL) {
        struct job *next = job->next;
        job_end(job);
        job = next;
    }
}

void ml_offload_close(struct ml_offload *pool)
{
    if (pool == NULL) {
        return;
    }
    (void)pthread_mutex_lock(&pool->lock);
    struct job *waiting = pool->first;
    pool->first = NULL;
    pool->last = &pool->first;
    pool->closed = true;
    (void)pthread_cond_broadcast(&pool->wake);
    pool_unref(pool);
    jobs_drop(waiting);
}
