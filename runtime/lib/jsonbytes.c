#include "lib/jsonbytes.h"

#include <lauxlib.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- bytes ------------------------------------------------------------------------ */

void ml_jsonbytes_init(struct ml_jsonbytes *b, lua_State *L, int block)
{
    b->L = L;
    b->data = b->small;
    b->size = 0;
    b->capacity = sizeof b->small;
    b->block = block;
}

void ml_jsonbytes_grow(struct ml_jsonbytes *b, size_t need)
{
    size_t capacity = b->capacity;
    while (capacity - b->size < need) {
        if (capacity > SIZE_MAX / 2) {
            (void)luaL_error(b->L, "not enough memory");
        }
        capacity *= 2;
    }
    char *block = lua_newuserdatauv(b->L, capacity, 0);
    memcpy(block, b->data, b->size);
    lua_replace(b->L, b->block);
    b->data = block;
    b->capacity = capacity;
}

/* ---- strings --------------------------------------------------------------------- */

/* Whether the second byte of a character can follow the first (RFC 3629, 4). */
static bool fits_second(unsigned char first, unsigned char second)
{
    unsigned char low = first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80;
    unsigned char high = first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF;
    return second >= low && second <= high;
}

/* How many bytes the character at `s` has, 0 if it is none of UTF-8. */
static size_t character_size(const unsigned char *s, size_t left)
{
    size_t n = s[0] >= 0xF0 ? 4 : s[0] >= 0xE0 ? 3 : 2;
    if (s[0] < 0xC2 || s[0] > 0xF4 || n > left || !fits_second(s[0], s[1])) {
        return 0;
    }
    for (size_t i = 2; i < n; i++) {
        if ((s[i] & 0xC0) != 0x80) {
            return 0;
        }
    }
    return n;
}

static void put_escape(struct ml_jsonbytes *b, unsigned char c)
{
    static const char letters[] = "\"\"\\\\\bb\ff\nn\rr\tt";
    for (const char *letter = letters; *letter != '\0'; letter += 2) {
        if ((unsigned char)*letter == c) {
            ml_jsonbytes_char(b, '\\');
            ml_jsonbytes_char(b, letter[1]);
            return;
        }
    }
    char code[8];
    int n = snprintf(code, sizeof code, "\\u%04x", c);
    ml_jsonbytes_put(b, code, (size_t)n);
}

static inline bool is_plain(unsigned char c)
{
    return c >= 0x20 && c < 0x80 && c != '"' && c != '\\';
}

/* What is at `s` and no plain byte; how many bytes of it are written, 0 if it is
 * not of UTF-8. */
static size_t put_special(struct ml_jsonbytes *b, const unsigned char *s,
                          size_t left)
{
    if (*s < 0x80) {
        put_escape(b, *s);
        return 1;
    }
    size_t n = character_size(s, left);
    ml_jsonbytes_put(b, (const char *)s, n);
    return n;
}

/* Writes the plain bytes at the front; gives how many those are. */
static size_t put_plain(struct ml_jsonbytes *b, const unsigned char *s,
                        size_t size)
{
    size_t n = 0;
    while (n < size && is_plain(s[n])) {
        n++;
    }
    ml_jsonbytes_put(b, (const char *)s, n);
    return n;
}

bool ml_jsonbytes_string(struct ml_jsonbytes *b, const char *s, size_t size,
                         size_t *bad)
{
    const unsigned char *bytes = (const unsigned char *)s;
    ml_jsonbytes_char(b, '"');
    size_t i = put_plain(b, bytes, size);
    while (i < size) {
        size_t n = put_special(b, bytes + i, size - i);
        if (n == 0) {
            *bad = i;
            return false;
        }
        i += n;
        i += put_plain(b, bytes + i, size - i);
    }
    ml_jsonbytes_char(b, '"');
    return true;
}

/* ---- numbers --------------------------------------------------------------------- */

/* The point is one in every locale. */
void ml_jsonbytes_real(struct ml_jsonbytes *b, double x)
{
    char digits[40];
    int n = 0;
    for (int precision = 15; precision <= 17; precision++) {
        n = snprintf(digits, sizeof digits, "%.*g", precision, x);
        if (strtod(digits, NULL) == x) {
            break;
        }
    }
    size_t whole = strspn(digits, "-0123456789");
    if (digits[whole] != '\0' && digits[whole] != 'e') {
        digits[whole] = '.';
    }
    ml_jsonbytes_put(b, digits, (size_t)n);
    if (digits[whole] == '\0') {
        ml_jsonbytes_put(b, ".0", 2);
    }
}

void ml_jsonbytes_integer(struct ml_jsonbytes *b, lua_Integer value)
{
    char digits[32];
    int n = snprintf(digits, sizeof digits, "%lld", (long long)value);
    ml_jsonbytes_put(b, digits, (size_t)n);
}
