#include "base/pool.h"
#include "base/region.h"
#include "check.h"

#include <stdint.h>

/* ---- blocks ----------------------------------------------------------------- */

enum {
    BLOCKS = 2000,
    CHANGES = 200000,
    MOST = 3000
};

static struct {
    unsigned char *at;
    size_t size;
} blocks[BLOCKS];

static uint32_t random_state = 1;

static uint32_t random_below(uint32_t limit)
{
    random_state = random_state * 1664525U + 1013904223U;
    return (random_state >> 8) % limit;
}

/* Every block is filled with its own byte, and still is after all changes. */
static bool block_is_whole(size_t index, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (blocks[index].at[i] != (unsigned char)index) {
            return false;
        }
    }
    return true;
}

static bool resize_block(struct ml_pool *pool, size_t index, size_t size)
{
    size_t before = blocks[index].size;
    blocks[index].at = ml_pool_resize(pool, blocks[index].at, before, size);
    blocks[index].size = size;
    if (!block_is_whole(index, size < before ? size : before)) {
        return false;
    }
    if (size > 0) {
        memset(blocks[index].at, (int)(index & 0xff), size);
    }
    return true;
}

static void test_blocks_keep_what_is_in_them_whatever_others_do(void)
{
    struct ml_pool *pool = ml_pool_open();
    size_t empty = *ml_pool_held(pool);
    int lost = 0;
    for (int i = 0; i < CHANGES; i++) {
        size_t size = random_below(3) == 0 ? 0 : random_below(MOST);
        lost += !resize_block(pool, random_below(BLOCKS), size);
    }
    for (size_t i = 0; i < BLOCKS; i++) {
        lost += !resize_block(pool, i, 0);
    }
    CHECK_EQ(lost, 0);
    (void)ml_pool_trim(pool);
    CHECK_EQ(*ml_pool_held(pool), empty);
    CHECK(!ml_pool_trim(pool));
    ml_pool_close(pool);
}

static void test_what_is_still_in_use_goes_with_the_pool(void)
{
    struct ml_pool *pool = ml_pool_open();
    for (int i = 0; i < 100000; i++) {
        CHECK(ml_pool_resize(pool, NULL, 0, 100) != NULL);
    }
    ml_pool_close(pool);
}

/* ---- what a pool holds ----------------------------------------------------- */

static void test_a_pool_counts_whole_slabs_and_large_blocks(void)
{
    struct ml_pool *pool = ml_pool_open();
    const size_t *bytes = ml_pool_held(pool);
    size_t empty = *bytes;
    CHECK_EQ(ml_pool_need(pool, 0, 40), ML_PIECE_SIZE);
    CHECK_EQ(ml_pool_need(pool, 0, 5000), 5000);
    void *small = ml_pool_resize(pool, NULL, 0, 40);
    CHECK_EQ(*bytes - empty, ML_PIECE_SIZE);
    CHECK_EQ(ml_pool_need(pool, 0, 48), 0);
    CHECK_EQ(ml_pool_need(pool, 40, 48), 0);
    CHECK_EQ(ml_pool_need(pool, 40, 49), ML_PIECE_SIZE);
    void *large = ml_pool_resize(pool, NULL, 0, 5000);
    CHECK_EQ(*bytes - empty, ML_PIECE_SIZE + 5000);
    CHECK_EQ(ml_pool_need(pool, 5000, 6000), 1000);
    large = ml_pool_resize(pool, large, 5000, 6000);
    CHECK_EQ(*bytes - empty, ML_PIECE_SIZE + 6000);
    large = ml_pool_resize(pool, large, 6000, 48);
    CHECK_EQ(*bytes - empty, ML_PIECE_SIZE);
    (void)ml_pool_resize(pool, large, 48, 0);
    (void)ml_pool_resize(pool, small, 40, 0);
    CHECK_EQ(*bytes - empty, ML_PIECE_SIZE); /* one is kept */
    CHECK(ml_pool_trim(pool));
    CHECK_EQ(*bytes, empty);
    CHECK(!ml_pool_trim(pool));
    ml_pool_close(pool);
}

