/* group.c - ml.group: a block that ends when every task in it has ended. */
#include "base/errno.h"
#include "core/arg.h"
#include "core/blame.h"
#include "core/body.h"
#include "core/call.h"
#include "core/error.h"
#include "core/failure.h"
#include "core/handle.h"
#include "core/loop.h"
#include "core/misuse.h"
#include "core/scope.h"
#include "sys/option.h"
#include "sys/sys.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const char *const METATABLE = "miniloop.group";

/* In the frame of ml.group: the group at index 1, the message handler at 2,
 * then the block's function and the group again; when it has ended, what it
 * gave, and the status of that on top. */
enum {
    GROUP = 1,
    HANDLER = 2
};

/* Members that a report names. */
enum {
    NAMED_MAX = 10
};

/* ---- the end of the block -------------------------------------------------------- */

/* Raises the failure of the group, whose members' failures are on top: that of
 * the one that failed first. */
static int raise_failure(lua_State *L, struct ml_task *task)
{
    int failures = lua_gettop(L);
    if (lua_rawgeti(L, -1, 1) == LUA_TNIL) {
        return luaL_error(L, "not enough memory for a failure of the group");
    }
    ml_handle_get(L, -1, ML_HANDLE_VALUE);
    ml_blame_note(L, task, failures);
    return lua_error(L);
}

/* Raises the block's own error, which is below the reason and the list of its
 * members' failures. */
static int raise_broken(lua_State *L, struct ml_task *task)
{
    int failures = lua_gettop(L);
    lua_pushvalue(L, -3);
    if (lua_rawlen(L, failures) > 0) {
        ml_blame_note(L, task, failures);
    }
    return ml_body_rethrow(L);
}

/* All members have ended; the block gave what is above HANDLER. Nothing here
 * may raise before the scope is left. */
static int group_result(lua_State *L, struct ml_group *group, bool ok)
{
    bool cancelled = group->scope.stage != ML_SCOPE_OPEN;
    bool mine = !ok && ml_scope_raised(L, -1, &group->scope);
    bool failed = group->failed && !group->broken;
    struct ml_task *task = group->scope.task;
    lua_rawgeti(L, LUA_REGISTRYINDEX, group->scope.reason);
    lua_rawgeti(L, LUA_REGISTRYINDEX, group->failures);
    ml_scope_leave(&group->scope, L);
    if (failed) {
        return raise_failure(L, task);
    }
    if (!ok && !mine) {
        return raise_broken(L, task);
    }
    lua_pop(L, 1);
    if (!cancelled) {
        lua_pop(L, 1);
        return lua_gettop(L) - HANDLER;
    }
    int reason = lua_gettop(L);
    int n = ml_error_fail(L, ECANCELED, "group");
    lua_pushliteral(L, "reason");
    lua_pushvalue(L, reason);
    lua_rawset(L, -3);
    return n;
}

/* Argument: the scope. */
static int deliver(lua_State *L)
{
    ml_scope_deliver(L, (struct ml_scope *)lua_touserdata(L, 1));
    return 1;
}

/* Pushes the error of the scope's cancellation. Without memory for it, that is
 * the error; to raise it here would leave the members alone. */
static void push_cancellation(lua_State *L, struct ml_scope *scope)
{
    lua_pushcfunction(L, deliver);
    lua_pushlightuserdata(L, scope);
    if (lua_pcall(L, 1, 1, 0) != LUA_OK) {
        scope->stage = ML_SCOPE_OVER;
    }
}

/* A cancellation that is heard while the group waits for its members has ended
 * them, for it spread; here it ends the block: its error takes the place of
 * what the block gave, unless that was an error already. */
static void join_hear(lua_State *L, struct ml_scope *scope)
{
    bool ok = lua_toboolean(L, -1) != 0;
    push_cancellation(L, scope);
    if (!ok) {
        lua_pop(L, 1);
        return;
    }
    lua_insert(L, HANDLER + 1);
    lua_settop(L, HANDLER + 1);
    lua_pushboolean(L, 0);
}

