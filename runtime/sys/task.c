/* task.c - id, new, spawn, wait, join, kill, cancel, and a task's handle. */
#include "base/errno.h"
#include "core/arg.h"
#include "core/call.h"
#include "core/cycle.h"
#include "core/error.h"
#include "core/handle.h"
#include "core/kill.h"
#include "core/loop.h"
#include "core/misuse.h"
#include "core/scope.h"
#include "sys/event.h"
#include "sys/sys.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const char *const METATABLE = "miniloop.task";

/* ---- whom a call means ----------------------------------------------------- */

static void check_target(lua_State *L)
{
    if (ml_handle_test(L, ml_vm_upvalue(L), 1) == NULL) {
        ml_arg_expected(L, lua_type(L, 1) == LUA_TNUMBER, 1,
                        "a task's id or handle");
        (void)ml_misuse_integer(L, 1);
    }
}

/* Seniority: by id, only younger tasks can be meant, so an id, which anyone
 * can guess, gives no power over what came before. 0, or -errno. */
static int target_by_id(struct ml_task *self, int64_t id, struct ml_task **out)
{
    if (id <= self->id) {
        return -EPERM;
    }
    *out = ml_task_find(self->loop, id);
    return *out != NULL ? 0 : -ESRCH;
}

/* A handle is a capability, at any age. *out is NULL if its task has ended, and
 * stays as it was if it is of another loop. */
static int target_by_handle(struct ml_task *self,
                            const struct ml_handle *handle,
                            struct ml_task **out)
{
    struct ml_task *task = ml_handle_task(handle);
    if (task != NULL && task->loop != self->loop) {
        return -EINVAL;
    }
    *out = task;
    return 0;
}

static int target_of(lua_State *L, ml_call *call, struct ml_task **out)
{
    struct ml_task *self = ml_call_owner(call);
    int arg = ml_call_arg(call, 1);
    const struct ml_handle *handle = ml_handle_at(L, arg);
    return handle != NULL ? target_by_handle(self, handle, out)
                          : target_by_id(self, lua_tointeger(L, arg), out);
}

/* ---- id, new, kill, cancel --------------------------------------------------- */

static int id_attempt(lua_State *L, ml_call *call)
{
    lua_pushinteger(L, ml_call_owner(call)->id);
    return 1;
}

static void id_check(lua_State *L)
{
    lua_settop(L, 0);
}

static const ml_syscall sys_id = {.size = sizeof(ml_syscall),
                                  .name = "id",
                                  .check = id_check,
                                  .attempt = id_attempt,
                                  .flags = ML_SYSCALL_INSTANT};

static void new_check(lua_State *L)
{
    ml_misuse_callable(L, 1);
}

static int new_attempt(lua_State *L, ml_call *call)
{
    struct ml_task *task =
        ml_task_spawn(ml_call_loop(call), L, ml_call_nargs(call) - 1);
    lua_pushinteger(L, task->id);
    return 1;
}

int ml_sys_spawn(lua_State *L, struct ml_loop *loop, struct ml_group *group,
                 int nargs)
{
    struct ml_task *task = ml_task_spawn(loop, L, nargs);
    if (group != NULL) {
        ml_group_add(group, task);
    }
    ml_task_withhold(task);
    (void)ml_handle_push(L, task); /* may raise: there is no memory for it */
    ml_task_admit(task);
    if (group != NULL) {
        ml_group_admit(task, L);
    }
    return 1;
}

static const ml_syscall sys_new = {.size = sizeof(ml_syscall),
                                   .name = "new",
                                   .check = new_check,
                                   .attempt = new_attempt,
                                   .flags = ML_SYSCALL_INSTANT};

/* ml.spawn(f, ...). There is no request for it, and of all calls that never wait
 * it is made most: so it does without what those have in common. */
static int task_spawn(lua_State *L)
{
    struct ml_vm *vm = ml_vm_upvalue(L);
    struct ml_task *task = vm->task;
    if (task == NULL) {
        return ml_vm_misplaced(L, vm, "spawn");
    }
    ml_misuse_callable(L, 1);
    (void)ml_sys_spawn(L, task->loop, ml_group_current(task),
                       lua_gettop(L) - 1);
    return task->doomed && ml_vm_suspendable(L, vm) ? ml_task_depart(L) : 1;
}

static int detach_attempt(lua_State *L, ml_call *call)
{
    return ml_sys_spawn(L, ml_call_loop(call), NULL, ml_call_nargs(call) - 1);
}

static const ml_syscall sys_detach = {.size = sizeof(ml_syscall),
                                      .name = "detach",
                                      .check = new_check,
                                      .attempt = detach_attempt,
                                      .flags = ML_SYSCALL_INSTANT};

static void kill_check(lua_State *L)
{
    check_target(L);
    lua_settop(L, 1);
}

