#include "core/scope.h"

#include "core/error.h"
#include "core/handle.h"
#include "core/kill.h"
#include "core/loop.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

/* ---- blocks ------------------------------------------------------------------ */

static void scope_init(struct ml_scope *scope, struct ml_task *task,
                       enum ml_scope_kind kind)
{
    memset(scope, 0, sizeof *scope);
    scope->task = task;
    scope->kind = (uint8_t)kind;
    ml_alarm_init(&scope->alarm, ML_ALARM_SCOPE);
    scope->reason = LUA_NOREF;
    scope->error = LUA_NOREF;
}

void ml_scope_enter(struct ml_scope *scope, lua_State *L, struct ml_task *task,
                    enum ml_scope_kind kind)
{
    scope_init(scope, task, kind);
    scope->L = L;
    scope->outer = task->scope;
    task->scope = scope;
}

static void scope_drop(struct ml_scope *scope, lua_State *L)
{
    ml_timers_disarm(&scope->task->loop->timers, &scope->alarm.timer);
    luaL_unref(L, LUA_REGISTRYINDEX, scope->lent ? LUA_NOREF : scope->reason);
    luaL_unref(L, LUA_REGISTRYINDEX, scope->error);
    scope->task = NULL;
}

static void leave_block(struct ml_task *task, struct ml_scope *scope,
                        lua_State *L)
{
    task->scope = scope->outer;
    scope_drop(scope, L);
    if (scope->kind == ML_SCOPE_GROUP) {
        luaL_unref(L, LUA_REGISTRYINDEX, ((struct ml_group *)scope)->failures);
    }
}

void ml_scope_leave(struct ml_scope *scope, lua_State *L)
{
    if (scope->task != NULL) { /* else its task has ended, and left it */
        leave_block(scope->task, scope, L);
    }
}

int ml_scope_arm(struct ml_scope *scope, int64_t deadline)
{
    return ml_timers_arm(&scope->task->loop->timers, &scope->alarm.timer,
                         deadline);
}

void ml_scopes_abandon(struct ml_task *task, lua_State *L)
{
    while (task->scope != NULL) {
        leave_block(task, task->scope, L);
    }
    if (task->own != NULL) {
        struct ml_own *own = task->own;
        task->own = NULL;
        ml_list_unlink(&own->spread); /* others die while a cancel spreads */
        scope_drop(&own->scope, L);
        ml_alloc_free(&task->loop->vm->alloc, own, sizeof *own);
    }
}

/* ---- what is to be raised ------------------------------------------------------- */

static bool scope_due(const struct ml_scope *scope)
{
    return scope->stage == ML_SCOPE_ASKED || scope->stage == ML_SCOPE_OVER;
}

/* Of several the outermost counts: it ends the others, too. Nothing is due any
 * more once all were delivered; what a shield holds off stays due. */
struct ml_scope *ml_scope_pending(struct ml_task *task)
{
    struct ml_scope *due = NULL;
    if (!task->alert) {
        return NULL;
    }
    for (struct ml_scope *s = task->scope; s != NULL; s = s->outer) {
        if (s->kind == ML_SCOPE_SHIELD) {
            return due;
        }
        if (scope_due(s)) {
            due = s;
        }
    }
    if (task->own != NULL && scope_due(&task->own->scope)) {
        due = &task->own->scope;
    }
    task->alert = due != NULL;
    return due;
}

void ml_scope_push_reason(lua_State *L, const struct ml_scope *scope)
{
    if (scope->why != NULL) {
        lua_pushstring(L, scope->why);
    } else {
        lua_rawgeti(L, LUA_REGISTRYINDEX, scope->reason);
    }
}

static void push_error(lua_State *L, const struct ml_scope *scope)
{
    ml_error_push(L, ECANCELED, "cancel");
    lua_pushliteral(L, "task");
    lua_pushinteger(L, scope->task->id);
    lua_rawset(L, -3);
    if (scope->why != NULL || scope->reason != LUA_NOREF) {
        lua_pushliteral(L, "reason");
        ml_scope_push_reason(L, scope);
        lua_rawset(L, -3);
    }
}

void ml_scope_deliver(lua_State *L, struct ml_scope *scope)
{
    struct ml_loop *loop = scope->task->loop;
    luaL_checkstack(L, 6, "cancellation");
    if (scope->error == LUA_NOREF) {
        push_error(L, scope);
        scope->error = luaL_ref(L, LUA_REGISTRYINDEX);
    }
    if (scope->stage == ML_SCOPE_ASKED) {
        scope->stage = ML_SCOPE_GRACE;
        if (ml_scope_arm(scope, ml_time_add(ml_loop_now(loop), scope->grace)) !=
            0) {
            scope->stage = ML_SCOPE_OVER; /* no memory for a grace time */
        }
    }
    lua_rawgeti(L, LUA_REGISTRYINDEX, scope->error);
}

