/* kill.h - how a kill is carried out. What asks for one is in task.h.
 *
 * A task that is killed is closed from the innermost coroutine outward, after
 * the members of its groups, the newest and deepest first. Kills that handlers
 * ask for meanwhile queue up: it is one iteration, whatever the chain. */
#ifndef ML_CORE_KILL_H
#define ML_CORE_KILL_H

#include "core/task.h"

/* Goes on with the kills that are asked for, if the first of them waited for a
 * member of its group to give way. */
void ml_kill_continue(struct ml_loop *loop, lua_State *L);

/* Carries out the kills that are asked for, unless others are in the middle of
 * that, or the step of the running task has to end first. */
void ml_kill_due(struct ml_loop *loop, lua_State *L);

/* Asks for the kill of a task, and leaves it to the next ml_kill_due: for where
 * tasks are being listed. Nothing of Lua runs here, and no memory is taken. */
void ml_task_kill_later(struct ml_task *task);

/* The same for a task that is to be cancelled where there is no memory for that;
 * it is reported when it goes. */
void ml_task_kill_uncancelled(struct ml_task *task);

/* Between these two, a task that was just spawned is one to be killed: so it
 * never runs if what its spawner does meanwhile raises. */
void ml_task_withhold(struct ml_task *task);
void ml_task_admit(struct ml_task *task);

/* Closes the coroutines of a task that does not run; it stays to be ended. */
void ml_kill_close(struct ml_task *task, lua_State *L);

/* Kills the members of the groups of a task that has come to its end on the
 * way: none of them runs, for nothing does. */
void ml_kill_members(struct ml_task *task, lua_State *L);

#endif
