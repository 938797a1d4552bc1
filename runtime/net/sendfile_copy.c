#include "net/sendfile.h"

#if !defined(__linux__)

#    include "net/io.h"

#    include <errno.h>
#    include <unistd.h>

enum {
    CHUNK = 64 * 1024
};

/* What did not fit is read again. */
ssize_t ml_sendfile(int socket, int file, int64_t offset, size_t count)
{
    char chunk[CHUNK];
    ssize_t n;

    do {
        n = pread(file, chunk, count < CHUNK ? count : CHUNK, (off_t)offset);
    } while (n < 0 && errno == EINTR);
    if (n <= 0)
        return n < 0 ? -errno : 0;
    return ml_io_write(socket, chunk, (size_t)n, true);
}

#endif
