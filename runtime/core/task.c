#include "core/task.h"

#include "base/errno.h"
#include "core/catcher.h"
#include "core/handle.h"
#include "core/loop.h"
#include "core/misuse.h"
#include "core/scope.h"
#include "core/thread.h"
#include "core/trace.h"

#include <errno.h>
#include <string.h>

enum {
    BUCKETS_MIN = 64
};

/* ---- the table of living tasks ------------------------------------------ */

static struct ml_task **bucket_of(const struct ml_loop *loop, int64_t id)
{
    return &loop->tasks[(size_t)id & (loop->nbuckets - 1)];
}

struct ml_task *ml_task_find(struct ml_loop *loop, int64_t id)
{
    if (loop->nbuckets == 0) {
        return NULL;
    }
    struct ml_task *task = *bucket_of(loop, id);
    while (task != NULL && task->id != id) {
        task = task->hashed;
    }
    return task;
}

/* Gives the table `n` buckets, a power of 2, and fills them from the list. */
static int table_resize(struct ml_loop *loop, size_t n)
{
    struct ml_task **tasks =
        ml_alloc_resize(&loop->vm->alloc, loop->tasks,
                        loop->nbuckets * sizeof(struct ml_task *),
                        n * sizeof(struct ml_task *));
    if (tasks == NULL) {
        return -ENOMEM;
    }
    memset(tasks, 0, n * sizeof(struct ml_task *));
    loop->tasks = tasks;
    loop->nbuckets = n;
    ml_list_each (item, &loop->live) {
        struct ml_task *task = ml_container_of(item, struct ml_task, live);
        struct ml_task **bucket = bucket_of(loop, task->id);
        task->hashed = *bucket;
        *bucket = task;
    }
    return 0;
}

/* Makes room for one more. */
static int table_grow(struct ml_loop *loop)
{
    if (loop->ntasks < loop->nbuckets) {
        return 0;
    }
    return table_resize(loop,
                        loop->nbuckets > 0 ? loop->nbuckets * 2 : BUCKETS_MIN);
}

static void table_add(struct ml_loop *loop, struct ml_task *task)
{
    struct ml_task **bucket = bucket_of(loop, task->id);
    task->hashed = *bucket;
    *bucket = task;
    ml_list_append(&loop->live, &task->live);
    loop->ntasks++;
}

static void table_remove(struct ml_loop *loop, struct ml_task *task)
{
    struct ml_task **at = bucket_of(loop, task->id);
    while (*at != task) {
        at = &(*at)->hashed;
    }
    *at = task->hashed;
    ml_list_unlink(&task->live);
    loop->ntasks--;
    if (loop->nbuckets > BUCKETS_MIN && loop->ntasks < loop->nbuckets / 8) {
        /* A shrinking that fails leaves the table as it was. */
        (void)table_resize(loop, loop->nbuckets / 4);
    }
}

/* ---- the body, in the coroutine ------------------------------------------ */

static void slot_set(lua_State *L, int table, int slot)
{
    lua_rawgeti(L, LUA_REGISTRYINDEX, table);
    lua_insert(L, -2);
    lua_rawseti(L, -2, slot);
    lua_pop(L, 1);
}

static int keep_traceback(lua_State *L)
{
    struct ml_task *task = (struct ml_task *)lua_touserdata(L, 1);
    luaL_checkstack(L, LUA_MINSTACK, "traceback");
    luaL_traceback(L, L, NULL, 2);
    slot_set(L, task->loop->vm->traces, task->shell.slot);
    task->traced = true;
    return 0;
}

/* The message handler of a task's base frame: leaves the error value as it is
 * and keeps the traceback. Not while the task is being killed: then an old
 * handler may be called for errors of to-be-closed variables. */
static int task_message(lua_State *L)
{
    struct ml_task *task = ml_vm_upvalue(L)->task;
    if (task == NULL || task->state == ML_TASK_DYING ||
        lua_checkstack(L, LUA_MINSTACK) == 0 || ml_scope_is_any(L, 1, task)) {
        return 1;
    }
    lua_pushcfunction(L, keep_traceback);
    lua_pushlightuserdata(L, task);
    if (lua_pcall(L, 1, 0, 0) != LUA_OK) {
        lua_pop(L, 1); /* no memory: the report will do without */
    }
    return 1;
}

