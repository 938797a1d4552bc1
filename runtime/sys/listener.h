/* listener.h - what others need to know of listeners: see listener.c. */
#ifndef ML_SYS_LISTENER_H
#define ML_SYS_LISTENER_H

#include <lua.h>
#include <stdbool.h>

struct ml_stream;
struct ml_task;

/* What gives the connections that are accepted their transport: an object of a
 * layer above, which begins with this. Neither function may use Lua. */
struct ml_porter {
    /* Gives a connection, open, its transport. 0; or -errno, and the connection
     * is closed. */
    int (*admit)(struct ml_porter *porter, struct ml_stream *stream);
    /* Frees it. */
    void (*release)(struct ml_porter *porter);
};

/* The options of listen, NULL-terminated. */
extern const char *const ml_listen_option_names[];

/* Raises unless the arguments of those numbers could be an address to listen
 * on and the options of listen; unknown ones are let through. */
void ml_listen_check(lua_State *L, int address, int options);

/* True if the value at `index` is a listener. */
bool ml_listener_is(lua_State *L, int index);

/* Gives the listener at `index` a porter, which it owns from now on, in the
 * place of the one that it had. */
void ml_listener_post(lua_State *L, int index, struct ml_porter *porter);

/* True if the listener at `index` has one. */
bool ml_listener_posted(lua_State *L, int index);

/* Has the open listener at `index` closed when the task ends, however that may
 * be: one that was killed before it began cannot do it. At once, if it has ended
 * already (NULL). A later call takes the place of an earlier one. */
void ml_listener_keep(lua_State *L, int index, struct ml_task *task);

#endif
