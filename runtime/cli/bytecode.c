#include "cli/bytecode.h"

#include <lauxlib.h>
#include <lualib.h>
#include <string.h>

/* The place of the search for Lua files in package.searchers. */
enum {
    SEARCHER_LUA = 2
};

/* Takes "b" out of the mode that a script gave at `arg`; nil is "bt". */
static void restrict_mode(lua_State *L, int arg)
{
    const char *mode = luaL_optstring(L, arg, "bt");
    const char *text = strchr(mode, 't') != NULL ? "t" : "";
    if (lua_gettop(L) < arg) {
        lua_settop(L, arg);
    }
    lua_pushstring(L, text);
    lua_replace(L, arg);
}

/* Lua's own function is upvalue 1. It is called in this frame and on this
 * stack, so errors name the caller's line and the function as they should. */
static int call_original(lua_State *L)
{
    return lua_tocfunction(L, lua_upvalueindex(1))(L);
}

static int load_text(lua_State *L)
{
    if (lua_gettop(L) > 0) { /* else Lua is to say what is missing */
        restrict_mode(L, 3);
    }
    return call_original(L);
}

static int loadfile_text(lua_State *L)
{
    restrict_mode(L, 2);
    return call_original(L);
}

static int dofile_results(lua_State *L, int status, lua_KContext ctx)
{
    (void)status;
    (void)ctx;
    return lua_gettop(L) - 1;
}

static int dofile_text(lua_State *L)
{
    const char *path = luaL_optstring(L, 1, NULL);
    lua_settop(L, 1);
    if (luaL_loadfilex(L, path, "t") != LUA_OK) {
        return lua_error(L);
    }
    lua_callk(L, 0, LUA_MULTRET, 0, dofile_results);
    return dofile_results(L, LUA_OK, 0);
}

/* package.searchers[2], but for text alone. Upvalue 1 is `package`. */
static int search_text(lua_State *L)
{
    const char *name = luaL_checkstring(L, 1);
    lua_settop(L, 1);
    lua_getfield(L, lua_upvalueindex(1), "searchpath");
    lua_pushvalue(L, 1);
    if (lua_getfield(L, lua_upvalueindex(1), "path") != LUA_TSTRING) {
        return luaL_error(L, "'package.path' must be a string");
    }
    lua_call(L, 2, 2);
    if (lua_isnil(L, -2)) {
        return 1; /* what was tried, as a message */
    }
    const char *path = lua_tostring(L, -2);
    if (luaL_loadfilex(L, path, "t") != LUA_OK) {
        return luaL_error(L, "error loading module '%s' from file '%s':\n\t%s",
                          name, path, lua_tostring(L, -1));
    }
    lua_pushstring(L, path);
    return 2;
}

/* Puts a closure over Lua's function in the place of that. */
static void replace(lua_State *L, const char *name, lua_CFunction fn)
{
    lua_getglobal(L, name);
    lua_pushcclosure(L, fn, 1);
    lua_setglobal(L, name);
}

void ml_bytecode_refuse(lua_State *L)
{
    replace(L, "load", load_text);
    replace(L, "loadfile", loadfile_text);
    replace(L, "dofile", dofile_text);
    lua_getglobal(L, LUA_LOADLIBNAME);
    lua_getfield(L, -1, "searchers");
    lua_pushvalue(L, -2);
    lua_pushcclosure(L, search_text, 1);
    lua_rawseti(L, -2, SEARCHER_LUA);
    lua_pop(L, 2);
}
