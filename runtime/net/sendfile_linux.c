#include "net/sendfile.h"

#if defined(__linux__)

#    include "net/quiet.h"

#    include <errno.h>
#    include <sys/sendfile.h>

ssize_t ml_sendfile(int socket, int file, int64_t offset, size_t count)
{
    struct ml_quiet quiet;
    off_t at = (off_t)offset;
    ssize_t n;

    ml_quiet_begin(&quiet);
    do {
        n = sendfile(socket, file, &at, count);
    } while (n < 0 && errno == EINTR);
    int err = n < 0 ? errno : 0;
    /* Of what goes out piece by piece the first ones may, and another raise it:
     * a peer that has closed answers them with a reset. */
    ml_quiet_end(&quiet, n >= 0 ? (size_t)n < count : err == EPIPE);
    if (err == ETIMEDOUT) { /* as of ml_io_write */
        err = ECONNABORTED;
    }
    return err != 0 ? -err : n;
}

#endif