static int join_attempt(lua_State *L, ml_call *call)
{
    struct ml_group *group = lua_touserdata(L, GROUP);
    struct ml_scope *scope = ml_scope_pending(call->task);
    while (scope != NULL && scope->stage == ML_SCOPE_ASKED) {
        join_hear(L, scope);
        scope = ml_scope_pending(call->task);
    }
    if (!ml_list_empty(&group->members)) {
        int err = ml_declare_queue(call, &group->idle);
        return err != 0 ? err : ML_WAIT;
    }
    bool ok = lua_toboolean(L, -1) != 0;
    lua_pop(L, 1);
    return group_result(L, group, ok);
}

/* "for its tasks to end: 2, 3, ..." */
static void join_describe(const ml_call *call, char *text, size_t size)
{
    const struct ml_group *group = (const struct ml_group *)call->task->scope;
    const char *before = "for its tasks to end: ";
    int named = 0;
    ml_list_each (item, &group->members) {
        const struct ml_task *task =
            ml_container_of(item, struct ml_task, member);
        int n = named++ < NAMED_MAX ? snprintf(text, size, "%s%lld", before,
                                               (long long)task->id)
                                    : snprintf(text, size, ", ...");
        if (n < 0 || (size_t)n >= size || named > NAMED_MAX) {
            return;
        }
        before = ", ";
        text += n;
        size -= (size_t)n;
    }
}

static const ml_syscall group_join = {.size = sizeof(ml_syscall),
                                      .name = "group",
                                      .attempt = join_attempt,
                                      .describe = join_describe,
                                      .flags = ML_CALL_UNYIELDING};

static int too_many(lua_State *L)
{
    lua_pushliteral(L, "too many results of a group's block");
    return 1;
}

/* The block's results are too many to be held: pushes an error in their place,
 * which is another where there is no memory for the text. */
static void push_refusal(lua_State *L)
{
    lua_settop(L, HANDLER);
    lua_pushcfunction(L, too_many);
    (void)lua_pcall(L, 0, 1, 0);
}

/* The block is over. If it failed, the others are cancelled. Nothing here may
 * raise, or its members would be left alone. */
static int block_k(lua_State *L, int status, lua_KContext ctx)
{
    struct ml_group *group = (struct ml_group *)ctx;
    struct ml_task *task = group->scope.task;
    bool ok = status == LUA_OK || status == LUA_YIELD;
    if (task == NULL) {
        return luaL_error(L, "the task that this group was in has ended");
    }
    if (lua_checkstack(L, LUA_MINSTACK) == 0) {
        push_refusal(L);
        ok = false;
    }
    if (!ok) {
        group->broken = !group->failed && !ml_scope_is_any(L, -1, task);
        ml_scope_cancel(&group->scope, L, LUA_NOREF, "the block failed",
                        task->loop->grace);
    }
    lua_pushboolean(L, ok);
    return ml_call_start(L, task->loop->vm, &group_join, lua_gettop(L));
}

/* ---- ml.group(f) ------------------------------------------------------------------ */

static struct ml_group *group_new(lua_State *L)
{
    struct ml_group *group = lua_newuserdatauv(L, sizeof *group, 1);
    memset(group, 0, sizeof *group);
    ml_list_init(&group->members);
    ml_queue_init(&group->idle);
    luaL_setmetatable(L, METATABLE);
    lua_newtable(L);
    lua_pushvalue(L, -1);
    group->failures = luaL_ref(L, LUA_REGISTRYINDEX);
    (void)lua_setiuservalue(L, -2, 1);
    return group;
}

static int group_call(lua_State *L)
{
    struct ml_vm *vm = ml_vm_upvalue(L);
    struct ml_task *task = ml_call_task(L, vm, "group");
    ml_misuse_callable(L, 1);
    if (ml_call_barred(task)) {
        return ml_call_bar(L, task);
    }
    lua_settop(L, 1);
    struct ml_group *group = group_new(L);
    lua_insert(L, GROUP);
    lua_rawgeti(L, LUA_REGISTRYINDEX, vm->handler);
    lua_insert(L, HANDLER);
    lua_pushvalue(L, GROUP);
    ml_scope_enter(&group->scope, L, task, ML_SCOPE_GROUP);
    int status =
        lua_pcallk(L, 1, LUA_MULTRET, HANDLER, (lua_KContext)group, block_k);
    return block_k(L, status, (lua_KContext)group);
}

/* ---- the group as an object --------------------------------------------------------- */