int ml_scope_raise(lua_State *L, struct ml_scope *scope)
{
    ml_scope_deliver(L, scope);
    return lua_error(L);
}

bool ml_scope_raised(lua_State *L, int index, const struct ml_scope *scope)
{
    if (scope->error == LUA_NOREF || lua_checkstack(L, 1) == 0) {
        return false;
    }
    index = lua_absindex(L, index);
    lua_rawgeti(L, LUA_REGISTRYINDEX, scope->error);
    bool same = lua_rawequal(L, -1, index) != 0;
    lua_pop(L, 1);
    return same;
}

bool ml_scope_is_own(lua_State *L, int index, const struct ml_task *task)
{
    return task->own != NULL && ml_scope_raised(L, index, &task->own->scope);
}

bool ml_scope_is_any(lua_State *L, int index, const struct ml_task *task)
{
    for (const struct ml_scope *s = task->scope; s != NULL; s = s->outer) {
        if (ml_scope_raised(L, index, s)) {
            return true;
        }
    }
    return ml_scope_is_own(L, index, task);
}

/* ---- cancelling ------------------------------------------------------------------ */

/* Tells the task: it is woken if it waits and nothing shields it. An answer
 * that was already made is delivered first. */
static void task_alert(struct ml_task *task)
{
    task->alert = true;
    if (task->state == ML_TASK_WAITING && ml_scope_pending(task) != NULL) {
        ml_park_wake(task, ML_WOKE_CANCEL);
    }
}

/* A second request may shorten the time, never lengthen it. True if it does. */
static bool scope_shorten(struct ml_scope *scope, int64_t grace)
{
    if (grace >= scope->grace) {
        return false;
    }
    struct ml_loop *loop = scope->task->loop;
    int64_t end = ml_time_add(ml_loop_now(loop), grace);
    const struct ml_timer *timer = &scope->alarm.timer;
    scope->grace = grace;
    if (ml_timer_armed(timer) &&
        end < ml_timer_deadline(&loop->timers, timer)) {
        (void)ml_scope_arm(scope, end); /* to move it cannot fail */
    }
    return true;
}

/* The outermost shield of the task that is inside of `scope`, or NULL. What it
 * shields, and the groups in it, hear nothing of the cancellation. */
static struct ml_scope *shield_below(const struct ml_scope *scope)
{
    struct ml_scope *shield = NULL;
    struct ml_scope *s = scope->task->scope;
    for (; s != NULL && s != scope; s = s->outer) {
        if (s->kind == ML_SCOPE_SHIELD) {
            shield = s;
        }
    }
    return shield;
}

static void task_reach(struct ml_task *task, const struct ml_scope *from);

static void group_reach(struct ml_group *group, const struct ml_scope *from)
{
    if (group->reached == NULL) {
        group->reached = from;
    }
    ml_list_each (item, &group->members) {
        task_reach(ml_container_of(item, struct ml_task, member), from);
    }
}

/* Cancels the members of the groups that are inside of `scope`, or are it.
 * Their own scopes are theirs. */
static void scope_spread(struct ml_scope *scope)
{
    const struct ml_scope *shield = shield_below(scope);
    struct ml_scope *s = shield != NULL ? shield->outer : scope->task->scope;
    for (;; s = s->outer) {
        if (s == NULL) {
            return;
        }
        if (s->kind == ML_SCOPE_GROUP) {
            group_reach((struct ml_group *)s, scope);
        }
        if (s == scope) {
            return;
        }
    }
}

/* Notes a task whose groups are still to be reached: by iteration, for chains
 * of groups may be long. It is not noted yet: it is a member of one group, which
 * a spread reaches once. */
static void spread_later(struct ml_task *task)
{
    assert(!ml_list_linked(&task->own->spread) && "reached once");
    ml_list_append(&task->loop->spreads, &task->own->spread);
}

static struct ml_scope *own_scope(struct ml_task *task)
{
    const struct ml_alloc *alloc = &task->loop->vm->alloc;
    if (task->own == NULL) {
        struct ml_own *own = ml_alloc_resize(alloc, NULL, 0, sizeof *own);
        if (own == NULL) {
            return NULL;
        }
        scope_init(&own->scope, task, ML_SCOPE_TASK);
        ml_list_init(&own->spread);
        task->own = own;
    }
    return &task->own->scope;
}

static void scope_ask(struct ml_scope *scope, int reason, const char *why,
                      int64_t grace)
{
    ml_timers_disarm(&scope->task->loop->timers, &scope->alarm.timer);
    scope->stage = ML_SCOPE_ASKED;
    scope->reason = reason;
    scope->why = why;
    scope->grace = grace;
}

/* A member is cancelled with its group, for the same reason, which it borrows:
 * to own one could fail. Where there is no memory even for the task's own scope,
 * the task is killed. */
