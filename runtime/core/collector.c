#include "core/collector.h"

/* Percents of what is alive that may be in use before a cycle begins. Lua keeps
 * them in steps of 4. */
enum {
    PAUSE_MIN = 200, /* Lua's own */
    PAUSE_MAX = 400,
    PAUSE_LEAST = 108, /* near the limit */
    SHARE = 80,        /* percent of the limit at which a cycle begins */
    ROOM = 1280 * 1024 /* bytes that may come together if that allows it */
};

void ml_collector_init(struct ml_collector *collector, lua_State *L,
                       const size_t *used, size_t room)
{
    collector->used = used;
    collector->room = room;
    collector->seen = *used;
    collector->pause = PAUSE_MIN;
    (void)lua_gc(L, LUA_GCSETPAUSE, PAUSE_MIN);
    ml_collector_adjust(collector, L);
}

static size_t clamp(size_t value, size_t least, size_t most)
{
    value = value > most ? most : value;
    return value < least ? least : value;
}

static int pause_for(size_t used, size_t room)
{
    size_t pause = clamp(100 + ROOM / (used / 100 + 1), PAUSE_MIN, PAUSE_MAX);
    if (room != 0) {
        pause = clamp(room / (used / SHARE + 1), PAUSE_LEAST, pause);
    }
    return (int)(pause - pause % 4);
}

void ml_collector_adjust(struct ml_collector *collector, lua_State *L)
{
    int pause = pause_for(*collector->used, collector->room);
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