static struct ml_group *check_group(lua_State *L)
{
    return (struct ml_group *)ml_arg_udata(L, 1, METATABLE);
}

static struct ml_group *check_open(lua_State *L, const char *method)
{
    struct ml_group *group = check_group(L);
    if (group->scope.task == NULL) {
        (void)luaL_error(L, "cannot '%s': the group has ended", method);
    }
    return group;
}

/* g:spawn(f, ...): its failure is the group's. */
static int group_spawn(lua_State *L)
{
    struct ml_group *group = check_open(L, "spawn");
    ml_misuse_callable(L, 2);
    (void)ml_sys_spawn(L, group->scope.task->loop, group, lua_gettop(L) - 2);
    struct ml_task *task = ml_handle_task(ml_handle_at(L, -1));
    if (task != NULL) {
        task->strict = true;
    }
    return 1;
}

static int64_t read_grace(lua_State *L, int arg, int64_t otherwise)
{
    if (ml_misuse_absent(L, arg)) {
        return otherwise;
    }
    static const char *const names[] = {"grace", NULL};
    ml_option_check(L, arg, names);
    if (ml_option_push(L, arg, "grace") == LUA_TNIL) {
        return otherwise;
    }
    return ml_time_from_seconds(ml_option_seconds(L, arg, "grace", 0));
}

/* g:cancel([reason [, {grace = s}]]) */
static int group_cancel(lua_State *L)
{
    struct ml_group *group = check_group(L);
    lua_settop(L, 3);
    if (group->scope.task != NULL) {
        struct ml_task *task = group->scope.task;
        int64_t grace = read_grace(L, 3, task->loop->grace);
        int reason = LUA_NOREF;
        if (!lua_isnil(L, 2)) {
            lua_pushvalue(L, 2);
            reason = luaL_ref(L, LUA_REGISTRYINDEX);
        }
        ml_scope_cancel(&group->scope, L, reason, NULL, grace);
    }
    lua_pushboolean(L, 1);
    return 1;
}

/* within(g): whether the running task ends with the group, being one of its
 * members, or of a group that one of them is in. */
static int group_within(lua_State *L)
{
    const struct ml_group *group = check_group(L);
    const struct ml_task *task = ml_vm_upvalue(L)->task;
    const struct ml_group *at = task != NULL ? task->group : NULL;
    while (at != NULL && at != group) {
        at = at->scope.task->group;
    }
    lua_pushboolean(L, at != NULL);
    return 1;
}

/* Pushes a table that describes the failure of the handle on top, and takes
 * the handle off. */
static void push_failure(lua_State *L)
{
    lua_createtable(L, 0, 4);
    lua_pushvalue(L, -2);
    lua_setfield(L, -2, "task");
    ml_handle_get(L, -2, ML_HANDLE_VALUE);
    lua_setfield(L, -2, "value");
    ml_handle_get(L, -2, ML_HANDLE_TRACEBACK);
    lua_setfield(L, -2, "traceback");
    ml_handle_get(L, -2, ML_HANDLE_SPAWNED);
    lua_setfield(L, -2, "spawned");
    lua_remove(L, -2);
}

/* g:failures(): a list of { task, value, traceback, spawned }, in their order. */
static int group_failures(lua_State *L)
{
    (void)check_group(L);
    (void)lua_getiuservalue(L, 1, 1);
    lua_Integer n = (lua_Integer)lua_rawlen(L, -1);
    lua_createtable(L, (int)n, 0);
    for (lua_Integer i = 1; i <= n; i++) {
        lua_rawgeti(L, -2, i);
        push_failure(L);
        lua_rawseti(L, -2, i);
    }
    return 1;
}

void ml_sys_group_open(lua_State *L, struct ml_vm *vm)
{
    static const luaL_Reg methods[] = {{"spawn", group_spawn},
                                       {"cancel", group_cancel},
                                       {"failures", group_failures},
                                       {NULL, NULL}};
    static const luaL_Reg functions[] = {
        {"group", group_call}, {"within", group_within}, {NULL, NULL}};
    ml_vm_setfuncs(L, vm, functions);
    ml_object_type(L, vm, METATABLE, "a group");
    ml_vm_setfuncs(L, vm, methods);
    lua_pop(L, 1);
}
