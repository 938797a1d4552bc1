/* state.h - a Lua state of a loop's own, with a limit to its memory (base/cap.h
 * tells how that is kept). */
#ifndef ML_API_STATE_H
#define ML_API_STATE_H

#include <lua.h>
#include <stddef.h>

struct ml_state;
struct ml_vm;

/* Opens a state with Lua's standard libraries. `alloc` NULL is one of the
 * runtime's own (base/pool.h); `limit` 0 is no limit. NULL: no memory. */
struct ml_state *ml_state_open(lua_Alloc alloc, void *ud, size_t limit);

void ml_state_close(struct ml_state *state);

lua_State *ml_state_lua(struct ml_state *state);

/* What the runtime allocates for itself comes from the state's memory from here
 * on, and `vm`, which is the state's, knows of the limit. To be called before
 * anything is made that copies vm->alloc. */
void ml_state_adopt(struct ml_state *state, struct ml_vm *vm);

/* Sets the pace of the collector, for the state as it is now: to be called when
 * all is made that stays. */
void ml_state_pace(struct ml_state *state);

#endif