static int kill_attempt(lua_State *L, ml_call *call)
{
    struct ml_task *target = NULL;
    int err = target_of(L, call, &target);
    if (err != 0 || target == NULL) {
        return err != 0 ? err : -ESRCH;
    }
    ml_task_kill(target, L);
    lua_pushboolean(L, 1);
    return 1;
}

static const ml_syscall sys_kill = {.size = sizeof(ml_syscall),
                                    .name = "kill",
                                    .check = kill_check,
                                    .attempt = kill_attempt,
                                    .flags =
                                        ML_SYSCALL_INSTANT | ML_CALL_PROMPT};

static void cancel_check(lua_State *L)
{
    check_target(L);
    lua_settop(L, 2);
}

static int cancel_attempt(lua_State *L, ml_call *call)
{
    struct ml_task *target = NULL;
    int err = target_of(L, call, &target);
    if (err != 0 || target == NULL) {
        return err != 0 ? err : -ESRCH;
    }
    int reason = LUA_NOREF;
    if (!ml_misuse_absent(L, ml_call_arg(call, 2))) {
        lua_pushvalue(L, ml_call_arg(call, 2));
        reason = luaL_ref(L, LUA_REGISTRYINDEX);
    }
    err = ml_task_cancel(target, L, reason, NULL, target->loop->grace);
    if (err != 0) {
        return err;
    }
    lua_pushboolean(L, 1);
    return 1;
}

static const ml_syscall sys_cancel = {.size = sizeof(ml_syscall),
                                      .name = "cancel",
                                      .check = cancel_check,
                                      .attempt = cancel_attempt,
                                      .flags =
                                          ML_SYSCALL_INSTANT | ML_CALL_PROMPT};

/* ---- wait and join ----------------------------------------------------------- */

static void wait_check(lua_State *L)
{
    if (ml_event_test(L, 1)) {
        ml_event_syscall()->check(L);
        return;
    }
    check_target(L);
    (void)ml_misuse_opt_seconds(L, 2, 0);
    lua_settop(L, 2);
}

/* Begins to wait for a living task. Its handle, which stays on the stack at the
 * index call->number, will hold its outcome. */
static void wait_begin(lua_State *L, ml_call *call, struct ml_task *target)
{
    int timeout = ml_call_arg(call, 2);
    if (!ml_misuse_absent(L, timeout)) {
        ml_call_bound(call, lua_tonumber(L, timeout));
    }
    (void)ml_handle_push(L, target);
    call->number = lua_gettop(L);
}

static int wait_declare(lua_State *L, ml_call *call, struct ml_task *target)
{
    int refused = ml_cycle_refuse(L, call, target);
    if (refused != 0) {
        return refused;
    }
    if (call->number == 0) {
        wait_begin(L, call, target);
    }
    call->target = target->id;
    call->blocker = &call->target;
    int err = ml_declare_queue(call, &target->ends);
    return err != 0 ? err : ML_WAIT;
}

/* The task to wait for, or NULL and *answer is what to return; with an answer
 * of 0, the handle of the ended task is at the index call->number. */
static struct ml_task *wait_target(lua_State *L, ml_call *call, int *answer)
{
    struct ml_task *target = NULL;
    *answer = 0;
    if (call->number != 0) {
        return ml_handle_task(ml_handle_at(L, (int)call->number));
    }
    int err = target_of(L, call, &target);
    if (err != 0) {
        *answer = err;
    } else if (target == NULL) {
        call->number = ml_call_arg(call, 1);
    }
    return target;
}

/* Notes the task, which may have ended when the call gets its turn. */
static int wait_look(lua_State *L, ml_call *call)
{
    struct ml_task *target = NULL;
    if (!ml_event_test(L, ml_call_arg(call, 1)) &&
        target_of(L, call, &target) == 0 && target != NULL) {
        wait_begin(L, call, target);
    }
    return ML_WAIT;
}

static int wait_attempt(lua_State *L, ml_call *call)
{
    int answer = 0;
    if (call->woke == ML_WOKE_LOOK) {
        return wait_look(L, call);
    }
    if (ml_event_test(L, ml_call_arg(call, 1))) {
        call->def = ml_event_syscall(); /* from now on */
        return call->def->attempt(L, call);
    }
    struct ml_task *target = wait_target(L, call, &answer);
    if (target != NULL) {
        return wait_declare(L, call, target);
    }
    return answer != 0 ? answer : ml_handle_answer(L, (int)call->number);
}

/* As wait, but gives the results themselves, or raises the task's own error. */
static int join_attempt(lua_State *L, ml_call *call)
{
    int answer = 0;
    struct ml_task *target = wait_target(L, call, &answer);
    if (target != NULL) {
        answer = wait_declare(L, call, target);
        return answer == 2 ? lua_error(L) : answer; /* EDEADLK is on top */
    }
    return answer != 0 ? answer : ml_handle_join(L, (int)call->number);
}

static void wait_describe(const ml_call *call, char *text, size_t size)
{
    (void)snprintf(text, size, "for task %lld", (long long)call->target);
}

