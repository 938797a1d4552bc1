#ifndef ML_BASE_ALLOC_H
#define ML_BASE_ALLOC_H

#include <stddef.h>

/*
 * Where memory comes from. The shape is that of lua_Alloc, so that the
 * allocator of a Lua state can be passed down as it is while this layer need
 * not know of Lua: a host's limit on its state then holds for us too.
 *
 * As with lua_Alloc, whoever holds a block must remember its size: the
 * allocator may keep accounts instead of headers, and a wrong size spoils
 * them.
 */

/*
 * Resizes `ptr` from `osize` to `nsize` bytes. With `nsize` 0 it frees and
 * returns NULL; with `ptr` NULL it allocates, and `osize` is then 0. On failure
 * it returns NULL and the old block is as it was.
 */
typedef void *(*ml_alloc_fn)(void *ud, void *ptr, size_t osize, size_t nsize);

/* Small enough to copy; `ud` must outlive every block taken through it. */
struct ml_alloc {
    ml_alloc_fn fn;
    void *ud;
};

/*
 * Makes the block `p` of `osize` bytes one of `nsize` bytes. NULL means that
 * there is no memory and that `p` is still good; for `nsize` 0 it means freed.
 */
static inline void *ml_alloc_resize(const struct ml_alloc *a, void *p,
                                    size_t osize, size_t nsize)
{
    return a->fn(a->ud, p, p ? osize : 0, nsize);
}

/* A new block of `size` bytes, not cleared, or NULL when there is no memory. */
static inline void *ml_alloc_new(const struct ml_alloc *a, size_t size)
{
    return a->fn(a->ud, NULL, 0, size);
}

/* Gives back the block `p` of `size` bytes; NULL is allowed. Cannot fail. */
static inline void ml_alloc_free(const struct ml_alloc *a, void *p, size_t size)
{
    if (p)
        (void)a->fn(a->ud, p, size, 0); /* the answer to a free is NULL */
}

#endif
