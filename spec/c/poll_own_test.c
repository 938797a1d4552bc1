/* What one poller does and the others do not; the table of pollers. */

#define _POSIX_C_SOURCE 200809L

#include "poll_fixture.h"

#include <errno.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/select.h>

static void use(const struct ml_poll_ops *which)
{
    ops = which;
    poller_open();
}

static void test_pollers_are_found_by_name(void)
{
    size_t count = 0;

    for (; ml_poll_all()[count]; count++)
        CHECK(ml_poll_find(ml_poll_all()[count]->name) == ml_poll_all()[count]);
    CHECK(count >= 3);
    CHECK(ml_poll_find("select") == &ml_poll_select);
    CHECK(ml_poll_find("sim") == &ml_poll_sim);
    CHECK(ml_poll_find("nonsense") == NULL);
    CHECK(ml_poll_best() == ml_poll_all()[0]);
    CHECK(ml_poll_best() != &ml_poll_sim);
}

/* A copy of `fd` with a number that no fd_set can hold, or -1. */
static int dup_high(int fd)
{
    const int high = FD_SETSIZE + 476;
    struct rlimit limit;

    CHECK_MUST(getrlimit(RLIMIT_NOFILE, &limit) == 0);
    if (limit.rlim_max <= (rlim_t)high)
        return -1;
    if (limit.rlim_cur <= (rlim_t)high) {
        limit.rlim_cur = (rlim_t)high + 1;
        CHECK_MUST(setrlimit(RLIMIT_NOFILE, &limit) == 0);
    }
    CHECK_MUST(dup2(fd, high) == high);
    return high;
}

static void test_only_select_refuses_a_number_past_its_sets(void)
{
    int pair[2], high;

    pair_open(pair);
    put_byte(pair[1]);
    high = dup_high(pair[0]);
    for (size_t i = 0; high >= 0 && ml_poll_all()[i]; i++) {
        bool fits = ml_poll_all()[i] != &ml_poll_select;

        use(ml_poll_all()[i]);
        CHECK_EQ(watch(high, 0, ML_POLL_READ), fits ? 0 : -ERANGE);
        CHECK_EQ(ready_ever(high), fits ? ML_POLL_READ : 0);
        CHECK_EQ(watch(high, fits ? ML_POLL_READ : 0, 0), 0);
        poller_close();
    }
    if (high >= 0)
        CHECK_MUST(close(high) == 0);
    pair_close(pair);
}

static void test_select_watches_the_last_number_of_its_sets(void)
{
    int pair[2];

    pair_open(pair);
    put_byte(pair[1]);
    CHECK_MUST(dup2(pair[0], FD_SETSIZE - 1) >= 0);
    use(&ml_poll_select);
    CHECK_EQ(watch(FD_SETSIZE - 1, 0, ML_POLL_READ), 0);
    CHECK_EQ(ready_ever(FD_SETSIZE - 1), ML_POLL_READ);
    CHECK_EQ(watch(FD_SETSIZE - 1, ML_POLL_READ, 0), 0);
    CHECK_EQ(ready_ever(FD_SETSIZE - 1), 0);
    CHECK_EQ(watch(FD_SETSIZE, 0, ML_POLL_READ), -ERANGE);
    poller_close();
    CHECK_MUST(close(FD_SETSIZE - 1) == 0);
    pair_close(pair);
}

static void test_a_regular_file_is_refused_or_always_ready(void)
{
    FILE *file = tmpfile();

    CHECK_MUST(file);
    for (size_t i = 0; ml_poll_all()[i]; i++) {
        int rc;

        use(ml_poll_all()[i]);
        rc = watch(fileno(file), 0, ML_POLL_READ);
        CHECK(rc == 0 || rc == -EPERM);
        CHECK_EQ(ready_ever(fileno(file)), rc == 0 ? ML_POLL_READ : 0);
        poller_close();
    }
    CHECK_MUST(fclose(file) == 0);
}

