/* region.h - pages for a pool: aligned pieces of 32 KiB, of the system's.
 *
 * They do not come from the C library's heap, for small blocks that stay and
 * large ones that go must not lie side by side there: what is left between
 * aligned pieces is a little too small for the next block of 64 KiB. (Measured:
 * a client that receives blocks of that size held 9.5 MB so, of which 2.3 were
 * in use.) */
#ifndef ML_BASE_REGION_H
#define ML_BASE_REGION_H

#include "base/list.h"

#include <stdbool.h>

enum {
    ML_PIECE_SIZE = 32 * 1024
};

struct ml_region;

/* All regions of one pool. One that is empty is kept for the next piece. */
struct ml_regions {
    struct ml_list with_room;
    struct ml_list full;
    struct ml_region *spare; /* the one that is empty, or NULL; it has room */
};

/* Makes a set without a region. */
void ml_regions_init(struct ml_regions *regions);

/* Gives all pages back to the system, whatever is still in use. */
void ml_regions_close(struct ml_regions *regions);

/* A piece of ML_PIECE_SIZE bytes at an address that is a multiple of that, and
 * in `*region` what it belongs to; NULL: no memory. What is in it is undefined.
 */
void *ml_region_take(struct ml_regions *regions, struct ml_region **region);

/* Gives a piece back to the region that it is of. */
void ml_region_give(struct ml_regions *regions, struct ml_region *region,
                    void *piece);

/* Gives the spare region's pages back to the system, if there is one. */
void ml_regions_trim(struct ml_regions *regions);

#endif
