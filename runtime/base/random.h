/* random.h - bytes that nobody can guess. */
#ifndef ML_BASE_RANDOM_H
#define ML_BASE_RANDOM_H

#include <stddef.h>

/* Fills `bytes` from the system's source of random bytes. 0, or -errno: then
 * there is none, and what needed it cannot be done. Does not block once the
 * system has started. */
int ml_random_bytes(void *bytes, size_t n);

#endif
