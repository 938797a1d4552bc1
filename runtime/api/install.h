/* install.h - the runtime as a Lua state sees it. */
#ifndef ML_API_INSTALL_H
#define ML_API_INSTALL_H

#include <lua.h>

/* Makes `require "miniloop"` and the modules below it work on L's state; with
 * `globals`, puts the runtime's coroutine library and `require` in the place
 * of Lua's. To do it again is harmless. May raise. */
void ml_install(lua_State *L, int globals);

#endif
