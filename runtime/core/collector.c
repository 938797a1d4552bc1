#include "core/collector.h"

/* Percents of what is alive that may be in use before a cycle begins. Lua keeps
 * them in steps of 4. */
enum {
    PAUSE_MIN = 200, /* Lua's own */
    PAUSE_MAX = 400,
    ROOM = 1280 * 1024 /* bytes that may come together if that allows it */
};

void ml_collector_init(struct ml_collector *collector, lua_State *L,
                       const size_t *used)
{
    collector->used = used;
    collector->seen = *used;
    collector->pause = PAUSE_MIN;
    (void)lua_gc(L, LUA_GCSETPAUSE, PAUSE_MIN);
    ml_collector_adjust(collector, L);
}

static int pause_for(size_t used)
{
    size_t pause = 100 + ROOM / (used / 100 + 1);
    pause = pause < PAUSE_MIN ? PAUSE_MIN : pause;
    pause = pause > PAUSE_MAX ? PAUSE_MAX : pause;
    return (int)(pause - pause % 4);
}

void ml_collector_adjust(struct ml_collector *collector, lua_State *L)
{
    int pause = pause_for(*collector->used);
    if (pause == collector->pause) {
        return;
    }
    int before = lua_gc(L, LUA_GCSETPAUSE, pause);
    if (before != collector->pause) { /* somebody else has set it */
        (void)lua_gc(L, LUA_GCSETPAUSE, before);
        collector->used = NULL;
        return;
    }
    collector->pause = pause;
}
