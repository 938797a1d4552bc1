/* error.h - the error value that scripts see for what went wrong in the world.
 *
 * A table with a metatable: `code` (symbolic), `op`, `message`, and what
 * applies of address, reason, task, value, traceback, written. Codes are a
 * stable interface, texts are not. */
#ifndef ML_CORE_ERROR_H
#define ML_CORE_ERROR_H

#include <lua.h>
#include <stdbool.h>

/* Makes the metatable of error values. Called once for a state; may raise. */
void ml_error_init(lua_State *L);

/* Pushes a new error value. `code` is a positive errno or one of ours
 * (base/errno.h); `op` says what was being done. May raise a memory error. */
void ml_error_push(lua_State *L, int code, const char *op);

/* Sets a field of the error value on top to the string `text`; a NULL text
 * leaves it alone. May raise a memory error. */
void ml_error_set(lua_State *L, const char *field, const char *text);

/* Pushes nil and a new error value: what a refused call answers. Returns 2. */
int ml_error_fail(lua_State *L, int code, const char *op);

/* The same for a wait that the poller refuses. */
int ml_error_refuse(lua_State *L, int code, const char *op);

/* True if the value at `index` is an error value. Does not raise. */
bool ml_error_is(lua_State *L, int index);

#endif
