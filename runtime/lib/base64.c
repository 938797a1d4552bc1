/* base64.c - core.base64: text for bytes, and back. */
#include "proto/base64.h"

#include "core/arg.h"
#include "lib/lib.h"

/* encode(bytes): the text. */
static int base64_encode(lua_State *L)
{
    size_t n = 0;
    const char *bytes = ml_arg_lstring(L, 1, &n);
    luaL_Buffer text;
    ml_base64_encode(bytes, n,
                     luaL_buffinitsize(L, &text, ml_base64_length(n)));
    luaL_pushresultsize(&text, ml_base64_length(n));
    return 1;
}

/* decode(text): the bytes, or nothing if it is no base64. */
static int base64_decode(lua_State *L)
{
    size_t n = 0;
    const char *text = ml_arg_lstring(L, 1, &n);
    luaL_Buffer bytes;
    long length = ml_base64_decode(
        text, n, luaL_buffinitsize(L, &bytes, ml_base64_room(n)));
    if (length < 0) {
        return 0;
    }
    luaL_pushresultsize(&bytes, (size_t)length);
    return 1;
}

void ml_lib_base64_open(lua_State *L, struct ml_vm *vm)
{
    static const luaL_Reg functions[] = {
        {"encode", base64_encode}, {"decode", base64_decode}, {NULL, NULL}};
    lua_newtable(L);
    ml_vm_setfuncs(L, vm, functions);
    lua_setfield(L, -2, "base64");
}
