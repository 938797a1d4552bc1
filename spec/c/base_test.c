#define _POSIX_C_SOURCE 200809L

#include "base/clock.h"
#include "base/errno.h"
#include "base/list.h"
#include "base/nearest.h"
#include "base/random.h"
#include "check.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <netdb.h>

/* --- list --- */

struct item {
    int value;
    struct ml_list link;
};

static void items_init(struct item *items, int count)
{
    for (int i = 0; i < count; i++) {
        items[i].value = i;
        ml_list_init(&items[i].link);
    }
}

static int item_value(struct ml_list *link)
{
    return ml_container_of(link, struct item, link)->value;
}

/* The values on the list as decimal digits, backward checked too. */
static long list_digits(struct ml_list *head)
{
    long digits = 0;

    ml_list_each (it, head) {
        CHECK(it->next->prev == it);
        CHECK(it->prev->next == it);
        digits = digits * 10 + item_value(it);
    }
    return digits;
}

static void test_a_list_keeps_the_order_of_appending(void)
{
    struct ml_list head;
    struct item items[4];

    ml_list_init(&head);
    items_init(items, 4);
    CHECK(ml_list_empty(&head));
    ml_list_append(&head, &items[2].link);
    ml_list_append(&head, &items[3].link);
    ml_list_prepend(&head, &items[1].link);
    CHECK_EQ(list_digits(&head), 123);
    CHECK(ml_list_shift(&head) == &items[1].link);
    CHECK(!ml_list_linked(&items[1].link));
    CHECK_EQ(list_digits(&head), 23);
}

static void test_unlinking_twice_is_harmless(void)
{
    struct ml_list head;
    struct item items[3];

    ml_list_init(&head);
    items_init(items, 3);
    for (int i = 0; i < 3; i++)
        ml_list_append(&head, &items[i].link);
    ml_list_unlink(&items[1].link);
    ml_list_unlink(&items[1].link);
    CHECK(!ml_list_linked(&items[1].link));
    CHECK_EQ(list_digits(&head), 2);
    ml_list_unlink(&items[0].link);
    ml_list_unlink(&items[2].link);
    CHECK(ml_list_empty(&head));
    CHECK(ml_list_shift(&head) == NULL);
}

static void test_take_all_appends_and_empties(void)
{
    struct ml_list a, b;
    struct item items[5];

    ml_list_init(&a);
    ml_list_init(&b);
    items_init(items, 5);
    ml_list_take_all(&a, &b);
    CHECK(ml_list_empty(&a));
    ml_list_append(&a, &items[1].link);
    ml_list_append(&b, &items[2].link);
    ml_list_append(&b, &items[3].link);
    ml_list_take_all(&a, &b);
    CHECK_EQ(list_digits(&a), 123);
    CHECK(ml_list_empty(&b));
    ml_list_append(&b, &items[4].link);
    CHECK_EQ(list_digits(&b), 4);
}

static void test_each_safe_survives_unlinking(void)
{
    struct ml_list head;
    struct item items[5];

    ml_list_init(&head);
    items_init(items, 5);
    for (int i = 0; i < 5; i++)
        ml_list_append(&head, &items[i].link);
    ml_list_each_safe (it, &head) {
        if (item_value(it) % 2 == 0)
            ml_list_unlink(it);
    }
    CHECK_EQ(list_digits(&head), 13);
}

/* --- clock --- */

static void test_seconds_are_rounded_up_and_saturate(void)
{
    CHECK_EQ(ml_time_from_seconds(0), 0);
    CHECK_EQ(ml_time_from_seconds(-0.0), 0);
    CHECK_EQ(ml_time_from_seconds(-1), 0);
    CHECK_EQ(ml_time_from_seconds((double)-INFINITY), 0);
    CHECK_EQ(ml_time_from_seconds(1e-300), 1);
    CHECK_EQ(ml_time_from_seconds(1.5e-9), 2);
    CHECK_EQ(ml_time_from_seconds(0.25), 250000000);
    CHECK_EQ(ml_time_from_seconds(9e9), INT64_C(9000000000000000000));
    CHECK_EQ(ml_time_from_seconds(0x1p63 / 1e9), ML_TIME_LAST);
    CHECK_EQ(ml_time_from_seconds(1e300), ML_TIME_LAST);
    CHECK_EQ(ml_time_from_seconds((double)INFINITY), INT64_MAX);
}

