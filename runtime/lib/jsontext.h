/* jsontext.h - Lua values as JSON text (RFC 8259).
 *
 * This half of miniloop.json is our own: a library would want the values as a
 * tree of its own first, and writes 0.1 as 0.10000000000000001. So it is there
 * without libjansson, too. */
#ifndef ML_LIB_JSONTEXT_H
#define ML_LIB_JSONTEXT_H

#include <lua.h>

/* How deep arrays and objects may be nested unless an option says otherwise,
 * and at most: below libjansson's own limit. To read a level takes a frame of C
 * there. */
enum {
    ML_JSON_DEPTH = 512,
    ML_JSON_DEPTH_MAX = 2000
};

/* The option `depth` of the table at `arg`; raises if it is out of range. */
int ml_jsontext_depth(lua_State *L, int arg);

#endif
