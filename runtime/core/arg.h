/* arg.h - arguments of the runtime's functions, checked.
 *
 * As luaL_argerror and its kin, but the message names the function as it is
 * written in scripts ("sleep") also where Lua does not know how it was called:
 * by pcall itself, or as a task's function. There Lua has the module's name
 * before it, or a question mark for a method. */
#ifndef ML_CORE_ARG_H
#define ML_CORE_ARG_H

#include <lauxlib.h>
#include <lua.h>

/* Raises "bad argument #arg to 'function' (text)". Never returns. */
_Noreturn void ml_arg_error(lua_State *L, int arg, const char *text);

/* Raises "... (expected expected, got ...)". Never returns. */
_Noreturn void ml_arg_mismatch(lua_State *L, int arg, const char *expected);

/* Each raises unless the argument is what it is to be. */
void ml_arg_type(lua_State *L, int arg, int type);
void *ml_arg_udata(lua_State *L, int arg, const char *metatable);
lua_Integer ml_arg_integer(lua_State *L, int arg); /* strings are taken, too */
const char *ml_arg_string(lua_State *L, int arg);  /* and here numbers */
const char *ml_arg_lstring(lua_State *L, int arg, size_t *length);

/* The index in the NULL-terminated `names` of the string at `arg`; where it is
 * not given, that of `otherwise`, unless that is NULL. */
int ml_arg_option(lua_State *L, int arg, const char *otherwise,
                  const char *const *names);

#define ml_arg_check(L, condition, arg, text) \
    ((condition) ? (void)0 : ml_arg_error(L, arg, text))

#define ml_arg_expected(L, condition, arg, expected) \
    ((condition) ? (void)0 : ml_arg_mismatch(L, arg, expected))

#endif
