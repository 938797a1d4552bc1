#include "lib/lib.h"

#include <miniloop.h>

#include <errno.h>

void ml_lib_open(lua_State *L, struct ml_vm *vm)
{
    static void (*const families[])(lua_State * L, struct ml_vm * vm) = {
        ml_lib_gzip_open,
        ml_lib_json_open,
        ml_lib_base64_open,
        ml_lib_http_open,
        ml_lib_tls_open,
        ml_lib_websocket_open,
        NULL,
    };
    for (size_t i = 0; families[i] != NULL; i++) {
        families[i](L, vm);
    }
}

int ml_lib_refuse(lua_State *L, int result, const char *op, const char *library,
                  const char *missing)
{
    bool absent = result == -ENOENT || result == -ENOSYS;
    luaL_checkstack(L, 4, "library");
    if (result == -ENOSYS) {
        lua_pushfstring(L, "%s has no %s", library, missing);
    } else {
        lua_pushfstring(L, "%s %s", library,
                        absent ? "is not there" : "cannot be opened");
    }
    (void)ml_fail(L, absent ? ENOTSUP : -result, op, NULL, lua_tostring(L, -1));
    lua_remove(L, -3);
    return 2;
}
