#include "core/check.h"

#include "core/loop.h"
#include "core/offload.h"
#include "core/scope.h"

#include <errno.h>

/* What is counted on the way, to be compared at the end. */
struct census {
    struct ml_loop *loop;
    const char *fault; /* the first one found, or NULL */
    size_t ready;      /* tasks that are READY */
    size_t due;        /* tasks that wait for a time that has come */
    size_t dying;      /* tasks that are DYING */
    size_t grouped;    /* tasks that belong to a group */
    size_t members;    /* tasks that groups have */
    size_t armed;      /* timers of tasks and scopes that are armed */
    int watching;      /* waits for descriptors */
};

/* Notes what is wrong unless `good`, which it gives back. */
static bool expect(struct census *c, bool good, const char *fault)
{
    if (!good && c->fault == NULL) {
        c->fault = fault;
    }
    return good;
}

static bool ring_is_sound(const struct ml_list *item)
{
    return item->next->prev == item && item->prev->next == item;
}

/* ---- queues ----------------------------------------------------------------- */

static bool is_wait_of(const struct ml_task *task, const struct ml_wait *wait)
{
    for (int i = 0; i < task->nwaits; i++) {
        if (&task->waits[i] == wait) {
            return true;
        }
    }
    return false;
}

/* No registration without a parked task: every node of the queue is a wait of
 * a living task that waits, and that means this queue. */
static void check_queue(struct census *c, const struct ml_queue *queue)
{
    ml_list_each (item, &queue->waits) {
        const struct ml_wait *wait =
            ml_container_of(item, struct ml_wait, link);
        const struct ml_task *task = wait->call->task;
        expect(c, ring_is_sound(item), "a queue's links agree");
        expect(c, ml_task_find(c->loop, task->id) == task,
               "who is in a queue lives");
        expect(c, task->state == ML_TASK_WAITING, "who is in a queue waits");
        expect(c, wait->queue == queue && is_wait_of(task, wait),
               "who is in a queue has declared it");
    }
}

static bool queue_has(const struct ml_queue *queue, const struct ml_wait *wait)
{
    ml_list_each (item, &queue->waits) {
        if (item == &wait->link) {
            return true;
        }
    }
    return false;
}

/* ---- waits -------------------------------------------------------------------- */

static void check_watched(struct census *c, const struct ml_wait *wait)
{
    const struct ml_watches *watches = &c->loop->watches;
    if (wait->fd < 0) {
        return;
    }
    c->watching++;
    expect(c,
           wait->fd < watches->capacity &&
               watches->slots[wait->fd] == ml_watch_of(wait),
           "a wait is in the queue of its descriptor and direction");
}

/* Each wait stands in its queue, and the queue holds nothing else. */
static void check_wait(struct census *c, const struct ml_task *task,
                       const struct ml_wait *wait)
{
    expect(c, wait->call->task == task, "a wait is of its task's call");
    if (!expect(c, wait->queue != NULL && ml_list_linked(&wait->link),
                "a declared wait is registered")) {
        return;
    }
    expect(c, queue_has(wait->queue, wait), "a wait is in its queue");
    if (wait->queue->waits.next == &wait->link) {
        check_queue(c, wait->queue); /* once for each queue */
    }
    check_watched(c, wait);
}

static void check_waiting(struct census *c, const struct ml_task *task)
{
    const struct ml_timer *timer = &task->alarm.timer;
    int64_t deadline = ml_call_alarm(&task->call);
    bool due = task->nwaits == 0 && ml_list_linked(&task->wait.link);
    c->due += due ? 1 : 0;
    for (int i = 0; i < task->nwaits; i++) {
        check_wait(c, task, &task->waits[i]);
    }
    expect(c, (ml_timer_armed(timer) != due) == (deadline != ML_TIME_NEVER),
           "the alarm of who waits is armed if it has a deadline");
    expect(c,
           !ml_timer_armed(timer) ||
               ml_timer_deadline(&c->loop->timers, timer) == deadline,
           "the alarm of who waits is armed for its deadline");
    expect(c, task->call.def != NULL, "who waits has a call");
    expect(c, task->nwaits <= task->maxwaits, "waits have room");
    expect(c,
           task->nwaits == 0 || task->waits == &task->wait ||
               !ml_list_linked(&task->wait.link),
           "who waits is not queued");
}

