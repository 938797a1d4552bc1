/* serve.c - what net.serve needs of C. Its work is done in Lua, see
 * lua/miniloop/net.lua; but misuse is to be raised at the caller's line with
 * the function's own name, as by all the others, so the arguments are checked
 * here. */
#include "core/arg.h"
#include "core/call.h"
#include "core/failure.h"
#include "core/handle.h"
#include "core/misuse.h"
#include "core/scope.h"
#include "core/task.h"
#include "core/vm.h"
#include "sys/listener.h"
#include "sys/option.h"
#include "sys/secure.h"
#include "sys/sys.h"

/* The options of serve itself, and with those of listen. */
static const char *const own_names[] = {"limit", "on_error", NULL};
static const char *const all_names[] = {
    "backlog",   "limit", "maxline", "mode",   "nodelay", "on_error",
    "reuseport", "tls",   "unlink",  "v6only", NULL};

static void check_limit(lua_State *L, int arg)
{
    if (ml_option_integer(L, arg, "limit", 1) == 0) {
        (void)ml_option_refuse(L, arg, "limit", "at least 1");
    }
}

static void check_on_error(lua_State *L, int arg)
{
    int type = ml_option_push(L, arg, "on_error");
    if (type != LUA_TNIL && type != LUA_TFUNCTION &&
        luaL_getmetafield(L, -1, "__call") == LUA_TNIL) {
        (void)ml_option_refuse(L, arg, "on_error", "a function");
    }
    lua_settop(L, arg);
}

/* address or listener, handler, options */
static void serve_check(lua_State *L)
{
    lua_settop(L, 3);
    if (ml_listener_is(L, 1)) {
        ml_option_check(L, 3, own_names);
    } else {
        ml_option_check(L, 3, all_names);
        ml_listen_check(L, 1, 3);
    }
    ml_misuse_callable(L, 2);
    check_limit(L, 3);
    check_on_error(L, 3);
}

/* Upvalues: the vm, the function that serves. */
static int serve(lua_State *L)
{
    ml_secure_begin(L, "serve", 3);
    serve_check(L);
    return ml_secure_call(L);
}

/* server(f): a function that calls `f` with arguments that are checked. */
static int serve_new(lua_State *L)
{
    return ml_secure_function(L, serve);
}

/* spawn(listener, f, ...): as spawn, with a listener that does not outlive the
 * task. One that was killed before it began, or had no memory to begin with,
 * closes nothing, and clients would wait for ever for who is not there. */
static int serve_spawn(lua_State *L)
{
    struct ml_vm *vm = ml_vm_upvalue(L);
    struct ml_task *task = vm->task;
    if (task == NULL) {
        return ml_vm_misplaced(L, vm, "spawn");
    }
    ml_arg_expected(L, ml_listener_is(L, 1), 1, "a listener");
    ml_misuse_callable(L, 2);
    (void)ml_sys_spawn(L, task->loop, ml_group_current(task),
                       lua_gettop(L) - 2);
    ml_listener_keep(L, 1, ml_handle_task(ml_handle_at(L, -1)));
    return task->doomed && ml_vm_suspendable(L, vm) ? ml_task_depart(L) : 1;
}

/* report(err, traceback): tells of an error that ends no task, as that of a
 * task is told; the run's status stays. */
static int serve_report(lua_State *L)
{
    struct ml_task *task = ml_vm_upvalue(L)->task;
    lua_settop(L, 2);
    if (task != NULL) {
        ml_failures_mention(task, L, "failed");
    }
    return 0;
}

void ml_sys_serve_open(lua_State *L, struct ml_vm *vm)
{
    static const luaL_Reg functions[] = {{"server", serve_new},
                                         {"spawn", serve_spawn},
                                         {"report", serve_report},
                                         {NULL, NULL}};
    ml_vm_setfuncs(L, vm, functions);
}