/* The results are above the task and the message handler. */
static int body_done(lua_State *L, struct ml_task *task)
{
    int count = lua_gettop(L) - 2;
    luaL_checkstack(L, 4, "results");
    struct ml_handle *handle = task->handled ? ml_handle_find(L, task) : NULL;
    if (handle != NULL) {
        lua_insert(L, 3);
        ml_handle_done(L, handle, count);
    }
    return 0;
}

static int body_cancelled(lua_State *L, struct ml_task *task)
{
    struct ml_handle *handle = ml_handle_find(L, task);
    if (handle != NULL) {
        lua_pushliteral(L, "reason");
        (void)lua_rawget(L, -3);
        (void)lua_setiuservalue(L, -2, ML_HANDLE_VALUE);
        handle->outcome = ML_CANCELLED;
    }
    return 0;
}

/* A task that dies of a nil is likely to have ignored the error beside it: its
 * traceback, in the handle on top, is told of the last one it was given. */
static void advise(lua_State *L, struct ml_task *task, int value)
{
    const struct ml_vm *vm = task->loop->vm;
    const char *text = lua_tostring(L, value);
    if (lua_type(L, value) != LUA_TSTRING ||
        strstr(text, "a nil value") == NULL) {
        return;
    }
    lua_rawgeti(L, LUA_REGISTRYINDEX, vm->lasts);
    if (lua_rawgeti(L, -1, task->shell.slot) != LUA_TNIL) {
        (void)lua_getiuservalue(L, -3, ML_HANDLE_TRACEBACK);
        const char *trace = lua_isstring(L, -1) ? lua_tostring(L, -1) : "";
        lua_pushfstring(L,
                        "%s\nthe last call of this task that failed gave it "
                        "nil and this error:\n\t%s",
                        trace, luaL_tolstring(L, -2, NULL));
        (void)lua_setiuservalue(L, -6, ML_HANDLE_TRACEBACK);
        lua_pop(L, 2);
    }
    lua_pop(L, 2);
}

/* Stores the error value on top in its handle. If nobody holds the handle, it
 * is returned, for the loop to report; else it waits to be taken. */
static int body_failed(lua_State *L, struct ml_task *task)
{
    struct ml_loop *loop = task->loop;
    int value = lua_gettop(L);
    luaL_checkstack(L, 8, "failure");
    if (ml_scope_is_own(L, value, task)) {
        return body_cancelled(L, task);
    }
    bool held = task->handled && ml_handle_find(L, task) != NULL;
    struct ml_handle *handle = ml_handle_push(L, task);
    lua_pushvalue(L, value);
    (void)lua_setiuservalue(L, -2, ML_HANDLE_VALUE);
    if (task->traced) {
        lua_rawgeti(L, LUA_REGISTRYINDEX, loop->vm->traces);
        lua_rawgeti(L, -1, task->shell.slot);
        (void)lua_setiuservalue(L, -3, ML_HANDLE_TRACEBACK);
        lua_pop(L, 1);
    }
    ml_site_push(L, task->site);
    (void)lua_setiuservalue(L, -2, ML_HANDLE_SPAWNED);
    advise(L, task, value);
    handle->outcome = ML_FAILED;
    task->failed = true;
    if (task->strict) {
        ml_group_fail(L, task);
        return 0;
    }
    if (held) {
        handle->due = ml_time_add(ml_loop_now(loop), ML_FAILURE_PATIENCE);
        ml_failures_add(loop, L);
    }
    return held ? 0 : 1;
}

static int body_k(lua_State *L, int status, lua_KContext ctx)
{
    struct ml_task *task = (struct ml_task *)ctx;
    if (task->doomed) {
        return 0; /* it ran on where nothing can suspend: killed all the same */
    }
    return status == LUA_OK || status == LUA_YIELD ? body_done(L, task)
                                                   : body_failed(L, task);
}

/* The base frame of every task: arguments are the task, the message handler,
 * the function and its arguments. With a protected call at the bottom, an
 * error runs to-be-closed variables where they may suspend. */
