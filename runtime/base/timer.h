#ifndef ML_BASE_TIMER_H
#define ML_BASE_TIMER_H

#include "base/alloc.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * Timers: a 4-ary heap with the keys inside of the array, so that a comparison
 * touches the array alone and not the timers all over memory. Four children
 * make the tree half as deep as two would: arming, which is far more common
 * than expiring since most timeouts are cancelled, gets cheaper, and the four
 * keys that expiring must compare are next to each other.
 *
 * A timer knows its place in the heap, so disarming is no search. Only arming
 * allocates; disarming and expiring cannot fail, since waking must not.
 */

/* One timer, embedded in what it wakes; must be disarmed before that goes. */
struct ml_timer {
    uint32_t pos : 31; /* index into the heap plus 1; 0 while it is not armed */
    uint32_t tag : 1;  /* the owner's own */
    uint32_t seq;      /* order of arming, decides among equal deadlines: it may
                          wrap, for no two of them are armed so far apart */
};

/* A place in the heap: four of them, all children of one, are 64 bytes. */
struct ml_timer_entry {
    int64_t deadline;
    struct ml_timer *timer; /* borrowed; armed, hence alive */
};

/* All timers of a loop, the earliest in entries[0]. */
struct ml_timers {
    struct ml_timer_entry *entries; /* owned; NULL until the first arming */
    uint32_t count, capacity;
    uint32_t seq; /* the next number to give out */
    struct ml_alloc alloc;
};

/* Makes a timer that is not armed, and whose tag is 0. */
static inline void ml_timer_init(struct ml_timer *t)
{
    *t = (struct ml_timer){0, 0, 0};
}

/* Whether the timer is armed. */
static inline bool ml_timer_armed(const struct ml_timer *t)
{
    return t->pos != 0;
}

/* Makes an empty heap; allocates nothing. `alloc` is copied. */
void ml_timers_init(struct ml_timers *ts, const struct ml_alloc *alloc);

/* Disarms whatever is armed and frees the heap; it may be used again. */
void ml_timers_term(struct ml_timers *ts);

/*
 * Arms `t` for `deadline`, or moves it there if it is armed; either way it
 * comes after those that were armed for the same deadline before. Returns 0 or
 * -ENOMEM; moving an armed timer cannot fail.
 */
int ml_timers_arm(struct ml_timers *ts, struct ml_timer *t, int64_t deadline);

/* Disarms `t`; harmless if it is not armed. Cannot fail. */
void ml_timers_disarm(struct ml_timers *ts, struct ml_timer *t);

/*
 * Takes out the earliest timer if its deadline is not after `now`, else
 * returns NULL. Call it until NULL; equal deadlines come in order of arming.
 */
struct ml_timer *ml_timers_expire(struct ml_timers *ts, int64_t now);

/* The deadline of an armed timer. */
int64_t ml_timer_deadline(const struct ml_timers *ts, const struct ml_timer *t);

/* The earliest deadline, or ML_TIME_NEVER when nothing is armed. */
static inline int64_t ml_timers_next(const struct ml_timers *ts)
{
    return ts->count ? ts->entries[0].deadline : INT64_MAX;
}

/* How many timers are armed. */
static inline uint32_t ml_timers_count(const struct ml_timers *ts)
{
    return ts->count;
}

#endif
