#include "base/buffer.h"
#include "check.h"

#include <errno.h>
#include <stdint.h>

static void test_a_buffer_is_a_queue_of_bytes(void)
{
    struct ml_buffer b;
    unsigned in = 0, out = 0;

    ml_buffer_init(&b);
    for (int i = 0; i < 20000; i++) {
        char byte = (char)in;

        if (check_random(5) < 3 && in - out < 1000) {
            CHECK_EQ(ml_buffer_append(&b, &check_alloc, &byte, 1), 0);
            in++;
        } else if (in != out) {
            CHECK(ml_buffer_bytes(&b)[0] == (char)out);
            ml_buffer_consume(&b, 1);
            out++;
        }
        CHECK_EQ(ml_buffer_length(&b), in - out);
    }
    CHECK(b.capacity <= 4096);
    ml_buffer_consume(&b, ml_buffer_length(&b));
    CHECK_EQ(ml_buffer_room(&b), b.capacity);
    ml_buffer_term(&b, &check_alloc);
}

static void test_a_buffer_holds_no_more_than_its_limit(void)
{
    struct ml_buffer b;

    ml_buffer_init(&b);
    CHECK_EQ(ml_buffer_reserve(&b, &check_alloc, 11, 10), -EMSGSIZE);
    CHECK_EQ(ml_buffer_reserve(&b, &check_alloc, 10, 10), 0);
    CHECK(ml_buffer_room(&b) >= 10);
    memset(ml_buffer_tail(&b), 'x', 10);
    ml_buffer_produced(&b, 10);
    CHECK_EQ(ml_buffer_reserve(&b, &check_alloc, 1, 10), -EMSGSIZE);
    CHECK_EQ(ml_buffer_reserve(&b, &check_alloc, 1, 5), -EMSGSIZE);
    CHECK_EQ(ml_buffer_reserve(&b, &check_alloc, SIZE_MAX, SIZE_MAX),
             -EMSGSIZE);
    ml_buffer_consume(&b, 1);
    CHECK_EQ(ml_buffer_reserve(&b, &check_alloc, 1, 10), 0);
    ml_buffer_term(&b, &check_alloc);
}

static void test_a_buffer_without_memory_stays_as_it_was(void)
{
    struct ml_buffer b;
    char large[1000];

    memset(large, 'y', sizeof large);
    ml_buffer_init(&b);
    CHECK_EQ(ml_buffer_append(&b, &check_alloc, "abc", 3), 0);
    check.allowed = 0;
    CHECK_EQ(ml_buffer_append(&b, &check_alloc, large, sizeof large), -ENOMEM);
    CHECK_EQ(ml_buffer_length(&b), 3);
    CHECK(memcmp(ml_buffer_bytes(&b), "abc", 3) == 0);
    ml_buffer_term(&b, &check_alloc);
}

static void test_a_buffer_moves_its_bytes_rather_than_fail(void)
{
    struct ml_buffer b;

    ml_buffer_init(&b);
    CHECK_EQ(ml_buffer_reserve(&b, &check_alloc, 1, SIZE_MAX), 0);
    memset(ml_buffer_tail(&b), 'z', b.capacity);
    ml_buffer_produced(&b, b.capacity);
    ml_buffer_consume(&b, 1);
    check.allowed = 0;
    CHECK_EQ(ml_buffer_append(&b, &check_alloc, "!", 1), 0);
    CHECK_EQ(ml_buffer_length(&b), b.capacity);
    CHECK(ml_buffer_bytes(&b)[b.capacity - 1] == '!');
    ml_buffer_term(&b, &check_alloc);
}

static void test_a_stream_at_its_limit_is_not_moved_for_each_byte(void)
{
    enum {
        LIMIT = 10000,
        ROUNDS = 100000
    };
    static char fill[LIMIT];
    struct ml_buffer b;
    size_t moved = 0;
    const size_t limit = LIMIT, rounds = ROUNDS;

    ml_buffer_init(&b);
    CHECK_EQ(ml_buffer_append(&b, &check_alloc, fill, LIMIT), 0);
    for (int i = 0; i < ROUNDS; i++) {
        size_t start;

        ml_buffer_consume(&b, 1);
        start = b.start;
        CHECK_EQ(ml_buffer_reserve(&b, &check_alloc, 1, LIMIT), 0);
        moved += b.start < start ? LIMIT : 0;
        memset(ml_buffer_tail(&b), 'a', 1);
        ml_buffer_produced(&b, 1);
    }
    CHECK(moved <= 2 * rounds);
    CHECK(b.capacity <= 5 * limit);
    ml_buffer_term(&b, &check_alloc);
}

static void test_trim_frees_only_what_is_empty_and_large(void)
{
    struct ml_buffer b;

    ml_buffer_init(&b);
    CHECK_EQ(ml_buffer_append(&b, &check_alloc, "abc", 3), 0);
    ml_buffer_trim(&b, &check_alloc, 0);
    CHECK_EQ(ml_buffer_length(&b), 3);
    ml_buffer_consume(&b, 3);
    ml_buffer_trim(&b, &check_alloc, b.capacity);
    CHECK(b.capacity > 0);
    ml_buffer_trim(&b, &check_alloc, b.capacity - 1);
    CHECK_EQ(b.capacity, 0);
    CHECK_EQ(check.bytes, 0);
}

static void test_find_begins_where_it_is_told(void)
{
    struct ml_buffer b;

    ml_buffer_init(&b);
    CHECK(ml_buffer_find(&b, '\n', 0) == ML_BUFFER_NONE);
    CHECK_EQ(ml_buffer_append(&b, &check_alloc, "?ab\ncd\n\xff", 8), 0);
    ml_buffer_consume(&b, 1);
    CHECK_EQ(ml_buffer_find(&b, '\n', 0), 2);
    CHECK_EQ(ml_buffer_find(&b, '\n', 2), 2);
    CHECK_EQ(ml_buffer_find(&b, '\n', 3), 5);
    CHECK_EQ(ml_buffer_find(&b, '\xff', 0), 6);
    CHECK(ml_buffer_find(&b, '?', 0) == ML_BUFFER_NONE);
    CHECK(ml_buffer_find(&b, 'a', 7) == ML_BUFFER_NONE);
    CHECK(ml_buffer_find(&b, 'a', SIZE_MAX) == ML_BUFFER_NONE);
    ml_buffer_term(&b, &check_alloc);
}

static const struct check_test tests[] = {
    CHECK_TEST(test_a_buffer_is_a_queue_of_bytes),
    CHECK_TEST(test_a_buffer_holds_no_more_than_its_limit),
    CHECK_TEST(test_a_buffer_without_memory_stays_as_it_was),
    CHECK_TEST(test_a_buffer_moves_its_bytes_rather_than_fail),
    CHECK_TEST(test_a_stream_at_its_limit_is_not_moved_for_each_byte),
    CHECK_TEST(test_trim_frees_only_what_is_empty_and_large),
    CHECK_TEST(test_find_begins_where_it_is_told),
};

int main(void)
{
    return check_run(tests, sizeof tests / sizeof tests[0]);
}
