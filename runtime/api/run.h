/* run.h - ml.run: a loop of its own for one function. */
#ifndef ML_API_RUN_H
#define ML_API_RUN_H

#include <lua.h>

/* ml.run(f [, options]): a Lua function whose first upvalue is the vm. */
int ml_run_lua(lua_State *L);

#endif
