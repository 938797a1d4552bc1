#include "base/clock.h"
#include "base/timer.h"
#include "check.h"

#include <errno.h>

enum {
    MANY = 3000
};

/* The plain truth that the heap is compared with. */
struct model {
    struct ml_timer timer;
    int64_t deadline;
    uint64_t order; /* of arming; 0 if not armed */
};

static struct model *model_earliest(struct model *models, int count)
{
    struct model *best = NULL;

    for (int i = 0; i < count; i++) {
        struct model *m = &models[i];

        if (m->order &&
            (!best || m->deadline < best->deadline ||
             (m->deadline == best->deadline && m->order < best->order)))
            best = m;
    }
    return best;
}

static void models_init(struct model *models, int count)
{
    for (int i = 0; i < count; i++) {
        ml_timer_init(&models[i].timer);
        models[i].order = 0;
    }
}

static void model_expire_one(struct ml_timers *ts, struct model *models,
                             int count)
{
    struct model *best = model_earliest(models, count);
    int64_t next = best ? best->deadline : ML_TIME_NEVER;

    CHECK_EQ(ml_timers_next(ts), next);
    if (!best) {
        CHECK(ml_timers_expire(ts, INT64_MAX) == NULL);
        return;
    }
    CHECK(ml_timers_expire(ts, next - 1) == NULL);
    CHECK(ml_timers_expire(ts, next) == &best->timer);
    CHECK(!ml_timer_armed(&best->timer));
    best->order = 0;
}

static void test_timers_do_what_a_sorted_list_would(void)
{
    enum {
        COUNT = 200,
        STEPS = 40000
    };
    static struct model models[COUNT];
    struct ml_timers ts;
    uint64_t order = 0;

    ml_timers_init(&ts, &check_alloc);
    models_init(models, COUNT);
    for (int i = 0; i < STEPS; i++) {
        struct model *m = &models[check_random(COUNT)];
        unsigned what = check_random(8);

        if (what < 4) {
            m->deadline = check_random(50);
            m->order = ++order;
            CHECK_EQ(ml_timers_arm(&ts, &m->timer, m->deadline), 0);
            CHECK_EQ(ml_timer_deadline(&ts, &m->timer), m->deadline);
        } else if (what < 6) {
            m->order = 0;
            ml_timers_disarm(&ts, &m->timer);
            CHECK(!ml_timer_armed(&m->timer));
        } else {
            model_expire_one(&ts, models, COUNT);
        }
    }
    while (ml_timers_count(&ts))
        model_expire_one(&ts, models, COUNT);
    CHECK(model_earliest(models, COUNT) == NULL);
    ml_timers_term(&ts);
}

static void test_equal_deadlines_expire_in_order_of_arming(void)
{
    static struct model models[MANY];
    struct ml_timers ts;

    ml_timers_init(&ts, &check_alloc);
    models_init(models, MANY);
    for (int i = 0; i < MANY; i++)
        CHECK_EQ(ml_timers_arm(&ts, &models[i].timer, 7), 0);
    CHECK_EQ(ml_timers_arm(&ts, &models[0].timer, 7), 0); /* now the last */
    for (int i = 1; i < MANY; i++)
        CHECK(ml_timers_expire(&ts, 7) == &models[i].timer);
    CHECK(ml_timers_expire(&ts, 7) == &models[0].timer);
    CHECK(ml_timers_expire(&ts, 7) == NULL);
    ml_timers_term(&ts);
}

static void test_disarming_an_idle_timer_is_harmless(void)
{
    struct ml_timers ts;
    struct ml_timer t;

    ml_timers_init(&ts, &check_alloc);
    ml_timer_init(&t);
    ml_timers_disarm(&ts, &t);
    CHECK_EQ(ml_timers_next(&ts), INT64_MAX);
    ml_timers_term(&ts);
}

static void test_arming_reports_lack_of_memory_and_rearming_needs_none(void)
{
    enum {
        FIRST = 16
    };
    static struct model models[FIRST + 1];
    struct ml_timers ts;

    ml_timers_init(&ts, &check_alloc);
    models_init(models, FIRST + 1);
    for (int i = 0; i < FIRST; i++)
        CHECK_EQ(ml_timers_arm(&ts, &models[i].timer, i), 0);
    check.allowed = 0;
    CHECK_EQ(ml_timers_arm(&ts, &models[FIRST].timer, 0), -ENOMEM);
    CHECK(!ml_timer_armed(&models[FIRST].timer));
    CHECK_EQ(ml_timers_arm(&ts, &models[0].timer, 100), 0);
    CHECK_EQ(ml_timers_next(&ts), 1);
    ml_timers_disarm(&ts, &models[1].timer);
    CHECK_EQ(ml_timers_arm(&ts, &models[FIRST].timer, 0), 0);
    ml_timers_term(&ts);
    CHECK(!ml_timer_armed(&models[0].timer));
}

static void test_a_heap_that_was_large_gives_memory_back(void)
{
    static struct model models[MANY];
    struct ml_timers ts;
    size_t large;

    ml_timers_init(&ts, &check_alloc);
    models_init(models, MANY);
    for (int i = 0; i < MANY; i++)
        CHECK_EQ(ml_timers_arm(&ts, &models[i].timer, i), 0);
    large = check.bytes;
    check.allowed = 0; /* disarming must not even try */
    for (int i = 1; i < MANY; i++)
        ml_timers_disarm(&ts, &models[i].timer);
    CHECK_EQ(check.bytes, large);
    CHECK_EQ(ml_timers_arm(&ts, &models[1].timer, 1), 0);
    check.allowed = -1;
    for (int i = 2; i < 20; i++)
        CHECK_EQ(ml_timers_arm(&ts, &models[i].timer, i), 0);
    CHECK(check.bytes <= large / 4);
    for (int i = 0; i < 20; i++)
        CHECK(ml_timers_expire(&ts, 20) == &models[i].timer);
    ml_timers_term(&ts);
}

static const struct check_test tests[] = {
    CHECK_TEST(test_timers_do_what_a_sorted_list_would),
    CHECK_TEST(test_equal_deadlines_expire_in_order_of_arming),
    CHECK_TEST(test_disarming_an_idle_timer_is_harmless),
    CHECK_TEST(test_arming_reports_lack_of_memory_and_rearming_needs_none),
    CHECK_TEST(test_a_heap_that_was_large_gives_memory_back),
};

int main(void)
{
    return check_run(tests, sizeof tests / sizeof tests[0]);
}