static void test_a_pollfd_is_readable_when_there_are_events(void)
{
    for (size_t i = 0; ml_poll_all()[i]; i++) {
        struct pollfd pfd = {.events = POLLIN};
        int pair[2];

        use(ml_poll_all()[i]);
        pair_open(pair);
        CHECK_EQ(watch(pair[0], 0, ML_POLL_READ), 0);
        pfd.fd = ops->pollfd(poller);
        if (pfd.fd >= 0) {
            CHECK_EQ(poll(&pfd, 1, 0), 0);
            put_byte(pair[1]);
            CHECK_EQ(poll(&pfd, 1, 0), 1);
            CHECK(fcntl(pfd.fd, F_GETFD) & FD_CLOEXEC);
        } else {
            CHECK_EQ(pfd.fd, -ENOTSUP);
        }
        pair_close(pair);
        poller_close();
    }
}

/* Adds up, in order, what a simulated poller with this seed says. */
static uint64_t sim_story(uint64_t seed, int pairs[4][2])
{
    uint64_t story = 0;

    ops = &ml_poll_sim;
    CHECK_MUST(ops->open(&poller, &check_alloc, seed) == 0);
    for (int i = 0; i < 4; i++)
        CHECK_EQ(watch(pairs[i][0], 0, ML_POLL_READ | ML_POLL_WRITE), 0);
    for (int i = 0; i < 100; i++) {
        struct ml_poll_event events[EVENTS];
        int n = ops->wait(poller, events, EVENTS, 0);

        story = story * 31 + (uint64_t)n;
        for (int j = 0; j < n; j++)
            story = story * 31 + (uint64_t)events[j].fd * 4 + events[j].ready;
    }
    poller_close();
    return story;
}

static void test_a_seed_tells_the_same_story_again(void)
{
    int pairs[4][2];

    for (int i = 0; i < 4; i++)
        pair_open(pairs[i]);
    put_byte(pairs[2][1]);
    CHECK(sim_story(7, pairs) == sim_story(7, pairs));
    CHECK(sim_story(7, pairs) != sim_story(8, pairs));
    for (int i = 0; i < 4; i++)
        pair_close(pairs[i]);
}

static void test_the_simulated_poller_invents_but_does_not_spin(void)
{
    enum {
        WAITS = 150
    };
    const int64_t pause = 500000;
    int64_t begin = time_now();
    bool last = false;
    int pair[2], invented = 0;

    use(&ml_poll_sim);
    pair_open(pair);
    CHECK_EQ(watch(pair[0], 0, ML_POLL_READ), 0);
    for (int i = 0; i < WAITS; i++) {
        bool now = ready_once(pair[0], EVENTS, pause) != 0;

        CHECK(!(now && last));
        invented += now;
        last = now;
    }
    CHECK(invented > 0);
    CHECK(time_now() - begin >= (WAITS - invented) * pause);
    pair_close(pair);
    poller_close();
}

#ifdef ML_HAVE_EPOLL
static const unsigned edges = ML_POLL_READ | ML_POLL_EDGE;

static void test_an_edge_is_reported_once_for_each_arrival(void)
{
    int pair[2];

    use(&ml_poll_epoll);
    CHECK(ops->edge);
    pair_open(pair);
    CHECK_EQ(watch(pair[0], 0, edges), 0);
    for (int i = 0; i < 3; i++) {
        put_byte(pair[1]);
        CHECK_EQ(ready_once(pair[0], EVENTS, 0), ML_POLL_READ);
        CHECK_EQ(ready_once(pair[0], EVENTS, 0), 0);
    }
    CHECK_EQ(watch(pair[0], edges, edges), 0);
    CHECK_EQ(ready_once(pair[0], EVENTS, 0), ML_POLL_READ);
    pair_close(pair);
    poller_close();
}

static void test_the_end_of_sending_is_told_with_the_edge(void)
{
    int pair[2];

    use(&ml_poll_epoll);
    pair_open(pair);
    CHECK_EQ(watch(pair[0], 0, edges), 0);
    put_byte(pair[1]);
    CHECK_MUST(shutdown(pair[1], SHUT_WR) == 0);
    CHECK_EQ(ready_once(pair[0], EVENTS, 0), ML_POLL_READ | ML_POLL_HUP);
    pair_close(pair);
    poller_close();
}

static void test_a_half_closed_socket_that_writes_is_not_reported(void)
{
    int pair[2];

    use(&ml_poll_epoll);
    pair_open(pair);
    fill(pair[0]);
    CHECK_EQ(watch(pair[0], 0, ML_POLL_WRITE), 0);
    CHECK_MUST(shutdown(pair[1], SHUT_WR) == 0);
    CHECK_EQ(ready_ever(pair[0]), 0);
    pair_close(pair);
    poller_close();
}

