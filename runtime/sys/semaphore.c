/* semaphore.c - ml.semaphore: so many at a time; and syscall.acquire, which
 * takes a semaphore or a mutex. */
#include "core/arg.h"
#include "core/call.h"
#include "core/misuse.h"
#include "core/request.h"
#include "sys/mutex.h"
#include "sys/place.h"
#include "sys/sys.h"

static const char *const METATABLE = "miniloop.semaphore";

struct semaphore {
    struct ml_queue waiters;
    struct ml_place place; /* where it was made */
    lua_Integer free;      /* how many may still acquire it */
};

static struct semaphore *check_semaphore(lua_State *L)
{
    return (struct semaphore *)ml_arg_udata(L, 1, METATABLE);
}

/* One place is free: it is handed to the task that has waited longest. */
static void semaphore_pass(struct semaphore *semaphore)
{
    ml_call *next = ml_queue_first(&semaphore->waiters);
    if (next != NULL) {
        ml_call_wake(next, ML_WOKE_GIVEN);
    } else {
        semaphore->free++;
    }
}

/* ---- acquire ----------------------------------------------------------------------- */

/* The semaphore is its own guard: to close it releases one place. */
static int answer_guard(lua_State *L, ml_call *call)
{
    lua_pushvalue(L, ml_call_arg(call, 1));
    return 1;
}

static int acquire_attempt(lua_State *L, ml_call *call)
{
    struct semaphore *semaphore = lua_touserdata(L, ml_call_arg(call, 1));
    int timeout = ml_call_arg(call, 2);
    call->data = semaphore;
    if (call->woke == ML_WOKE_GIVEN) {
        return answer_guard(L, call);
    }
    if (semaphore->free > 0) {
        semaphore->free--;
        return answer_guard(L, call);
    }
    if (call->woke == ML_WOKE_NOT && !ml_misuse_absent(L, timeout)) {
        ml_call_bound(call, lua_tonumber(L, timeout));
    }
    int err = ml_declare_queue(call, &semaphore->waiters);
    return err != 0 ? err : ML_WAIT;
}

static void acquire_withdraw(ml_call *call)
{
    if (call->woke == ML_WOKE_GIVEN) {
        semaphore_pass(call->data);
    }
}

static void acquire_check(lua_State *L)
{
    (void)check_semaphore(L);
    (void)ml_misuse_opt_seconds(L, 2, 0);
    lua_settop(L, 2);
}

static void acquire_describe(const ml_call *call, char *text, size_t size)
{
    const struct semaphore *semaphore = call->data;
    ml_place_text(&semaphore->place, "the semaphore", text, size);
}

static const ml_syscall semaphore_acquire = {.size = sizeof(ml_syscall),
                                             .name = "acquire",
                                             .check = acquire_check,
                                             .attempt = acquire_attempt,
                                             .withdraw = acquire_withdraw,
                                             .describe = acquire_describe};

/* ---- syscall.acquire: of a semaphore or a mutex --------------------------------------- */

static const ml_syscall *meant(lua_State *L, int index)
{
    return ml_mutex_test(L, index) != NULL ? ml_mutex_syscall()
                                           : &semaphore_acquire;
}

static void either_check(lua_State *L)
{
    ml_arg_expected(L,
                    ml_mutex_test(L, 1) != NULL ||
                        ml_vm_testudata(L, ml_vm_upvalue(L), 1, METATABLE) !=
                            NULL,
                    1, "a mutex or a semaphore");
    meant(L, 1)->check(L);
}

/* From the first attempt on, the call is the one that is meant. */
static int either_attempt(lua_State *L, ml_call *call)
{
    call->def = meant(L, ml_call_arg(call, 1));
    return call->def->attempt(L, call);
}

static const ml_syscall sys_acquire = {.size = sizeof(ml_syscall),
                                       .name = "acquire",
                                       .check = either_check,
                                       .attempt = either_attempt};

/* ---- the semaphore as an object --------------------------------------------------------- */

static int semaphore_release(lua_State *L)
{
    struct semaphore *semaphore = check_semaphore(L);
    ml_arg_check(L, semaphore->free < LUA_MAXINTEGER, 1,
                 "it has all the places that can be counted");
    semaphore_pass(semaphore);
    lua_pushboolean(L, 1);
    return 1;
}

static int semaphore_new(lua_State *L)
{
    lua_Integer n = ml_misuse_integer(L, 1);
    ml_arg_check(L, n >= 0, 1, "a count cannot be negative");
    struct semaphore *semaphore = lua_newuserdatauv(L, sizeof *semaphore, 0);
    semaphore->free = n;
    ml_queue_init(&semaphore->waiters);
    ml_place_here(&semaphore->place, L);
    luaL_setmetatable(L, METATABLE);
    return 1;
}

void ml_sys_semaphore_open(lua_State *L, struct ml_vm *vm)
{
    static const luaL_Reg methods[] = {{"release", semaphore_release},
                                       {NULL, NULL}};
    (void)ml_request_add(L, vm, &sys_acquire);
    ml_vm_pushclosure(L, vm, semaphore_new, 0);
    lua_setfield(L, -2, "semaphore");
    ml_object_type(L, vm, METATABLE, "a semaphore");
    ml_vm_setfuncs(L, vm, methods);
    ml_sys_method(L, vm, "acquire", &semaphore_acquire);
    lua_pop(L, 1);
    luaL_getmetatable(L, METATABLE);
    ml_vm_pushclosure(L, vm, semaphore_release, 0);
    lua_setfield(L, -2, "__close");
    lua_pop(L, 1);
}