/* Of a task that does not wait nothing is registered. */
static void check_free(struct census *c, const struct ml_task *task)
{
    expect(c, !ml_timer_armed(&task->alarm.timer),
           "who does not wait has no alarm");
    if (task->state != ML_TASK_RUNNING) {
        expect(c, task->nwaits == 0, "who does not wait declares nothing");
    }
}

/* ---- blocks and groups ---------------------------------------------------------- */

static void check_members(struct census *c, const struct ml_group *group)
{
    ml_list_each (item, &group->members) {
        const struct ml_task *task =
            ml_container_of(item, struct ml_task, member);
        c->members++;
        expect(c, ring_is_sound(item), "a group's links agree");
        expect(c, task->group == group, "a member belongs to its group");
        expect(c, ml_task_find(c->loop, task->id) == task, "a member lives");
    }
    check_queue(c, &group->idle);
}

static void check_scope(struct census *c, const struct ml_task *task,
                        const struct ml_scope *scope)
{
    c->armed += ml_timer_armed(&scope->alarm.timer) ? 1 : 0;
    expect(c, scope->task == task, "a block belongs to its task");
    expect(c,
           scope->stage != ML_SCOPE_ASKED ||
               !ml_timer_armed(&scope->alarm.timer),
           "a grace begins when the cancellation is raised");
    if (scope->kind == ML_SCOPE_GROUP) {
        check_members(c, (const struct ml_group *)scope);
    }
}

static bool hears_cancel(const struct ml_task *task)
{
    return task->state == ML_TASK_WAITING &&
           (task->call.def->flags & ML_CALL_UNYIELDING) == 0;
}

/* A cancellation that is due has told its task, and woken it. */
static void check_alert(struct census *c, struct ml_task *task)
{
    bool alert = task->alert;
    task->alert = true;
    const struct ml_scope *due = ml_scope_pending(task);
    task->alert = alert;
    expect(c, due == NULL || alert || task->state == ML_TASK_DYING,
           "who is cancelled is told");
    expect(c, due == NULL || !hears_cancel(task), "who is cancelled is woken");
}

static void check_blocks(struct census *c, struct ml_task *task)
{
    for (struct ml_scope *s = task->scope; s != NULL; s = s->outer) {
        check_scope(c, task, s);
    }
    if (task->own != NULL) {
        check_scope(c, task, &task->own->scope);
    }
    check_alert(c, task);
    c->grouped += task->group != NULL ? 1 : 0;
    expect(c, (task->group != NULL) == ml_list_linked(&task->member),
           "who has a group is in it");
    expect(c, task->own == NULL || !ml_list_linked(&task->own->spread),
           "cancellations have spread");
}

/* ---- tasks ---------------------------------------------------------------------- */

static void check_state(struct census *c, const struct ml_task *task)
{
    switch ((enum ml_task_state)task->state) {
    case ML_TASK_READY:
        c->ready++;
        expect(c, ml_list_linked(&task->wait.link), "who is ready is queued");
        break;
    case ML_TASK_DYING:
        c->dying++;
        break;
    case ML_TASK_WAITING:
        check_waiting(c, task);
        return;
    case ML_TASK_RUNNING:
    default:
        expect(c, !ml_list_linked(&task->wait.link), "who runs is not queued");
        break;
    }
    check_free(c, task);
}

static void check_task(struct census *c, struct ml_task *task)
{
    expect(c, task->loop == c->loop, "a task is of its loop");
    expect(c, ml_task_find(c->loop, task->id) == task,
           "who lives is found by its id");
    c->armed += ml_timer_armed(&task->alarm.timer) ? 1 : 0;
    check_state(c, task);
    check_queue(c, &task->ends);
    check_blocks(c, task);
}

/* The list of the living, by age, and the table by id hold the same. */
static void check_tasks(struct census *c)
{
    size_t listed = 0;
    size_t hashed = 0;
    int64_t last = 0;
    ml_list_each (item, &c->loop->live) {
        struct ml_task *task = ml_container_of(item, struct ml_task, live);
        listed++;
        expect(c, task->id > last, "the living are listed by age");
        last = task->id;
        check_task(c, task);
    }
    for (size_t i = 0; i < c->loop->nbuckets; i++) {
        const struct ml_task *task = c->loop->tasks[i];
        for (; task != NULL; task = task->hashed) {
            hashed++;
        }
    }
    expect(c, listed == c->loop->ntasks, "as many are listed as counted");
    expect(c, hashed == c->loop->ntasks, "as many are found as counted");
    expect(c, last <= c->loop->last_id, "ids were given out");
}

