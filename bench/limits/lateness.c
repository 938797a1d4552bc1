/* lateness.c - how late the kernel wakes us from a short sleep.
 *
 *   lateness N SECONDS */
#include "limit.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static int64_t now(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static int compare(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a;
    int64_t y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

static int64_t sleep_once(int64_t duration)
{
    const struct timespec t = {0, duration};
    int64_t start = now();

    (void)clock_nanosleep(CLOCK_MONOTONIC, 0, &t, NULL);
    return now() - start - duration;
}

/* What so many of a hundred do not exceed. */
static double microseconds(const int64_t *late, long n, long percent)
{
    long place = n * percent / 100;

    return (double)late[place] / 1e3;
}

int main(int argc, char **argv)
{
    long n = limit_number(argv, 1);
    int64_t duration = (int64_t)(argc > 2 ? strtod(argv[2], NULL) * 1e9 : 1e6);
    int64_t *late = limit_memory(n, sizeof *late);
    long early = 0;

    for (long i = 0; i < n; i++) {
        late[i] = sleep_once(duration);
        early += late[i] < 0;
    }
    qsort(late, (size_t)n, sizeof *late, compare);
    (void)printf("p50_us=%g\np99_us=%g\n", microseconds(late, n, 50),
                 microseconds(late, n, 99));
    (void)printf("early=%ld\ncount=%ld\n", early, n);
    free(late);
    return 0;
}
