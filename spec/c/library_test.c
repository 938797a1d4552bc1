#include "base/library.h"
#include "check.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>

/* Of any process: the library of mathematics, under the name that glibc gives
 * it; where it is called otherwise there is nothing to be seen here. */
static const char LIBM[] = "libm.so.6";

struct math {
    __typeof__(&cos) cos_;
    __typeof__(&sin) sin_;
};

static bool is_there(void)
{
    static const struct ml_symbol none[] = {{NULL, 0}};
    return ml_library_open(LIBM, none, NULL, NULL) == 0;
}

static void test_functions_are_filled_in_where_the_list_says(void)
{
    static const struct ml_symbol symbols[] = {ML_LIBRARY_ROW(
        struct math, sin) ML_LIBRARY_ROW(struct math, cos){NULL, 0}};
    struct math math = {NULL, NULL};
    const char *missing = NULL;

    if (!is_there())
        return;
    CHECK_EQ(ml_library_open(LIBM, symbols, &math, &missing), 0);
    CHECK(missing == NULL);
    CHECK(math.cos_ != NULL && math.sin_ != NULL);
    CHECK(math.cos_ != NULL && math.cos_(0) > 0.5);
    CHECK(math.sin_ != NULL && math.sin_(0) < 0.5);
}

static void test_a_missing_library_is_told(void)
{
    static const struct ml_symbol symbols[] = {
        ML_LIBRARY_ROW(struct math, sin){NULL, 0}};
    struct math math = {NULL, NULL};
    const char *missing = NULL;

    CHECK_EQ(ml_library_open("libnowhere.so.9", symbols, &math, &missing),
             -ENOENT);
    CHECK(missing == NULL);
    CHECK(math.sin_ == NULL);
}

static void test_a_file_that_is_no_library_is_told(void)
{
    static const struct ml_symbol symbols[] = {{NULL, 0}};

    CHECK_EQ(ml_library_open("/dev/null", symbols, NULL, NULL), -ENOENT);
}

static void test_a_missing_function_is_named(void)
{
    static const struct ml_symbol symbols[] = {
        ML_LIBRARY_ROW(struct math, sin){"nowhere",
                                         offsetof(struct math, cos_)},
        {NULL, 0}};
    struct math math = {NULL, NULL};
    const char *missing = NULL;

    if (!is_there())
        return;
    CHECK_EQ(ml_library_open(LIBM, symbols, &math, &missing), -ENOSYS);
    CHECK(missing != NULL && strcmp(missing, "nowhere") == 0);
    CHECK_EQ(ml_library_open(LIBM, symbols, &math, NULL), -ENOSYS);
}

/* The second user of a library gets the same functions. */
static void test_opening_again_is_harmless(void)
{
    static const struct ml_symbol symbols[] = {
        ML_LIBRARY_ROW(struct math, sin){NULL, 0}};
    struct math first = {NULL, NULL}, second = {NULL, NULL};

    if (!is_there())
        return;
    CHECK_EQ(ml_library_open(LIBM, symbols, &first, NULL), 0);
    CHECK_EQ(ml_library_open(LIBM, symbols, &second, NULL), 0);
    CHECK(first.sin_ == second.sin_);
}

static const struct check_test tests[] = {
    CHECK_TEST(test_functions_are_filled_in_where_the_list_says),
    CHECK_TEST(test_a_missing_library_is_told),
    CHECK_TEST(test_a_file_that_is_no_library_is_told),
    CHECK_TEST(test_a_missing_function_is_named),
    CHECK_TEST(test_opening_again_is_harmless),
};

int main(void)
{
    return check_run(tests, sizeof tests / sizeof tests[0]);
}
