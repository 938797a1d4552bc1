/* state.h - a Lua state of a loop's own, with a limit to its memory. */
#ifndef ML_API_STATE_H
#define ML_API_STATE_H

#include <lua.h>
#include <stddef.h>

struct ml_state;

/* Opens a state with Lua's standard libraries. `alloc` NULL is one of the
 * runtime's own (base/pool.h); `limit` 0 is no limit. NULL: no memory. */
struct ml_state *ml_state_open(lua_Alloc alloc, void *ud, size_t limit);

void ml_state_close(struct ml_state *state);

lua_State *ml_state_lua(struct ml_state *state);

/* Where it counts the bytes that are in use. */
const size_t *ml_state_used(const struct ml_state *state);

#endif
