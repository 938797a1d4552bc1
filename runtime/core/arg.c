#include "core/arg.h"

#include "core/vm.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* True if the function on top is in the table at `index`; its name is on top of
 * it then. */
static bool find_in(lua_State *L, int index)
{
    int function = lua_gettop(L);
    index = lua_absindex(L, index);
    lua_pushnil(L);
    while (lua_next(L, index) != 0) {
        if (lua_rawequal(L, -1, function) != 0 &&
            lua_type(L, -2) == LUA_TSTRING) {
            lua_pop(L, 1);
            return true;
        }
        lua_pop(L, 1);
    }
    return false;
}

/* Looks through the module of that name, if it is loaded. */
static bool find_in_module(lua_State *L, const char *name)
{
    bool found = false;
    luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
    if (lua_getfield(L, -1, name) == LUA_TTABLE) {
        lua_pushvalue(L, -3);
        found = find_in(L, -2);
        if (found) {
            lua_replace(L, -5);
        }
        lua_pop(L, 1);
    }
    lua_pop(L, 2);
    return found;
}

/* Looks through the modules that scripts have functions from. */
static bool find_in_modules(lua_State *L)
{
    static const char *const modules[] = {
        "miniloop", "miniloop.net", "miniloop.syscall", "miniloop.json", NULL};
    for (const char *const *name = modules; *name != NULL; name++) {
        if (find_in_module(L, *name)) {
            return true;
        }
    }
    return false;
}

/* Looks through the methods of the object that is the first argument; where a
 * function of ours finds them, they are its second upvalue. */
static bool find_in_methods(lua_State *L)
{
    if (luaL_getmetafield(L, 1, "__index") == LUA_TNIL) {
        return false;
    }
    if (lua_iscfunction(L, -1) != 0 && lua_getupvalue(L, -1, 2) != NULL) {
        lua_remove(L, -2);
    }
    bool found = false;
    if (lua_istable(L, -1)) {
        lua_pushvalue(L, -2);
        found = find_in(L, -2);
        if (found) {
            lua_replace(L, -4);
        }
        lua_pop(L, 1);
    }
    lua_pop(L, 1);
    return found;
}

/* The name of the running function, which Lua does not know. */
static const char *name_of(lua_State *L, lua_Debug *ar)
{
    luaL_checkstack(L, LUA_MINSTACK, "error message");
    (void)lua_getinfo(L, "f", ar);
    return find_in_modules(L) || find_in_methods(L) ? lua_tostring(L, -1) : "?";
}

void ml_arg_error(lua_State *L, int arg, const char *text)
{
    lua_Debug ar = {.name = NULL};
    (void)ml_vm_frame(L, 0, "n", &ar); /* who has arguments is a function */
    if (ar.name != NULL) {
        (void)luaL_argerror(L, arg, text);
    }
    (void)luaL_error(L, "bad argument #%d to '%s' (%s)", arg, name_of(L, &ar),
                     text);
    abort(); /* for compilers, which cannot know that errors do not return */
}

void ml_arg_mismatch(lua_State *L, int arg, const char *expected)
{
    const char *got = luaL_typename(L, arg);
    if (luaL_getmetafield(L, arg, "__name") == LUA_TSTRING) {
        got = lua_tostring(L, -1);
    } else if (lua_type(L, arg) == LUA_TLIGHTUSERDATA) {
        got = "light userdata";
    }
    ml_arg_error(L, arg,
                 lua_pushfstring(L, "%s expected, got %s", expected, got));
}

void ml_arg_type(lua_State *L, int arg, int type)
{
    ml_arg_expected(L, lua_type(L, arg) == type, arg, lua_typename(L, type));
}

void *ml_arg_udata(lua_State *L, int arg, const char *metatable)
{
    void *data = ml_vm_testudata(L, ml_vm_upvalue(L), arg, metatable);
    ml_arg_expected(L, data != NULL, arg, metatable);
    return data;
}

lua_Integer ml_arg_integer(lua_State *L, int arg)
{
    int is_integer = 0;
    lua_Integer n = lua_tointegerx(L, arg, &is_integer);
    if (is_integer == 0) {
        ml_arg_expected(L, lua_isnumber(L, arg) != 0, arg, "number");
        ml_arg_error(L, arg, "number has no integer representation");
    }
    return n;
}

const char *ml_arg_lstring(lua_State *L, int arg, size_t *length)
{
    const char *text = lua_tolstring(L, arg, length);
    ml_arg_expected(L, text != NULL, arg, "string");
    return text;
}

const char *ml_arg_string(lua_State *L, int arg)
{
    return ml_arg_lstring(L, arg, NULL);
}

int ml_arg_option(lua_State *L, int arg, const char *otherwise,
                  const char *const *names)
{
    bool given = otherwise == NULL || !lua_isnoneornil(L, arg);
    const char *name = given ? ml_arg_string(L, arg) : otherwise;
    for (int i = 0; names[i] != NULL; i++) {
        if (strcmp(names[i], name) == 0) {
            return i;
        }
    }
    ml_arg_error(L, arg, lua_pushfstring(L, "invalid option '%s'", name));
}
