/* base64.h - bytes as text, RFC 4648, section 4: with padding, in one line. */
#ifndef ML_PROTO_BASE64_H
#define ML_PROTO_BASE64_H

#include <stdbool.h>
#include <stddef.h>

/* How long the text of `n` bytes is, without a 0 at its end. */
static inline size_t ml_base64_length(size_t n)
{
    return (n + 2) / 3 * 4;
}

/* Writes that text to `text`. */
void ml_base64_encode(const void *bytes, size_t n, char *text);

/* The most bytes that a text of `n` characters stands for. */
static inline size_t ml_base64_room(size_t n)
{
    return n / 4 * 3;
}

/* Writes to `bytes` what the text stands for; how many they are, or -1 if it is
 * no base64: a foreign character, padding that is missing or too much, or bits
 * behind the last byte that are not 0 (so each value has one text). */
long ml_base64_decode(const char *text, size_t n, void *bytes);

#endif
