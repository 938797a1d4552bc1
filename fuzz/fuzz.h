/* fuzz.h - what fuzz targets need: an input that is taken bit by bit, a check
 * that stops the program, and copies of exactly the size that they are, so that
 * the sanitizer sees a byte that is read beyond. */
#ifndef ML_FUZZ_FUZZ_H
#define ML_FUZZ_FUZZ_H

#include "base/alloc.h"

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What libFuzzer calls with each input. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FUZZ_CHECK(condition) \
    ((condition) ? (void)0 : fuzz_fail(__FILE__, __LINE__, #condition))

static inline void fuzz_fail(const char *file, int line, const char *what)
{
    (void)fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, what);
    abort();
}

/* As lua_Alloc and ml_alloc_fn; `ud` is a size_t, in which the bytes that are out
 * are counted, or NULL. (Of a new block, Lua gives the kind of object in place of
 * the old size.) */
static inline void *fuzz_alloc_fn(void *ud, void *p, size_t osize, size_t nsize)
{
    size_t *out = ud;
    void *block = NULL;

    if (nsize > 0) {
        block = realloc(p, nsize);
    } else {
        free(p);
    }
    if (out != NULL && (block != NULL || nsize == 0)) {
        *out = *out - (p != NULL ? osize : 0) + nsize;
    }
    return block;
}

static const struct ml_alloc fuzz_alloc = {fuzz_alloc_fn, NULL};

/* A copy of `n` bytes, in memory of that size. To be freed. */
static inline char *fuzz_copy(const void *bytes, size_t n)
{
    char *copy = malloc(n > 0 ? n : 1);
    FUZZ_CHECK(copy != NULL);
    if (n > 0) {
        memcpy(copy, bytes, n);
    }
    return copy;
}

/* How many descriptors are open, of those that an input may come to: the kernel
 * tells of 128 at once which are none. */
static inline int fuzz_descriptors(void)
{
    enum {
        MOST = 128
    };
    struct pollfd fds[MOST];
    int open = 0;

    for (int i = 0; i < MOST; i++) {
        fds[i] = (struct pollfd){.fd = i};
    }
    FUZZ_CHECK(poll(fds, MOST, 0) >= 0);
    for (int i = 0; i < MOST; i++) {
        open += (fds[i].revents & POLLNVAL) == 0;
    }
    return open;
}

/* What is left of an input. */
struct fuzz_input {
    const uint8_t *at, *end;
};

static inline size_t fuzz_left(const struct fuzz_input *in)
{
    return (size_t)(in->end - in->at);
}

/* The next byte, 0 behind the last one. */
static inline uint8_t fuzz_byte(struct fuzz_input *in)
{
    return in->at < in->end ? *in->at++ : 0;
}

/* A number below `n`, which is not 0. */
static inline size_t fuzz_below(struct fuzz_input *in, size_t n)
{
    return fuzz_byte(in) % n;
}

/* So many of the next bytes, or as many as there are; their number in *n. */
static inline const char *fuzz_bytes(struct fuzz_input *in, size_t most,
                                     size_t *n)
{
    const char *bytes = (const char *)in->at;
    *n = fuzz_left(in) < most ? fuzz_left(in) : most;
    in->at += *n;
    return bytes;
}

#endif
