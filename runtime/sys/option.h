/* option.h - tables of options, as a call's last argument.
 *
 * An unknown option, or one of the wrong type, is misuse and raises at the
 * caller's line. All of these may raise. */
#ifndef ML_SYS_OPTION_H
#define ML_SYS_OPTION_H

#include <lua.h>
#include <stdbool.h>

/* Raises unless the value at `arg` is nil, or a table whose keys are all among
 * the NULL-terminated `names`. */
void ml_option_check(lua_State *L, int arg, const char *const *names);

/* The option `name` of what ml_option_check let through, or `fallback` where it
 * is not given. A number of seconds is never NaN. */
bool ml_option_flag(lua_State *L, int arg, const char *name, bool fallback);
double ml_option_seconds(lua_State *L, int arg, const char *name,
                         double fallback);

/* The same for an integer from 0 to INT_MAX. */
int ml_option_integer(lua_State *L, int arg, const char *name, int fallback);

/* AF_INET for "ipv4", AF_INET6 for "ipv6", AF_UNSPEC where it is not given. */
int ml_option_family(lua_State *L, int arg, const char *name);

/* Pushes the value of an option, or nil; gives its type. */
int ml_option_push(lua_State *L, int arg, const char *name);

/* Raises: the option at `arg` is not what `expected` says. Never returns. */
int ml_option_refuse(lua_State *L, int arg, const char *name,
                     const char *expected);

#endif
