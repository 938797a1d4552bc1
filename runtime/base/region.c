#include "base/region.h"

#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

enum {
    PIECES = 8,
    /* The system aligns to pages: one piece more has eight that are aligned. */
    MAPPED = (PIECES + 1) * ML_PIECE_SIZE
};

struct ml_region {
    struct ml_list link; /* in with_room or full */
    void *mapping;
    char *pieces;   /* the first */
    unsigned taken; /* a bit a piece */
};

static const unsigned ALL = (1U << PIECES) - 1;

void ml_regions_init(struct ml_regions *regions)
{
    ml_list_init(&regions->with_room);
    ml_list_init(&regions->full);
    regions->spare = NULL;
}

static struct ml_region *region_of(struct ml_list *link)
{
    return ml_container_of(link, struct ml_region, link);
}

static void region_free(struct ml_region *region)
{
    munmap(region->mapping, MAPPED);
    free(region);
}

static void free_all(struct ml_list *list)
{
    ml_list_each_safe (link, list) {
        region_free(region_of(link));
    }
    ml_list_init(list);
}

void ml_regions_close(struct ml_regions *regions)
{
    free_all(&regions->with_room);
    free_all(&regions->full);
    regions->spare = NULL;
}

static struct ml_region *region_new(struct ml_regions *regions)
{
    struct ml_region *region = malloc(sizeof *region);
    if (region == NULL) {
        return NULL;
    }
    region->mapping = mmap(NULL, MAPPED, PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (region->mapping == MAP_FAILED) {
        free(region);
        return NULL;
    }
    uintptr_t start = (uintptr_t)region->mapping;
    size_t skip = (size_t)(-start % ML_PIECE_SIZE);
    region->pieces = (char *)region->mapping + skip;
    region->taken = 0;
    ml_list_append(&regions->with_room, &region->link);
    return region;
}

static unsigned first_free(const struct ml_region *region)
{
    unsigned index = 0;
    while ((region->taken >> index & 1U) != 0) {
        index++;
    }
    return index;
}

void *ml_region_take(struct ml_regions *regions, struct ml_region **region)
{
    struct ml_region *from = ml_list_empty(&regions->with_room)
                                 ? region_new(regions)
                                 : region_of(regions->with_room.next);
    if (from == NULL) {
        return NULL;
    }
    unsigned index = first_free(from);
    from->taken |= 1U << index;
    if (from->taken == ALL) {
        ml_list_unlink(&from->link);
        ml_list_append(&regions->full, &from->link);
    }
    if (from == regions->spare) {
        regions->spare = NULL;
    }
    *region = from;
    return from->pieces + (size_t)index * ML_PIECE_SIZE;
}

/* The spare one comes last: others are filled before. */
static void region_idle(struct ml_regions *regions, struct ml_region *region)
{
    ml_list_unlink(&region->link);
    if (regions->spare != NULL) {
        region_free(region);
        return;
    }
    regions->spare = region;
    ml_list_append(&regions->with_room, &region->link);
}

void ml_region_give(struct ml_regions *regions, struct ml_region *region,
                    void *piece)
{
    size_t index = (size_t)((char *)piece - region->pieces) / ML_PIECE_SIZE;
    assert((region->taken >> index & 1U) != 0);
    if (region->taken == ALL) {
        ml_list_unlink(&region->link);
        ml_list_prepend(&regions->with_room, &region->link);
    }
    region->taken &= ~(1U << index);
    if (region->taken == 0) {
        region_idle(regions, region);
    }
}

void ml_regions_trim(struct ml_regions *regions)
{
    if (regions->spare != NULL) {
        ml_list_unlink(&regions->spare->link);
        region_free(regions->spare);
        regions->spare = NULL;
    }
}
