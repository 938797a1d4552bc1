/* site.h - where tasks are spawned, a line a generation.
 *
 * The report of a task that died says where it came from, up to the main task.
 * Its ancestors may be long gone, so the places are kept in a tree that is
 * shared: tasks spawned at one line by one ancestry have one node. */
#ifndef ML_CORE_SITE_H
#define ML_CORE_SITE_H

#include "base/alloc.h"

#include <lua.h>
#include <stddef.h>

/* Generations that are kept; a task that spawns its successor, for ever, must
 * not grow a chain without end. */
enum {
    ML_SITE_DEPTH = 16,
    ML_SITE_BUCKETS = 256
};

struct ml_site {
    const struct ml_site *parent; /* a reference; NULL for the main task */
    struct ml_site *next;         /* in its bucket */
    size_t refs;
    int line, depth;
    char source[LUA_IDSIZE];
};

struct ml_sites {
    struct ml_site *buckets[ML_SITE_BUCKETS];
    struct ml_alloc alloc;
};

/* The node for the place that calls the running C function of L, below
 * `parent`; a new reference, or NULL if there is no such place or no memory
 * (then a report is poorer by a line). */
const struct ml_site *ml_site_here(struct ml_sites *sites, lua_State *L,
                                   const struct ml_site *parent);

void ml_site_unref(struct ml_sites *sites, const struct ml_site *site);

/* Pushes the places as text, "script.lua:12", a line a generation, the nearest
 * first; an empty string for NULL. May raise a memory error. */
void ml_site_push(lua_State *L, const struct ml_site *site);

#endif
