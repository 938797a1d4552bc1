/* Files, and what holds for all descriptors. */

#include "edges.h"
#include "mode.h"
#include "wrap.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <sys/types.h>

FAULT_WRAP(pipe, int, -1, (int fds[2]), (fds))

FAULT_WRAP(fstat, int, -1, (int fd, struct stat *st), (fd, st))

FAULT_WRAP(stat, int, -1, (const char *path, struct stat *st), (path, st))

FAULT_WRAP(lstat, int, -1, (const char *path, struct stat *st), (path, st))

FAULT_WRAP(chmod, int, -1, (const char *path, mode_t mode), (path, mode))

FAULT_WRAP(unlink, int, -1, (const char *path), (path))

int __real_close(int fd);
int __wrap_close(int fd);

/* Whatever it says, Linux has closed. */
int __wrap_close(int fd)
{
    fault_mode_closed(fd);
    int done = __real_close(fd);
    return done == 0 && fault_strike(FAULT_close) != 0 ? -1 : done;
}

int __real_dup3(int from, int to, int flags);
int __wrap_dup3(int from, int to, int flags);

int __wrap_dup3(int from, int to, int flags)
{
    int fd = fault_strike(FAULT_dup3) ? -1 : __real_dup3(from, to, flags);
    if (fd >= 0) {
        fault_edges_move(from, to);
    }
    return fd;
}

int __real_fcntl(int fd, int command, ...);
int __wrap_fcntl(int fd, int command, ...);

int __wrap_fcntl(int fd, int command, ...)
{
    va_list rest;
    va_start(rest, command);
    long value = va_arg(rest, long); /* none where it takes none: not used */
    va_end(rest);
    return fault_strike(FAULT_fcntl) ? -1 : __real_fcntl(fd, command, value);
}

int __real_open(const char *path, int flags, ...);
int __real_openat(int folder, const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);
int __wrap_openat(int folder, const char *path, int flags, ...);

int __wrap_open(const char *path, int flags, ...)
{
    va_list rest;
    va_start(rest, flags);
    /* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): it is begun above */
    int mode = (flags & O_CREAT) != 0 ? va_arg(rest, int) : 0;
    va_end(rest);
    return fault_strike(FAULT_open) ? -1 : __real_open(path, flags, mode);
}

int __wrap_openat(int folder, const char *path, int flags, ...)
{
    va_list rest;
    va_start(rest, flags);
    /* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): it is begun above */
    int mode = (flags & O_CREAT) != 0 ? va_arg(rest, int) : 0;
    va_end(rest);
    return fault_strike(FAULT_openat)
               ? -1
               : __real_openat(folder, path, flags, mode);
}
