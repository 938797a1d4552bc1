#include "base/timer.h"

#include <assert.h>
#include <errno.h>

/*
 * Indexes count from 0: the children of i are 4i+1 to 4i+4. Sifting moves a
 * hole and not pairs of entries, so each step is one copy, and each copy tells
 * the timer its new place.
 */

enum {
    POS_MAX = INT32_MAX, /* as many bits as a timer has for its place */
    FANOUT = 4,
    SMALLEST = 16,       /* first capacity */
    SHRINK_ABOVE = 1024, /* a smaller array is not worth giving back */
    SHRINK_RATIO = 8,    /* nor one that is fuller than an eighth */
};

static bool entry_before(const struct ml_timer_entry *a,
                         const struct ml_timer_entry *b)
{
    if (a->deadline != b->deadline)
        return a->deadline < b->deadline;
    return (int32_t)(a->timer->seq - b->timer->seq) < 0;
}

static void entry_put(struct ml_timers *ts, uint32_t at,
                      struct ml_timer_entry entry)
{
    ts->entries[at] = entry;
    entry.timer->pos = (at + 1) & POS_MAX;
}

/* Puts `entry` into the hole at `at`, or above it where it belongs. */
static void heap_rise(struct ml_timers *ts, uint32_t at,
                      struct ml_timer_entry entry)
{
    while (at > 0) {
        uint32_t parent = (at - 1) / FANOUT;

        if (!entry_before(&entry, &ts->entries[parent]))
            break;
        entry_put(ts, at, ts->entries[parent]);
        at = parent;
    }
    entry_put(ts, at, entry);
}

/* The earliest of the children that begin at `first`, which exists. */
static uint32_t heap_best_child(const struct ml_timers *ts, uint32_t first)
{
    uint32_t end = ts->count - first > FANOUT ? first + FANOUT : ts->count;
    uint32_t best = first;

    for (uint32_t i = first + 1; i < end; i++) {
        if (entry_before(&ts->entries[i], &ts->entries[best]))
            best = i;
    }
    return best;
}

/* Puts `entry` into the hole at `at`, or below it where it belongs. */
static void heap_sink(struct ml_timers *ts, uint32_t at,
                      struct ml_timer_entry entry)
{
    /* In 64 bits, since four times an index may not fit in 32. */
    for (;;) {
        uint64_t first = (uint64_t)at * FANOUT + 1;
        uint32_t child;

        if (first >= ts->count)
            break;
        child = heap_best_child(ts, (uint32_t)first);
        if (!entry_before(&ts->entries[child], &entry))
            break;
        entry_put(ts, at, ts->entries[child]);
        at = child;
    }
    entry_put(ts, at, entry);
}

/* Puts `entry` into the hole at `at`, or to wherever it belongs. */
static void heap_settle(struct ml_timers *ts, uint32_t at,
                        struct ml_timer_entry entry)
{
    if (at > 0 && entry_before(&entry, &ts->entries[(at - 1) / FANOUT])) {
        heap_rise(ts, at, entry);
    } else {
        heap_sink(ts, at, entry);
    }
}

static void heap_remove(struct ml_timers *ts, uint32_t at)
{
    struct ml_timer_entry last = ts->entries[--ts->count];

    ts->entries[at].timer->pos = 0;
    if (at != ts->count)
        heap_settle(ts, at, last);
}

static int timers_resize(struct ml_timers *ts, uint32_t capacity)
{
    size_t size = sizeof *ts->entries;
    void *p;

    if (capacity > SIZE_MAX / size)
        return -ENOMEM;
    p = ml_alloc_resize(&ts->alloc, ts->entries, ts->capacity * size,
                        capacity * size);
    if (!p)
        return -ENOMEM;
    ts->entries = p;
    ts->capacity = capacity;
    return 0;
}

/*
 * Makes room for one more. This is also where an array that once was large
 * shrinks, since arming is the one thing that may allocate: halving leaves so
 * much room that it is paid for by the timers that came and went, and it does
 * not matter if it fails.
 */
static int timers_make_room(struct ml_timers *ts)
{
    if (ts->capacity > SHRINK_ABOVE && ts->count < ts->capacity / SHRINK_RATIO)
        (void)timers_resize(ts, ts->capacity / 2);
    if (ts->count < ts->capacity)
        return 0;
    if (ts->capacity > POS_MAX / 2)
        return -ENOMEM;
    return timers_resize(ts, ts->capacity ? ts->capacity * 2 : SMALLEST);
}

void ml_timers_init(struct ml_timers *ts, const struct ml_alloc *alloc)
{
    *ts = (struct ml_timers){.alloc = *alloc};
}

void ml_timers_term(struct ml_timers *ts)
{
    for (uint32_t i = 0; i < ts->count; i++)
        ts->entries[i].timer->pos = 0;
    ml_alloc_free(&ts->alloc, ts->entries, ts->capacity * sizeof *ts->entries);
    ts->entries = NULL;
    ts->count = ts->capacity = 0;
}

int ml_timers_arm(struct ml_timers *ts, struct ml_timer *t, int64_t deadline)
{
    struct ml_timer_entry entry = {deadline, t};

    t->seq = ts->seq++;
    if (t->pos) {
        assert(ts->entries[t->pos - 1].timer == t && "timer of this heap");
        heap_settle(ts, t->pos - 1, entry);
    } else {
        int rc = timers_make_room(ts);

        if (rc < 0)
            return rc;
        heap_rise(ts, ts->count++, entry);
    }
    return 0;
}

void ml_timers_disarm(struct ml_timers *ts, struct ml_timer *t)
{
    if (!t->pos)
        return;
    assert(ts->entries[t->pos - 1].timer == t && "timer of this heap");
    heap_remove(ts, t->pos - 1);
}

struct ml_timer *ml_timers_expire(struct ml_timers *ts, int64_t now)
{
    struct ml_timer *t;

    if (ts->count == 0 || ts->entries[0].deadline > now)
        return NULL;
    t = ts->entries[0].timer;
    heap_remove(ts, 0);
    return t;
}

int64_t ml_timer_deadline(const struct ml_timers *ts, const struct ml_timer *t)
{
    assert(t->pos && "an armed timer");
    return ts->entries[t->pos - 1].deadline;
}
