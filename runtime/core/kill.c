#include "core/kill.h"

#include "core/failure.h"
#include "core/handle.h"
#include "core/loop.h"
#include "core/scope.h"
#include "core/thread.h"

#include <assert.h>

static void kill_coroutine(struct ml_task *task, lua_State *co, lua_State *L)
{
    struct ml_vm *vm = task->loop->vm;
    vm->active = co;
    if (ml_thread_close(vm, co, L) != LUA_OK) {
        ml_failures_stray(task, co, L, "close");
    }
}

/* Innermost first: the coroutines that it is inside of, then its own. */
void ml_kill_close(struct ml_task *task, lua_State *L)
{
    struct ml_vm *vm = task->loop->vm;
    struct ml_task *running = vm->task;
    lua_State *active = vm->active;
    enum ml_cap_level level = ml_cap_enter(vm->cap, ML_CAP_CLEANUP);
    ml_call_withdraw(task);
    ml_scopes_abandon(task, L);
    vm->task = task;
    for (int depth = task->depth; depth >= 0; depth--) {
        kill_coroutine(task, ml_task_coroutine(task, depth), L);
    }
    vm->task = running;
    vm->active = active;
    ml_cap_leave(vm->cap, level);
}

/* Arguments: the handle, the task's own scope. */
static int keep_reason(lua_State *L)
{
    ml_scope_push_reason(L, (struct ml_scope *)lua_touserdata(L, 2));
    ml_handle_set(L, 1, ML_HANDLE_VALUE);
    return 0;
}

/* A task that was cancelled before (it never ran, or it would not listen) ends
 * with the reason of that. Whoever asks for a kill has room for this. */
static void kill_explain(struct ml_task *task, lua_State *L)
{
    if (task->own == NULL || ml_handle_find(L, task) == NULL) {
        return;
    }
    lua_pushcfunction(L, keep_reason);
    lua_insert(L, -2);
    lua_pushlightuserdata(L, &task->own->scope);
    if (lua_pcall(L, 2, 0, 0) != LUA_OK) {
        lua_pop(L, 1); /* no memory for a text of the runtime's */
    }
}

/* Clean-up that might have blocked may not, and has no error to look at. */
static void kill_report(struct ml_task *task, lua_State *L)
{
    lua_pushnil(L);
    lua_pushnil(L);
    ml_failures_mention(task, L, "killed");
}

static void kill_one(struct ml_task *task, lua_State *L)
{
    if (task->uncancelled && task->started) {
        kill_report(task, L);
    }
    kill_explain(task, L);
    ml_kill_close(task, L);
    ml_task_end(task, L);
}

/* Takes a task that does not run out of whatever it is in. */
static void kill_detach(struct ml_task *task)
{
    if (task->state == ML_TASK_WAITING) {
        ml_unpark(task);
    }
    task->state = ML_TASK_DYING;
    ml_list_unlink(ml_task_link(task));
}

/* Puts the members of the task's groups before it, so that the newest of the
 * innermost group comes first. One that runs (it asked for this kill) is
 * doomed: it goes as soon as it gives way, and its owner waits for that. */
static void kill_expand(struct ml_loop *loop, struct ml_group *group)
{
    ml_list_each_safe (item, &group->members) {
        struct ml_task *task = ml_container_of(item, struct ml_task, member);
        if (task->state == ML_TASK_RUNNING) {
            task->doomed = true;
            continue;
        }
        if (task->state != ML_TASK_DYING) {
            kill_detach(task);
        } else if (!ml_list_linked(ml_task_link(task))) {
            continue; /* it is at its end already */
        }
        ml_list_unlink(ml_task_link(task));
        ml_list_prepend(&loop->kills, ml_task_link(task));
    }
}

/* The outermost group's members are put in first, and so come last. */
static void kill_expand_all(struct ml_task *task, struct ml_scope *scope)
{
    struct ml_scope *last = NULL; /* the scopes before it are done */
    while (last != scope) {
        struct ml_scope *s = scope;
        while (s->outer != last) {
            s = s->outer;
        }
        if (s->kind == ML_SCOPE_GROUP) {
            kill_expand(task->loop, (struct ml_group *)s);
        }
        last = s;
    }
}

static bool has_members(const struct ml_task *task)
{
    for (const struct ml_scope *s = task->scope; s != NULL; s = s->outer) {
        if (s->kind == ML_SCOPE_GROUP &&
            !ml_list_empty(&((const struct ml_group *)s)->members)) {
            return true;
        }
    }
    return false;
}

/* Carries out the kills that are asked for, those that its handlers ask for
 * meanwhile right after it: by iteration, for the chain may be long. The members
 * of a task's groups go first, and whoever joins them meanwhile. */
void ml_kill_continue(struct ml_loop *loop, lua_State *L)
{
    assert(!loop->killing && "one iteration");
    loop->killing = true;
    while (!ml_list_empty(&loop->kills)) {
        struct ml_task *task = ml_task_of_link(loop->kills.next);
        if (!has_members(task)) {
            ml_list_unlink(ml_task_link(task));
            kill_one(task, L);
            continue;
        }
        kill_expand_all(task, task->scope);
        if (loop->kills.next == ml_task_link(task)) {
            break; /* one of them runs, and has to give way or end first */
        }
    }
    loop->killing = false;
}

void ml_kill_members(struct ml_task *task, lua_State *L)
{
    kill_expand_all(task, task->scope);
    ml_kill_continue(task->loop, L);
}

/* While another kill is being carried out; and where a finalizer asks for one:
 * then the step of the running task ends first. */
static bool must_wait(const struct ml_loop *loop, lua_State *L)
{
    const struct ml_vm *vm = loop->vm;
    return loop->killing || (vm->task != NULL && ml_vm_finalizing(L));
}

void ml_task_kill_later(struct ml_task *task)
{
    struct ml_loop *loop = task->loop;
    if (task->state == ML_TASK_RUNNING) {
        task->doomed = true;
        return;
    }
    if (task->state == ML_TASK_DYING) {
        return;
    }
    kill_detach(task);
    if (task->doomed) { /* others may wait for it to go */
        ml_list_prepend(&loop->kills, ml_task_link(task));
    } else {
        ml_list_append(&loop->kills, ml_task_link(task));
    }
}

void ml_task_kill_uncancelled(struct ml_task *task)
{
    task->uncancelled = true;
    ml_task_kill_later(task);
}

void ml_kill_due(struct ml_loop *loop, lua_State *L)
{
    if (!ml_list_empty(&loop->kills) && !must_wait(loop, L)) {
        ml_kill_continue(loop, L);
    }
}

void ml_task_kill(struct ml_task *task, lua_State *L)
{
    struct ml_loop *loop = task->loop; /* the task may be freed */
    ml_task_kill_later(task);
    ml_kill_due(loop, L);
}

void ml_task_withhold(struct ml_task *task)
{
    kill_detach(task);
    ml_list_append(&task->loop->kills, ml_task_link(task));
}

void ml_task_admit(struct ml_task *task)
{
    ml_list_unlink(ml_task_link(task));
    ml_task_ready(task);
}

int ml_task_depart(lua_State *L)
{
    luaL_checkstack(L, 1, "yield");
    ml_thread_pushmark(L);
    return lua_yield(L, 1);
}

/* Lua 5.4.4 goes on wrongly after a yield in a hook; this one is not gone on
 * with, the coroutine is closed as it is. */
bool ml_task_halt(lua_State *L, struct ml_task *task)
{
    if (!ml_vm_suspendable(L, task->loop->vm)) {
        return false;
    }
    task->doomed = true;
    (void)lua_yield(L, 0);
    return true;
}
