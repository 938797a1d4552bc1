/* warn.h - Lua's warnings, on standard error. */
#ifndef ML_CLI_WARN_H
#define ML_CLI_WARN_H

#include <lua.h>
#include <stdbool.h>

struct ml_warn {
    bool on;        /* as the control messages "@on" and "@off" left it */
    bool continued; /* the message goes on with the next piece */
};

/* Writes the state's warnings while they are on; `warn` must outlive it. */
void ml_warn_install(lua_State *L, struct ml_warn *warn);

#endif
