#ifndef ML_SPEC_CHECK_H
#define ML_SPEC_CHECK_H

#include "base/alloc.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * What a spec in C needs and no more. A test is a function whose name is a
 * sentence; CHECK notes a failure and goes on, check_run prints what failed
 * and gives the exit status. An allocator keeps accounts, so that a leaked
 * byte or a wrong size is a failure of the test that caused it, and can refuse
 * from the n-th allocation on. A descriptor left open is a failure, too.
 */

struct check_test {
    const char *name;
    void (*run)(void);
};

/* One row of the table of tests. */
#define CHECK_TEST(f) \
    {                 \
#        f, f         \
    }

/* State of the one program that includes this. */
static struct {
    int failures;
    size_t bytes;     /* what is allocated now */
    long allowed;     /* allocations until the allocator refuses; -1: all */
    long allocations; /* made or refused so far */
} check;

#define CHECK(condition) \
    ((condition) ? (void)0 : check_fail(__FILE__, __LINE__, #condition))

/* Compares integers, and prints both when they differ. */
#define CHECK_EQ(got, expected)                             \
    check_equal(__FILE__, __LINE__, #got, (long long)(got), \
                (long long)(expected))

static inline void check_fail(const char *file, int line, const char *what)
{
    check.failures++;
    (void)printf("  %s:%d: failed: %s\n", file, line, what);
}

static inline void check_equal(const char *file, int line, const char *what,
                               long long got, long long expected)
{
    if (got == expected)
        return;
    check.failures++;
    (void)printf("  %s:%d: %s is %lld, not %lld\n", file, line, what, got,
                 expected);
}

/* For what a test cannot go on without: stops the program. */
#define CHECK_MUST(condition) \
    ((condition) ? (void)0 : check_stop(__FILE__, __LINE__, #condition))

static inline void check_stop(const char *file, int line, const char *what)
{
    int error = errno;

    check_fail(file, line, what);
    (void)printf("  errno is %d\n", error);
    (void)fflush(stdout);
    abort();
}

static inline void *check_alloc_fn(void *ud, void *p, size_t osize,
                                   size_t nsize)
{
    void *fresh;

    (void)ud;
    if (nsize == 0) {
        check.bytes -= osize;
        free(p);
        return NULL;
    }
    check.allocations++;
    if (check.allowed == 0)
        return NULL;
    if (check.allowed > 0)
        check.allowed--;
    /* Always elsewhere, so that a pointer kept too long is found. */
    fresh = malloc(nsize);
    if (!fresh)
        return NULL;
    if (p)
        memcpy(fresh, p, osize < nsize ? osize : nsize);
    free(p);
    check.bytes += nsize - osize;
    return fresh;
}

static const struct ml_alloc check_alloc = {check_alloc_fn, NULL};

/* A small generator: the same numbers on every machine. */
static inline unsigned check_random(unsigned below)
{
    static unsigned long long state = 1;

    state = state * 6364136223846793005ULL + 1442695040888963407ULL;
    return (unsigned)(state >> 33) % below;
}

/* How many descriptors are open, of the first ones. */
static inline int check_open_fds(void)
{
    int count = 0;

    for (int fd = 0; fd < 2048; fd++)
        count += fcntl(fd, F_GETFD) != -1;
    return count;
}

/* From one point of a sweep to the next: 1, so that none is left out, unless the
 * environment says that this takes too long, as under a memory checker. */
static inline long check_step(void)
{
    const char *step = getenv("ML_SWEEP_STEP");
    long n = step != NULL ? strtol(step, NULL, 10) : 1;
    return n > 1 ? n : 1;
}

static inline int check_run(const struct check_test *tests, size_t count)
{
    int failed = 0;

    for (size_t i = 0; i < count; i++) {
        int before = check.failures;
        int fds = check_open_fds();

        check.bytes = 0;
        check.allowed = -1;
        tests[i].run();
        CHECK_EQ(check.bytes, 0);
        CHECK_EQ(check_open_fds(), fds);
        if (check.failures != before) {
            failed++;
            (void)printf("FAILED %s\n", tests[i].name);
        }
    }
    (void)printf("%zu tests, %d failed\n", count, failed);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

#endif
