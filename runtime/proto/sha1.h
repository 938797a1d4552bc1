/* sha1.h - the hash SHA-1 (FIPS 180-4), for Sec-WebSocket-Accept alone: it
 * protects nothing any more. */
#ifndef ML_PROTO_SHA1_H
#define ML_PROTO_SHA1_H

#include <stddef.h>
#include <stdint.h>

enum {
    ML_SHA1_SIZE = 20
};

/* Writes the hash of `n` bytes to `digest`. */
void ml_sha1(const void *bytes, size_t n, uint8_t digest[ML_SHA1_SIZE]);

#endif
