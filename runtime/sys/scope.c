/* scope.c - ml.timeout, ml.shield, ml.try: blocks in the task that calls. */
#include "core/scope.h"
#include "core/body.h"
#include "core/call.h"
#include "core/error.h"
#include "core/loop.h"
#include "core/misuse.h"
#include "sys/sys.h"

#include <errno.h>

/* In the frame of a block: the scope at index 1, the message handler at 2,
 * then the function and its arguments, later what it gave. */
enum {
    SCOPE = 1,
    HANDLER = 2,
    BLOCK = 3
};

/* Makes the frame from the function's arguments, and enters the scope. */
static struct ml_scope *block_enter(lua_State *L, struct ml_vm *vm,
                                    struct ml_task *task,
                                    enum ml_scope_kind kind)
{
    struct ml_scope *scope = lua_newuserdatauv(L, sizeof *scope, 0);
    lua_insert(L, SCOPE);
    lua_rawgeti(L, LUA_REGISTRYINDEX, vm->handler);
    lua_insert(L, HANDLER);
    ml_scope_enter(scope, L, task, kind);
    return scope;
}

/* Runs the block; `k` gets the scope. */
static int block_run(lua_State *L, struct ml_scope *scope, lua_KFunction k)
{
    int nargs = lua_gettop(L) - BLOCK;
    return k(L,
             lua_pcallk(L, nargs, LUA_MULTRET, HANDLER, (lua_KContext)scope, k),
             (lua_KContext)scope);
}

static bool succeeded(int status)
{
    return status == LUA_OK || status == LUA_YIELD;
}

/* ---- timeout ------------------------------------------------------------------ */

static int timeout_k(lua_State *L, int status, lua_KContext ctx)
{
    struct ml_scope *scope = (struct ml_scope *)ctx;
    bool mine = !succeeded(status) && ml_scope_raised(L, -1, scope);
    ml_scope_leave(scope, L);
    if (mine) {
        return ml_error_fail(L, ETIMEDOUT, "timeout");
    }
    return succeeded(status) ? lua_gettop(L) - HANDLER : ml_body_rethrow(L);
}

/* ml.timeout(seconds, f, ...) */
static int scope_timeout(lua_State *L)
{
    struct ml_vm *vm = ml_vm_upvalue(L);
    struct ml_task *task = ml_call_task(L, vm, "timeout");
    double seconds = ml_misuse_seconds(L, 1);
    ml_misuse_callable(L, 2);
    lua_remove(L, 1);
    struct ml_scope *scope = block_enter(L, vm, task, ML_SCOPE_TIMEOUT);
    int64_t deadline =
        ml_time_add(ml_loop_now(task->loop), ml_time_from_seconds(seconds));
    if (deadline != ML_TIME_NEVER && ml_scope_arm(scope, deadline) != 0) {
        ml_scope_leave(scope, L);
        return luaL_error(L, "not enough memory for a timeout");
    }
    return block_run(L, scope, timeout_k);
}

/* ---- shield ------------------------------------------------------------------- */

static int shield_k(lua_State *L, int status, lua_KContext ctx)
{
    ml_scope_leave((struct ml_scope *)ctx, L);
    return succeeded(status) ? lua_gettop(L) - HANDLER : ml_body_rethrow(L);
}

/* ml.shield(f, ...) */
static int scope_shield(lua_State *L)
{
    struct ml_vm *vm = ml_vm_upvalue(L);
    struct ml_task *task = ml_call_task(L, vm, "shield");
    ml_misuse_callable(L, 1);
    return block_run(L, block_enter(L, vm, task, ML_SCOPE_SHIELD), shield_k);
}

/* ---- try ---------------------------------------------------------------------- */

/* The function's results are above the vm's task: true goes before them. */
static int try_k(lua_State *L, int status, lua_KContext ctx)
{
    struct ml_task *task = (struct ml_task *)ctx;
    if (!succeeded(status) && ml_scope_is_any(L, -1, task)) {
        return lua_error(L);
    }
    lua_pushboolean(L, succeeded(status));
    lua_replace(L, 1);
    return lua_gettop(L);
}

/* ml.try(f, ...): a pcall that lets the running task's cancellation through. */
static int scope_try(lua_State *L)
{
    struct ml_task *task = ml_call_task(L, ml_vm_upvalue(L), "try");
    ml_misuse_callable(L, 1);
    lua_pushnil(L); /* room for the boolean */
    lua_insert(L, 1);
    int nargs = lua_gettop(L) - 2;
    return try_k(
        L, lua_pcallk(L, nargs, LUA_MULTRET, 0, (lua_KContext)task, try_k),
        (lua_KContext)task);
}

void ml_sys_scope_open(lua_State *L, struct ml_vm *vm)
{
    static const luaL_Reg functions[] = {{"timeout", scope_timeout},
                                         {"shield", scope_shield},
                                         {"try", scope_try},
                                         {NULL, NULL}};
    ml_vm_setfuncs(L, vm, functions);
}
