#include "base/pool.h"

#include "base/list.h"
#include "base/region.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* A slab is a piece of a region, and lies where its address says so: from a
 * block one gets to its slab by a mask. */
enum {
    SLAB_SIZE = ML_PIECE_SIZE,
    STEP = 16,
    SMALL_MAX = 1024, /* the stack of a coroutine has 720 */
    KINDS = SMALL_MAX / STEP
};

struct block {
    struct block *next;
};

struct slab {
    struct ml_list link; /* in kind->slabs while something in it is free */
    struct kind *kind;
    struct ml_region *region;
    struct block *free; /* given back */
    char *fresh;        /* what was never given out begins here */
    uint32_t used;      /* blocks that are out */
    uint32_t room;      /* blocks that fit in all */
};

/* Blocks of one size. */
struct kind {
    struct ml_list slabs; /* those with room, the one in use first */
    size_t size;
};

struct ml_pool {
    struct kind kinds[KINDS];
    struct ml_list full; /* slabs without room */
    struct ml_regions regions;
    size_t held;
};

/* Blocks are aligned as malloc's. */
static const size_t HEADER = (sizeof(struct slab) + STEP - 1) / STEP * STEP;

struct ml_pool *ml_pool_open(void)
{
    struct ml_pool *pool = malloc(sizeof *pool);
    if (pool == NULL) {
        return NULL;
    }
    pool->held = sizeof *pool;
    ml_list_init(&pool->full);
    ml_regions_init(&pool->regions);
    for (size_t i = 0; i < KINDS; i++) {
        ml_list_init(&pool->kinds[i].slabs);
        pool->kinds[i].size = (i + 1) * STEP;
    }
    return pool;
}

void ml_pool_close(struct ml_pool *pool)
{
    ml_regions_close(&pool->regions);
    free(pool);
}

/* ---- slabs ---------------------------------------------------------------- */

static struct slab *slab_new(struct ml_pool *pool, struct kind *kind)
{
    struct ml_region *region = NULL;
    struct slab *slab = ml_region_take(&pool->regions, &region);
    if (slab == NULL) {
        return NULL;
    }
    pool->held += SLAB_SIZE;
    slab->kind = kind;
    slab->region = region;
    slab->free = NULL;
    slab->fresh = (char *)slab + HEADER;
    slab->used = 0;
    slab->room = (uint32_t)((SLAB_SIZE - HEADER) / kind->size);
    ml_list_append(&kind->slabs, &slab->link);
    return slab;
}

static void slab_free(struct ml_pool *pool, struct slab *slab)
{
    ml_list_unlink(&slab->link);
    ml_region_give(&pool->regions, slab->region, slab);
    pool->held -= SLAB_SIZE;
}

static struct slab *slab_of(const void *block)
{
    return (struct slab *)((uintptr_t)block & ~(uintptr_t)(SLAB_SIZE - 1));
}

/* The slab that the next block of this kind comes from, or NULL: no memory. */
static inline struct slab *kind_slab(struct ml_pool *pool, struct kind *kind)
{
    return ml_list_empty(&kind->slabs)
               ? slab_new(pool, kind)
               : ml_container_of(kind->slabs.next, struct slab, link);
}

/* ---- small blocks --------------------------------------------------------- */

static struct kind *kind_of(struct ml_pool *pool, size_t size)
{
    return &pool->kinds[(size - 1) / STEP];
}

static void *small_new(struct ml_pool *pool, size_t size)
{
    struct slab *slab = kind_slab(pool, kind_of(pool, size));
    if (slab == NULL) {
        return NULL;
    }
    struct block *block = slab->free;
    if (block != NULL) {
        slab->free = block->next;
    } else {
        block = (struct block *)(void *)slab->fresh;
        slab->fresh += slab->kind->size;
    }
    if (++slab->used == slab->room) {
        ml_list_unlink(&slab->link);
        ml_list_append(&pool->full, &slab->link);
    }
    return block;
}

/* The one slab that a kind has left stays, or a block that comes and goes
 * would take it from its region each time. */
static void slab_idle(struct ml_pool *pool, struct slab *slab)
{
    struct ml_list *slabs = &slab->kind->slabs;
    if (slabs->next != slabs->prev) {
        slab_free(pool, slab);
    }
}

static void small_free(struct ml_pool *pool, void *block)
{
    struct slab *slab = slab_of(block);
    struct block *free = block;
    free->next = slab->free;
    slab->free = free;
    if (slab->used-- == slab->room) {
        ml_list_unlink(&slab->link);
        ml_list_append(&slab->kind->slabs, &slab->link);
    }
    if (slab->used == 0) {
        slab_idle(pool, slab);
    }
}

/* ---- the allocator -------------------------------------------------------- */

static void *large_resize(struct ml_pool *pool, void *block, size_t osize,
                          size_t nsize)
{
    void *resized = realloc(block, nsize);
    if (resized != NULL) {
        pool->held = pool->held - osize + nsize;
    }
    return resized;
}

static void *block_new(struct ml_pool *pool, size_t size)
{
    return size <= SMALL_MAX ? small_new(pool, size)
                             : large_resize(pool, NULL, 0, size);
}

static void block_free(struct ml_pool *pool, void *block, size_t size)
{
    if (size <= SMALL_MAX) {
        small_free(pool, block);
    } else {
        free(block);
        pool->held -= size;
    }
}

static void *block_move(struct ml_pool *pool, void *block, size_t osize,
                        size_t nsize)
{
    if (osize > SMALL_MAX && nsize > SMALL_MAX) {
        return large_resize(pool, block, osize, nsize);
    }
    if (osize <= SMALL_MAX && nsize <= SMALL_MAX &&
        kind_of(pool, osize) == kind_of(pool, nsize)) {
        return block;
    }
    void *moved = block_new(pool, nsize);
    if (moved != NULL) {
        memcpy(moved, block, osize < nsize ? osize : nsize);
        block_free(pool, block, osize);
    }
    return moved;
}

void *ml_pool_resize(void *pool, void *block, size_t osize, size_t nsize)
{
    if (block == NULL) {
        return nsize > 0 ? block_new(pool, nsize) : NULL;
    }
    if (nsize == 0) {
        block_free(pool, block, osize);
        return NULL;
    }
    return block_move(pool, block, osize, nsize);
}

/* ---- for who holds it to a limit ------------------------------------------- */

const size_t *ml_pool_held(const struct ml_pool *pool)
{
    return &pool->held;
}

size_t ml_pool_need(struct ml_pool *pool, size_t osize, size_t nsize)
{
    if (nsize > SMALL_MAX) {
        return osize > SMALL_MAX ? nsize - osize : nsize;
    }
    struct kind *kind = kind_of(pool, nsize);
    bool stays = osize > 0 && kind_of(pool, osize) == kind;
    return stays || !ml_list_empty(&kind->slabs) ? 0 : SLAB_SIZE;
}

/* A slab that is idle is the first of its kind: it was alone when it got idle,
 * and others come behind it. */
static void kind_trim(struct ml_pool *pool, struct kind *kind)
{
    if (ml_list_empty(&kind->slabs)) {
        return;
    }
    struct slab *first = ml_container_of(kind->slabs.next, struct slab, link);
    if (first->used == 0) {
        slab_free(pool, first);
    }
}

bool ml_pool_trim(struct ml_pool *pool)
{
    size_t before = pool->held;
    for (size_t i = 0; i < KINDS; i++) {
        kind_trim(pool, &pool->kinds[i]);
    }
    ml_regions_trim(&pool->regions);
    return pool->held < before;
}
