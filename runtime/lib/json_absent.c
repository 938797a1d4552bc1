#include "core/arg.h"
#include "core/error.h"
#include "lib/json.h"

#include <errno.h>

static int json_decode(lua_State *L)
{
    ml_arg_type(L, 1, LUA_TSTRING);
    int n = ml_error_fail(L, ENOTSUP, "decode");
    ml_error_set(L, "reason", "miniloop was built without libjansson");
    return n;
}

void ml_json_push_decode(lua_State *L, struct ml_vm *vm, int null, int array)
{
    (void)null;
    (void)array;
    ml_vm_pushclosure(L, vm, json_decode, 0);
}