static void test_nanoseconds_become_seconds(void)
{
    CHECK(ml_time_to_seconds(1500000000) > 1.4999999);
    CHECK(ml_time_to_seconds(1500000000) < 1.5000001);
    CHECK(isinf(ml_time_to_seconds(ML_TIME_NEVER)));
}

static void test_deadlines_saturate(void)
{
    CHECK_EQ(ml_time_add(5, 6), 11);
    CHECK_EQ(ml_time_add(5, INT64_MAX), INT64_MAX);
    CHECK_EQ(ml_time_add(INT64_MAX, INT64_MAX), INT64_MAX);
    CHECK_EQ(ml_time_add(1, INT64_MAX - 1), ML_TIME_LAST);
    CHECK_EQ(ml_time_add(ML_TIME_LAST, 1), ML_TIME_LAST);
    CHECK_EQ(ml_time_add(5, ML_TIME_LAST), ML_TIME_LAST);
    CHECK_EQ(ml_time_add(0, INT64_MAX - 1), INT64_MAX - 1);
}

static void test_milliseconds_are_rounded_up_and_cut(void)
{
    CHECK_EQ(ml_time_to_ms(-1), -1);
    CHECK_EQ(ml_time_to_ms(0), 0);
    CHECK_EQ(ml_time_to_ms(1), 1);
    CHECK_EQ(ml_time_to_ms(1000000), 1);
    CHECK_EQ(ml_time_to_ms(1000001), 2);
    CHECK_EQ(ml_time_to_ms(INT64_MAX), INT_MAX);
}

static void test_a_timespec_has_whole_seconds_and_the_rest(void)
{
    struct timespec ts = ml_time_to_spec(INT64_C(3000000007));

    CHECK_EQ(ts.tv_sec, 3);
    CHECK_EQ(ts.tv_nsec, 7);
    ts = ml_time_to_spec(INT64_MAX);
    CHECK_EQ(ts.tv_sec, 100000000);
    CHECK_EQ(ts.tv_nsec, 0);
}

static void test_the_real_clock_never_goes_back(void)
{
    struct ml_clock clock;
    int64_t last;

    ml_clock_real(&clock);
    CHECK(clock.advance == NULL);
    last = clock.now(&clock);
    for (int i = 0; i < 1000; i++) {
        int64_t now = clock.now(&clock);

        CHECK(now >= last);
        last = now;
    }
}

static void test_the_virtual_clock_moves_only_ahead_and_when_told(void)
{
    struct ml_clock clock;

    ml_clock_virtual(&clock);
    CHECK_EQ(clock.now(&clock), 0);
    clock.advance(&clock, 100);
    clock.advance(&clock, 50);
    CHECK_EQ(clock.now(&clock), 100);
}

/* --- errno --- */

static void test_every_known_code_comes_back_from_its_name(void)
{
    int known = 0;

    for (int code = 1; code < 30000; code++) {
        const char *name = ml_errno_name(code);

        if (strcmp(name, "EUNKNOWN") == 0)
            continue;
        known++;
        CHECK_EQ(ml_errno_value(name), code);
        CHECK(strcmp(ml_errno_text(code), "unknown error") != 0);
    }
    CHECK(known >= 80);
}

#ifdef __linux__
static void test_no_errno_of_linux_is_missing(void)
{
    for (int code = 1; code <= 133; code++) {
        if (code != 41 && code != 58) /* the two that Linux left out */
            CHECK(strcmp(ml_errno_name(code), "EUNKNOWN") != 0);
    }
}
#endif

static void test_names_and_texts_are_those_of_the_manual(void)
{
    CHECK(strcmp(ml_errno_name(ECONNREFUSED), "ECONNREFUSED") == 0);
    CHECK(strcmp(ml_errno_text(ECONNREFUSED), "connection refused") == 0);
    CHECK(strcmp(ml_errno_name(EAGAIN), "EAGAIN") == 0);
    CHECK(strcmp(ml_errno_name(ENOTSUP), "ENOTSUP") == 0);
    CHECK(strcmp(ml_errno_name(EDEADLK), "EDEADLK") == 0);
    CHECK_EQ(ml_errno_value("EWOULDBLOCK"), EWOULDBLOCK);
    CHECK_EQ(ml_errno_value("EOPNOTSUPP"), EOPNOTSUPP);
    CHECK_EQ(ml_errno_value("EFAILED"), ML_EFAILED);
    CHECK_EQ(ml_errno_value("ENONSENSE"), 0);
    CHECK(strcmp(ml_errno_name(0), "EUNKNOWN") == 0);
    CHECK(strcmp(ml_errno_name(-1), "EUNKNOWN") == 0);
    CHECK(strcmp(ml_errno_text(99999), "unknown error") == 0);
}

