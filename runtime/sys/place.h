/* place.h - where in a script something was made, for reports. */
#ifndef ML_SYS_PLACE_H
#define ML_SYS_PLACE_H

#include <lua.h>
#include <stddef.h>

struct ml_place {
    int line; /* 0: not by a script */
    char source[LUA_IDSIZE];
};

/* Notes the line that calls the running C function. */
void ml_place_here(struct ml_place *place, lua_State *L);

/* Writes "on a channel made at script.lua:3"; what is "on a channel". */
void ml_place_text(const struct ml_place *place, const char *what, char *text,
                   size_t size);

#endif
