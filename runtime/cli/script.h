/* script.h - what the command line asks to be run, as the main task. */
#ifndef ML_CLI_SCRIPT_H
#define ML_CLI_SCRIPT_H

#include "cli/cmdline.h"

#include <lua.h>
#include <miniloop.h>
#include <stdbool.h>

struct ml_script {
    const struct ml_cmdline *line;
    ml_loop *loop;
    bool unloadable; /* a part could not be loaded: it was said */
};

/* Sets the global `arg`. May raise a memory error. */
void ml_script_set_arg(lua_State *L, const struct ml_cmdline *line);

/* Spawns the task that runs all parts, in their order. What cannot be loaded
 * ends it, and the others are cancelled. The script must outlive the run. 0;
 * -ENOMEM. */
int ml_script_spawn(struct ml_script *script);

#endif
