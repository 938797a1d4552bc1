/* The contract of poll/poll.h, put to every poller of this system. */

#define _GNU_SOURCE 1 /* setitimer */

#include "poll_fixture.h"

#include <errno.h>
#include <signal.h>
#include <sys/time.h>

static void test_a_direction_is_reported_as_long_as_it_is_ready(void)
{
    int pair[2];

    poller_open();
    pair_open(pair);
    CHECK_EQ(watch(pair[0], 0, ML_POLL_READ), 0);
    if (poller_is_exact())
        CHECK_EQ(ready_ever(pair[0]), 0);
    put_byte(pair[1]);
    CHECK_EQ(ready_ever(pair[0]), ML_POLL_READ);
    CHECK_EQ(ready_ever(pair[0]), ML_POLL_READ);
    take_byte(pair[0]);
    if (poller_is_exact())
        CHECK_EQ(ready_ever(pair[0]), 0);
    pair_close(pair);
    poller_close();
}

static void test_interest_can_change_between_directions(void)
{
    int pair[2];

    poller_open();
    pair_open(pair);
    put_byte(pair[1]);
    CHECK_EQ(watch(pair[0], 0, ML_POLL_WRITE), 0);
    CHECK_EQ(ready_ever(pair[0]), ML_POLL_WRITE);
    CHECK_EQ(watch(pair[0], ML_POLL_WRITE, ML_POLL_READ | ML_POLL_WRITE), 0);
    CHECK_EQ(ready_ever(pair[0]), ML_POLL_READ | ML_POLL_WRITE);
    CHECK_EQ(watch(pair[0], ML_POLL_READ | ML_POLL_WRITE, ML_POLL_READ), 0);
    CHECK_EQ(ready_ever(pair[0]), ML_POLL_READ);
    pair_close(pair);
    poller_close();
}

static void test_nothing_is_reported_after_interest_was_taken_back(void)
{
    int pair[2], other[2];

    poller_open();
    pair_open(pair);
    pair_open(other);
    put_byte(pair[1]);
    CHECK_EQ(watch(other[0], 0, ML_POLL_READ), 0);
    CHECK_EQ(watch(pair[0], 0, ML_POLL_READ | ML_POLL_WRITE), 0);
    CHECK(ready_ever(pair[0]) != 0);
    CHECK_EQ(watch(pair[0], ML_POLL_READ | ML_POLL_WRITE, 0), 0);
    CHECK_EQ(ready_ever(pair[0]), 0);
    put_byte(other[1]);
    CHECK_EQ(ready_ever(other[0]), ML_POLL_READ);
    pair_close(pair);
    pair_close(other);
    poller_close();
}

static void test_those_that_stay_are_known_after_one_has_gone(void)
{
    enum {
        PAIRS = 4
    };
    int pairs[PAIRS][2];

    poller_open();
    for (int i = 0; i < PAIRS; i++) {
        pair_open(pairs[i]);
        put_byte(pairs[i][1]);
        CHECK_EQ(watch(pairs[i][0], 0, ML_POLL_READ), 0);
    }
    CHECK_EQ(watch(pairs[0][0], ML_POLL_READ, 0), 0);
    CHECK_EQ(watch(pairs[3][0], ML_POLL_READ, ML_POLL_WRITE), 0);
    CHECK_EQ(watch(pairs[2][0], ML_POLL_READ, 0), 0);
    CHECK_EQ(ready_ever(pairs[0][0]), 0);
    CHECK_EQ(ready_ever(pairs[1][0]), ML_POLL_READ);
    CHECK_EQ(ready_ever(pairs[2][0]), 0);
    CHECK_EQ(ready_ever(pairs[3][0]), ML_POLL_WRITE);
    for (int i = 0; i < PAIRS; i++)
        pair_close(pairs[i]);
    poller_close();
}

