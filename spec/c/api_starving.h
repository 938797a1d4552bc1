#ifndef ML_SPEC_API_STARVING_H
#define ML_SPEC_API_STARVING_H

#include "api_fixture.h"

#include <limits.h>

/* Loops whose allocations can be made to fail. */

/* Refuses some allocations from the n-th on, then none. */
struct scarce {
    long before, refused;
};

static inline void *scarce_alloc(void *ud, void *p, size_t osize, size_t nsize)
{
    struct scarce *scarce = ud;
    if (nsize > osize || p == NULL) {
        if (scarce->before > 0) {
            scarce->before--;
        } else if (nsize > 0 && scarce->refused > 0) {
            scarce->refused--;
            return NULL;
        }
    }
    return counted(NULL, p, osize, nsize);
}

static struct scarce ration;

/* starve([count]): so many allocations are refused, or all from now on. (Lua
 * collects after the first, and asks again.) */
static inline int starve(lua_State *L)
{
    ration.refused = (long)luaL_optinteger(L, 1, LONG_MAX);
    return 0;
}

static inline int feed(lua_State *L)
{
    (void)L;
    ration.refused = 0;
    return 0;
}

/* allow(count [, times]): so many are made before all, or so many, are refused. */
static inline int allow(lua_State *L)
{
    ration.before = (long)lua_tointeger(L, 1);
    ration.refused = (long)luaL_optinteger(L, 2, LONG_MAX);
    return 0;
}

/* A loop whose scripts can do without memory for a while. */
static inline ml_loop *open_starving(unsigned flags)
{
    ml_options options = options_of(flags);
    options.alloc = scarce_alloc;
    options.alloc_ud = &ration;
    ml_loop *loop = open_with(&options);
    define(loop, "starve", starve);
    define(loop, "feed", feed);
    define(loop, "allow", allow);
    return loop;
}

#endif
