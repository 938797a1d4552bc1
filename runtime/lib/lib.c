#include "lib/lib.h"

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
