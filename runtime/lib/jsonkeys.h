/* jsonkeys.h - the keys of a table in the order of their bytes. */
#ifndef ML_LIB_JSONKEYS_H
#define ML_LIB_JSONKEYS_H

#include <lua.h>
#include <stddef.h>

struct ml_jsonkey {
    const char *bytes;
    size_t size;
};

/* Pushes two values for the table on top: a list that keeps its keys alive, and
 * a userdata that holds them in order, as struct ml_jsonkey. Their number; or,
 * if one is no string, -1, with that one on top. May raise a memory error. */
lua_Integer ml_jsonkeys_push(lua_State *L);

#endif
