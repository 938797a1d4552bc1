/* tls_library.c - OpenSSL's functions, once a state. */
#include "lib/tls.h"

#include "lib/lib.h"

/* Where the userdata is that has them: in the registry, under this address. */
static const char KEY = 0;

const struct ml_tls_library *ml_tls_library_get(lua_State *L)
{
    luaL_checkstack(L, 6, "tls");
    if (lua_rawgetp(L, LUA_REGISTRYINDEX, &KEY) != LUA_TNIL) {
        const struct ml_tls_library *there = lua_touserdata(L, -1);
        lua_pop(L, 1);
        return there;
    }
    lua_pop(L, 1);
    const char *missing = NULL;
    struct ml_tls_library *made = lua_newuserdatauv(L, sizeof *made, 1);
    int err = ml_tls_library_open(made, &missing);
    if (err != 0) {
        lua_pop(L, 1);
        (void)ml_lib_refuse(L, err, "tls", ML_TLS_LIBRARY " (OpenSSL 3)",
                            missing);
        return NULL;
    }
    lua_rawsetp(L, LUA_REGISTRYINDEX, &KEY);
    return made;
}

void ml_tls_library_push(lua_State *L)
{
    (void)lua_rawgetp(L, LUA_REGISTRYINDEX, &KEY);
    (void)lua_getiuservalue(L, -1, 1);
    lua_remove(L, -2);
}

void ml_tls_library_set(lua_State *L)
{
    (void)lua_rawgetp(L, LUA_REGISTRYINDEX, &KEY);
    lua_insert(L, -2);
    (void)lua_setiuservalue(L, -2, 1);
    lua_pop(L, 1);
}
