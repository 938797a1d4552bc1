/* spare.h - tasks that have ended, kept with their coroutines for the next ones.
 *
 * To make a coroutine and collect it takes many times what it takes to use one
 * again. One is used again only if nobody can tell: not if its thread value was
 * given to Lua (or may have been, where a host keeps Lua's `coroutine`), nor if
 * it has a hook. As many are kept as there were at once; those that are not
 * needed go a few at a time. */
#ifndef ML_CORE_SPARE_H
#define ML_CORE_SPARE_H

#include "core/vm.h"

struct ml_task;

/* True if there is one for a task that L spawns. */
static inline bool ml_spare_waits(lua_State *L, const struct ml_vm *vm)
{
    /* A new thread inherits the hook of its maker: then a spare one will not
     * do, or a debugger that follows coroutines would lose it. */
    return vm->spares != NULL && lua_gethook(L) == NULL;
}

/* Takes one; of its fields only `shell` means anything. */
struct ml_task *ml_spare_take(struct ml_vm *vm);

/* Keeps a task that has ended and is nowhere any more, or frees it. */
void ml_spare_give(struct ml_task *task, lua_State *L);

/* Frees all but so many. Raises nothing. */
void ml_spares_drop(lua_State *L, struct ml_vm *vm, int keep);

/* Lets a few go if there are many more than tasks. To be called between the
 * steps of tasks; raises nothing. */
void ml_spares_decay(lua_State *L, struct ml_vm *vm);

#endif
