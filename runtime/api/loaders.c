/* loaders.c - of the Lua module alone: `require "miniloop.http"` is all that a
 * script of a stock Lua needs.
 *
 * Lua looks for a module "a.b" also in the C library of "a", as luaopen_a_b.
 * What is found here opens the runtime first, and from then on `require` is the
 * runtime's own, which has the modules. */
#include <lauxlib.h>
#include <lua.h>
#include <miniloop.h>

/* What `require` calls with the name of the module. */
static int open_part(lua_State *L)
{
    const char *name = luaL_checkstring(L, 1);
    (void)luaopen_miniloop(L);
    if (lua_getglobal(L, "require") != LUA_TFUNCTION) {
        return luaL_error(L, "'%s' needs the function 'require'", name);
    }
    lua_pushstring(L, name);
    lua_call(L, 1, 1);
    return 1;
}

#define LOADER(name)                                  \
    ML_API int luaopen_miniloop_##name(lua_State *L); \
    int luaopen_miniloop_##name(lua_State *L)         \
    {                                                 \
        return open_part(L);                          \
    }

LOADER(base64)
LOADER(gzip)
LOADER(http)
LOADER(http_cookie)
LOADER(http_date)
LOADER(http_mime)
LOADER(json)
LOADER(net)
LOADER(syscall)
LOADER(tls)
LOADER(url)
LOADER(websocket)
