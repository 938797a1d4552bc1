#include "base/random.h"

#include <errno.h>
#include <sys/random.h> /* where some systems declare it, beside unistd.h */
#include <unistd.h>

enum {
    AT_ONCE = 256 /* more getentropy gives nobody */
};

int ml_random_bytes(void *bytes, size_t n)
{
    char *at = bytes;
    while (n > 0) {
        size_t part = n < AT_ONCE ? n : AT_ONCE;
        if (getentropy(at, part) != 0) {
            return -errno;
        }
        at += part;
        n -= part;
    }
    return 0;
}
