/* What a descriptor can refuse, and how. */

#include "edges.h"
#include "mode.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>

int __real_fcntl(int fd, int command, ...);
int __real_fstat(int fd, struct stat *st);
int __real_getsockopt(int fd, int level, int option, void *value,
                      socklen_t *len);
int __real_shutdown(int fd, int how);

static bool is_one_of(int code, const int *codes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (codes[i] == code) {
            return true;
        }
    }
    return false;
}

/* What concerns a disk or a file system. */
static bool is_of_files(int code)
{
    static const int codes[] = {EIO,    ENOSPC,    EDQUOT, EFBIG,  EPERM,
                                EISDIR, EOVERFLOW, ESPIPE, EINVAL, ENOMEM};
    return is_one_of(code, codes, sizeof codes / sizeof *codes);
}

/* What a write tells of a disk that is full or a user who has too much. */
static bool is_of_disks(int code)
{
    static const int codes[] = {ENOSPC, EDQUOT, EFBIG, EISDIR};
    return is_one_of(code, codes, sizeof codes / sizeof *codes);
}

static bool fits(int fd, size_t n, int code)
{
    struct stat st;
    if (code == EINTR || __real_fstat(fd, &st) != 0) {
        return code == EINTR;
    }
    if (S_ISFIFO(st.st_mode) && n == 1) {
        return false; /* a bell */
    }
    if (code == EAGAIN) {
        return (__real_fcntl(fd, F_GETFL) & O_NONBLOCK) != 0 &&
               (S_ISSOCK(st.st_mode) || S_ISFIFO(st.st_mode));
    }
    if (S_ISSOCK(st.st_mode)) {
        return !is_of_disks(code);
    }
    if (S_ISFIFO(st.st_mode)) {
        return code == EPIPE;
    }
    return is_of_files(code);
}

static bool is_connection(int fd)
{
    int type = 0;
    socklen_t len = sizeof type;
    return __real_getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0 &&
           type == SOCK_STREAM;
}

/* Whether the code says that nothing comes and goes any more. (An accept tells
 * what became of the connection that it would have got.) */
static bool ends(enum fault_call call, int fd, int code)
{
    return code == EPIPE || code == ECONNRESET ||
           (code == ETIMEDOUT && call != FAULT_accept4 && is_connection(fd));
}

bool fault_refuse(enum fault_call call, int fd, size_t n)
{
    int code = fault_due(call);
    if (code == 0 && fault_mode_again(fd)) {
        code = EAGAIN;
    }
    if (code == 0 || !fits(fd, n, code)) {
        return false;
    }
    if (code == EAGAIN) {
        fault_edges_renew(fd);
    } else if (ends(call, fd, code)) {
        (void)__real_shutdown(fd,
                              SHUT_RDWR); /* it is no socket, or has ended */
    }
    fault_struck(call, code);
    return true;
}