/* The number in a queue of tasks, which are all in that state. */
static size_t count_queued(struct census *c, const struct ml_list *queue,
                           enum ml_task_state state)
{
    size_t n = 0;
    ml_list_each (item, queue) {
        const struct ml_task *task = ml_task_of_link(item);
        n++;
        expect(c, ring_is_sound(item), "the links of a queue of tasks agree");
        expect(c, task->state == state, "who is queued is in that state");
    }
    return n;
}

static void check_queues(struct census *c)
{
    const struct ml_loop *loop = c->loop;
    size_t ready = count_queued(c, &loop->ready, ML_TASK_READY) +
                   count_queued(c, &loop->batch, ML_TASK_READY) +
                   count_queued(c, &loop->earlier, ML_TASK_READY);
    size_t kills = count_queued(c, &loop->kills, ML_TASK_DYING);
    size_t due = count_queued(c, &loop->due, ML_TASK_WAITING);
    expect(c, due == c->due, "who is due is queued once");
    expect(c, ready == c->ready, "who is ready is queued once");
    expect(c, kills <= c->dying, "who is to be killed lives");
    expect(c, c->members == c->grouped,
           "who has a group is one of its members");
}

/* ---- timers and descriptors ------------------------------------------------------- */

static bool comes_after(const struct ml_timer_entry *a,
                        const struct ml_timer_entry *b)
{
    return a->deadline > b->deadline ||
           (a->deadline == b->deadline && a->timer->seq > b->timer->seq);
}

static void check_timers(struct census *c)
{
    const struct ml_timers *timers = &c->loop->timers;
    for (uint32_t i = 0; i < timers->count; i++) {
        const struct ml_timer_entry *entry = &timers->entries[i];
        expect(c, entry->timer->pos == i + 1, "a timer knows its place");
        expect(c, i == 0 || comes_after(entry, &timers->entries[(i - 1) / 4]),
               "timers are a heap");
    }
    expect(c, timers->count == c->armed, "timers belong to the living");
}

static void check_watch(struct census *c, const struct ml_watch *watch)
{
    bool idle = ml_list_empty(&watch->readers.waits) &&
                ml_list_empty(&watch->writers.waits);
    unsigned wanted =
        (ml_list_empty(&watch->readers.waits) ? 0U : ML_POLL_READ) |
        (ml_list_empty(&watch->writers.waits) ? 0U : ML_POLL_WRITE);
    check_queue(c, &watch->readers);
    check_queue(c, &watch->writers);
    expect(c,
           watch->drained == 0 || ((watch->interest & ML_POLL_EDGE) != 0 &&
                                   (watch->drained & ~watch->interest) == 0),
           "only where the poller tells of an edge is known to be drained");
    if (!ml_list_linked(&watch->dirty)) {
        expect(c, (wanted & ~(unsigned)watch->interest) == 0,
               "what is waited for is asked of the poller");
        expect(c, watch->owned || !idle,
               "a raw descriptor is watched only for who waits");
    }
}

static void check_watches(struct census *c)
{
    const struct ml_watches *watches = &c->loop->watches;
    int registered = 0;
    for (int fd = 0; fd < watches->capacity; fd++) {
        const struct ml_watch *watch = watches->slots[fd];
        if (watch != NULL) {
            registered += watch->interest != 0 ? 1 : 0;
            expect(c, watch->fd == fd, "a watch is of its descriptor");
            check_watch(c, watch);
        }
    }
    expect(c, registered == watches->registered,
           "as many descriptors are registered as counted");
    expect(c, c->watching == watches->waiting,
           "as many wait for descriptors as counted");
}

int ml_check(struct ml_loop *loop, const char **what)
{
    struct census c = {.loop = loop};
    check_tasks(&c);
    check_queues(&c);
    check_timers(&c);
    check_watches(&c);
    expect(&c, ml_completions_awaited(loop) == loop->later,
           "as many completions are awaited as counted");
    expect(&c, ml_list_empty(&loop->spreads), "cancellations have spread");
    *what = c.fault;
    return c.fault == NULL ? 0 : -EINVAL;
}
