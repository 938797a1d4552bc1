/* lib.h - what the Lua modules need from C that is no system call: formats and
 * protocols, by libraries of the system where those do it better. One family a
 * file; each adds its table to the core's (`require "miniloop.core".json`), and
 * a module under lua/miniloop makes of it what scripts see. All may raise. */
#ifndef ML_LIB_LIB_H
#define ML_LIB_LIB_H

#include "core/vm.h"

/* Adds all of them to the table on top. */
void ml_lib_open(lua_State *L, struct ml_vm *vm);

/* The families. Where a library was missing, PART_absent.c has the function. */
void ml_lib_base64_open(lua_State *L, struct ml_vm *vm);    /* base64.c */
void ml_lib_gzip_open(lua_State *L, struct ml_vm *vm);      /* gzip.c */
void ml_lib_http_open(lua_State *L, struct ml_vm *vm);      /* http_wire.c */
void ml_lib_json_open(lua_State *L, struct ml_vm *vm);      /* jsontext.c */
void ml_lib_tls_open(lua_State *L, struct ml_vm *vm);       /* tls.c */
void ml_lib_websocket_open(lua_State *L, struct ml_vm *vm); /* websocket.c */

/* Pushes nil and why a library could not be opened: `result` and `missing` are
 * those of ml_library_open. ENOTSUP, or the code of what the system is short
 * of. Returns 2. */
int ml_lib_refuse(lua_State *L, int result, const char *op, const char *library,
                  const char *missing);

#endif
