/* net.c - the network family: the table `net` of the core, of which
 * lua/miniloop/net.lua makes the module. */
#include "sys/sys.h"

void ml_sys_net_open(lua_State *L, struct ml_vm *vm)
{
    lua_newtable(L);
    ml_sys_bytes_open(L, vm);
    ml_sys_stream_open(L, vm);
    ml_sys_listener_open(L, vm);
    ml_sys_connect_open(L, vm);
    ml_sys_udp_open(L, vm);
    ml_sys_resolve_open(L, vm);
    ml_sys_serve_open(L, vm);
    lua_setfield(L, -2, "net");
}