static void test_answers_of_getaddrinfo_have_codes(void)
{
    int code = ml_errno_from_eai(EAI_NONAME, 0);

    CHECK(strcmp(ml_errno_name(code), "EAI_NONAME") == 0);
    CHECK(strcmp(ml_errno_text(code), "name or service not known") == 0);
    CHECK_EQ(ml_errno_value("EAI_NONAME"), code);
    CHECK_EQ(ml_errno_from_eai(0, ENOENT), 0);
    CHECK_EQ(ml_errno_from_eai(EAI_MEMORY, 0), ENOMEM);
    CHECK_EQ(ml_errno_from_eai(EAI_SYSTEM, EMFILE), EMFILE);
    CHECK_EQ(ml_errno_from_eai(EAI_SYSTEM, 0), ML_EAI(EAI_FAIL));
    CHECK_EQ(ml_errno_from_eai(-9999, 0), ML_EAI(EAI_FAIL));
}

/* --- words and random bytes --- */

static void test_the_nearest_word_is_the_one_that_was_meant(void)
{
    static const char *const known[] = {"select",
                                        "epoll",
                                        "tell",
                                        "bell",
                                        "a word of more than 32 letters, one",
                                        NULL};

    CHECK(strcmp(ml_nearest("selcet", known), "select") == 0);
    CHECK(ml_nearest("nothing like it", known) == NULL);
    CHECK(strcmp(ml_nearest("a word of more than 32 letters, two", known),
                 known[4]) == 0);
}

/* Of two that are as near, and begin as alike, it is the first by alphabet. */
static void test_of_words_as_near_the_choice_is_always_the_same(void)
{
    static const char *const ways[][3] = {{"tell", "bell", NULL},
                                          {"bell", "tell", NULL}};

    for (int i = 0; i < 2; i++)
        CHECK(strcmp(ml_nearest("well", ways[i]), "bell") == 0);
}

static void test_any_number_of_random_bytes_is_had(void)
{
    unsigned char bytes[1000] = {0};
    int zeros = 0;

    CHECK_EQ(ml_random_bytes(bytes, 0), 0);
    CHECK_EQ(ml_random_bytes(bytes, sizeof bytes), 0);
    for (size_t i = 0; i < sizeof bytes; i++)
        zeros += bytes[i] == 0;
    CHECK(zeros < 100);
}

static const struct check_test tests[] = {
    CHECK_TEST(test_the_nearest_word_is_the_one_that_was_meant),
    CHECK_TEST(test_of_words_as_near_the_choice_is_always_the_same),
    CHECK_TEST(test_any_number_of_random_bytes_is_had),
    CHECK_TEST(test_a_list_keeps_the_order_of_appending),
    CHECK_TEST(test_unlinking_twice_is_harmless),
    CHECK_TEST(test_take_all_appends_and_empties),
    CHECK_TEST(test_each_safe_survives_unlinking),
    CHECK_TEST(test_seconds_are_rounded_up_and_saturate),
    CHECK_TEST(test_nanoseconds_become_seconds),
    CHECK_TEST(test_deadlines_saturate),
    CHECK_TEST(test_milliseconds_are_rounded_up_and_cut),
    CHECK_TEST(test_a_timespec_has_whole_seconds_and_the_rest),
    CHECK_TEST(test_the_real_clock_never_goes_back),
    CHECK_TEST(test_the_virtual_clock_moves_only_ahead_and_when_told),
    CHECK_TEST(test_every_known_code_comes_back_from_its_name),
#ifdef __linux__
    CHECK_TEST(test_no_errno_of_linux_is_missing),
#endif
    CHECK_TEST(test_names_and_texts_are_those_of_the_manual),
    CHECK_TEST(test_answers_of_getaddrinfo_have_codes),
};

int main(void)
{
    return check_run(tests, sizeof tests / sizeof tests[0]);
}
