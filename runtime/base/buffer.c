#include "base/buffer.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum {
    SMALLEST = 256
};

void ml_buffer_term(struct ml_buffer *b, const struct ml_alloc *a)
{
    ml_alloc_free(a, b->data, b->capacity);
    ml_buffer_init(b);
}

static void buffer_compact(struct ml_buffer *b)
{
    size_t length = ml_buffer_length(b);

    memmove(b->data, b->data + b->start, length);
    b->start = 0;
    b->end = length;
}

/* At least `wanted`, and double what it was, so that growing is amortised. */
static size_t buffer_next_capacity(size_t capacity, size_t wanted)
{
    size_t next = capacity > SIZE_MAX / 2 ? SIZE_MAX : capacity * 2;

    if (next < SMALLEST)
        next = SMALLEST;
    return next < wanted ? wanted : next;
}

static int buffer_grow(struct ml_buffer *b, const struct ml_alloc *a,
                       size_t wanted)
{
    size_t capacity = buffer_next_capacity(b->capacity, wanted);
    char *data = ml_alloc_resize(a, b->data, b->capacity, capacity);

    if (!data)
        return -ENOMEM;
    b->data = data;
    b->capacity = capacity;
    return 0;
}

/*
 * Moving the bytes to the front is worth it once as many were taken as have to
 * be moved; before that the array grows. `max` does not limit the array: one
 * that is full to the limit would be moved for every byte.
 */
int ml_buffer_reserve(struct ml_buffer *b, const struct ml_alloc *a,
                      size_t need, size_t max)
{
    size_t length = ml_buffer_length(b);
    bool fits = need <= b->capacity - length;

    if (length > max || need > max - length)
        return -EMSGSIZE;
    if (need <= ml_buffer_room(b))
        return 0;
    if (!fits || b->start < length) {
        int rc = buffer_grow(b, a, length + need);

        if (rc < 0 && !fits) /* otherwise moving will do */
            return rc;
    }
    if (need > ml_buffer_room(b))
        buffer_compact(b);
    return 0;
}

void ml_buffer_produced(struct ml_buffer *b, size_t n)
{
    assert(n <= ml_buffer_room(b) && "what was written had room");
    b->end += n;
}

void ml_buffer_consume(struct ml_buffer *b, size_t n)
{
    assert(n <= ml_buffer_length(b) && "what is taken was there");
    b->start += n;
    if (b->start == b->end)
        b->start = b->end = 0;
}

int ml_buffer_append(struct ml_buffer *b, const struct ml_alloc *a,
                     const void *bytes, size_t n)
{
    int rc = ml_buffer_reserve(b, a, n, SIZE_MAX);

    if (rc < 0 || n == 0)
        return rc;
    memcpy(ml_buffer_tail(b), bytes, n);
    ml_buffer_produced(b, n);
    return 0;
}

void ml_buffer_trim(struct ml_buffer *b, const struct ml_alloc *a, size_t keep)
{
    if (ml_buffer_length(b) == 0 && b->capacity > keep)
        ml_buffer_term(b, a);
}

size_t ml_buffer_find(const struct ml_buffer *b, char byte, size_t from)
{
    const char *bytes = ml_buffer_bytes(b);
    size_t length = ml_buffer_length(b);
    const char *found;

    if (from >= length)
        return ML_BUFFER_NONE;
    found = memchr(bytes + from, (unsigned char)byte, length - from);
    return found ? (size_t)(found - bytes) : ML_BUFFER_NONE;
}
