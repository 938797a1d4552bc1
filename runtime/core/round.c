#include "core/round.h"

#include "core/catcher.h"
#include "core/mailbox.h"
#include "core/scope.h"

#include <errno.h>

/* While tasks are ready, descriptors are looked at after this time (ns), not
 * after every round: a round of two tasks takes less than a system call. */
enum {
    POLL_EVERY = 50000
};

/* Where more than so many alarms ring in so short a time (ns), those of a whole
 * such time are waited for together: to wake for each takes more than all that
 * is then done. They are late by no more than that. (Measured: 100,000 tasks
 * asleep for a random second take 0.44 s of CPU time without and 0.33 s with
 * it.) A virtual clock goes from one to the next. */
enum {
    CROWD = 4,
    CROWD_TIME = 1000000
};

/* `auto` leaves select() with more descriptors than this. Measured: epoll costs
 * 0.21 us and 0.12 for each that is ready, select() 0.3 us and 0.075 for each
 * that is registered; and edges, which select() has not, save a read that finds
 * nothing for each message. Echo over 4, 8, 16 connections, CPU for a request:
 * 7.0, 5.0, 4.7 us on select(), 7.1, 4.3, 4.0 on epoll. */
enum {
    SELECT_MAX = 6
};

/* How long a wait is at most (ns) for which the system has no memory. */
enum {
    SCARCE_NAP = 10000000
};

/* 1 and 2. Tasks that get ready meanwhile are for the next round. The batch is
 * in the loop, not in this frame: an error in a task cannot lose the others. */
static void round_step(struct ml_loop *loop)
{
    struct ml_list *item;
    ml_list_take_all(&loop->batch, &loop->ready);
    while (!loop->exiting && (item = ml_list_shift(&loop->batch)) != NULL) {
        ml_task_step(ml_task_of_link(item));
    }
    if (loop->exiting) {
        ml_loop_kill_all(loop, loop->L);
    }
    ml_vm_trim(loop->L, loop->vm);
}

static void crowd_count(struct ml_loop *loop)
{
    if (loop->now - loop->crowd.since >= CROWD_TIME) {
        loop->crowd.since = loop->now;
        loop->crowd.rung = 0;
    }
    loop->crowd.rung++;
}

/* When to wake if the next alarm is to ring at `next`. */
static int64_t crowd_end(const struct ml_loop *loop, int64_t next)
{
    int64_t end = loop->crowd.since + CROWD_TIME;
    bool crowded =
        loop->crowd.rung > CROWD && loop->clock.advance == NULL && next < end;
    return crowded && loop->now < end ? end : next;
}

/* The first time that does not come. A real clock goes on for longer than
 * anybody waits; a virtual one cannot jump past its end. */
static int64_t clock_end(const struct ml_loop *loop)
{
    return loop->clock.advance != NULL ? ML_TIME_LAST : ML_TIME_NEVER;
}

int64_t ml_round_timeout(struct ml_loop *loop)
{
    if (!ml_list_empty(&loop->ready) || !ml_list_empty(&loop->due) ||
        ml_mailbox_pending(loop->mailbox)) {
        return 0;
    }
    int64_t next = ml_timers_next(&loop->timers);
    int64_t failure = ml_failures_next(loop);
    next = failure < next ? failure : next;
    next = loop->doom < next ? loop->doom : next;
    next = loop->limit < next ? loop->limit : next;
    if (next >= clock_end(loop)) {
        return ML_TIME_NEVER;
    }
    loop->now = ml_loop_now(loop);
    next = crowd_end(loop, next);
    return next > loop->now ? next - loop->now : 0;
}

/* True if something outside of the loop may wake it. */
static bool loop_awaits(struct ml_loop *loop)
{
    return loop->later > 0 || loop->watches.waiting > 0 ||
           ml_catchers_awaited(loop) || (loop->flags & ML_FOREVER) != 0 ||
           ml_mailbox_held(loop->mailbox);
}

/* 5. For the virtual clock: time stands still while anything is ready, and
 * while another thread works for us; else it jumps. */
