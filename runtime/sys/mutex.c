/* mutex.c - ml.mutex: one task at a time, in the order of asking.
 *
 * An unlocked mutex is handed to the task that has waited longest, not left for
 * whoever comes first: so nobody is passed over, and a task that is killed
 * after it was handed the mutex hands it on. */
#include "sys/mutex.h"

#include "core/arg.h"
#include "core/cycle.h"
#include "core/loop.h"
#include "core/misuse.h"
#include "core/request.h"
#include "core/task.h"
#include "sys/place.h"
#include "sys/sys.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const char *const METATABLE = "miniloop.mutex";

struct ml_mutex {
    struct ml_queue waiters;
    struct ml_place place; /* where it was made */
    int64_t owner;         /* the id of the task that has it, 0: free */
    uint32_t serial;       /* of that task's loop */
};

struct ml_mutex *ml_mutex_test(lua_State *L, int index)
{
    return (struct ml_mutex *)ml_vm_testudata(L, ml_vm_upvalue(L), index,
                                              METATABLE);
}

static struct ml_mutex *check_mutex(lua_State *L)
{
    return (struct ml_mutex *)ml_arg_udata(L, 1, METATABLE);
}

bool ml_mutex_held(const struct ml_mutex *mutex, const struct ml_task *task)
{
    return mutex->owner == task->id && mutex->serial == task->loop->serial;
}

static void mutex_own(struct ml_mutex *mutex, struct ml_task *task)
{
    task->locks++;
    mutex->owner = task->id;
    mutex->serial = task->loop->serial;
}

bool ml_mutex_take(struct ml_mutex *mutex, struct ml_task *task)
{
    if (mutex->owner != 0) {
        return false;
    }
    mutex_own(mutex, task);
    return true;
}

void ml_mutex_pass(struct ml_mutex *mutex, struct ml_task *owner)
{
    ml_call *next = ml_queue_first(&mutex->waiters);
    mutex->owner = 0;
    owner->locks--;
    if (next != NULL) {
        mutex_own(mutex, next->task);
        ml_call_wake(next, ML_WOKE_GIVEN);
    }
}

int ml_mutex_await(struct ml_mutex *mutex, ml_call *call)
{
    call->blocker = &mutex->owner;
    return ml_declare_queue(call, &mutex->waiters);
}

/* ---- lock ------------------------------------------------------------------------ */

/* The mutex is its own guard: to close it unlocks it. */
static int answer_guard(lua_State *L, ml_call *call)
{
    call->data = NULL;
    lua_pushvalue(L, ml_call_arg(call, 1));
    return 1;
}

static int lock_attempt(lua_State *L, ml_call *call)
{
    struct ml_mutex *mutex = lua_touserdata(L, ml_call_arg(call, 1));
    call->data = mutex;
    if (call->woke == ML_WOKE_GIVEN || ml_mutex_take(mutex, call->task)) {
        return answer_guard(L, call);
    }
    if (ml_mutex_held(mutex, call->task)) {
        return luaL_error(L, "cannot lock the mutex: this task has locked it "
                             "already, and would wait for itself");
    }
    struct ml_task *owner = ml_task_find(call->task->loop, mutex->owner);
    int refused = ml_cycle_refuse(L, call, owner);
    if (refused != 0) {
        return refused;
    }
    int err = ml_mutex_await(mutex, call);
    return err != 0 ? err : ML_WAIT;
}

static void lock_withdraw(ml_call *call)
{
    struct ml_mutex *mutex = call->data;
    if (mutex != NULL && call->woke == ML_WOKE_GIVEN) {
        ml_mutex_pass(mutex, call->task);
    }
}

static void lock_check(lua_State *L)
{
    (void)check_mutex(L);
    lua_settop(L, 1);
}

static void lock_describe(const ml_call *call, char *text, size_t size)
{
    const struct ml_mutex *mutex = call->data;
    bool alive = ml_task_find(call->task->loop, mutex->owner) != NULL;
    char what[80];
    (void)snprintf(what, sizeof what, "the mutex that task %lld %s",
                   (long long)mutex->owner,
                   alive ? "has locked," : "has ended without unlocking,");
    ml_place_text(&mutex->place, what, text, size);
}

static const ml_syscall sys_lock = {.size = sizeof(ml_syscall),
                                    .name = "lock",
                                    .check = lock_check,
                                    .attempt = lock_attempt,
                                    .withdraw = lock_withdraw,
                                    .describe = lock_describe};

/* ---- the mutex as an object --------------------------------------------------------- */

static struct ml_task *check_task(lua_State *L, const char *method)
{
    struct ml_vm *vm = ml_vm_upvalue(L);
    if (vm->task == NULL) {
        (void)ml_vm_misplaced(L, vm, method);
    }
    return vm->task;
}

static int mutex_trylock(lua_State *L)
{
    struct ml_mutex *mutex = check_mutex(L);
    if (!ml_mutex_take(mutex, check_task(L, "trylock"))) {
        lua_pushnil(L);
        return 1;
    }
    lua_settop(L, 1);
    return 1;
}

static int mutex_unlock(lua_State *L)
{
    struct ml_mutex *mutex = check_mutex(L);
    if (!ml_mutex_held(mutex, check_task(L, "unlock"))) {
        return mutex->owner == 0
                   ? luaL_error(L, "cannot unlock the mutex: it is not locked")
                   : luaL_error(L,
                                "cannot unlock the mutex: task %I has locked "
                                "it, and alone may unlock it",
                                (LUAI_UACINT)mutex->owner);
    }
    ml_mutex_pass(mutex, ml_vm_upvalue(L)->task);
    lua_pushboolean(L, 1);
    return 1;
}

/* At the end of `local _ <close> = m:lock()`; harmless if the task unlocked it
 * before. */
static int mutex_close(lua_State *L)
{
    struct ml_mutex *mutex = check_mutex(L);
    struct ml_task *task = ml_vm_upvalue(L)->task;
    if (task != NULL && ml_mutex_held(mutex, task)) {
        ml_mutex_pass(mutex, task);
    }
    return 0;
}

static int mutex_new(lua_State *L)
{
    struct ml_mutex *mutex = lua_newuserdatauv(L, sizeof *mutex, 0);
    memset(mutex, 0, sizeof *mutex);
    ml_queue_init(&mutex->waiters);
    ml_place_here(&mutex->place, L);
    luaL_setmetatable(L, METATABLE);
    return 1;
}

void ml_sys_mutex_open(lua_State *L, struct ml_vm *vm)
{
    static const luaL_Reg methods[] = {
        {"trylock", mutex_trylock}, {"unlock", mutex_unlock}, {NULL, NULL}};
    ml_vm_pushclosure(L, vm, mutex_new, 0);
    lua_setfield(L, -2, "mutex");
    ml_object_type(L, vm, METATABLE, "a mutex");
    ml_vm_setfuncs(L, vm, methods);
    ml_sys_method(L, vm, "lock", &sys_lock);
    lua_pop(L, 1);
    luaL_getmetatable(L, METATABLE);
    ml_vm_pushclosure(L, vm, mutex_close, 0);
    lua_setfield(L, -2, "__close");
    lua_pop(L, 1);
}

const ml_syscall *ml_mutex_syscall(void)
{
    return &sys_lock;
}