static void test_a_hang_up_wakes_both_directions(void)
{
    const unsigned both = ML_POLL_READ | ML_POLL_WRITE;
    int pair[2];

    poller_open();
    pair_open(pair);
    fill(pair[0]);
    CHECK_EQ(watch(pair[0], 0, both), 0);
    if (poller_is_exact())
        CHECK_EQ(ready_ever(pair[0]), 0);
    CHECK_MUST(close(pair[1]) == 0);
    CHECK_EQ(ready_ever(pair[0]) & both, both);
    CHECK_MUST(close(pair[0]) == 0);
    poller_close();
}

static void test_a_writer_learns_that_the_reader_is_gone(void)
{
    int ends[2];

    poller_open();
    CHECK_MUST(pipe(ends) == 0);
    CHECK_MUST(fcntl(ends[1], F_SETFL, O_NONBLOCK) == 0);
    fill(ends[1]);
    CHECK_EQ(watch(ends[1], 0, ML_POLL_WRITE), 0);
    CHECK_MUST(close(ends[0]) == 0);
    CHECK(ready_ever(ends[1]) & ML_POLL_WRITE);
    CHECK_MUST(close(ends[1]) == 0);
    poller_close();
}

static void test_a_number_without_a_file_is_refused_or_reported(void)
{
    int pair[2], rc;

    poller_open();
    CHECK_EQ(watch(-1, 0, ML_POLL_READ), -EBADF);
    CHECK_EQ(watch(-1, ML_POLL_READ, 0), 0);
    pair_open(pair);
    pair_close(pair);
    rc = watch(pair[0], 0, ML_POLL_READ);
    CHECK(rc == 0 || rc == -EBADF);
    CHECK_EQ(ready_ever(pair[0]) & ML_POLL_BAD, rc == 0 ? ML_POLL_BAD : 0);
    CHECK_EQ(watch(pair[0], ML_POLL_READ, 0), 0);
    CHECK_EQ(ready_ever(pair[0]), 0);
    poller_close();
}

static void test_a_close_behind_our_back_does_not_harm_the_others(void)
{
    int closed[2], pair[2];
    unsigned ready;

    poller_open();
    pair_open(closed);
    pair_open(pair);
    CHECK_EQ(watch(closed[0], 0, ML_POLL_READ), 0);
    CHECK_EQ(watch(pair[0], 0, ML_POLL_READ), 0);
    pair_close(closed);
    ready = ready_ever(closed[0]);
    CHECK(!(ready & ML_POLL_BAD) ||
          ready == (ML_POLL_READ | ML_POLL_WRITE | ML_POLL_BAD));
    CHECK_EQ(watch(closed[0], ML_POLL_READ, 0), 0);
    CHECK_EQ(ready_ever(closed[0]), 0);
    put_byte(pair[1]);
    CHECK_EQ(ready_ever(pair[0]), ML_POLL_READ);
    pair_close(pair);
    poller_close();
}

/* Closes `pair` and makes another one with the same numbers. */
static void pair_replace(int pair[2])
{
    int old = pair[0], fresh[2];

    pair_open(fresh);
    CHECK_MUST(close(pair[1]) == 0);
    CHECK_MUST(dup2(fresh[0], old) == old); /* closes, at once */
    CHECK_MUST(close(fresh[0]) == 0);
    pair[1] = fresh[1];
}

static void test_a_number_used_again_inherits_nothing(void)
{
    int pair[2];

    poller_open();
    pair_open(pair);
    put_byte(pair[1]);
    CHECK_EQ(watch(pair[0], 0, ML_POLL_READ), 0);
    CHECK_EQ(watch(pair[0], ML_POLL_READ, 0), 0);
    pair_replace(pair);
    CHECK_EQ(ready_ever(pair[0]), 0);
    CHECK_EQ(watch(pair[0], 0, ML_POLL_READ), 0);
    if (poller_is_exact())
        CHECK_EQ(ready_ever(pair[0]), 0);
    put_byte(pair[1]);
    CHECK_EQ(ready_ever(pair[0]), ML_POLL_READ);
    pair_close(pair);
    poller_close();
}

