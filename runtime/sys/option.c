#include "sys/option.h"

#include "base/nearest.h"
#include "core/arg.h"

#include <lauxlib.h>
#include <limits.h>
#include <math.h>
#include <string.h>
#include <sys/socket.h>

static bool is_among(const char *name, const char *const *names)
{
    for (; *names != NULL; names++) {
        if (strcmp(*names, name) == 0) {
            return true;
        }
    }
    return false;
}

static int refuse_name(lua_State *L, int arg, const char *name,
                       const char *const *names)
{
    const char *near = ml_nearest(name, names);
    if (near == NULL) {
        ml_arg_error(L, arg, lua_pushfstring(L, "unknown option '%s'", name));
    }
    ml_arg_error(L, arg,
                 lua_pushfstring(L, "unknown option '%s'; did you mean '%s'?",
                                 name, near));
}

void ml_option_check(lua_State *L, int arg, const char *const *names)
{
    if (lua_isnoneornil(L, arg)) {
        return;
    }
    ml_arg_type(L, arg, LUA_TTABLE);
    lua_pushnil(L);
    while (lua_next(L, arg) != 0) {
        lua_pop(L, 1);
        ml_arg_check(L, lua_type(L, -1) == LUA_TSTRING, arg,
                     "options have names");
        if (!is_among(lua_tostring(L, -1), names)) {
            (void)refuse_name(L, arg, lua_tostring(L, -1), names);
        }
    }
}

int ml_option_push(lua_State *L, int arg, const char *name)
{
    if (lua_isnoneornil(L, arg)) {
        lua_pushnil(L);
        return LUA_TNIL;
    }
    return lua_getfield(L, arg, name);
}

int ml_option_refuse(lua_State *L, int arg, const char *name,
                     const char *expected)
{
    const char *text =
        lua_pushfstring(L, "option '%s' must be %s", name, expected);
    ml_arg_error(L, arg, text);
}

bool ml_option_flag(lua_State *L, int arg, const char *name, bool fallback)
{
    int type = ml_option_push(L, arg, name);
    if (type != LUA_TNIL && type != LUA_TBOOLEAN) {
        (void)ml_option_refuse(L, arg, name, "true or false");
    }
    bool value = type == LUA_TNIL ? fallback : lua_toboolean(L, -1) != 0;
    lua_pop(L, 1);
    return value;
}

double ml_option_seconds(lua_State *L, int arg, const char *name,
                         double fallback)
{
    int type = ml_option_push(L, arg, name);
    double value = type == LUA_TNUMBER ? lua_tonumber(L, -1) : fallback;
    if ((type != LUA_TNIL && type != LUA_TNUMBER) || isnan(value)) {
        (void)ml_option_refuse(L, arg, name, "a number of seconds");
    }
    lua_pop(L, 1);
    return value;
}

int ml_option_integer(lua_State *L, int arg, const char *name, int fallback)
{
    int type = ml_option_push(L, arg, name);
    int is_integer = type == LUA_TNIL;
    lua_Integer value = fallback;
    if (type == LUA_TNUMBER) {
        value = lua_tointegerx(L, -1, &is_integer);
    }
    if (is_integer == 0 || (type != LUA_TNIL && value < 0) || value > INT_MAX) {
        (void)ml_option_refuse(L, arg, name, "an integer from 0 to 2147483647");
    }
    lua_pop(L, 1);
    return (int)value;
}

int ml_option_family(lua_State *L, int arg, const char *name)
{
    int family = AF_UNSPEC;
    int type = ml_option_push(L, arg, name);
    if (type != LUA_TNIL) {
        const char *value = type == LUA_TSTRING ? lua_tostring(L, -1) : "";
        family = strcmp(value, "ipv4") == 0   ? AF_INET
                 : strcmp(value, "ipv6") == 0 ? AF_INET6
                                              : -1;
        if (family < 0) {
            (void)ml_option_refuse(L, arg, name, "\"ipv4\" or \"ipv6\"");
        }
    }
    lua_pop(L, 1);
    return family;
}
