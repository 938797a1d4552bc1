/* heap.h - the least of many deadlines: a heap whose nodes have four children,
 * which share a cache line. */
#ifndef BENCH_HEAP_H
#define BENCH_HEAP_H

#include <lua.h>
#include <stddef.h>
#include <stdint.h>

struct heap_item {
    int64_t deadline; /* nanoseconds */
    lua_State *co;    /* who sleeps until then */
};

struct heap {
    struct heap_item *items; /* with room for all that will be put in */
    size_t count;
};

static inline void heap_put(struct heap *h, struct heap_item item)
{
    size_t at = h->count++;

    while (at > 0 && h->items[(at - 1) / 4].deadline > item.deadline) {
        h->items[at] = h->items[(at - 1) / 4];
        at = (at - 1) / 4;
    }
    h->items[at] = item;
}

/* The child with the earliest deadline; `count` or more if there is none. */
static inline size_t heap_least_child(const struct heap *h, size_t at)
{
    size_t least = at * 4 + 1;

    for (size_t i = least + 1; i < h->count && i <= at * 4 + 4; i++) {
        if (h->items[i].deadline < h->items[least].deadline) {
            least = i;
        }
    }
    return least;
}

static inline struct heap_item heap_take(struct heap *h)
{
    struct heap_item first = h->items[0];
    struct heap_item last = h->items[--h->count];
    size_t at = 0;
    size_t child;

    while ((child = heap_least_child(h, at)) < h->count &&
           h->items[child].deadline < last.deadline) {
        h->items[at] = h->items[child];
        at = child;
    }
    h->items[at] = last;
    return first;
}

#endif