static int body_main(lua_State *L)
{
    struct ml_task *task = (struct ml_task *)lua_touserdata(L, 1);
    int status = lua_pcallk(L, lua_gettop(L) - 3, LUA_MULTRET, 2,
                            (lua_KContext)task, body_k);
    return body_k(L, status, (lua_KContext)task);
}

/* ---- locals ---------------------------------------------------------------- */

static void locals_set(lua_State *L, struct ml_task *task)
{
    lua_pushvalue(L, -1);
    slot_set(L, task->loop->vm->locals, task->shell.slot);
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

/* A new task starts with its parent's values, in a table of its own. */
static void locals_inherit(lua_State *L, struct ml_task *parent,
                           struct ml_task *task)
{
    luaL_checkstack(L, 6, "locals");
    ml_task_locals(L, parent);
    lua_newtable(L);
    lua_pushnil(L);
    while (lua_next(L, -3) != 0) {
        lua_pushvalue(L, -2);
        lua_insert(L, -2);
        lua_rawset(L, -4);
    }
    locals_set(L, task);
    lua_pop(L, 2);
}

/* ---- spawn --------------------------------------------------------------- */

static void push_handler(lua_State *L, struct ml_vm *vm)
{
    if (vm->handler == LUA_NOREF) {
        ml_vm_pushclosure(L, vm, task_message, 0);
        vm->handler = luaL_ref(L, LUA_REGISTRYINDEX);
    }
}

static struct ml_task *task_new(struct ml_loop *loop)
{
    struct ml_task *task = NULL;
    if (table_grow(loop) == 0) {
        task = ml_alloc_resize(&loop->vm->alloc, NULL, 0, sizeof *task);
    }
    if (task == NULL) {
        return NULL;
    }
    memset(task, 0, sizeof *task);
    task->loop = loop;
    task->waits = &task->wait;
    task->maxwaits = 1;
    ml_list_init(&task->ready);
    ml_list_init(&task->live);
    ml_list_init(&task->member);
    ml_list_init(&task->spread);
    ml_queue_init(&task->ends);
    ml_timer_init(&task->alarm.timer);
    task->alarm.kind = ML_ALARM_PARK;
    return task;
}

/* Lays the base frame, and the function and arguments on top of L, onto the
 * empty coroutine, which has room for them. */
static void task_load(struct ml_task *task, lua_State *L, int nargs)
{
    lua_State *co = task->shell.co;
    lua_pushcfunction(co, body_main);
    lua_pushlightuserdata(co, task);
    lua_rawgeti(co, LUA_REGISTRYINDEX, task->loop->vm->handler);
    lua_xmove(L, co, nargs + 1);
}

struct ml_task *ml_task_spawn(struct ml_loop *loop, lua_State *L, int nargs)
{
    struct ml_vm *vm = loop->vm;
    luaL_checkstack(L, 4, "spawn");
    push_handler(L, vm);
    struct ml_shell shell = ml_vm_take(L, vm);
    struct ml_task *task = task_new(loop);
    if (task == NULL ||
        lua_checkstack(shell.co, nargs + 8 + vm->reserve) == 0) {
        ml_vm_give(L, vm, shell, true);
        ml_alloc_free(&vm->alloc, task, sizeof *task);
        (void)luaL_error(L, "not enough memory for a task");
    }
    task->shell = shell;
    task->leaf = shell.co;
    task->id = ++loop->last_id;
    task->site =
        ml_site_here(&loop->sites, L, vm->task != NULL ? vm->task->site : NULL);
    if (vm->task != NULL && vm->task->localized) {
        locals_inherit(L, vm->task, task);
    }
    task_load(task, L, nargs);
    table_add(loop, task);
    ml_trace(loop, spawn, task);
    ml_task_ready(task);
    return task;
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
static void task_end(struct ml_task *task, lua_State *L)
{
    struct ml_loop *loop = task->loop;
    ml_call_withdraw(task);
    ml_declare_none(task);
    struct ml_handle *handle = ml_handle_find(L, task);
    if (handle != NULL) {
        if (handle->outcome == ML_ALIVE) {
            handle->outcome = ML_CANCELLED;
        }
        lua_pop(L, 1);
    }
    ml_handle_release(L, task);
    ml_scopes_abandon(task, L);
    catcher_free(task);
    ml_group_remove(task);
    (void)ml_queue_wake_all(&task->ends);
    ml_trace(loop, end, task);
    ml_vm_give(L, loop->vm, task->shell, !task->exposed);
    ml_list_unlink(&task->ready);
    table_remove(loop, task);
    ml_site_unref(&loop->sites, task->site);
    ml_alloc_free(&loop->vm->alloc, task, sizeof *task);
}

/* ---- kill ----------------------------------------------------------------- */

/* The coroutine that `depth` others lie between the task's own and. Each one
 * is at index 1 in the frame of the resume that the one before is inside of;
 * a chain is never long, for Lua limits nested C calls. */
static lua_State *coroutine_at(const struct ml_task *task, int depth)
{
    lua_State *co = task->shell.co;
    while (depth-- > 0) {
        co = lua_tothread(co, 1);
    }
    return co;
}

static void kill_coroutine(struct ml_task *task, lua_State *co, lua_State *L)
{
    struct ml_vm *vm = task->loop->vm;
    vm->active = co;
    if (ml_thread_close(vm, co, L) != LUA_OK) {
        ml_failures_stray(task, co, L);
    }
}

/* Innermost first: the coroutines that it is inside of, then its own. */
static void kill_close(struct ml_task *task, lua_State *L)
{
    struct ml_vm *vm = task->loop->vm;
    struct ml_task *running = vm->task;
    lua_State *active = vm->active;
    ml_call_withdraw(task);
    ml_scopes_abandon(task, L);
    vm->task = task;
    for (int depth = task->depth; depth >= 0; depth--) {
        kill_coroutine(task, coroutine_at(task, depth), L);
    }
    vm->task = running;
    vm->active = active;
}

static void kill_one(struct ml_task *task, lua_State *L)
{
    kill_close(task, L);
    task_end(task, L);
}

/* Takes a task that does not run out of whatever it is in. */
static void kill_detach(struct ml_task *task)
{
    if (task->state == ML_TASK_WAITING) {
        ml_unpark(task);
    }
    task->state = ML_TASK_DYING;
    ml_list_unlink(&task->ready);
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
        } else if (!ml_list_linked(&task->ready)) {
            continue; /* it is at its end already */
        }
        ml_list_unlink(&task->ready);
        ml_list_prepend(&loop->kills, &task->ready);
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
static void kill_all_asked(struct ml_loop *loop, lua_State *L)
{
    loop->killing = true;
    while (!ml_list_empty(&loop->kills)) {
        struct ml_task *task =
            ml_container_of(loop->kills.next, struct ml_task, ready);
        if (!has_members(task)) {
            ml_list_unlink(&task->ready);
            kill_one(task, L);
            continue;
        }
        kill_expand_all(task, task->scope);
        if (loop->kills.next == &task->ready) {
            break; /* one of them runs, and has to give way or end first */
        }
    }
    loop->killing = false;
}

/* Kills the members of the groups of a task that has come to its end on the
 * way: none of them runs, for nothing does. */
static void kill_members(struct ml_task *task, lua_State *L)
{
    kill_expand_all(task, task->scope);
    kill_all_asked(task->loop, L);
}

void ml_task_kill(struct ml_task *task, lua_State *L)
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
        ml_list_prepend(&loop->kills, &task->ready);
    } else {
        ml_list_append(&loop->kills, &task->ready);
    }
    if (!loop->killing) {
        kill_all_asked(loop, L);
    }
}

