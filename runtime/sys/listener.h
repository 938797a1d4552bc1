/* listener.h - what others need to know of listeners: see listener.c. */
#ifndef ML_SYS_LISTENER_H
#define ML_SYS_LISTENER_H

#include <lua.h>
#include <stdbool.h>

/* The options of listen, NULL-terminated. */
extern const char *const ml_listen_option_names[];

/* Raises unless the arguments of those numbers could be an address to listen
 * on and the options of listen; unknown ones are let through. */
void ml_listen_check(lua_State *L, int address, int options);

/* True if the value at `index` is a listener. */
bool ml_listener_is(lua_State *L, int index);

#endif
