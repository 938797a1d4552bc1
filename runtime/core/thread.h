/* thread.h - coroutines as the runtime uses them, and the differences between
 * the versions of Lua, in one place.
 *
 * Nothing else in the runtime calls lua_resume or closes a coroutine. */
#ifndef ML_CORE_THREAD_H
#define ML_CORE_THREAD_H

#include "core/vm.h"

/* What a system call yields, alone: a light userdata that nothing gives to a
 * script (by the debug library one can get at it; it is of no use). A coroutine
 * with it on top of its stack is inside a system call; it is still there when
 * the continuation runs, which takes it off. */
void ml_thread_pushmark(lua_State *L);

/* True if `co` is suspended inside a system call. */
bool ml_thread_marked(lua_State *co);

/* Resumes `co` with the `nargs` values on its top; one that is inside a system
 * call is resumed by ml_thread_go_on. Answers as lua_resume. Meanwhile,
 * vm->running is `co`. */
static inline int ml_thread_resume(struct ml_vm *vm, lua_State *co,
                                   lua_State *from, int nargs, int *nresults)
{
    lua_State *was = vm->running;
    vm->running = co;
    int status = lua_resume(co, from, nargs, nresults);
    vm->running = was;
    return status;
}

/* The same for one that is inside a system call: the mark that it yielded is
 * what it is resumed with, so nothing has to be moved. */
static inline int ml_thread_go_on(struct ml_vm *vm, lua_State *co,
                                  lua_State *from, int *nresults)
{
    return ml_thread_resume(vm, co, from, 1, nresults);
}

/* Closes `co`: runs its pending to-be-closed variables, which cannot suspend,
 * and empties its stack. Returns LUA_OK, or an error status with the error
 * value as the only value on its stack. Never raises. Meanwhile, vm->running
 * is `co`. */
int ml_thread_close(struct ml_vm *vm, lua_State *co, lua_State *from);

/* Stack slots to reserve for each task, beyond what it needs: 0 on a sound
 * Lua, many on one whose __concat leaves a stale top when the stack grows. */
int ml_thread_reserve(void);

/* What coroutine.status says of `co`. */
enum ml_thread_status {
    ML_THREAD_RUNNING,
    ML_THREAD_SUSPENDED,
    ML_THREAD_NORMAL, /* one inside a system call, too */
    ML_THREAD_DEAD
};

/* The same, seen from the coroutine L. */
enum ml_thread_status ml_thread_status(lua_State *L, lua_State *co);

#endif