int ml_task_check_doom(lua_State *L, struct ml_task *task)
{
    if (!task->doomed || !ml_vm_suspendable(L, task->loop->vm)) {
        return 0;
    }
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

/* ---- step ----------------------------------------------------------------- */

void ml_task_ready(struct ml_task *task)
{
    task->state = ML_TASK_READY;
    ml_list_append(&task->loop->ready, &task->ready);
    ml_trace(task->loop, ready, task);
}

/* The end of a task's last step. The others go with the main task. */
static void step_over(struct ml_task *task, lua_State *L)
{
    struct ml_loop *loop = task->loop;
    bool fatal = task->failed && task->id == loop->principal;
    task_end(task, L);
    if (!loop->killing) {
        kill_all_asked(loop, L); /* the owner's of its group, if it waits */
    }
    if (fatal) {
        ml_loop_cancel_all(loop, "the main task failed");
    }
}

/* An error outside of the protected call: no memory for the outcome. The
 * message is on top of the coroutine, where closing a dead one expects it; so a
 * copy is reported. */
static void step_broken(struct ml_task *task, lua_State *L, int error)
{
    lua_State *co = task->shell.co;
    struct ml_handle *handle = ml_handle_find(L, task);
    task->failed = true;
    if (handle != NULL) {
        handle->outcome = ML_FAILED;
        handle->error = error;
        lua_pop(L, 1);
    }
    if (lua_checkstack(co, 1) != 0) {
        lua_pushvalue(co, -1);
        ml_failures_stray(task, co, L);
    }
    if (task->strict && task->group != NULL) {
        task->group->failed = true;
        ml_scope_cancel(&task->group->scope, L, LUA_NOREF,
                        "a task of its group failed", task->loop->grace);
    }
    task->state = ML_TASK_DYING;
    kill_members(task, L);
    ml_scopes_abandon(task, L);
    task->loop->vm->task = task;
    /* Its error is the one just reported. */
    (void)ml_thread_close(task->loop->vm, co, L);
    task->loop->vm->task = NULL;
    lua_settop(co, 0);
    step_over(task, L);
}

/* In a protected call: a yield that is none of ours is the task's failure. */
static int foreign_main(lua_State *L)
{
    struct ml_task *task = (struct ml_task *)lua_touserdata(L, 1);
    ml_task_traceback(L, task);
    slot_set(L, task->loop->vm->traces, task->shell.slot);
    task->traced = true;
    lua_pushliteral(L, "the task was suspended by C code that is not the "
                       "runtime's (lua_yield)");
    return body_failed(L, task);
}

static void step_foreign(struct ml_task *task, lua_State *L)
{
    lua_pushcfunction(L, foreign_main);
    lua_pushlightuserdata(L, task);
    if (lua_pcall(L, 1, 1, 0) == LUA_OK && lua_isuserdata(L, -1)) {
        ml_failures_report(task->loop, L);
    } else {
        lua_pop(L, 1); /* it waits to be taken; or no memory to tell of it */
    }
    task->state = ML_TASK_DYING;
    kill_members(task, L);
    kill_close(task, L);
    step_over(task, L);
}

static void step_yielded(struct ml_task *task, lua_State *L)
{
    if (task->doomed) {
        if (task->state == ML_TASK_RUNNING) {
            task->state = ML_TASK_READY; /* no more running: can be killed */
        } /* else it had to wait (for its group's members, for its mutex) */
        ml_task_kill(task, L);
    } else if (!ml_thread_marked(task->shell.co)) {
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
    int nargs = task->started ? 0 : lua_gettop(co) - 1;
    int nresults = 0;
    ml_trace(loop, step, task);
    task->state = ML_TASK_RUNNING;
    task->started = true;
    task->budget = ML_CALL_BUDGET;
    vm->task = task;
    vm->active = task->leaf;
    vm->turns++;
    int status = ml_thread_resume(vm, co, loop->L, nargs, &nresults);
    vm->task = NULL;
    vm->active = NULL;
    if (status == LUA_YIELD) {
        step_yielded(task, loop->L);
    } else if (status == LUA_OK) {
        step_ended(task, loop->L, nresults);
    } else {
        step_broken(task, loop->L, status == LUA_ERRMEM ? ENOMEM : ML_EFAILED);
    }
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

void ml_task_traceback(lua_State *L, struct ml_task *task)
{
    luaL_checkstack(L, 2 * task->depth + LUA_MINSTACK, "traceback");
    int first = lua_gettop(L) + 1;
    for (int depth = task->depth; depth >= 0; depth--) {
        luaL_traceback(L, coroutine_at(task, depth),
                       depth > 0 ? "coroutine inside the task" : NULL, 0);
        if (depth > 0) {
            lua_pushliteral(L, "\n");
        }
    }
    lua_concat(L, lua_gettop(L) - first + 1);
}
