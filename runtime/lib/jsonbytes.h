/* jsonbytes.h - strings and numbers as JSON text, and the bytes of a text as it
 * grows: on the C stack at first, then in userdata, each twice as large as the
 * one before. So whatever raises in between, nothing is lost but what the
 * collector has. All of these may raise. */
#ifndef ML_LIB_JSONBYTES_H
#define ML_LIB_JSONBYTES_H

#include <lua.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct ml_jsonbytes {
    lua_State *L;
    char *data; /* small, or the block */
    size_t size, capacity;
    int block; /* where on Lua's stack the userdata is to be kept */
    char small[1024];
};

/* Makes it empty. The slot `block` of the stack is its own from now on. */
void ml_jsonbytes_init(struct ml_jsonbytes *b, lua_State *L, int block);

/* Makes room for `need` more bytes, where there is not enough. */
void ml_jsonbytes_grow(struct ml_jsonbytes *b, size_t need);

static inline void ml_jsonbytes_put(struct ml_jsonbytes *b, const char *bytes,
                                    size_t n)
{
    if (b->capacity - b->size < n) {
        ml_jsonbytes_grow(b, n);
    }
    memcpy(b->data + b->size, bytes, n);
    b->size += n;
}

static inline void ml_jsonbytes_char(struct ml_jsonbytes *b, char c)
{
    ml_jsonbytes_put(b, &c, 1);
}

/* A string in quotes. False if it is not of UTF-8: the byte at *bad is not. */
bool ml_jsonbytes_string(struct ml_jsonbytes *b, const char *s, size_t size,
                         size_t *bad);

void ml_jsonbytes_integer(struct ml_jsonbytes *b, lua_Integer value);

/* A finite number: the fewest digits that read as the same one, with a point or
 * an exponent, so that it stays a float. */
void ml_jsonbytes_real(struct ml_jsonbytes *b, double x);

#endif
