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
    const struct timespec t = { 0, duration };
    int64_t start = now();

    (void)clock_nanosleep(CLOCK_MONOTONIC, 0, &t, NULL);
    return now() - start - duration;
}

int main(int argc, char **argv)
{
    long n = limit_number(argv, 1);
    int64_t duration = (int64_t)(argc > 2 ? strtod(argv[2], NULL) * 1e9 : 1e6);
    int64_t *late = calloc((size_t)n, sizeof *late);
    long early = 0;

    limit_check(late != NULL, "no memory");
    for (long i = 0; i < n; i++) {
        late[i] = sleep_once(duration);
        early += late[i] < 0;
    }
    qsort(late, (size_t)n, sizeof *late, compare);
    (void)printf("p50_us=%g\np99_us=%g\nearly=%ld\ncount=%ld\n",
                 (double)late[n / 2] / 1e3, (double)late[n * 99 / 100] / 1e3,
                 early, n);
    free(late);
    return 0;
}
