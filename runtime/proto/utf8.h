/* utf8.h - whether bytes are UTF-8, told while they come in pieces. */
#ifndef ML_PROTO_UTF8_H
#define ML_PROTO_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Where a check stands between two pieces. All 0: at the beginning. */
struct ml_utf8 {
    uint8_t missing;   /* bytes that the character under way still needs */
    uint8_t low, high; /* what the next of them may be */
};

/* Checks the next piece; false as soon as it cannot be UTF-8 (RFC 3629: the
 * shortest form, no surrogates, nothing above U+10FFFF). After that the check
 * must not go on. */
bool ml_utf8_check(struct ml_utf8 *utf8, const void *bytes, size_t n);

/* True if no character is under way: only then may a text end. */
static inline bool ml_utf8_complete(const struct ml_utf8 *utf8)
{
    return utf8->missing == 0;
}

#endif
