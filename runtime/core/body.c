#include "core/body.h"

#include "core/blame.h"
#include "core/failure.h"
#include "core/frame.h"
#include "core/handle.h"
#include "core/loop.h"
#include "core/scope.h"
#include "core/task.h"

/* What is kept of an error, in the task's slot of vm->traces: a table. */
enum {
    TRACE = 1,
    VALUE
};

/* Keeps the traceback on top for the error value at `index`; takes it off. */
static void trace_keep(lua_State *L, struct ml_task *task, int index)
{
    lua_createtable(L, 2, 0);
    lua_insert(L, -2);
    lua_rawseti(L, -2, TRACE);
    lua_pushvalue(L, index);
    lua_rawseti(L, -2, VALUE);
    ml_vm_setslot(L, task->loop->vm->traces, task->shell.slot);
    task->traced = true;
}

/* Arguments: the task, the error value. */
static int keep_traceback(lua_State *L)
{
    struct ml_task *task = (struct ml_task *)lua_touserdata(L, 1);
    luaL_checkstack(L, LUA_MINSTACK, "traceback");
    luaL_traceback(L, L, NULL, 2);
    trace_keep(L, task, 2);
    return 0;
}

int ml_body_rethrow(lua_State *L)
{
    struct ml_task *task = ml_vm_upvalue(L)->task;
    if (task != NULL) {
        task->rethrown = true;
    }
    return lua_error(L);
}

/* True if the traceback that is kept is that of the error value at `index`. An
 * older one is kept where there was no memory for another; and Lua asks for none
 * when memory runs out. */
static bool is_traced(lua_State *L, const struct ml_task *task, int index)
{
    if (!task->traced) {
        return false;
    }
    lua_rawgeti(L, LUA_REGISTRYINDEX, task->loop->vm->traces);
    lua_rawgeti(L, -1, task->shell.slot);
    lua_rawgeti(L, -1, VALUE);
    bool same = lua_rawequal(L, -1, index) != 0 ||
                lua_rawequal(L, index, index) == 0; /* not a number */
    lua_pop(L, 3);
    return same;
}

/* True if the error at index 1 is the one whose traceback is kept, let go by a
 * block on its way out. (A pcall may have caught that one meanwhile: then this
 * is another.) */
static bool is_rethrown(lua_State *L, struct ml_task *task)
{
    bool rethrown = task->rethrown;
    task->rethrown = false;
    return rethrown && is_traced(L, task, 1);
}

/* The message handler of a task's base frame: leaves the error value as it is
 * and keeps the traceback. */
static int task_message(lua_State *L)
{
    struct ml_task *task = ml_vm_upvalue(L)->task;
    if (!ml_frame_traces(L, task) || is_rethrown(L, task)) {
        return 1;
    }
    lua_pushcfunction(L, keep_traceback);
    lua_pushlightuserdata(L, task);
    lua_pushvalue(L, 1);
    if (lua_pcall(L, 2, 0, 0) != LUA_OK) {
        lua_pop(L, 1); /* no memory: the report will do without */
    }
    return 1;
}

/* The results are above the task and the message handler. */
static int body_done(lua_State *L, struct ml_task *task)
{
    int count = lua_gettop(L) - 2;
    luaL_checkstack(L, 4, "results");
    ml_handle_done(L, task, count);
    return 0;
}

static int body_cancelled(lua_State *L, struct ml_task *task)
{
    struct ml_handle *handle = ml_handle_find(L, task);
    if (handle != NULL) {
        lua_pushliteral(L, "reason");
        (void)lua_rawget(L, -3);
        ml_handle_set(L, -2, ML_HANDLE_VALUE);
        handle->outcome = ML_CANCELLED;
    }
    return 0;
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
    bool held = ml_handle_find(L, task) != NULL;
    struct ml_handle *handle = ml_handle_push(L, task);
    lua_pushvalue(L, value);
    ml_handle_set(L, -2, ML_HANDLE_VALUE);
    if (is_traced(L, task, value)) {
        lua_rawgeti(L, LUA_REGISTRYINDEX, loop->vm->traces);
        lua_rawgeti(L, -1, task->shell.slot);
        lua_rawgeti(L, -1, TRACE);
        ml_handle_set(L, -4, ML_HANDLE_TRACEBACK);
        lua_pop(L, 2);
    }
    ml_site_push(L, task->site);
    ml_handle_set(L, -2, ML_HANDLE_SPAWNED);
    ml_blame_add(L, task, value);
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

void ml_body_prepare(lua_State *L, struct ml_vm *vm)
{
    if (vm->handler == LUA_NOREF) {
        ml_vm_pushclosure(L, vm, task_message, 0);
        vm->handler = luaL_ref(L, LUA_REGISTRYINDEX);
    }
}

void ml_body_load(struct ml_task *task, lua_State *L, int nargs)
{
    lua_State *co = task->shell.co;
    lua_pushcfunction(co, body_main);
    lua_pushlightuserdata(co, task);
    lua_rawgeti(co, LUA_REGISTRYINDEX, task->loop->vm->handler);
    lua_xmove(L, co, nargs + 1);
}

/* Pushes what is wrong with the function that is innermost in `co`. */
static void push_foreign(lua_State *L, lua_State *co)
{
    lua_Debug ar = {.name = NULL}; /* and so it is if C called it */
    (void)ml_vm_frame(co, 0, "n", &ar);
    const char *name = ar.name;
    lua_pushfstring(L,
                    "the task was suspended by C code that is not the "
                    "runtime's (lua_yield%s%s%s)",
                    name != NULL ? " in '" : "", name != NULL ? name : "",
                    name != NULL ? "'" : "");
}

int ml_body_foreign(lua_State *L)
{
    struct ml_task *task = (struct ml_task *)lua_touserdata(L, 1);
    push_foreign(L, task->shell.co);
    ml_task_traceback(L, task);
    trace_keep(L, task, 2);
    return body_failed(L, task);
}
