#ifndef ML_SPEC_API_THREAD_H
#define ML_SPEC_API_THREAD_H

#include "check.h"

#include <pthread.h>
#include <time.h>

/*
 * Threads for the specs of miniloop.h. A moment is a short sleep that makes it
 * likely, but is not needed, that another thread got as far as it can: what is
 * tested holds in every order.
 */

struct thread {
    pthread_t handle;
};

static inline void thread_start(struct thread *thread, void *(*fn)(void *),
                                void *arg)
{
    CHECK_MUST(pthread_create(&thread->handle, NULL, fn, arg) == 0);
}

static inline void thread_join(struct thread *thread)
{
    CHECK_MUST(pthread_join(thread->handle, NULL) == 0);
}

static inline void moment(void)
{
    struct timespec ts = {0, 2000000};
    (void)nanosleep(&ts, NULL);
}

/* Something that one thread waits for and another opens, once. */
struct gate {
    pthread_mutex_t lock;
    pthread_cond_t change;
    bool open;
};

#define GATE_CLOSED                                                \
    {                                                              \
        PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false \
    }

static inline void gate_open(struct gate *gate)
{
    CHECK_MUST(pthread_mutex_lock(&gate->lock) == 0);
    gate->open = true;
    CHECK_MUST(pthread_cond_broadcast(&gate->change) == 0);
    CHECK_MUST(pthread_mutex_unlock(&gate->lock) == 0);
}

static inline void gate_pass(struct gate *gate)
{
    CHECK_MUST(pthread_mutex_lock(&gate->lock) == 0);
    while (!gate->open) {
        CHECK_MUST(pthread_cond_wait(&gate->change, &gate->lock) == 0);
    }
    CHECK_MUST(pthread_mutex_unlock(&gate->lock) == 0);
}

#endif