static void test_saying_the_same_again_watches_what_the_number_means_now(void)
{
    int pair[2];

    poller_open();
    pair_open(pair);
    CHECK_EQ(watch(pair[0], 0, ML_POLL_READ), 0);
    CHECK_EQ(watch(pair[0], ML_POLL_READ, ML_POLL_READ), 0);
    pair_replace(pair);
    CHECK_EQ(watch(pair[0], ML_POLL_READ, ML_POLL_READ), 0);
    put_byte(pair[1]);
    CHECK_EQ(ready_ever(pair[0]), ML_POLL_READ);
    pair_close(pair);
    poller_close();
}

static void test_a_file_that_outlives_its_number_is_not_reported(void)
{
    const int64_t pause = 2000000;
    int pair[2], other[2], copy;
    int64_t begin;

    poller_open();
    pair_open(pair);
    pair_open(other);
    CHECK_EQ(watch(pair[0], 0, ML_POLL_READ), 0);
    CHECK_EQ(watch(other[0], 0, ML_POLL_READ), 0);
    copy = dup(pair[0]);
    CHECK_MUST(copy >= 0 && close(pair[0]) == 0);
    put_byte(pair[1]);
    CHECK_EQ(watch(pair[0], ML_POLL_READ, 0), 0);
    CHECK_EQ(ready_ever(pair[0]), 0);
    begin = time_now();
    for (int i = 0; i < 5; i++)
        CHECK_EQ(ready_once(pair[0], EVENTS, pause), 0);
    CHECK(time_now() - begin >= 2 * pause); /* it sleeps again */
    put_byte(other[1]);
    CHECK_EQ(ready_ever(other[0]), ML_POLL_READ);
    CHECK_MUST(close(copy) == 0 && close(pair[1]) == 0);
    pair_close(other);
    poller_close();
}

static void test_a_timeout_is_never_early(void)
{
    static const int64_t timeouts[] = {0, 1, 999, 300000, 1000001, 2999999};

    poller_open();
    for (size_t i = 0; i < sizeof timeouts / sizeof timeouts[0]; i++) {
        int64_t begin = time_now();

        CHECK_EQ(ready_once(-1, EVENTS, timeouts[i]), 0);
        CHECK(time_now() - begin >= timeouts[i]);
    }
    poller_close();
}

static void ignore_alarm(int number)
{
    (void)number;
}

/* Signals every 20 ms, or none: one alone might come before the wait. (One that
 * comes as a wait begins has valgrind hand the kernel an address of its own.) */
static void alarms(bool on)
{
    struct itimerval timer = {{0, on ? 20000 : 0}, {0, on ? 20000 : 0}};

    CHECK_MUST(setitimer(ITIMER_REAL, &timer, NULL) == 0);
}

static void test_a_signal_ends_a_wait_without_events(void)
{
    struct ml_poll_event events[EVENTS];
    struct sigaction action, before;

    memset(&action, 0, sizeof action);
    action.sa_handler = ignore_alarm;
    CHECK_MUST(sigaction(SIGALRM, &action, &before) == 0);
    poller_open();
    alarms(true);
    CHECK_EQ(ops->wait(poller, events, EVENTS, -1), 0);
    CHECK_EQ(ops->wait(poller, events, EVENTS, INT64_MAX), 0);
    alarms(false);
    poller_close();
    CHECK_MUST(sigaction(SIGALRM, &before, NULL) == 0);
}

static void test_a_wait_for_ever_ends_with_readiness(void)
{
    unsigned ready = 0;
    int pair[2];

    poller_open();
    pair_open(pair);
    CHECK_EQ(watch(pair[0], 0, ML_POLL_READ), 0);
    put_byte(pair[1]);
    for (int i = 0; i < 2 && !ready; i++) /* the first may be spurious */
        ready = ready_once(pair[0], EVENTS, -1);
    CHECK_EQ(ready, ML_POLL_READ);
    pair_close(pair);
    poller_close();
}

