#include "lib/jsonkeys.h"

#include <stdlib.h>
#include <string.h>

static int compare_keys(const void *a, const void *b)
{
    const struct ml_jsonkey *x = a;
    const struct ml_jsonkey *y = b;
    size_t least = x->size < y->size ? x->size : y->size;
    int order = memcmp(x->bytes, y->bytes, least);
    return order != 0 ? order : (x->size > y->size) - (x->size < y->size);
}

/* Pushes a list of the keys of the table on top: a finalizer, which may run
 * whenever memory is taken, can take them out of the table. */
static lua_Integer push_list(lua_State *L)
{
    lua_Integer n = 0;
    lua_newtable(L);
    lua_pushnil(L);
    while (lua_next(L, -3) != 0) {
        lua_pop(L, 1);
        if (lua_type(L, -1) != LUA_TSTRING) {
            return -1;
        }
        lua_pushvalue(L, -1);
        lua_rawseti(L, -3, ++n);
    }
    return n;
}

lua_Integer ml_jsonkeys_push(lua_State *L)
{
    lua_Integer n = push_list(L);
    if (n < 0) {
        return n;
    }
    struct ml_jsonkey *keys =
        lua_newuserdatauv(L, ((size_t)n + 1) * sizeof *keys, 0);
    for (lua_Integer i = 0; i < n; i++) {
        lua_rawgeti(L, -2, i + 1);
        keys[i].bytes = lua_tolstring(L, -1, &keys[i].size);
        lua_pop(L, 1);
    }
    qsort(keys, (size_t)n, sizeof *keys, compare_keys);
    return n;
}