static int wait_virtual(struct ml_loop *loop, int64_t timeout)
{
    bool real = timeout == ML_TIME_NEVER || (loop->later > 0 && timeout != 0);
    int n = loop->ops->wait(loop->poll, loop->events, ML_LOOP_EVENTS,
                            real ? -1 : 0);
    if (n == 0 && !real && timeout > 0 && !ml_mailbox_pending(loop->mailbox)) {
        loop->clock.advance(&loop->clock, ml_time_add(loop->now, timeout));
    }
    return n;
}

/* 5. The number of events, or -errno. */
static int round_ask(struct ml_loop *loop, int64_t timeout)
{
    if (loop->clock.advance != NULL) {
        return wait_virtual(loop, timeout);
    }
    return loop->ops->wait(loop->poll, loop->events, ML_LOOP_EVENTS,
                           timeout == ML_TIME_NEVER ? -1 : timeout);
}

/* 5. A system that has no memory to wait with fails no task: descriptors are
 * looked at again in the next round, a moment later if nothing else is to be
 * done. */
static int wait_scarce(int64_t timeout)
{
    ml_clock_nap(timeout < SCARCE_NAP ? timeout : SCARCE_NAP);
    return 0;
}

/* 5. The same. */
static int round_wait(struct ml_loop *loop, int64_t timeout)
{
    int n = round_ask(loop, timeout);
    return n == -ENOMEM ? wait_scarce(timeout) : n;
}

/* 6. Nothing of Lua runs here, so no descriptor can be closed or come to mean
 * another file between the poller's answer and the wakes. True if the mailbox
 * is one of those that are ready. */
static bool wake_ready(struct ml_loop *loop, int nevents)
{
    bool rung = false;
    for (int i = 0; i < nevents; i++) {
        const struct ml_poll_event *event = &loop->events[i];
        if (event->fd == loop->mailfd) {
            rung = true;
        } else {
            ml_watches_ready(loop, event->fd, event->ready);
        }
    }
    return rung;
}

static void alarm_ring(struct ml_loop *loop, struct ml_alarm *alarm)
{
    if (ml_alarm_kind(alarm) == ML_ALARM_SCOPE) {
        ml_scope_expire(alarm, loop->L);
    } else {
        ml_park_wake(ml_task_of_alarm(alarm), ML_WOKE_TIME);
    }
}

/* True if an alarm was set for `until` or before, and has rung. */
static bool expire_one(struct ml_loop *loop, int64_t until)
{
    struct ml_timer *timer = ml_timers_expire(&loop->timers, until);
    if (timer != NULL) {
        crowd_count(loop);
        alarm_ring(loop, ml_container_of(timer, struct ml_alarm, timer));
    }
    return timer != NULL;
}

/* 7. The alarms that were set for a time before those that were due when they
 * were set. */
static void expire_first(struct ml_loop *loop)
{
    int64_t until = loop->now;
    if (!ml_list_empty(&loop->due)) {
        until = ml_call_alarm(&ml_task_of_link(loop->due.next)->call);
    }
    while (expire_one(loop, until)) {
    }
}

/* The others, and those that were due, in the order of their times. A timer that
 * rings may kill tasks, the next one too. */
static void expire_rest(struct ml_loop *loop)
{
    while (!ml_list_empty(&loop->due)) {
        struct ml_task *task = ml_task_of_link(loop->due.next);
        if (!expire_one(loop, ml_call_alarm(&task->call))) {
            ml_park_wake(task, ML_WOKE_TIME);
        }
    }
    while (expire_one(loop, loop->now)) {
    }
}

static bool nothing_expires(const struct ml_loop *loop)
{
    return ml_timers_count(&loop->timers) == 0 && ml_list_empty(&loop->due) &&
           loop->doom == ML_TIME_NEVER && loop->limit == ML_TIME_NEVER &&
           loop->failures.last < loop->failures.first;
}

/* 7. What is no task's. */
static void round_limits(struct ml_loop *loop)
{
    ml_failures_flush(loop, loop->now);
    if (loop->limit <= loop->now) {
        loop->limit = ML_TIME_NEVER;
        loop->limited = true;
        ml_loop_cancel_all(loop, "timeout");
    }
    if (loop->doom <= loop->now) {
        loop->doom = ML_TIME_NEVER;
        ml_loop_kill_all(loop, loop->L);
    }
}

/* 6 and 7. Whom the poller or the clock wakes has waited since some time in this
 * round, or before: he goes before those that gave way in it. Else he would
 * wait for them a second time, and with tasks that compute that is long. */