static void test_room_for_one_event_starves_nobody(void)
{
    enum {
        PAIRS = 8
    };
    int pairs[PAIRS][2], rounds = poller_is_exact() ? PAIRS : TRIES;
    bool seen[PAIRS] = {false};
    struct ml_poll_event event;

    poller_open();
    for (int i = 0; i < PAIRS; i++) {
        pair_open(pairs[i]);
        put_byte(pairs[i][1]);
        CHECK_EQ(watch(pairs[i][0], 0, ML_POLL_READ), 0);
    }
    for (int i = 0; i < rounds; i++) {
        CHECK_EQ(ops->wait(poller, &event, 1, 0), 1);
        for (int j = 0; j < PAIRS; j++)
            seen[j] = seen[j] || pairs[j][0] == event.fd;
    }
    for (int i = 0; i < PAIRS; i++) {
        CHECK(seen[i]);
        pair_close(pairs[i]);
    }
    poller_close();
}

static void test_lack_of_memory_is_reported_and_leaks_nothing(void)
{
    int pair[2], rc = -ENOMEM;

    pair_open(pair);
    put_byte(pair[1]);
    for (long allowed = 0; rc == -ENOMEM && allowed < 20; allowed++) {
        check.allowed = allowed;
        rc = ops->open(&poller, &check_alloc, 1);
        if (rc < 0)
            continue;
        rc = watch(pair[0], 0, ML_POLL_READ);
        CHECK_EQ(ready_ever(pair[0]), rc < 0 ? 0 : ML_POLL_READ);
        poller_close();
    }
    CHECK_EQ(rc, 0);
    pair_close(pair);
}

static void test_waiting_and_taking_back_allocate_nothing(void)
{
    int pair[2];

    poller_open();
    pair_open(pair);
    put_byte(pair[1]);
    CHECK_EQ(watch(pair[0], 0, ML_POLL_READ), 0);
    check.allowed = 0;
    check.allocations = 0;
    CHECK_EQ(ready_ever(pair[0]), ML_POLL_READ);
    CHECK_EQ(watch(pair[0], ML_POLL_READ, 0), 0);
    CHECK_EQ(watch(pair[0], 0, ML_POLL_READ), 0);
    CHECK_EQ(check.allocations, 0);
    pair_close(pair);
    poller_close();
}

static const struct check_test tests[] = {
    CHECK_TEST(test_a_direction_is_reported_as_long_as_it_is_ready),
    CHECK_TEST(test_interest_can_change_between_directions),
    CHECK_TEST(test_nothing_is_reported_after_interest_was_taken_back),
    CHECK_TEST(test_those_that_stay_are_known_after_one_has_gone),
    CHECK_TEST(test_a_hang_up_wakes_both_directions),
    CHECK_TEST(test_a_writer_learns_that_the_reader_is_gone),
    CHECK_TEST(test_a_number_without_a_file_is_refused_or_reported),
    CHECK_TEST(test_a_close_behind_our_back_does_not_harm_the_others),
    CHECK_TEST(test_a_number_used_again_inherits_nothing),
    CHECK_TEST(test_saying_the_same_again_watches_what_the_number_means_now),
    CHECK_TEST(test_a_file_that_outlives_its_number_is_not_reported),
    CHECK_TEST(test_a_timeout_is_never_early),
    CHECK_TEST(test_a_signal_ends_a_wait_without_events),
    CHECK_TEST(test_a_wait_for_ever_ends_with_readiness),
    CHECK_TEST(test_room_for_one_event_starves_nobody),
    CHECK_TEST(test_lack_of_memory_is_reported_and_leaks_nothing),
    CHECK_TEST(test_waiting_and_taking_back_allocate_nothing),
};

int main(void)
{
    int status = EXIT_SUCCESS;

    CHECK_MUST(signal(SIGPIPE, SIG_IGN) != SIG_ERR);
    for (size_t i = 0; ml_poll_all()[i]; i++) {
        ops = ml_poll_all()[i];
        (void)printf("%s: ", ops->name);
        if (check_run(tests, sizeof tests / sizeof tests[0]) != EXIT_SUCCESS)
            status = EXIT_FAILURE;
    }
    return status;
}
