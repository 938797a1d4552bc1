/* bytecode.h - binary chunks are refused.
 *
 * Lua does not verify bytecode: a chunk made up to that end reads and writes
 * any memory of the process. So what loads chunks takes text alone, unless the
 * command is told otherwise. */
#ifndef ML_CLI_BYTECODE_H
#define ML_CLI_BYTECODE_H

#include <lua.h>

/* Makes load, loadfile, dofile and the search of Lua modules refuse binary
 * chunks. May raise a memory error. */
void ml_bytecode_refuse(lua_State *L);

#endif
