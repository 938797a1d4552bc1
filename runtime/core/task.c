#include "core/task.h"

#include "base/errno.h"
#include "core/body.h"
#include "core/catcher.h"
#include "core/frame.h"
#include "core/handle.h"
#include "core/kill.h"
#include "core/loop.h"
#include "core/misuse.h"
#include "core/scope.h"
#include "core/spare.h"
#include "core/tasks.h"
#include "core/thread.h"
#include "core/trace.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

/* ---- locals ---------------------------------------------------------------- */

static void locals_set(lua_State *L, struct ml_task *task)
{
    lua_pushvalue(L, -1);
    ml_vm_setslot(L, task->loop->vm->locals, task->shell.slot);
    task->localized = true;
}

void ml_task_locals(lua_State *L, struct ml_task *task)
{
    luaL_checkstack(L, 4, "locals");
    if (task->localized) {
        lua_rawgeti(L, LUA_REGISTRYINDEX, task->loop->vm->locals);
        lua_rawgeti(L, -1, task->shell.slot);
        lua_remove(L, -2);
        return;
    }
    lua_newtable(L);
    locals_set(L, task);
}

/* A new task starts with its parent's values, in a table of its own. Arguments:
 * parent, task. */
static int inherit(lua_State *L)
{
    struct ml_task *task = (struct ml_task *)lua_touserdata(L, 2);
    luaL_checkstack(L, 6, "locals");
    ml_task_locals(L, (struct ml_task *)lua_touserdata(L, 1));
    lua_newtable(L);
    lua_pushnil(L);
    while (lua_next(L, -3) != 0) {
        lua_pushvalue(L, -2);
        lua_insert(L, -2);
        lua_rawset(L, -4);
    }
    locals_set(L, task);
    return 0;
}

/* ---- spawn --------------------------------------------------------------- */

static void task_init(struct ml_task *task, struct ml_loop *loop,
                      struct ml_shell shell)
{
    memset(task, 0, sizeof *task);
    task->loop = loop;
    task->shell = shell;
    task->leaf = shell.co;
    task->waits = &task->wait;
    task->maxwaits = 1;
    ml_list_init(ml_task_link(task));
    ml_list_init(&task->live);
    ml_list_init(&task->member);
    ml_queue_init(&task->ends);
    ml_alarm_init(&task->alarm, ML_ALARM_PARK);
}

/* A task that nobody has been before. May raise a memory error, and loses
 * nothing then. */
static struct ml_task *task_new(struct ml_loop *loop, lua_State *L)
{
    struct ml_vm *vm = loop->vm;
    struct ml_shell shell = ml_vm_coroutine(L, vm);
    struct ml_task *task = ml_alloc_new(&vm->alloc, sizeof *task);
    if (task == NULL) {
        ml_vm_release(L, vm, shell);
        (void)luaL_error(L, "not enough memory for a task");
    } else {
        task_init(task, loop, shell);
    }
    return task;
}

/* Makes room for the function and its arguments, and for what spawn_begin has
 * to put the task into. */
static bool task_reserve(struct ml_task *task, int nargs)
{
    int slots = nargs + ML_BODY_STACK + task->loop->vm->reserve;
    return ml_tasks_reserve(task->loop) == 0 &&
           lua_checkstack(task->shell.co, slots) != 0;
}

/* True; or false, and the error is on top. */
static bool spawn_inherit(lua_State *L, struct ml_task *parent,
                          struct ml_task *task)
{
    if (parent == NULL || !parent->localized) {
        return true;
    }
    lua_pushcfunction(L, inherit);
    lua_pushlightuserdata(L, parent);
    lua_pushlightuserdata(L, task);
    return lua_pcall(L, 2, 0, 0) == LUA_OK;
}

/* Where the task that spawns was spawned itself. The places are the loop's: a
 * host may spawn in one loop from inside of another. */
static const struct ml_site *parent_site(const struct ml_loop *loop)
{
    const struct ml_task *parent = loop->vm->task;
    return parent != NULL && parent->loop == loop ? parent->site : NULL;
}

/* Nothing fails any more. */
static struct ml_task *spawn_begin(struct ml_task *task, lua_State *L,
                                   int nargs)
{
    struct ml_loop *loop = task->loop;
    task->id = ++loop->last_id;
    task->site = ml_site_here(&loop->sites, L, parent_site(loop));
    ml_body_load(task, L, nargs);
    ml_tasks_add(loop, task);
    ml_trace(loop, spawn, task);
    ml_task_ready(task);
    return task;
}

