#include "sys/sys.h"

void ml_sys_net_open(lua_State *L, struct ml_vm *vm)
{
    (void)L;
    (void)vm;
}
