/* limit_lua.c - the part of limit.h that needs Lua: so programs that call nothing
 * of it hold none. */
#include "limit.h"

#include <lauxlib.h>
#include <lualib.h>

lua_State *limit_lua(void)
{
    lua_State *L = luaL_newstate();

    limit_check(L != NULL, "no memory");
    luaL_openlibs(L);
    return L;
}

void limit_load(lua_State *L, const char *chunk)
{
    limit_check(luaL_loadstring(L, chunk) == LUA_OK, chunk);
}

void limit_load_counter(lua_State *L)
{
    limit_load(L, "local count = 0\n"
                  "return function() count = count + 1 end,\n"
                  "       function() return count end\n");
    lua_call(L, 0, 2);
}

static int frame_k(lua_State *L, int status, lua_KContext ctx)
{
    (void)L;
    (void)status;
    (void)ctx;
    return 0;
}

int limit_frame(lua_State *L)
{
    return frame_k(L, lua_pcallk(L, lua_gettop(L) - 1, 0, 0, 0, frame_k), 0);
}
