/* body.h - what runs at the bottom of every task's coroutine.
 *
 * The base frame is a protected call. So an error runs to-be-closed variables
 * where they may suspend, and the outcome is stored inside the coroutine, where
 * running out of memory is the task's own error. */
#ifndef ML_CORE_BODY_H
#define ML_CORE_BODY_H

#include "core/vm.h"

struct ml_task;

/* Makes the message handler of tasks, once for a state. May raise. */
void ml_body_prepare(lua_State *L, struct ml_vm *vm);

/* Lays the base frame, and the function and `nargs` arguments on top of L, onto
 * the task's empty coroutine, which has room for them (ML_BODY_STACK besides). */
void ml_body_load(struct ml_task *task, lua_State *L, int nargs);

enum {
    ML_BODY_STACK = 8
};

/* For a protected call, with the task as a light userdata: a yield that is none
 * of ours is the task's failure. Gives its handle if it is to be reported. */
int ml_body_foreign(lua_State *L);

/* Raises the error on top, which a block of the running task has let through,
 * again: its traceback stays that of where it happened. Never returns. */
int ml_body_rethrow(lua_State *L);

#endif
