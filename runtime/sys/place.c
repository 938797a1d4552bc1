#include "sys/place.h"

#include <stdio.h>
#include <string.h>

void ml_place_here(struct ml_place *place, lua_State *L)
{
    lua_Debug ar;
    place->line = 0;
    if (lua_getstack(L, 1, &ar) != 0 && lua_getinfo(L, "Sl", &ar) != 0 &&
        ar.currentline > 0) {
        place->line = ar.currentline;
        memcpy(place->source, ar.short_src, sizeof place->source);
    }
}

void ml_place_text(const struct ml_place *place, const char *what, char *text,
                   size_t size)
{
    if (place->line == 0) {
        (void)snprintf(text, size, "%s", what);
    } else {
        (void)snprintf(text, size, "%s made at %s:%d", what, place->source,
                       place->line);
    }
}
