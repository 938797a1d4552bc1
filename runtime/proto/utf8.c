#include "proto/utf8.h"

#include <string.h>

enum {
    TAIL_LOW = 0x80, /* what a byte that goes on with a character may be */
    TAIL_HIGH = 0xBF
};

/* Begins a character of more than one byte. What the second byte may be is
 * narrower behind four of the first ones: below would be a longer form of
 * another character (E0, F0), above a surrogate (ED) or no character (F4). */
static bool begin(struct ml_utf8 *utf8, uint8_t byte)
{
    *utf8 = (struct ml_utf8){0, TAIL_LOW, TAIL_HIGH};
    if (byte >= 0xC2 && byte <= 0xDF) {
        utf8->missing = 1;
    } else if ((byte & 0xF0) == 0xE0) {
        utf8->missing = 2;
        utf8->low = byte == 0xE0 ? 0xA0 : TAIL_LOW;
        utf8->high = byte == 0xED ? 0x9F : TAIL_HIGH;
    } else if (byte >= 0xF0 && byte <= 0xF4) {
        utf8->missing = 3;
        utf8->low = byte == 0xF0 ? 0x90 : TAIL_LOW;
        utf8->high = byte == 0xF4 ? 0x8F : TAIL_HIGH;
    }
    return utf8->missing > 0;
}

static bool go_on(struct ml_utf8 *utf8, uint8_t byte)
{
    if (byte < utf8->low || byte > utf8->high) {
        return false;
    }
    utf8->missing--;
    utf8->low = TAIL_LOW;
    utf8->high = TAIL_HIGH;
    return true;
}

/* How many of the bytes at the front are ASCII, in steps of a word: that is
 * what most of most texts is. */
static size_t ascii_words(const uint8_t *bytes, size_t n)
{
    size_t i = 0;
    for (; i + sizeof(uint64_t) <= n; i += sizeof(uint64_t)) {
        uint64_t word;
        memcpy(&word, bytes + i, sizeof word);
        if ((word & UINT64_C(0x8080808080808080)) != 0) {
            break;
        }
    }
    return i;
}

static bool take_byte(struct ml_utf8 *utf8, uint8_t byte)
{
    if (utf8->missing > 0) {
        return go_on(utf8, byte);
    }
    return byte < TAIL_LOW || begin(utf8, byte);
}

bool ml_utf8_check(struct ml_utf8 *utf8, const void *bytes, size_t n)
{
    const uint8_t *at = bytes;
    const uint8_t *end = at + n;
    while (at < end) {
        at += utf8->missing == 0 ? ascii_words(at, (size_t)(end - at)) : 0;
        if (at < end && !take_byte(utf8, *at++)) {
            return false;
        }
    }
    return true;
}