static void test_a_dead_registration_does_not_speak_for_a_new_file(void)
{
    int dead[2], pair[2], copy;

    use(&ml_poll_epoll);
    pair_open(dead);
    pair_open(pair);
    CHECK_EQ(watch(dead[0], 0, ML_POLL_READ), 0);
    copy = dup(dead[0]);
    put_byte(dead[1]);
    CHECK_MUST(copy >= 0 && dup2(pair[0], dead[0]) == dead[0]);
    CHECK_EQ(watch(dead[0], ML_POLL_READ, ML_POLL_READ), 0);
    CHECK_EQ(ready_ever(dead[0]), 0);
    put_byte(pair[1]);
    CHECK_EQ(ready_ever(dead[0]), ML_POLL_READ);
    CHECK(fcntl(ops->pollfd(poller), F_GETFD) & FD_CLOEXEC);
    CHECK_MUST(close(copy) == 0);
    pair_close(dead);
    pair_close(pair);
    poller_close();
}

/* The kernel has kept what was registered under the number. */
static void test_a_file_that_comes_back_to_its_number_is_watched(void)
{
    int pair[2], copy;

    use(&ml_poll_epoll);
    pair_open(pair);
    CHECK_EQ(watch(pair[0], 0, ML_POLL_READ), 0);
    copy = dup(pair[0]);
    CHECK_MUST(copy >= 0 && close(pair[0]) == 0);
    (void)watch(pair[0], ML_POLL_READ, 0);
    CHECK_MUST(dup2(copy, pair[0]) == pair[0]);
    CHECK_EQ(watch(pair[0], 0, ML_POLL_READ), 0);
    put_byte(pair[1]);
    CHECK_EQ(ready_ever(pair[0]), ML_POLL_READ);
    CHECK_MUST(close(copy) == 0);
    pair_close(pair);
    poller_close();
}
#endif

/* More than any of them takes at a time, or makes room for at first. */
static void test_hundreds_are_watched_and_told_at_once(void)
{
    enum {
        PAIRS = 400
    };
    static struct ml_poll_event events[PAIRS];
    static int pairs[PAIRS][2];

    for (int i = 0; i < PAIRS; i++) {
        pair_open(pairs[i]);
        put_byte(pairs[i][1]);
    }
    for (size_t p = 0; ml_poll_all()[p]; p++) {
        int told = 0;
        use(ml_poll_all()[p]);
        for (int i = 0; i < PAIRS; i++)
            CHECK_EQ(watch(pairs[i][0], 0, ML_POLL_READ), 0);
        for (int i = 0; i < TRIES && told < PAIRS; i++)
            told += ops->wait(poller, events, PAIRS, 0);
        CHECK(told >= PAIRS);
        poller_close();
    }
    for (int i = 0; i < PAIRS; i++)
        pair_close(pairs[i]);
}

static const struct check_test tests[] = {
    CHECK_TEST(test_pollers_are_found_by_name),
    CHECK_TEST(test_hundreds_are_watched_and_told_at_once),
    CHECK_TEST(test_only_select_refuses_a_number_past_its_sets),
    CHECK_TEST(test_select_watches_the_last_number_of_its_sets),
    CHECK_TEST(test_a_regular_file_is_refused_or_always_ready),
    CHECK_TEST(test_a_pollfd_is_readable_when_there_are_events),
    CHECK_TEST(test_a_seed_tells_the_same_story_again),
    CHECK_TEST(test_the_simulated_poller_invents_but_does_not_spin),
#ifdef ML_HAVE_EPOLL
    CHECK_TEST(test_an_edge_is_reported_once_for_each_arrival),
    CHECK_TEST(test_the_end_of_sending_is_told_with_the_edge),
    CHECK_TEST(test_a_half_closed_socket_that_writes_is_not_reported),
    CHECK_TEST(test_a_dead_registration_does_not_speak_for_a_new_file),
    CHECK_TEST(test_a_file_that_comes_back_to_its_number_is_watched),
#endif
};

int main(void)
{
    return check_run(tests, sizeof tests / sizeof tests[0]);
}
