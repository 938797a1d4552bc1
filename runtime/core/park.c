#include "core/park.h"

#include "core/loop.h"
#include "core/task.h"
#include "core/watch.h"

#include <errno.h>

/* A block for a choice of many starts with room for so many. */
enum {
    WAITS_MIN = 8
};

static int waits_grow(struct ml_task *task)
{
    const struct ml_alloc *alloc = &task->loop->vm->alloc;
    int room = task->maxwaits < WAITS_MIN ? WAITS_MIN : task->maxwaits * 2;
    struct ml_wait *old = task->waits == &task->wait ? NULL : task->waits;
    size_t osize = old != NULL ? (size_t)task->maxwaits * sizeof *old : 0;
    struct ml_wait *block =
        ml_alloc_resize(alloc, old, osize, (size_t)room * sizeof *block);
    if (block == NULL) {
        return -ENOMEM;
    }
    if (old == NULL) {
        block[0] = task->wait;
    }
    task->waits = block;
    task->maxwaits = room;
    return 0;
}

/* The next wait to declare, or NULL: no memory. Nothing is linked yet, so the
 * block may still move. */
static struct ml_wait *waits_add(struct ml_call *call)
{
    struct ml_task *task = call->task;
    if (task->nwaits == task->maxwaits && waits_grow(task) != 0) {
        return NULL;
    }
    struct ml_wait *wait = &task->waits[task->nwaits++];
    wait->call = call;
    wait->fd = -1;
    return wait;
}

int ml_declare_queue(struct ml_call *call, struct ml_queue *queue)
{
    struct ml_wait *wait = waits_add(call);
    if (wait == NULL) {
        return -ENOMEM;
    }
    wait->queue = queue;
    return 0;
}

static int declare_fd(struct ml_call *call, int fd, unsigned event, bool verify,
                      bool own)
{
    if (!ml_watch_possible(call->task->loop, fd)) {
        return -EBADF;
    }
    struct ml_wait *wait = waits_add(call);
    if (wait == NULL) {
        return -ENOMEM;
    }
    wait->fd = fd;
    wait->events = (uint8_t)event;
    wait->verify = verify;
    wait->own = own;
    return 0;
}

int ml_declare_fd(struct ml_call *call, int fd, unsigned event, bool verify)
{
    return declare_fd(call, fd, event, verify, false);
}

int ml_declare_own(struct ml_call *call, int fd, unsigned event)
{
    return declare_fd(call, fd, event, false, true);
}

void ml_declare_none(struct ml_task *task)
{
    if (task->nwaits == 0) {
        return; /* and so there is no block */
    }
    if (task->waits != &task->wait) {
        ml_alloc_free(&task->loop->vm->alloc, task->waits,
                      (size_t)task->maxwaits * sizeof *task->waits);
    }
    task->waits = &task->wait;
    task->maxwaits = 1;
    task->nwaits = 0;
}

static int wait_register(struct ml_task *task, struct ml_wait *wait)
{
    if (wait->fd >= 0) {
        struct ml_watch *watch = ml_watch_get(task->loop, wait->fd);
        if (watch == NULL) {
            return -ENOMEM;
        }
        wait->queue =
            wait->events == ML_POLL_READ ? &watch->readers : &watch->writers;
    }
    ml_list_append(&wait->queue->waits, &wait->link);
    if (wait->fd >= 0) {
        task->loop->watches.waiting++;
        ml_watch_join(task->loop, wait);
    }
    return 0;
}

static void wait_undo(struct ml_task *task, struct ml_wait *wait)
{
    ml_list_unlink(&wait->link);
    if (wait->fd >= 0) {
        task->loop->watches.waiting--;
        ml_watch_leave(task->loop, wait);
    }
}

/* Undoes the first `n` waits. */
static void waits_undo(struct ml_task *task, int n)
{
    for (int i = 0; i < n; i++) {
        wait_undo(task, &task->waits[i]);
    }
    ml_declare_none(task);
}

static int waits_register(struct ml_task *task)
{
    for (int i = 0; i < task->nwaits; i++) {
        int err = wait_register(task, &task->waits[i]);
        if (err != 0) {
            waits_undo(task, i);
            return err;
        }
    }
    return 0;
}

/* A task that waits for a time that has come already, and for nothing else, as
 * in sleep(0), stands in a plain list, if it comes last there. */
static bool alarm_is_due(const struct ml_task *task, int64_t deadline)
{
    const struct ml_loop *loop = task->loop;
    if (deadline > loop->read || task->nwaits > 0) {
        return false;
    }
    return ml_list_empty(&loop->due) ||
           ml_call_alarm(&ml_task_of_link(loop->due.prev)->call) <= deadline;
}

static int alarm_arm(struct ml_task *task)
{
    int64_t deadline = ml_call_alarm(&task->call);
    if (deadline == ML_TIME_NEVER) {
        return 0;
    }
    if (alarm_is_due(task, deadline)) {
        ml_list_append(&task->loop->due, ml_task_link(task));
        return 0;
    }
    return ml_timers_arm(&task->loop->timers, &task->alarm.timer, deadline);
}

int ml_park(struct ml_task *task)
{
    int err = waits_register(task);
    if (err != 0) {
        return err;
    }
    err = alarm_arm(task);
    if (err != 0) {
        waits_undo(task, task->nwaits);
        return err;
    }
    task->state = ML_TASK_WAITING;
    task->since = task->loop->now;
    return 0;
}

void ml_unpark(struct ml_task *task)
{
    if (task->nwaits == 0) {
        ml_list_unlink(ml_task_link(task));
    }
    waits_undo(task, task->nwaits);
    ml_timers_disarm(&task->loop->timers, &task->alarm.timer);
}

void ml_park_wake(struct ml_task *task, enum ml_woke woke)
{
    ml_unpark(task);
    task->call.woke = (uint8_t)woke;
    ml_task_ready(task);
}

void ml_call_wake(struct ml_call *call, enum ml_woke woke)
{
    struct ml_task *task = call->task;
    call->woke = (uint8_t)woke;
    /* A choice is woken as a whole, and finds out by which of its calls. */
    ml_park_wake(task, call == &task->call ? woke : ML_WOKE_READY);
}

struct ml_call *ml_queue_first(const struct ml_queue *queue)
{
    if (ml_list_empty(&queue->waits)) {
        return NULL;
    }
    return ml_container_of(queue->waits.next, struct ml_wait, link)->call;
}

void ml_queue_wake_all(struct ml_queue *queue)
{
    struct ml_call *call;
    while ((call = ml_queue_first(queue)) != NULL) {
        ml_call_wake(call, ML_WOKE_READY);
    }
}

void ml_queue_refuse_all(struct ml_queue *queue, int error)
{
    struct ml_call *call;
    while ((call = ml_queue_first(queue)) != NULL) {
        call->error = (int16_t)error;
        ml_call_wake(call, ML_WOKE_ERROR);
    }
}
