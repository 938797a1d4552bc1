/* secure.h - functions of the network that are finished in Lua, as those are
 * that begin with TLS.
 *
 * Such a function checks its arguments in C, so that misuse is raised at the
 * caller's line with the function's own name as by all the others, and calls a
 * Lua function, its second upvalue, for the rest. What needs no TLS takes the
 * way through C alone. */
#ifndef ML_SYS_SECURE_H
#define ML_SYS_SECURE_H

#include <lua.h>
#include <stdbool.h>

/* True if the address at `address` begins with "tls://", or the options at
 * `options` have a `tls` that is not false. Whatever they are. */
bool ml_secure_wanted(lua_State *L, int address, int options);

/* Raises unless the option `tls`, if given, could be one. */
void ml_secure_check(lua_State *L, int options);

/* Begins such a function: raises outside of tasks, makes the stack `nargs`
 * high, and takes "tls://" off the address at 1: where the options, at `nargs`,
 * say nothing of it, a copy of them then says `tls = true`. */
void ml_secure_begin(lua_State *L, const char *name, int nargs);

/* Goes on in Lua with the arguments on the stack, as a C function's end. */
int ml_secure_call(lua_State *L);

/* Pushes `fn` as such a function; the Lua function is at 1. Returns 1. */
int ml_secure_function(lua_State *L, lua_CFunction fn);

#endif
