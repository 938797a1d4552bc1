/* collector.h - how long Lua's collector rests, in states of our own.
 *
 * Lua begins a cycle when the memory in use has doubled. A server that holds
 * half a megabyte and makes strings of 16 KiB goes through all that it holds
 * every 30 messages then; so of a small heap a little more may come together
 * first. Not much more: what is used again soon is still in the cache.
 * (Measured: an echo of 16 KiB takes 6.8 us with a pause of 200, 6.1 with 400,
 * 7.2 with 1000.) A script that sets the pause itself is left alone. */
#ifndef ML_CORE_COLLECTOR_H
#define ML_CORE_COLLECTOR_H

#include <lua.h>
#include <stddef.h>

struct ml_collector {
    const size_t *used; /* bytes in use; NULL: not to be looked after */
    size_t room;        /* what may be in use at most; 0: no limit */
    size_t seen;        /* what it was when it was looked at last */
    int pause;          /* what was set last */
};

/* Looks after the collector of L's state; `used` must outlive that. Where there
 * is a limit (`room`, or 0) a cycle begins early enough to end before it. */
void ml_collector_init(struct ml_collector *collector, lua_State *L,
                       const size_t *used, size_t room);

/* Sets the pause by what is in use. */
void ml_collector_adjust(struct ml_collector *collector, lua_State *L);

/* To be called now and then: while the collector frees, what is in use comes
 * near to what is alive. */
static inline void ml_collector_look(struct ml_collector *collector,
                                     lua_State *L)
{
    if (collector->used != NULL) {
        size_t used = *collector->used;
        if (used < collector->seen) {
            ml_collector_adjust(collector, L);
        }
        collector->seen = used;
    }
}

#endif
