/* park.h - the only code that registers waits, and the only that undoes them.
 *
 * A system call declares what it waits for; nothing is registered by that.
 * ml_park then registers all of it and the deadline, or nothing, and the task
 * is off the ready queue. Whatever ends the wait (a descriptor, a timer, a
 * queue, a cancel, a kill) goes through ml_unpark, which undoes all of it,
 * exactly once. Waking allocates nothing, so it cannot fail. */
#ifndef ML_CORE_PARK_H
#define ML_CORE_PARK_H

#include "base/list.h"

#include <stdbool.h>
#include <stdint.h>

struct ml_call;
struct ml_loop;
struct ml_task;
struct ml_watch;

/* Tasks that wait for one thing, first come first served. */
struct ml_queue {
    struct ml_list waits;
};

/* One declared wait, a node in a queue while the task is parked. A task has
 * one embedded; a choice of many takes a block of them. */
struct ml_wait {
    struct ml_list link;
    struct ml_call *call;   /* of the task, or one of several in its choice */
    struct ml_queue *queue; /* where to wait; of a descriptor, found at park */
    int fd;                 /* -1: a queue */
    uint8_t events;         /* ML_POLL_READ, ML_POLL_WRITE: one of them */
    bool verify;            /* wake only if poll(2) says so too: see watch.c */
    bool own;               /* whoever waits tries again, by the runtime's own
                               reads and writes: see watch.h */
};

/* What woke a call. */
enum ml_woke {
    ML_WOKE_NOT,    /* the first attempt */
    ML_WOKE_LOOK,   /* before the first attempt, see ML_CALL_LOOKS */
    ML_WOKE_READY,  /* something it declared */
    ML_WOKE_GIVEN,  /* what it waits for was handed to it, and is its own */
    ML_WOKE_TIME,   /* its deadline or its alarm */
    ML_WOKE_ERROR,  /* call.error says why it can wait no longer */
    ML_WOKE_CANCEL, /* the task is to be told of its cancellation */
    ML_WOKE_YIELD   /* nothing yet, since it began to wait */
};

static inline void ml_queue_init(struct ml_queue *queue)
{
    ml_list_init(&queue->waits);
}

/* Declares a wait of the call in a queue, which must outlive the wait or be
 * emptied by ml_queue_wake_all first. 0; -ENOMEM. */
int ml_declare_queue(struct ml_call *call, struct ml_queue *queue);

/* Declares a wait for one direction of a descriptor. 0; -EBADF, -ENOMEM. */
int ml_declare_fd(struct ml_call *call, int fd, unsigned event, bool verify);

/* The same, by the object whose own the descriptor is and which alone reads and
 * writes it: it has said so (ml_watch_own). */
int ml_declare_own(struct ml_call *call, int fd, unsigned event);

/* Forgets what was declared and not registered. */
void ml_declare_none(struct ml_task *task);

/* Registers what the running task's call declared, and its deadline. 0, and
 * the task is parked; -ENOMEM, and nothing is registered or declared. */
int ml_park(struct ml_task *task);

/* Undoes all registrations of a parked task, which is in no queue after it. */
void ml_unpark(struct ml_task *task);

/* Ends a parked task's wait and puts it into the ready queue. */
void ml_park_wake(struct ml_task *task, enum ml_woke woke);

/* Ends the wait of the parked task whose call this is, by this call. */
void ml_call_wake(struct ml_call *call, enum ml_woke woke);

/* The call that is first in the queue, or NULL. */
struct ml_call *ml_queue_first(const struct ml_queue *queue);

/* Wakes all of the queue. */
void ml_queue_wake_all(struct ml_queue *queue);

/* The same, to fail with `error`, a positive errno. */
void ml_queue_refuse_all(struct ml_queue *queue, int error);

#endif
