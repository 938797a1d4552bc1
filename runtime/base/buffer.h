#ifndef ML_BASE_BUFFER_H
#define ML_BASE_BUFFER_H

#include "base/alloc.h"

#include <assert.h>
#include <stddef.h>

/*
 * A byte queue for streams: bytes are read into its tail and taken from its
 * front.
 *
 *     data [ taken | bytes waiting | room ]
 *                  start           end    capacity
 *
 * Taking only moves `start`; the bytes are moved to the front when room is
 * needed and enough of the array is free already that the move is paid for by
 * what was taken, so each byte is moved a bounded number of times.
 *
 * The allocator is passed to what allocates or frees and is the same each
 * time; a buffer sits in every handle, and ten thousand copies of it add up.
 */
struct ml_buffer {
    char *data; /* owned; NULL while capacity is 0 */
    size_t start, end, capacity;
};

/* What ml_buffer_find returns when the byte is not there. */
#define ML_BUFFER_NONE ((size_t)-1)

/* Makes an empty buffer; allocates nothing. */
static inline void ml_buffer_init(struct ml_buffer *b)
{
    *b = (struct ml_buffer){NULL, 0, 0, 0};
}

/* Frees the memory and leaves an empty buffer that may be used again. */
void ml_buffer_term(struct ml_buffer *b, const struct ml_alloc *a);

/* How many bytes are waiting. */
static inline size_t ml_buffer_length(const struct ml_buffer *b)
{
    return b->end - b->start;
}

/* The waiting bytes; good until the next reserve, append, trim or term. */
static inline const char *ml_buffer_bytes(const struct ml_buffer *b)
{
    return b->data ? b->data + b->start : "";
}

/* Where new bytes go; ml_buffer_room() of them fit. Room must have been
 * reserved for one at least. */
static inline char *ml_buffer_tail(const struct ml_buffer *b)
{
    assert(b->data && "room was reserved");
    return b->data + b->end;
}

/* How many bytes fit at the tail without reserving. */
static inline size_t ml_buffer_room(const struct ml_buffer *b)
{
    return b->capacity - b->end;
}

/*
 * Makes room for at least `need` more bytes at the tail. Returns 0, or
 * -EMSGSIZE if the buffer would hold more than `max` bytes (pass SIZE_MAX for
 * no limit), or -ENOMEM; after an error the buffer is as it was.
 */
int ml_buffer_reserve(struct ml_buffer *b, const struct ml_alloc *a,
                      size_t need, size_t max);

/* Says that `n` bytes (at most the room) were written to the tail. */
void ml_buffer_produced(struct ml_buffer *b, size_t n);

/* Takes `n` bytes (at most the length) from the front. Frees nothing. */
void ml_buffer_consume(struct ml_buffer *b, size_t n);

/* Reserves and copies; errors as ml_buffer_reserve without a limit. */
int ml_buffer_append(struct ml_buffer *b, const struct ml_alloc *a,
                     const void *bytes, size_t n);

/*
 * Frees the memory if the buffer is empty and has more than `keep` bytes of
 * it. For a stream that goes to wait: ten thousand idle connections should not
 * each hold the memory of their largest message.
 */
void ml_buffer_trim(struct ml_buffer *b, const struct ml_alloc *a, size_t keep);

/*
 * The offset, from the first waiting byte, of the first `byte` at or after the
 * offset `from`; ML_BUFFER_NONE if there is none. Whoever waits for more
 * remembers the length and goes on from there, so that a long line that comes
 * in small pieces is not scanned again for each.
 */
size_t ml_buffer_find(const struct ml_buffer *b, char byte, size_t from);

#endif