static void test_a_pool_is_trimmed_of_what_is_idle_only(void)
{
    enum {
        COUNT = 3 * ML_PIECE_SIZE / 64
    };
    static void *out[COUNT];
    struct ml_pool *pool = ml_pool_open();
    size_t empty = *ml_pool_held(pool);
    for (int i = 0; i < COUNT; i++) {
        out[i] = ml_pool_resize(pool, NULL, 0, 64);
    }
    size_t full = *ml_pool_held(pool);
    CHECK(full - empty >= (size_t)3 * ML_PIECE_SIZE);
    for (int i = 1; i < COUNT; i++) {
        (void)ml_pool_resize(pool, out[i], 64, 0);
    }
    (void)ml_pool_trim(pool);
    CHECK_EQ(*ml_pool_held(pool) - empty, ML_PIECE_SIZE); /* that of out[0] */
    (void)ml_pool_resize(pool, out[0], 64, 0);
    CHECK(ml_pool_trim(pool));
    CHECK_EQ(*ml_pool_held(pool), empty);
    ml_pool_close(pool);
}

/* ---- pieces ------------------------------------------------------------------ */

enum {
    PIECES = 100
};

static struct {
    void *at;
    struct ml_region *region;
} pieces[PIECES];

static void take_pieces(struct ml_regions *regions)
{
    for (int i = 0; i < PIECES; i++) {
        pieces[i].at = ml_region_take(regions, &pieces[i].region);
        CHECK(pieces[i].at != NULL);
        CHECK_EQ((uintptr_t)pieces[i].at % ML_PIECE_SIZE, 0);
        memset(pieces[i].at, i, ML_PIECE_SIZE);
    }
}

static void test_pieces_are_aligned_and_apart(void)
{
    struct ml_regions regions;
    ml_regions_init(&regions);
    take_pieces(&regions);
    for (int i = 0; i < PIECES; i++) {
        const unsigned char *piece = pieces[i].at;
        CHECK(piece[0] == i && piece[ML_PIECE_SIZE - 1] == i);
    }
    ml_regions_close(&regions);
}

static void test_a_piece_given_back_is_the_next_that_is_taken(void)
{
    struct ml_regions regions;
    ml_regions_init(&regions);
    take_pieces(&regions);
    ml_region_give(&regions, pieces[5].region, pieces[5].at);
    struct ml_region *region = NULL;
    CHECK(ml_region_take(&regions, &region) == pieces[5].at);
    CHECK(region == pieces[5].region);
    ml_regions_close(&regions);
}

static void test_of_regions_that_are_empty_one_is_kept(void)
{
    struct ml_regions regions;
    ml_regions_init(&regions);
    take_pieces(&regions);
    for (int i = 0; i < PIECES; i++) {
        ml_region_give(&regions, pieces[i].region, pieces[i].at);
    }
    CHECK(regions.spare == pieces[0].region);
    CHECK(regions.with_room.next == regions.with_room.prev);
    ml_regions_trim(&regions);
    CHECK(ml_list_empty(&regions.with_room) && ml_list_empty(&regions.full));
    take_pieces(&regions);
    ml_regions_close(&regions);
}

int main(void)
{
    static const struct check_test tests[] = {
        CHECK_TEST(test_blocks_keep_what_is_in_them_whatever_others_do),
        CHECK_TEST(test_what_is_still_in_use_goes_with_the_pool),
        CHECK_TEST(test_a_pool_counts_whole_slabs_and_large_blocks),
        CHECK_TEST(test_a_pool_is_trimmed_of_what_is_idle_only),
        CHECK_TEST(test_pieces_are_aligned_and_apart),
        CHECK_TEST(test_a_piece_given_back_is_the_next_that_is_taken),
        CHECK_TEST(test_of_regions_that_are_empty_one_is_kept),
    };
    return check_run(tests, sizeof tests / sizeof *tests);
}
