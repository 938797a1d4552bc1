#include "proto/base64.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

static const char digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static const char pad = '=';

/* Writes the four characters of up to three bytes. */
static void write_group(const uint8_t *bytes, size_t n, char *text)
{
    uint32_t group = 0;
    assert(n <= 3 && "a group is of three");
    for (size_t i = 0; i < 3; i++) {
        group = group << 8 | (i < n ? bytes[i] : 0U);
    }
    memset(text, pad, 4);
    for (size_t i = 0; i <= n; i++) {
        text[i] = digits[group >> (18 - 6 * i) & 63];
    }
}

void ml_base64_encode(const void *bytes, size_t n, char *text)
{
    const uint8_t *in = bytes;
    for (size_t i = 0; i < n; i += 3, text += 4) {
        write_group(in + i, n - i < 3 ? n - i : 3, text);
    }
}

/* The value of a character, or -1. */
static int digit_value(char c)
{
    const char *found = c != '\0' ? strchr(digits, c) : NULL;
    return found != NULL ? (int)(found - digits) : -1;
}

/* Reads four characters, of which the last `pads` are padding. False if there
 * is a foreign one, or if bits would be lost. */
static bool read_group(const char *text, int pads, uint32_t *group)
{
    *group = 0;
    for (int i = 0; i < 4; i++) {
        int value = i < 4 - pads ? digit_value(text[i]) : 0;
        if (value < 0) {
            return false;
        }
        *group = *group << 6 | (uint32_t)value;
    }
    return (*group & ((UINT32_C(1) << (8 * pads)) - 1)) == 0;
}

static int count_pads(const char *text, size_t n)
{
    if (n == 0 || text[n - 1] != pad) {
        return 0;
    }
    return text[n - 2] == pad ? 2 : 1;
}

long ml_base64_decode(const char *text, size_t n, void *bytes)
{
    uint8_t *out = bytes;
    if (n % 4 != 0) {
        return -1;
    }
    int last = count_pads(text, n);
    for (size_t i = 0; i < n; i += 4) {
        uint32_t group;
        int pads = i + 4 == n ? last : 0;
        if (!read_group(text + i, pads, &group)) {
            return -1;
        }
        for (int k = 0; k < 3 - pads; k++) {
            *out++ = (uint8_t)(group >> (16 - 8 * k));
        }
    }
    return (long)(out - (uint8_t *)bytes);
}