static struct ml_task *task_again(struct ml_loop *loop)
{
    struct ml_task *task = ml_spare_take(loop->vm);
    task_init(task, loop, task->shell);
    return task;
}

struct ml_task *ml_task_spawn(struct ml_loop *loop, lua_State *L, int nargs)
{
    struct ml_vm *vm = loop->vm;
    luaL_checkstack(L, 4, "spawn");
    ml_body_prepare(L, vm);
    struct ml_task *task =
        ml_spare_waits(L, vm) ? task_again(loop) : task_new(loop, L);
    if (!task_reserve(task, nargs)) {
        ml_spare_give(task, L);
        (void)luaL_error(L, "not enough memory for a task");
    }
    if (!spawn_inherit(L, vm->task, task)) {
        ml_spare_give(task, L);
        (void)lua_error(L);
    }
    return spawn_begin(task, L, nargs);
}

struct ml_task *ml_task_spawn_plainly(struct ml_loop *loop, lua_State *L,
                                      int nargs)
{
    struct ml_vm *vm = loop->vm;
    if (vm->handler == LUA_NOREF || !ml_spare_waits(L, vm) ||
        (vm->task != NULL && vm->task->localized)) {
        return NULL;
    }
    struct ml_task *task = task_again(loop);
    if (!task_reserve(task, nargs)) {
        ml_spare_give(task, L);
        return NULL;
    }
    return spawn_begin(task, L, nargs);
}

/* ---- the end ------------------------------------------------------------- */

static void catcher_free(struct ml_task *task)
{
    if (task->catcher != NULL) {
        ml_catcher_close(task->catcher);
        ml_alloc_free(&task->loop->vm->alloc, task->catcher,
                      sizeof *task->catcher);
    }
}

/* The only end of a task: its coroutine has ended, or was closed. */
void ml_task_end(struct ml_task *task, lua_State *L)
{
    struct ml_loop *loop = task->loop;
    ml_call_withdraw(task);
    ml_declare_none(task);
    ml_handle_release(L, task);
    ml_scopes_abandon(task, L);
    catcher_free(task);
    if (task->keeps) {
        loop->vm->let_go(loop->vm, task);
    }
    ml_group_remove(task);
    ml_queue_wake_all(&task->ends);
    ml_trace(loop, end, task);
    assert(!ml_list_linked(ml_task_link(task)) && "who ends is in no queue");
    ml_tasks_remove(loop, task);
    ml_site_unref(&loop->sites, task->site);
    ml_spare_give(task, L);
}

/* ---- step ----------------------------------------------------------------- */

void ml_task_ready(struct ml_task *task)
{
    task->state = ML_TASK_READY;
    ml_list_append(&task->loop->ready, ml_task_link(task));
    ml_trace(task->loop, ready, task);
}

/* The end of a task's last step. The others go with the main task. */
static void step_over(struct ml_task *task, lua_State *L)
{
    struct ml_loop *loop = task->loop;
    bool fatal = task->failed && task->id == loop->principal;
    ml_task_end(task, L);
    ml_kill_due(loop, L);
    if (fatal) {
        ml_loop_cancel_all(loop, "the main task failed");
    }
}

/* There was no memory for the outcome: it is a number, which needs none. */
static void outcome_lost(struct ml_task *task, lua_State *L, int error)
{
    struct ml_handle *handle = ml_handle_find(L, task);
    task->failed = true;
    if (handle != NULL) {
        handle->outcome = ML_FAILED;
        handle->error = (int16_t)error;
        lua_pop(L, 1);
    }
    if (task->strict) {
        task->group->failed = true;
        ml_scope_cancel(&task->group->scope, L, LUA_NOREF,
                        "a task of its group failed", task->loop->grace);
    }
}

/* An error outside of the protected call. The message is on top of the
 * coroutine, where closing a dead one expects it: so it is put back, and what is
 * reported lies elsewhere, for in there it may have the last slot. */
