/* gzip.h - compressed bytes (RFC 1950, 1951, 1952), by zlib. */
#ifndef ML_LIB_GZIP_H
#define ML_LIB_GZIP_H

#include "core/vm.h"

/* Adds to the core, the table on top, the table `gzip`: inflater and deflater.
 * Where the library was missing, or is, these answer nil and an error with
 * ENOTSUP. */
void ml_gzip_open(lua_State *L, struct ml_vm *vm);

#endif
