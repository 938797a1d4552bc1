#ifndef ML_BASE_LIST_H
#define ML_BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Intrusive, circular, doubly linked lists. The link sits inside of the item,
 * so putting something on a list allocates nothing and cannot fail, and taking
 * it off needs no search and no knowledge of which list it is on. That is what
 * waking a task is made of.
 *
 * Head and link are the same struct: a list is empty, and an item is on no
 * list, when it points to itself. Every function keeps it so, hence unlinking
 * twice is harmless. An item must be off every list before its memory goes.
 */
struct ml_list {
    struct ml_list *next, *prev;
};

/* The struct of `type` whose field `member` is at `ptr`. */
#define ml_container_of(ptr, type, member) \
    ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

/* Makes an empty list, or an item that is on none. */
static inline void ml_list_init(struct ml_list *list)
{
    list->next = list;
    list->prev = list;
}

/* Whether nothing is on the list. */
static inline bool ml_list_empty(const struct ml_list *head)
{
    return head->next == head;
}

/* Whether the (initialised) item is on a list. */
static inline bool ml_list_linked(const struct ml_list *item)
{
    return item->next != item;
}

/* Puts `item`, which must be on no list, last on the list. */
static inline void ml_list_append(struct ml_list *head, struct ml_list *item)
{
    item->next = head;
    item->prev = head->prev;
    head->prev->next = item;
    head->prev = item;
}

/* Puts `item`, which must be on no list, first on the list. */
static inline void ml_list_prepend(struct ml_list *head, struct ml_list *item)
{
    ml_list_append(head->next, item);
}

/* Takes the item off whatever list it is on; harmless if it is on none. */
static inline void ml_list_unlink(struct ml_list *item)
{
    item->prev->next = item->next;
    item->next->prev = item->prev;
    ml_list_init(item);
}

/* Takes the first item off the list and returns it; NULL if there is none. */
static inline struct ml_list *ml_list_shift(struct ml_list *head)
{
    struct ml_list *first = head->next;

    if (first == head)
        return NULL;
    ml_list_unlink(first);
    return first;
}

/*
 * Moves everything on `src` to the end of `dst`, in order and in constant
 * time, and leaves `src` empty. This is how a round takes its batch: what is
 * woken meanwhile lands on `src` and waits for the next round.
 */
static inline void ml_list_take_all(struct ml_list *dst, struct ml_list *src)
{
    if (ml_list_empty(src))
        return;
    src->next->prev = dst->prev;
    src->prev->next = dst;
    dst->prev->next = src->next;
    dst->prev = src->prev;
    ml_list_init(src);
}

/* NOLINTBEGIN(bugprone-macro-parentheses): `it` is a name, not a value */

/* Visits each link in order; the list must not change meanwhile. */
#define ml_list_each(it, head) \
    for (struct ml_list *it = (head)->next; it != (head); it = it->next)

/* Visits each link in order; the visited one may be unlinked or freed. */
#define ml_list_each_safe(it, head)                                \
    for (struct ml_list *it = (head)->next, *it##_next = it->next; \
         it != (head); it = it##_next, it##_next = it->next)

/* NOLINTEND(bugprone-macro-parentheses) */

#endif
