#include "lib/lib.h"

#include "lib/gzip.h"
#include "lib/jsontext.h"

void ml_lib_open(lua_State *L, struct ml_vm *vm)
{
    static void (*const families[])(lua_State * L, struct ml_vm * vm) = {
        ml_gzip_open,
        ml_jsontext_open,
        ml_lib_http_open,
        ml_lib_tls_open,
        NULL,
    };
    for (size_t i = 0; families[i] != NULL; i++) {
        families[i](L, vm);
    }
}
