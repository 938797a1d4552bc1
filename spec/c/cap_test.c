#include "base/cap.h"
#include "check.h"

#include <stdint.h>

/* What is held, as far as these tests say so. */
static size_t held;

static const size_t K = 1024;

/* A cap of 1 MiB keeps back two parts of 32 KiB. */
static struct ml_cap cap_of_a_mebibyte(void)
{
    struct ml_cap cap;
    held = 0;
    ml_cap_init(&cap, 1024 * K, &held);
    return cap;
}

static void test_tasks_end_below_what_is_kept_back(void)
{
    struct ml_cap cap = cap_of_a_mebibyte();
    CHECK_EQ(ml_cap_room(&cap), 960 * K);
    CHECK(ml_cap_admit(&cap, 960 * K));
    CHECK(!ml_cap_admit(&cap, 960 * K + 1));
    CHECK(!ml_cap_fits(&cap, SIZE_MAX));
    held = 960 * K;
    CHECK(ml_cap_fits(&cap, 0));
    CHECK(!ml_cap_fits(&cap, 1));
}

static void test_a_second_refusal_frees_the_first_part_for_clean_up(void)
{
    struct ml_cap cap = cap_of_a_mebibyte();
    held = 960 * K;
    CHECK(!ml_cap_admit(&cap, 100 * K)); /* Lua collects */
    CHECK(!ml_cap_fits(&cap, 1));
    CHECK(!ml_cap_admit(&cap, 100 * K)); /* and raises */
    CHECK(ml_cap_admit(&cap, 32 * K));
    held = 992 * K;
    CHECK(!ml_cap_admit(&cap, 1)); /* the other part is not for tasks */
}

static void test_a_request_granted_after_a_collection_frees_nothing(void)
{
    struct ml_cap cap = cap_of_a_mebibyte();
    for (int i = 0; i < 5; i++) {
        held = 960 * K;
        CHECK(!ml_cap_admit(&cap, 100));
        held = 900 * K;
        CHECK(ml_cap_admit(&cap, 100));
    }
    held = 960 * K;
    CHECK(!ml_cap_fits(&cap, 1));
}

static void test_the_first_part_is_kept_again_once_it_is_free_by_a_margin(void)
{
    struct ml_cap cap = cap_of_a_mebibyte();
    held = 960 * K;
    CHECK(!ml_cap_admit(&cap, 1));
    CHECK(!ml_cap_admit(&cap, 1));
    held = 950 * K;
    CHECK(ml_cap_admit(&cap, 20 * K)); /* not yet */
    held = 900 * K;
    CHECK(ml_cap_admit(&cap, 1));
    held = 960 * K;
    CHECK(!ml_cap_fits(&cap, 1));
}

static void test_kills_and_reports_have_a_part_each(void)
{
    struct ml_cap cap = cap_of_a_mebibyte();
    held = 960 * K;
    enum ml_cap_level before = ml_cap_enter(&cap, ML_CAP_CLEANUP);
    CHECK(ml_cap_fits(&cap, 32 * K));
    CHECK(!ml_cap_fits(&cap, 32 * K + 1));
    enum ml_cap_level between = ml_cap_enter(&cap, ML_CAP_REPORT);
    CHECK(ml_cap_fits(&cap, 64 * K));
    CHECK(!ml_cap_fits(&cap, 64 * K + 1));
    CHECK_EQ(ml_cap_enter(&cap, ML_CAP_CLEANUP), ML_CAP_REPORT);
    CHECK(ml_cap_fits(&cap, 64 * K)); /* it is not taken back */
    ml_cap_leave(&cap, between);
    CHECK(!ml_cap_fits(&cap, 33 * K));
    ml_cap_leave(&cap, before);
    CHECK(!ml_cap_fits(&cap, 1));
    CHECK_EQ(ml_cap_enter(NULL, ML_CAP_REPORT), ML_CAP_TASK);
    ml_cap_leave(NULL, ML_CAP_TASK);
}

static void test_the_runtime_has_the_first_part_at_any_time(void)
{
    struct ml_cap cap = cap_of_a_mebibyte();
    held = 960 * K;
    CHECK(ml_cap_admit_own(&cap, 32 * K));
    CHECK(!ml_cap_admit_own(&cap, 32 * K + 1));
    enum ml_cap_level before = ml_cap_enter(&cap, ML_CAP_REPORT);
    CHECK(ml_cap_admit_own(&cap, 64 * K));
    ml_cap_leave(&cap, before);
}

static void test_it_is_scarce_when_more_was_kept_than_a_collection_left(void)
{
    struct ml_cap cap = cap_of_a_mebibyte();
    held = 960 * K;
    CHECK(!ml_cap_scarce(&cap));
    held = 970 * K;
    CHECK(ml_cap_scarce(&cap));
    ml_cap_settle(&cap);
    CHECK(!ml_cap_scarce(&cap));
    held = 979 * K;
    CHECK(ml_cap_scarce(&cap));
    held = 500 * K;
    ml_cap_settle(&cap);
    held = 961 * K;
    CHECK(ml_cap_scarce(&cap));
}

static void test_a_cap_below_its_reserve_admits_nothing(void)
{
    struct ml_cap cap;
    held = 0;
    ml_cap_init(&cap, 1, &held);
    CHECK_EQ(ml_cap_room(&cap), 0);
    CHECK(!ml_cap_admit(&cap, 1));
    ml_cap_init(&cap, SIZE_MAX, &held);
    CHECK(ml_cap_admit(&cap, SIZE_MAX / 2));
    CHECK(!ml_cap_admit(&cap, SIZE_MAX));
}

static const struct check_test tests[] = {
    CHECK_TEST(test_tasks_end_below_what_is_kept_back),
    CHECK_TEST(test_a_second_refusal_frees_the_first_part_for_clean_up),
    CHECK_TEST(test_a_request_granted_after_a_collection_frees_nothing),
    CHECK_TEST(test_the_first_part_is_kept_again_once_it_is_free_by_a_margin),
    CHECK_TEST(test_kills_and_reports_have_a_part_each),
    CHECK_TEST(test_the_runtime_has_the_first_part_at_any_time),
    CHECK_TEST(test_it_is_scarce_when_more_was_kept_than_a_collection_left),
    CHECK_TEST(test_a_cap_below_its_reserve_admits_nothing),
};

int main(void)
{
    return check_run(tests, sizeof tests / sizeof tests[0]);
}
