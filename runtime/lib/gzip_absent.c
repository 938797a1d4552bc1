#include "core/error.h"
#include "lib/lib.h"

#include <errno.h>

static int refuse(lua_State *L)
{
    int n = ml_error_fail(L, ENOTSUP, "gzip");
    ml_error_set(L, "reason", "miniloop was built without zlib");
    return n;
}

void ml_lib_gzip_open(lua_State *L, struct ml_vm *vm)
{
    static const luaL_Reg functions[] = {
        {"inflater", refuse}, {"deflater", refuse}, {NULL, NULL}};
    lua_createtable(L, 0, 2);
    ml_vm_setfuncs(L, vm, functions);
    lua_setfield(L, -2, "gzip");
}
