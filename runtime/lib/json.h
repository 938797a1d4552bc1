/* json.h - JSON text as Lua values, by libjansson. */
#ifndef ML_LIB_JSON_H
#define ML_LIB_JSON_H

#include "core/vm.h"
#include "lib/jsontext.h"

/* Pushes decode(text [, options]). `null` and `array` are the indices of the
 * value for null and of the metatable of arrays. Where the library was missing,
 * or is, the function answers nil and an error with ENOTSUP. */
void ml_json_push_decode(lua_State *L, struct ml_vm *vm, int null, int array);

#endif
