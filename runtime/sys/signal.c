/* signal.c - ml.signals, syscall.signal: signals as something to wait for. */
#include "base/cast.h"
#include "base/nearest.h"
#include "core/arg.h"
#include "core/call.h"
#include "core/catcher.h"
#include "core/loop.h"
#include "core/misuse.h"
#include "core/request.h"
#include "sys/sys.h"

#include <errno.h>
#include <stdio.h>
#include <strings.h>

static const char *const METATABLE = "miniloop.signals";

/* The name that was meant, or NULL: a shell has them as "SIGTERM", and in small
 * letters, too. */
static const char *meant_name(const char *name)
{
    const char *names[ML_SIGNALS_MAX + 1] = {NULL};
    name += strncasecmp(name, "SIG", 3) == 0 ? 3 : 0;
    for (int i = 0; i < ML_SIGNALS_MAX && ml_signal_name(i) != NULL; i++) {
        names[i] = ml_signal_name(i);
        if (strcasecmp(name, names[i]) == 0) {
            return names[i];
        }
    }
    return ml_nearest(name, names);
}

static int refuse_name(lua_State *L, int arg)
{
    const char *name = lua_tostring(L, arg);
    const char *near = meant_name(name);
    ml_arg_error(
        L, arg,
        near != NULL
            ? lua_pushfstring(L, "unknown signal '%s'; did you mean '%s'?",
                              name, near)
            : lua_pushfstring(L,
                              "unknown signal '%s', or one that cannot be "
                              "caught",
                              name));
}

/* The signals that the arguments from `arg` on name; raises for others. */
static uint64_t check_names(lua_State *L, int arg)
{
    uint64_t mask = 0;
    ml_arg_type(L, arg, LUA_TSTRING);
    for (; arg <= lua_gettop(L); arg++) {
        ml_arg_type(L, arg, LUA_TSTRING);
        int index = ml_signal_index(lua_tostring(L, arg));
        if (index < 0) {
            (void)refuse_name(L, arg);
        }
        mask |= UINT64_C(1) << index;
    }
    return mask;
}

/* Answers with a signal of the mask, or waits for one. */
static int take_or_wait(lua_State *L, ml_call *call, struct ml_catcher *catcher,
                        uint64_t mask)
{
    int index = ml_catcher_first(catcher, mask);
    if (index >= 0) {
        lua_pushstring(L, ml_signal_name(index)); /* may fail: then it stays */
        ml_catcher_take(catcher, index);
        return 1;
    }
    int err = ml_declare_queue(call, &catcher->waiters);
    return err != 0 ? err : ML_WAIT;
}

/* ---- syscall.signal: what the task catches, until it ends --------------------------- */

static void signal_check(lua_State *L)
{
    (void)check_names(L, 1);
}

static struct ml_catcher *task_catcher(struct ml_task *task)
{
    if (task->catcher == NULL) {
        struct ml_catcher *catcher =
            ml_alloc_resize(&task->loop->vm->alloc, NULL, 0, sizeof *catcher);
        if (catcher != NULL) {
            ml_catcher_init(catcher, task->loop);
            task->catcher = catcher;
        }
    }
    return task->catcher;
}

static int signal_attempt(lua_State *L, ml_call *call)
{
    struct ml_catcher *catcher = task_catcher(call->task);
    uint64_t mask = 0;
    if (catcher == NULL) {
        return -ENOMEM;
    }
    for (int i = 1; i <= call->nargs; i++) {
        mask |= UINT64_C(1)
                << ml_signal_index(lua_tostring(L, ml_call_arg(call, i)));
    }
    int err = ml_catcher_add(catcher, mask);
    return err != 0 ? err : take_or_wait(L, call, catcher, mask);
}

static const ml_syscall sys_signal = {.size = sizeof(ml_syscall),
                                      .name = "signal",
                                      .check = signal_check,
                                      .attempt = signal_attempt};

/* ---- ml.signals: what a block catches ------------------------------------------------ */

static struct ml_catcher *check_catcher(lua_State *L)
{
    return (struct ml_catcher *)ml_arg_udata(L, 1, METATABLE);
}

static void wait_check(lua_State *L)
{
    (void)check_catcher(L);
    (void)ml_misuse_opt_seconds(L, 2, 0);
    lua_settop(L, 2);
}

static int wait_attempt(lua_State *L, ml_call *call)
{
    struct ml_catcher *catcher = lua_touserdata(L, ml_call_arg(call, 1));
    int timeout = ml_call_arg(call, 2);
    if (catcher->mask == 0) {
        return -EBADF;
    }
    if (call->woke == ML_WOKE_NOT && !ml_misuse_absent(L, timeout)) {
        ml_call_bound(call, lua_tonumber(L, timeout));
    }
    return take_or_wait(L, call, catcher, catcher->mask);
}

static const ml_syscall signals_wait = {.size = sizeof(ml_syscall),
                                        .name = "wait",
                                        .check = wait_check,
                                        .attempt = wait_attempt};

static int signals_close(lua_State *L)
{
    struct ml_catcher *catcher = check_catcher(L);
    if (catcher->mask != 0) {
        ml_catcher_close(catcher);
    }
    lua_pushboolean(L, 1);
    return 1;
}

/* ml.signals(name, ...) */
static int signals_new(lua_State *L)
{
    struct ml_vm *vm = ml_vm_upvalue(L);
    uint64_t mask = check_names(L, 1);
    if (vm->task == NULL) {
        return ml_vm_misplaced(L, vm, "signals");
    }
    struct ml_catcher *catcher = lua_newuserdatauv(L, sizeof *catcher, 0);
    ml_catcher_init(catcher, vm->task->loop);
    luaL_setmetatable(L, METATABLE);
    int err = ml_catcher_add(catcher, mask);
    return err != 0 ? ml_fail(L, -err, "signals", NULL, NULL) : 1;
}

void ml_sys_signal_open(lua_State *L, struct ml_vm *vm)
{
    static const luaL_Reg methods[] = {{"close", signals_close}, {NULL, NULL}};
    static const luaL_Reg metamethods[] = {
        {"__close", signals_close}, {"__gc", signals_close}, {NULL, NULL}};
    (void)ml_request_add(L, vm, &sys_signal);
    ml_vm_pushclosure(L, vm, signals_new, 0);
    lua_setfield(L, -2, "signals");
    ml_object_type(L, vm, METATABLE, "a catcher of signals");
    ml_vm_setfuncs(L, vm, methods);
    ml_sys_method(L, vm, "wait", &signals_wait);
    lua_setfield(L, -2, "signals_methods"); /* for miniloop.lua to add to */
    luaL_getmetatable(L, METATABLE);
    ml_vm_setfuncs(L, vm, metamethods);
    lua_pop(L, 1);
}
