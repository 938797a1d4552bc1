/* exit.h - os.exit as tasks call it.
 *
 * It closes the variables of the calling task, then those of the others from
 * the youngest to the oldest, and ends the run; the handlers cannot suspend.
 * Called again by one of them it changes the status and returns. Where Lua
 * cannot suspend the calling task (a comparator, a finalizer), the others are
 * closed there and then and the process exits: the variables of the calling
 * task itself cannot be closed under the feet of C code. */
#ifndef ML_CLI_EXIT_H
#define ML_CLI_EXIT_H

#include <lua.h>
#include <miniloop.h>
#include <stdbool.h>

struct ml_exit {
    ml_loop *loop; /* NULL: it is closed, or about to be */
    int status;
    bool asked;
    bool close; /* the Lua state is to be closed, too */
};

/* Puts our os.exit in the place of Lua's. `request` must outlive the state. May
 * raise a memory error. */
void ml_exit_install(lua_State *L, struct ml_exit *request);

#endif
