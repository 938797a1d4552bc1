/* websocket_absent.c - core.websocket where wslay was missing. */
#include "lib/lib.h"

#include <errno.h>
#include <miniloop.h>

static int websocket_new(lua_State *L)
{
    return ml_fail(L, ENOTSUP, "websocket", NULL,
                   "miniloop was built without wslay");
}

void ml_lib_websocket_open(lua_State *L, struct ml_vm *vm)
{
    lua_newtable(L);
    ml_vm_pushclosure(L, vm, websocket_new, 0);
    lua_setfield(L, -2, "new");
    lua_setfield(L, -2, "websocket");
}
