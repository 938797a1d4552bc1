/* misuse.h - errors for callers who are wrong, raised at the caller's line. */
#ifndef ML_CORE_MISUSE_H
#define ML_CORE_MISUSE_H

#include <lua.h>
#include <stdbool.h>
#include <stdint.h>

/* Pushes the text of ml_misuse_key, for a table at `index`. */
void ml_misuse_push(lua_State *L, int index, const char *what, const char *key);

/* Raises "<what> has no field '<key>'" with the nearest of the NULL-terminated
 * `known`, if one is near. Never returns. */
int ml_misuse_field(lua_State *L, const char *what, const char *key,
                    const char *const *known);

/* As ml_misuse_field, the known names being the string keys of the table at
 * the top of the stack. Never returns. */
int ml_misuse_key(lua_State *L, const char *what, const char *key);

/* The number at `arg`, as a time in seconds: raises unless it is a number
 * (never a string) and not NaN. */
double ml_misuse_seconds(lua_State *L, int arg);

/* As ml_misuse_seconds, but nil or none give `fallback`. */
double ml_misuse_opt_seconds(lua_State *L, int arg, double fallback);

/* The integer at `arg`: raises unless it is a number with an integer value;
 * strings are never taken for numbers. */
int64_t ml_misuse_integer(lua_State *L, int arg);

/* True if the value at `arg` is nil or there is none. */
bool ml_misuse_absent(lua_State *L, int arg);

/* Raises unless the value at `arg` can be called. */
void ml_misuse_callable(lua_State *L, int arg);

#endif