static void step_broken(struct ml_task *task, lua_State *L, int error)
{
    lua_State *co = task->shell.co;
    lua_xmove(co, L, 1);
    lua_pushvalue(L, -1);
    lua_xmove(L, co, 1);
    ml_failures_stray(task, L, L, "failed");
    outcome_lost(task, L, error);
    task->state = ML_TASK_DYING;
    ml_kill_members(task, L);
    ml_scopes_abandon(task, L);
    task->loop->vm->task = task;
    /* Its error is the one just reported. */
    (void)ml_thread_close(task->loop->vm, co, L);
    task->loop->vm->task = NULL;
    lua_settop(co, 0);
    step_over(task, L);
}

static void step_foreign(struct ml_task *task, lua_State *L)
{
    lua_pushcfunction(L, ml_body_foreign);
    lua_pushlightuserdata(L, task);
    if (lua_pcall(L, 1, 1, 0) != LUA_OK) {
        ml_failures_stray(task, L, L, "failed");
        outcome_lost(task, L, ENOMEM);
    } else if (lua_isuserdata(L, -1)) {
        ml_failures_report(task->loop, L);
    } else {
        lua_pop(L, 1); /* it waits to be taken */
    }
    task->state = ML_TASK_DYING;
    ml_kill_members(task, L);
    ml_kill_close(task, L);
    step_over(task, L);
}

/* A system call leaves the task ready or waiting before it suspends it; who else
 * suspends it knows nothing of that. */
static void step_yielded(struct ml_task *task, lua_State *L)
{
    if (task->doomed) {
        if (task->state == ML_TASK_RUNNING) {
            task->state = ML_TASK_READY; /* no more running: can be killed */
        } /* else it had to wait (for its group's members, for its mutex) */
        ml_task_kill(task, L);
    } else if (task->state == ML_TASK_RUNNING) {
        step_foreign(task, L);
    }
}

/* Ended by itself. `nresults` is 1 if a failure is to be reported. */
static void step_ended(struct ml_task *task, lua_State *L, int nresults)
{
    if (nresults == 1) {
        lua_xmove(task->shell.co, L, 1);
        ml_failures_report(task->loop, L);
    }
    step_over(task, L);
}

void ml_task_step(struct ml_task *task)
{
    struct ml_loop *loop = task->loop;
    struct ml_vm *vm = loop->vm;
    lua_State *co = task->shell.co;
    int nresults = 0;
    ml_trace(loop, step, task);
    task->state = ML_TASK_RUNNING;
    bool started = task->started;
    task->started = true;
    task->budget = ML_CALL_BUDGET;
    vm->task = task;
    vm->active = task->leaf;
    vm->turns++;
    int status = started ? ml_thread_go_on(vm, co, loop->L, &nresults)
                         : ml_thread_resume(vm, co, loop->L, lua_gettop(co) - 1,
                                            &nresults);
    vm->task = NULL;
    vm->active = NULL;
    if (status == LUA_YIELD) {
        step_yielded(task, loop->L);
    } else if (status == LUA_OK) {
        step_ended(task, loop->L, nresults);
    } else {
        step_broken(task, loop->L, status == LUA_ERRMEM ? ENOMEM : ML_EFAILED);
    }
    ml_kill_due(loop, loop->L); /* what a finalizer asked for in this step, or
                                   what waited for the task to give way */
}

/* ---- for reports ----------------------------------------------------------- */

const char *ml_task_status(const struct ml_task *task)
{
    static const char *const names[] = {"ready", "running", "waiting",
                                        "cancelled"};
    return names[task->state];
}

struct ml_task *ml_task_of_alarm(struct ml_alarm *alarm)
{
    return ml_container_of(alarm, struct ml_task, alarm);
}

lua_State *ml_task_coroutine(const struct ml_task *task, int depth)
{
    lua_State *co = task->shell.co;
    while (depth-- > 0) {
        co = lua_tothread(co, 1);
    }
    return co;
}

void ml_task_traceback(lua_State *L, struct ml_task *task)
{
    luaL_checkstack(L, 2 * task->depth + LUA_MINSTACK, "traceback");
    int first = lua_gettop(L) + 1;
    for (int depth = task->depth; depth >= 0; depth--) {
        ml_frame_traceback(L, task->loop->vm, ml_task_coroutine(task, depth),
                           depth > 0 ? "coroutine inside the task" : NULL, 0);
        if (depth > 0) {
            lua_pushliteral(L, "\n");
        }
    }
    lua_concat(L, lua_gettop(L) - first + 1);
}
