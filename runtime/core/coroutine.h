/* coroutine.h - Lua's coroutine library, made transparent for system calls.
 *
 * A generator inside a task may block. When a coroutine that the task created
 * makes a system call, it yields with a mark; our resume sees the mark and
 * yields in its turn, until the task itself is suspended. On a wake the chain
 * is resumed from the outside in. What a coroutine yields to its consumer has
 * no mark, and goes no further. */
#ifndef ML_CORE_COROUTINE_H
#define ML_CORE_COROUTINE_H

#include "core/vm.h"

/* Pushes a table with close, create, isyieldable, resume, running, status,
 * wrap and yield. Outside of tasks they behave as those of Lua. May raise. */
void ml_coroutine_push(lua_State *L, struct ml_vm *vm);

#endif