static const ml_syscall sys_wait = {.size = sizeof(ml_syscall),
                                    .name = "wait",
                                    .check = wait_check,
                                    .attempt = wait_attempt,
                                    .describe = wait_describe,
                                    .flags = ML_CALL_LOOKS};

static void join_check(lua_State *L)
{
    check_target(L);
    (void)ml_misuse_opt_seconds(L, 2, 0);
    lua_settop(L, 2);
}

static const ml_syscall sys_join = {.size = sizeof(ml_syscall),
                                    .name = "join",
                                    .check = join_check,
                                    .attempt = join_attempt,
                                    .describe = wait_describe};

/* ---- the handle as an object -------------------------------------------------- */

static struct ml_handle *check_handle(lua_State *L)
{
    return (struct ml_handle *)ml_arg_udata(L, 1, METATABLE);
}

static int handle_status(lua_State *L)
{
    lua_pushstring(L, ml_handle_status(check_handle(L)));
    return 1;
}

static int handle_name(lua_State *L)
{
    ml_handle_get(L, 1, ML_HANDLE_NAME);
    return 1;
}

/* Upvalues: the vm, the methods (and, for suggestions, the fields' names). */
static int handle_index(lua_State *L)
{
    const struct ml_handle *handle = check_handle(L);
    const char *key = ml_arg_string(L, 2);
    if (strcmp(key, "id") == 0) {
        lua_pushinteger(L, handle->id);
        return 1;
    }
    if (strcmp(key, "name") == 0) {
        return handle_name(L);
    }
    lua_pushvalue(L, 2);
    if (lua_rawget(L, lua_upvalueindex(2)) == LUA_TNIL) {
        lua_pushvalue(L, lua_upvalueindex(2));
        return ml_misuse_key(L, "a task", key);
    }
    return 1;
}

static int handle_newindex(lua_State *L)
{
    (void)check_handle(L);
    const char *key = ml_arg_string(L, 2);
    if (strcmp(key, "name") != 0) {
        return luaL_error(L,
                          "the field '%s' of a task cannot be set; only "
                          "'name' can",
                          key);
    }
    if (lua_type(L, 3) != LUA_TSTRING && !lua_isnil(L, 3)) {
        return luaL_error(L, "the name of a task is a string; got %s",
                          luaL_typename(L, 3));
    }
    lua_settop(L, 3);
    ml_handle_setname(L, 1);
    return 0;
}

static int handle_tostring(lua_State *L)
{
    const struct ml_handle *handle = check_handle(L);
    ml_handle_get(L, 1, ML_HANDLE_NAME);
    const char *name = lua_tostring(L, -1);
    lua_pushfstring(L, "task %I%s%s%s: %s", (LUAI_UACINT)handle->id,
                    name != NULL ? " (" : "", name != NULL ? name : "",
                    name != NULL ? ")" : "", ml_handle_status(handle));
    return 1;
}

static int task_self(lua_State *L)
{
    struct ml_vm *vm = ml_vm_upvalue(L);
    if (vm->task == NULL) {
        return ml_vm_misplaced(L, vm, "self");
    }
    (void)ml_handle_push(L, vm->task);
    return 1;
}

static void open_handle(lua_State *L, struct ml_vm *vm)
{
    ml_handle_init(L, vm);
    luaL_getmetatable(L, METATABLE);
    lua_newtable(L);
    ml_sys_method(L, vm, "wait", &sys_wait);
    ml_sys_method(L, vm, "join", &sys_join);
    ml_sys_method(L, vm, "kill", &sys_kill);
    ml_sys_method(L, vm, "cancel", &sys_cancel);
    ml_vm_pushclosure(L, vm, handle_status, 0);
    lua_setfield(L, -2, "status");
    lua_pushboolean(L, 1);
    lua_setfield(L, -2, "id");
    lua_pushboolean(L, 1);
    lua_setfield(L, -2, "name");
    ml_vm_pushclosure(L, vm, handle_index, 1);
    lua_setfield(L, -2, "__index");
    ml_vm_pushclosure(L, vm, handle_newindex, 0);
    lua_setfield(L, -2, "__newindex");
    ml_vm_pushclosure(L, vm, handle_tostring, 0);
    lua_setfield(L, -2, "__tostring");
    lua_pop(L, 1);
}

void ml_sys_task_open(lua_State *L, struct ml_vm *vm)
{
    static const ml_syscall *const defs[] = {&sys_id,     &sys_new,  &sys_kill,
                                             &sys_cancel, &sys_wait, NULL};
    ml_sys_add(L, vm, defs);
    ml_vm_pushclosure(L, vm, task_spawn, 0);
    lua_setfield(L, -2, "spawn");
    ml_sys_method(L, vm, "detach", &sys_detach);
    ml_vm_pushclosure(L, vm, task_self, 0);
    lua_setfield(L, -2, "self");
    open_handle(L, vm);
}