static void task_reach(struct ml_task *task, const struct ml_scope *from)
{
    struct ml_scope *own = own_scope(task);
    if (own == NULL) {
        ml_task_kill_uncancelled(task);
        return;
    }
    if (own->stage != ML_SCOPE_OPEN) {
        if (scope_shorten(own, from->grace)) {
            spread_later(task);
        }
        return;
    }
    scope_ask(own, from->reason, from->why, from->grace);
    own->lent = true;
    if (own->why == NULL && own->reason == LUA_NOREF) {
        own->why = "its group was cancelled";
    }
    spread_later(task);
}

static void spread_all(struct ml_loop *loop, lua_State *L)
{
    struct ml_list *item;
    while ((item = ml_list_shift(&loop->spreads)) != NULL) {
        struct ml_own *own = ml_container_of(item, struct ml_own, spread);
        struct ml_task *task = own->scope.task;
        scope_spread(&own->scope);
        if (!task->started) {
            ml_task_kill(task, L); /* never runs */
        } else {
            task_alert(task);
        }
    }
    ml_kill_due(loop, L); /* those that could not be told */
}

void ml_scope_cancel(struct ml_scope *scope, lua_State *L, int reason,
                     const char *why, int64_t grace)
{
    struct ml_loop *loop = scope->task->loop;
    if (scope->stage != ML_SCOPE_OPEN) {
        luaL_unref(L, LUA_REGISTRYINDEX, reason);
        if (scope_shorten(scope, grace)) {
            scope_spread(scope);
            spread_all(loop, L);
        }
        return;
    }
    scope_ask(scope, reason, why, grace);
    scope_spread(scope);
    task_alert(scope->task);
    spread_all(loop, L);
}

int ml_task_cancel(struct ml_task *task, lua_State *L, int reason,
                   const char *why, int64_t grace)
{
    struct ml_scope *own = own_scope(task);
    if (own == NULL) {
        luaL_unref(L, LUA_REGISTRYINDEX, reason);
        return -ENOMEM;
    }
    if (!task->started) {
        scope_ask(own, reason, why, grace);
        ml_task_kill(task, L); /* never runs */
        return 0;
    }
    ml_scope_cancel(own, L, reason, why, grace);
    return 0;
}

/* A timeout's deadline cancels its block. A grace that runs out makes every
 * blocking call raise again, the one in progress first; the second time, a
 * task that was cancelled as a whole is killed. */
void ml_scope_expire(struct ml_alarm *alarm, lua_State *L)
{
    struct ml_scope *scope = ml_container_of(alarm, struct ml_scope, alarm);
    struct ml_task *task = scope->task;
    struct ml_loop *loop = task->loop;
    bool whole = scope->kind == ML_SCOPE_TASK;
    if (scope->stage == ML_SCOPE_OPEN) {
        ml_scope_cancel(scope, L, LUA_NOREF, "timeout", loop->grace);
        return;
    }
    if (whole && scope->stage == ML_SCOPE_OVER) {
        ml_task_kill(task, L);
        return;
    }
    scope->stage = ML_SCOPE_OVER;
    if (whole) { /* where its timer was, there is room for it */
        (void)ml_scope_arm(scope, ml_time_add(loop->now, scope->grace));
    }
    scope_spread(scope); /* to groups that clean-up has made */
    task_alert(task);
    spread_all(loop, L); /* handlers of members may kill the task */
}

/* ---- groups ------------------------------------------------------------------------ */

struct ml_group *ml_group_current(const struct ml_task *task)
{
    for (struct ml_scope *s = task->scope; s != NULL; s = s->outer) {
        if (s->kind == ML_SCOPE_GROUP) {
            return (struct ml_group *)s;
        }
    }
    return task->group;
}

void ml_group_add(struct ml_group *group, struct ml_task *task)
{
    task->group = group;
    ml_list_append(&group->members, &task->member);
}

void ml_group_admit(struct ml_task *task, lua_State *L)
{
    if (task->group->reached != NULL) {
        task_reach(task, task->group->reached);
        spread_all(task->loop, L);
    }
}

void ml_group_fail(lua_State *L, struct ml_task *task)
{
    struct ml_group *group = task->group;
    group->failed = true;
    ml_scope_cancel(&group->scope, L, LUA_NOREF, "a task of its group failed",
                    task->loop->grace);
    lua_rawgeti(L, LUA_REGISTRYINDEX, group->failures);
    lua_pushvalue(L, -2);
    lua_rawseti(L, -2, (lua_Integer)lua_rawlen(L, -2) + 1);
    lua_pop(L, 1);
}

void ml_group_remove(struct ml_task *task)
{
    struct ml_group *group = task->group;
    if (group == NULL) {
        return;
    }
    task->group = NULL;
    ml_list_unlink(&task->member);
    if (ml_list_empty(&group->members)) {
        ml_queue_wake_all(&group->idle);
    }
}
