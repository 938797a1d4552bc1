#include "core/cancel.h"

#include "base/cast.h"
#include "core/error.h"
#include "core/loop.h"

#include <errno.h>
#include <string.h>

bool ml_cancel_pending(const struct ml_task *task)
{
    return task->cancel != NULL && task->cancel->stage != ML_CANCEL_GRACE;
}

/* Makes the error value, in a protected call: task, reason. */
static int cancel_make_error(lua_State *L)
{
    const struct ml_task *task = (struct ml_task *)lua_touserdata(L, 1);
    ml_error_push(L, ECANCELED, "cancel");
    lua_pushliteral(L, "task");
    lua_pushinteger(L, task->id);
    lua_rawset(L, -3);
    if (!lua_isnoneornil(L, 2)) {
        lua_pushliteral(L, "reason");
        lua_pushvalue(L, 2);
        lua_rawset(L, -3);
    }
    lua_pushinteger(L, luaL_ref(L, LUA_REGISTRYINDEX));
    return 1;
}

/* The registry reference of the error value. */
static int cancel_error(lua_State *L, struct ml_task *task, int reason)
{
    int ref = LUA_NOREF;
    if (lua_checkstack(L, 4) == 0) {
        return ref;
    }
    reason = reason != 0 ? lua_absindex(L, reason) : 0;
    lua_pushcfunction(L, cancel_make_error);
    lua_pushlightuserdata(L, task);
    if (reason != 0) {
        lua_pushvalue(L, reason);
    } else {
        lua_pushnil(L);
    }
    if (lua_pcall(L, 2, 1, 0) == LUA_OK) {
        ref = (int)lua_tointeger(L, -1);
    }
    lua_pop(L, 1);
    return ref;
}

static int cancel_new(struct ml_task *task, lua_State *L, int reason,
                      int64_t grace)
{
    const struct ml_alloc *alloc = &task->loop->vm->alloc;
    struct ml_cancel *cancel = ml_alloc_resize(alloc, NULL, 0, sizeof *cancel);
    if (cancel == NULL) {
        return -ENOMEM;
    }
    memset(cancel, 0, sizeof *cancel);
    cancel->task = task;
    cancel->alarm.kind = ML_ALARM_CANCEL;
    cancel->grace = grace;
    cancel->stage = ML_CANCEL_ASKED;
    cancel->error = cancel_error(L, task, reason);
    if (cancel->error == LUA_NOREF) {
        ml_alloc_free(alloc, cancel, sizeof *cancel);
        return -ENOMEM;
    }
    task->cancel = cancel;
    return 0;
}

static int cancel_arm(struct ml_cancel *cancel)
{
    struct ml_loop *loop = cancel->task->loop;
    return ml_timers_arm(&loop->timers, &cancel->alarm.timer,
                         ml_time_add(ml_loop_now(loop), cancel->grace));
}

/* A second request may shorten the time, never lengthen it. */
static void cancel_shorten(struct ml_cancel *cancel, int64_t grace)
{
    if (grace >= cancel->grace) {
        return;
    }
    cancel->grace = grace;
    if (cancel->stage == ML_CANCEL_GRACE) {
        (void)cancel_arm(cancel); /* it is armed: moving it cannot fail */
    }
}

int ml_task_cancel(struct ml_task *task, lua_State *L, int reason,
                   int64_t grace)
{
    if (task->cancel != NULL) {
        cancel_shorten(task->cancel, grace);
        return 0;
    }
    int err = cancel_new(task, L, reason, grace);
    if (err != 0) {
        return err;
    }
    if (!task->started) {
        ml_task_kill(task, L);
    } else if (task->state == ML_TASK_WAITING) {
        ml_park_wake(task, ML_WOKE_CANCEL);
    }
    return 0;
}

static int push_text(lua_State *L)
{
    lua_pushstring(L, (const char *)lua_touserdata(L, 1));
    return 1;
}

int ml_cancel_text(struct ml_task *task, lua_State *L, const char *reason,
                   int64_t grace)
{
    if (lua_checkstack(L, 3) == 0) {
        return -ENOMEM;
    }
    lua_pushcfunction(L, push_text);
    lua_pushlightuserdata(L, ml_unconst(reason));
    int err = lua_pcall(L, 1, 1, 0) == LUA_OK
                  ? ml_task_cancel(task, L, lua_gettop(L), grace)
                  : -ENOMEM;
    lua_pop(L, 1);
    return err;
}

int ml_cancel_raise(lua_State *L, struct ml_task *task)
{
    struct ml_cancel *cancel = task->cancel;
    if (cancel->stage == ML_CANCEL_ASKED) {
        cancel->stage = ML_CANCEL_GRACE;
        if (cancel_arm(cancel) != 0) {
            cancel->stage = ML_CANCEL_OVER; /* no memory for a grace time */
        }
    }
    luaL_checkstack(L, 1, "cancellation");
    lua_rawgeti(L, LUA_REGISTRYINDEX, cancel->error);
    return lua_error(L);
}

bool ml_cancel_is_own(lua_State *L, int index, const struct ml_task *task)
{
    if (task->cancel == NULL || lua_checkstack(L, 1) == 0) {
        return false;
    }
    index = lua_absindex(L, index);
    lua_rawgeti(L, LUA_REGISTRYINDEX, task->cancel->error);
    bool same = lua_rawequal(L, -1, index) != 0;
    lua_pop(L, 1);
    return same;
}

/* The first time, clean-up has had its time: every blocking call raises again
 * from now on, the one in progress first. The second time, the task goes. */
void ml_cancel_expire(struct ml_alarm *alarm, lua_State *L)
{
    struct ml_cancel *cancel = ml_container_of(alarm, struct ml_cancel, alarm);
    struct ml_task *task = cancel->task;
    bool again = cancel->stage == ML_CANCEL_OVER;
    cancel->stage = ML_CANCEL_OVER;
    if (again || cancel_arm(cancel) != 0) {
        ml_task_kill(task, L);
    } else if (task->state == ML_TASK_WAITING) {
        ml_park_wake(task, ML_WOKE_CANCEL);
    }
}

void ml_cancel_free(struct ml_task *task, lua_State *L)
{
    struct ml_cancel *cancel = task->cancel;
    if (cancel == NULL) {
        return;
    }
    task->cancel = NULL;
    ml_timers_disarm(&task->loop->timers, &cancel->alarm.timer);
    luaL_unref(L, LUA_REGISTRYINDEX, cancel->error);
    ml_alloc_free(&task->loop->vm->alloc, cancel, sizeof *cancel);
}
