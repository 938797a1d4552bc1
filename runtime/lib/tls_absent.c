/* tls_absent.c - in the place of TLS where the library was built without: every
 * way to it says so, and a stream without it is what it always is. */
#include "core/arg.h"
#include "lib/lib.h"
#include "sys/stream.h"

#include <errno.h>
#include <miniloop.h>

static int absent(lua_State *L)
{
    return ml_fail(L, ENOTSUP, "tls", NULL,
                   "miniloop was built without OpenSSL 3");
}

/* fault(options): none, so that it is the absence that is told. armed(listener):
 * none is. */
static int no(lua_State *L)
{
    lua_pushnil(L);
    return 1;
}

static int stream_starttls(lua_State *L)
{
    (void)ml_stream_check(L, 1);
    return absent(L);
}

static int stream_handshake(lua_State *L)
{
    (void)ml_stream_check(L, 1);
    lua_pushboolean(L, 1);
    return 1;
}

static int stream_info(lua_State *L)
{
    (void)ml_stream_check(L, 1);
    lua_pushnil(L);
    return 1;
}

void ml_lib_tls_open(lua_State *L, struct ml_vm *vm)
{
    static const luaL_Reg functions[] = {
        {"armed", no}, {"available", absent}, {"context", absent},
        {"fault", no}, {"prepare", absent},   {NULL, NULL}};
    static const luaL_Reg methods[] = {{"starttls", stream_starttls},
                                       {"handshake", stream_handshake},
                                       {"tls", stream_info},
                                       {NULL, NULL}};
    lua_newtable(L);
    ml_vm_setfuncs(L, vm, functions);
    lua_setfield(L, -2, "tls");
    luaL_getmetatable(L, ml_stream_type);
    (void)lua_getfield(L, -1, "__index");
    ml_vm_setfuncs(L, vm, methods);
    lua_pop(L, 2);
}
