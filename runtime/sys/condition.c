/* condition.c - ml.condition: wait until somebody says that it may be so.
 *
 * With a mutex the wait has two halves: until the notification, and until the
 * mutex is locked again. The second one is not cut by a timeout or a
 * cancellation: whoever comes back from `wait` has the mutex, in any case. */
#include "core/arg.h"
#include "core/call.h"
#include "core/error.h"
#include "core/misuse.h"
#include "core/scope.h"
#include "sys/mutex.h"
#include "sys/place.h"
#include "sys/sys.h"

#include <errno.h>
#include <stdio.h>

static const char *const METATABLE = "miniloop.condition";

struct condition {
    struct ml_queue waiters;
    struct ml_place place; /* where it was made */
};

static struct condition *check_condition(lua_State *L)
{
    return (struct condition *)ml_arg_udata(L, 1, METATABLE);
}

/* What call->number says of a wait. */
enum phase {
    FRESH,
    WAITING,
    NOTIFIED,
    TIMED_OUT,
    CANCELLED
};

static void notify(struct condition *condition)
{
    ml_call *next = ml_queue_first(&condition->waiters);
    if (next != NULL) {
        ml_call_wake(next, ML_WOKE_GIVEN);
    }
}

/* ---- wait -------------------------------------------------------------------------- */

static struct ml_mutex *wait_mutex(lua_State *L, const ml_call *call)
{
    return ml_mutex_test(L, ml_call_arg(call, 2));
}

static int wait_end(lua_State *L, ml_call *call)
{
    call->data = NULL; /* what it was handed is its own now */
    if (call->number == CANCELLED) {
        struct ml_scope *scope = ml_scope_pending(call->task);
        if (scope != NULL) {
            return ml_scope_raise(L, scope);
        }
    }
    if (call->number == TIMED_OUT) {
        return ml_error_fail(L, ETIMEDOUT, "wait");
    }
    lua_pushboolean(L, 1);
    return 1;
}

/* The second half: the mutex, if there is one. */
static int wait_lock(lua_State *L, ml_call *call)
{
    struct ml_mutex *mutex = wait_mutex(L, call);
    call->deadline = ML_TIME_NEVER;
    if (mutex == NULL || ml_mutex_held(mutex, call->task) ||
        ml_mutex_take(mutex, call->task)) {
        return wait_end(L, call);
    }
    call->data = mutex;
    int err = ml_mutex_await(mutex, call);
    return err != 0 ? err : ML_WAIT;
}

static int wait_begin(lua_State *L, ml_call *call)
{
    struct ml_mutex *mutex = wait_mutex(L, call);
    int timeout = ml_call_arg(call, 3);
    if (mutex != NULL && !ml_mutex_held(mutex, call->task)) {
        return luaL_error(L, "cannot wait: the mutex must be locked by the "
                             "task that waits");
    }
    if (ml_scope_pending(call->task) != NULL) {
        return ml_scope_raise(L, ml_scope_pending(call->task));
    }
    if (!ml_misuse_absent(L, timeout)) {
        call->alarm = ml_call_time(call, lua_tonumber(L, timeout));
        call->target = call->alarm;
    } else {
        call->target = ML_TIME_NEVER;
    }
    if (mutex != NULL) {
        ml_mutex_pass(mutex, call->task);
    }
    call->number = WAITING;
    call->data = lua_touserdata(L, ml_call_arg(call, 1));
    return ML_WAIT;
}

/* What has become of the first half, seen from how the call was woken. */
static void wait_turn(struct ml_call *call)
{
    if (call->woke == ML_WOKE_GIVEN) {
        call->number = NOTIFIED;
    } else if (ml_scope_pending(call->task) != NULL) {
        call->number = CANCELLED;
    } else if (call->target != ML_TIME_NEVER &&
               call->target <= ml_call_time(call, 0)) {
        call->number = TIMED_OUT;
    }
}

static int wait_attempt(lua_State *L, ml_call *call)
{
    struct condition *condition = lua_touserdata(L, ml_call_arg(call, 1));
    if (call->number == FRESH) {
        (void)wait_begin(L, call);
    } else if (call->number == WAITING) {
        wait_turn(call);
    }
    if (call->number != WAITING) {
        return wait_lock(L, call);
    }
    call->alarm = call->target;
    int err = ml_declare_queue(call, &condition->waiters);
    return err != 0 ? err : ML_WAIT;
}

/* Killed after it was notified, or after it was handed the mutex: somebody else
 * gets what it cannot use any more. */
static void wait_withdraw(ml_call *call)
{
    if (call->woke != ML_WOKE_GIVEN || call->data == NULL) {
        return;
    }
    if (call->number == WAITING) {
        notify(call->data);
    } else {
        ml_mutex_pass(call->data, call->task);
    }
}

static void wait_check(lua_State *L)
{
    (void)check_condition(L);
    if (lua_type(L, 2) == LUA_TNUMBER && lua_gettop(L) == 2) {
        lua_pushnil(L); /* wait(timeout) */
        lua_insert(L, 2);
    }
    ml_arg_expected(L, ml_misuse_absent(L, 2) || ml_mutex_test(L, 2) != NULL, 2,
                    "a mutex");
    (void)ml_misuse_opt_seconds(L, 3, 0);
    lua_settop(L, 3);
}

static void wait_describe(const ml_call *call, char *text, size_t size)
{
    if (call->number == WAITING) {
        const struct condition *condition = call->data;
        ml_place_text(&condition->place, "for the condition", text, size);
    } else {
        (void)snprintf(text, size, "for its mutex");
    }
}

static const ml_syscall condition_wait = {.size = sizeof(ml_syscall),
                                          .name = "wait",
                                          .check = wait_check,
                                          .attempt = wait_attempt,
                                          .withdraw = wait_withdraw,
                                          .describe = wait_describe,
                                          .flags = ML_CALL_UNYIELDING};

/* ---- notify -------------------------------------------------------------------------- */

static int condition_notify(lua_State *L)
{
    struct condition *condition = check_condition(L);
    lua_Integer n = ml_misuse_absent(L, 2) ? 1 : ml_misuse_integer(L, 2);
    for (; n > 0 && ml_queue_first(&condition->waiters) != NULL; n--) {
        notify(condition);
    }
    return 0;
}

static int condition_notify_all(lua_State *L)
{
    struct condition *condition = check_condition(L);
    while (ml_queue_first(&condition->waiters) != NULL) {
        notify(condition);
    }
    return 0;
}

static int condition_new(lua_State *L)
{
    struct condition *condition = lua_newuserdatauv(L, sizeof *condition, 0);
    ml_queue_init(&condition->waiters);
    ml_place_here(&condition->place, L);
    luaL_setmetatable(L, METATABLE);
    return 1;
}

void ml_sys_condition_open(lua_State *L, struct ml_vm *vm)
{
    static const luaL_Reg methods[] = {{"notify", condition_notify},
                                       {"notify_all", condition_notify_all},
                                       {NULL, NULL}};
    ml_vm_pushclosure(L, vm, condition_new, 0);
    lua_setfield(L, -2, "condition");
    ml_object_type(L, vm, METATABLE, "a condition");
    ml_vm_setfuncs(L, vm, methods);
    ml_sys_method(L, vm, "wait", &condition_wait);
    lua_pop(L, 1);
}