static void round_wake(struct ml_loop *loop, int nevents)
{
    bool expires = !nothing_expires(loop);
    ml_list_take_all(&loop->earlier, &loop->ready);
    bool rung = wake_ready(loop, nevents);
    if (expires) {
        loop->now = ml_loop_now(loop);
        expire_first(loop);
    }
    ml_list_take_all(&loop->ready, &loop->earlier);
    if (rung || ml_mailbox_pending(loop->mailbox)) {
        ml_mailbox_open_all(loop->mailbox, loop);
    }
    if (expires) {
        expire_rest(loop);
        round_limits(loop);
    }
}

/* While tasks are ready and descriptors were looked at a moment ago, they can
 * do without another look. */
static bool poll_is_due(struct ml_loop *loop, int64_t timeout)
{
    bool busy = !ml_list_empty(&loop->ready) || !ml_list_empty(&loop->due);
    if (timeout != 0 || !busy || loop->clock.advance != NULL) {
        return true;
    }
    if (loop->watches.waiting == 0) {
        return false;
    }
    int64_t now = ml_loop_now(loop);
    if (now - loop->polled < POLL_EVERY) {
        return false;
    }
    loop->polled = now;
    return true;
}

static void leave_select(struct ml_loop *loop)
{
    if (loop->automatic && loop->ops == &ml_poll_select &&
        loop->watches.registered > SELECT_MAX) {
        /* If it cannot be, select() goes on serving. */
        (void)ml_loop_move(loop, ml_poll_best());
    }
}

/* 3 to 7; `wait` says whether it may wait for something to happen. 1, or -errno
 * of the poller. */
static int round_look(struct ml_loop *loop, bool wait)
{
    ml_watches_flush(loop);
    leave_select(loop);
    int64_t timeout = wait ? ml_round_timeout(loop) : 0;
    int nevents = 0;
    if (poll_is_due(loop, timeout)) {
        nevents = round_wait(loop, timeout);
    }
    round_wake(loop, nevents);
    return nevents < 0 ? nevents : 1;
}

static bool loop_finished(struct ml_loop *loop)
{
    if (loop->ntasks > 0 || loop->ending) {
        return loop->ntasks == 0;
    }
    return (loop->flags & ML_FOREVER) == 0 &&
           !ml_mailbox_pending(loop->mailbox) &&
           !ml_mailbox_held(loop->mailbox);
}

/* 8. Nothing ready, nothing planned, nothing awaited from outside. */
static bool loop_stuck(struct ml_loop *loop)
{
    return ml_list_empty(&loop->ready) && ml_list_empty(&loop->due) &&
           loop->ntasks > 0 &&
           ml_timers_next(&loop->timers) >= clock_end(loop) &&
           loop->doom >= clock_end(loop) &&
           !ml_mailbox_pending(loop->mailbox) && !loop_awaits(loop);
}

/* Who hears of one, or a finalizer, may kill others, or spawn: those wait until
 * the list was walked, and what was spawned is not stuck. */
static void report_stuck(struct ml_loop *loop)
{
    loop->killing = true;
    ml_list_each (item, &loop->live) {
        struct ml_task *task = ml_container_of(item, struct ml_task, live);
        if (task->state == ML_TASK_WAITING) {
            ml_failures_stuck(task, loop->L);
        }
    }
    loop->killing = false;
    ml_loop_kill_all(loop, loop->L);
}

/* The loop is at its end, unless who hears of the failures that were put off
 * starts a task again, or kills the last. 1 if it goes on. */
static int round_end(struct ml_loop *loop)
{
    ml_failures_flush(loop, ML_TIME_NEVER);
    if (loop_finished(loop)) {
        return loop->failures.untaken > 0 ? -ECHILD : 0;
    }
    if (!loop_stuck(loop)) {
        return 1;
    }
    report_stuck(loop);
    return -EDEADLK;
}

int ml_round(struct ml_loop *loop, int mode)
{
    round_step(loop);
    if (loop->ntasks > 0) {
        ml_watches_flush(loop); /* what the poller refuses gets ready here */
    }
    if (loop_finished(loop) || loop_stuck(loop)) {
        return round_end(loop);
    }
    return round_look(loop, mode != ML_RUN_NOWAIT);
}
