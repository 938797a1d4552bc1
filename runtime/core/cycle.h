/* cycle.h - tasks that wait for each other.
 *
 * A task waits for another by wait or join, for the one that has locked a
 * mutex, and, at the end of a group's block, for all that are still in it. A
 * wait that would close a cycle of these is refused as it is asked for. */
#ifndef ML_CORE_CYCLE_H
#define ML_CORE_CYCLE_H

#include "core/call.h"

/* Pushes `nil, err` (EDEADLK) if waiting for `target` would close a cycle of
 * tasks that wait for each other, with the cycle as the reason; returns 2 then,
 * else 0. May raise a memory error. */
int ml_cycle_refuse(lua_State *L, const ml_call *call,
                    const struct ml_task *target);

#endif
