#include "core/misuse.h"

#include "base/nearest.h"
#include "core/arg.h"

#include <lauxlib.h>
#include <math.h>

/* Longest list of names that a suggestion is looked for in. */
enum {
    NAMES_MAX = 128
};

static void push_text(lua_State *L, const char *what, const char *key,
                      const char *const *known)
{
    const char *near = ml_nearest(key, known);
    if (near != NULL) {
        lua_pushfstring(L, "%s has no field '%s'; did you mean '%s'?", what,
                        key, near);
    } else {
        lua_pushfstring(L, "%s has no field '%s'", what, key);
    }
}

int ml_misuse_field(lua_State *L, const char *what, const char *key,
                    const char *const *known)
{
    push_text(L, what, key, known);
    return luaL_error(L, "%s", lua_tostring(L, -1));
}

void ml_misuse_push(lua_State *L, int index, const char *what, const char *key)
{
    const char *names[NAMES_MAX + 1];
    int n = 0;
    index = lua_absindex(L, index);
    lua_pushnil(L);
    while (n < NAMES_MAX && lua_next(L, index) != 0) {
        lua_pop(L, 1);
        if (lua_type(L, -1) == LUA_TSTRING) {
            names[n++] = lua_tostring(L, -1); /* the table keeps it alive */
        }
    }
    names[n] = NULL;
    push_text(L, what, key, names);
}

int ml_misuse_key(lua_State *L, const char *what, const char *key)
{
    ml_misuse_push(L, -1, what, key);
    return luaL_error(L, "%s", lua_tostring(L, -1));
}

double ml_misuse_seconds(lua_State *L, int arg)
{
    ml_arg_type(L, arg, LUA_TNUMBER);
    double seconds = lua_tonumber(L, arg);
    ml_arg_check(L, !isnan(seconds), arg, "a time cannot be NaN");
    return seconds;
}

double ml_misuse_opt_seconds(lua_State *L, int arg, double fallback)
{
    return ml_misuse_absent(L, arg) ? fallback : ml_misuse_seconds(L, arg);
}

int64_t ml_misuse_integer(lua_State *L, int arg)
{
    ml_arg_type(L, arg, LUA_TNUMBER);
    return ml_arg_integer(L, arg);
}

bool ml_misuse_absent(lua_State *L, int arg)
{
    return lua_isnoneornil(L, arg) != 0;
}

void ml_misuse_callable(lua_State *L, int arg)
{
    if (lua_isfunction(L, arg) == 0) {
        ml_arg_check(L, luaL_getmetafield(L, arg, "__call") != LUA_TNIL, arg,
                     "a function is expected, or a value that can be called");
        lua_pop(L, 1);
    }
}
