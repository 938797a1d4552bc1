/* blame.h - what the traceback of a task that died does not show by itself: the
 * member of its group whose error it let go, that member's siblings which
 * failed too, and the error that it was given with a nil that it died of. */
#ifndef ML_CORE_BLAME_H
#define ML_CORE_BLAME_H

#include <lua.h>
#include <stddef.h>

struct ml_task;

/* A group of the task is about to raise the value on top of L; `failures` is
 * the index, from below, of the list of its failed members' handles. May raise a
 * memory error. */
void ml_blame_note(lua_State *L, struct ml_task *task, int failures);

/* Adds what is known to the traceback in the handle on top of L. The task died
 * of the value at `index`, which counts from below. May raise a memory error. */
void ml_blame_add(lua_State *L, const struct ml_task *task, int index);

/* The length of a task's traceback without its lowest frames, which are the
 * runtime's own and tell nobody anything. */
size_t ml_blame_length(const char *traceback);

#endif
