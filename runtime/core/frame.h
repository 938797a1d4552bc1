/* frame.h - the base frame of a coroutine that a script has made.
 *
 * A cancellation ends the coroutines that its task is inside of, and their
 * to-be-closed variables may block meanwhile. Lua suspends such a variable's
 * handler only if there is a protected call around it. So a coroutine that is
 * first resumed inside of a task gets one at its bottom, as a task has
 * (core/body.c).
 *
 * It is not to be seen: an error that nobody in the coroutine catches ends it
 * with the same value, and tracebacks are as if it were not there, also the one
 * of a coroutine that an error has ended, whose frames are gone by then. Only
 * its variables are closed as it ends, and not first by coroutine.close; hence
 * scripts that use nothing of the runtime have no such frames. */
#ifndef ML_CORE_FRAME_H
#define ML_CORE_FRAME_H

#include "core/vm.h"

#include <stdbool.h>

/* Puts a base frame under the function and the arguments that are all of the
 * stack of `co`, which has not run yet. `traced` says that somebody may want the
 * traceback of an error that ends it, which takes time. Returns by how many the
 * values to be passed to lua_resume have become more; 0 if there is no frame. */
int ml_frame_lay(lua_State *co, struct ml_vm *vm, bool traced);

/* As luaL_traceback of `co`, but without its base frame, and of one that an
 * error has ended as it was then. `level` counts from 0. Needs LUA_MINSTACK
 * free stack slots. */
void ml_frame_traceback(lua_State *L, struct ml_vm *vm, lua_State *co,
                        const char *text, int level);

/* Whether a message handler has to make a traceback of the error at index 1, in
 * the task that runs: not of a cancellation, nor while the task is being killed,
 * when old handlers may be called for errors of to-be-closed variables. L is that
 * of the handler, with nothing else on it. */
bool ml_frame_traces(lua_State *L, const struct ml_task *task);

/* Replaces debug.traceback, if there is one, by its like that makes use of the
 * above. May raise. */
void ml_frame_install(lua_State *L, struct ml_vm *vm);

#endif
