#include "proto/sha1.h"

#include <string.h>

enum {
    BLOCK = 64,
    ROUNDS = 80,
    LENGTH = 8 /* bytes at the end of the last block that tell the length */
};

static uint32_t rotate(uint32_t word, int bits)
{
    return word << bits | word >> (32 - bits);
}

static void put_word(uint8_t *bytes, uint32_t word)
{
    for (int i = 0; i < 4; i++) {
        bytes[i] = (uint8_t)(word >> (24 - 8 * i));
    }
}

static uint32_t get_word(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 |
           (uint32_t)bytes[2] << 8 | bytes[3];
}

/* The words of the rounds, section 6.1.2, step 1. */
static void schedule(const uint8_t *block, uint32_t w[ROUNDS])
{
    for (int t = 0; t < 16; t++) {
        w[t] = get_word(block + (size_t)4 * (size_t)t);
    }
    for (int t = 16; t < ROUNDS; t++) {
        w[t] = rotate(w[t - 3] ^ w[t - 8] ^ w[t - 14] ^ w[t - 16], 1);
    }
}

/* The function and the constant of round t, sections 4.1.1 and 4.2.1. */
static uint32_t mix(int t, uint32_t b, uint32_t c, uint32_t d)
{
    if (t < 20) {
        return ((b & c) | (~b & d)) + UINT32_C(0x5a827999);
    }
    if (t < 40) {
        return (b ^ c ^ d) + UINT32_C(0x6ed9eba1);
    }
    if (t < 60) {
        return ((b & c) | (b & d) | (c & d)) + UINT32_C(0x8f1bbcdc);
    }
    return (b ^ c ^ d) + UINT32_C(0xca62c1d6);
}

static void add_block(uint32_t hash[5], const uint8_t *block)
{
    uint32_t w[ROUNDS];
    uint32_t v[5];
    schedule(block, w);
    memcpy(v, hash, sizeof v);
    for (int t = 0; t < ROUNDS; t++) {
        uint32_t next =
            rotate(v[0], 5) + mix(t, v[1], v[2], v[3]) + v[4] + w[t];
        v[4] = v[3];
        v[3] = v[2];
        v[2] = rotate(v[1], 30);
        v[1] = v[0];
        v[0] = next;
    }
    for (int i = 0; i < 5; i++) {
        hash[i] += v[i];
    }
}

/* What is left of the bytes, a 1 bit, zeros, and how many bits there were. */
static void add_end(uint32_t hash[5], const uint8_t *rest, size_t left,
                    uint64_t bits)
{
    uint8_t last[2 * BLOCK] = {0};
    size_t size = left + 1 + LENGTH <= BLOCK ? BLOCK : 2 * BLOCK;
    memcpy(last, rest, left);
    last[left] = 0x80;
    put_word(last + size - 8, (uint32_t)(bits >> 32));
    put_word(last + size - 4, (uint32_t)bits);
    for (size_t i = 0; i < size; i += BLOCK) {
        add_block(hash, last + i);
    }
}

void ml_sha1(const void *bytes, size_t n, uint8_t digest[ML_SHA1_SIZE])
{
    uint32_t hash[5] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476,
                        0xc3d2e1f0};
    const uint8_t *at = bytes;
    size_t left = n;
    for (; left >= BLOCK; left -= BLOCK, at += BLOCK) {
        add_block(hash, at);
    }
    add_end(hash, at, left, (uint64_t)n * 8);
    for (size_t i = 0; i < 5; i++) {
        put_word(digest + 4 * i, hash[i]);
    }
}
