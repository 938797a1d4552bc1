/* http_file.c - files that are served: found beneath a folder, and nowhere else.
 *
 * The way down is gone name by name, each relative to the folder before, so that
 * neither ".." nor a symbolic link leads out, whatever is changed meanwhile. */
#include "core/arg.h"
#include "core/error.h"
#include "core/misuse.h"
#include "lib/http.h"
#include "net/io.h"
#include "sys/descriptor.h"
#include "sys/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <lauxlib.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const FILE_TYPE = "miniloop.http.file";

enum {
    READ_MAX = 64 * 1024 /* bytes that are read at once */
};

struct file {
    struct ml_descriptor d; /* first, see sys/descriptor.h */
    struct stat stat;
};

/* ---- the way down ------------------------------------------------------------- */

/* Opens without waiting for the other end of a pipe, say. Descriptor or
 * -errno. */
static int open_at(int folder, const char *name, int flags)
{
    int fd;
    do {
        fd = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | flags);
    } while (fd < 0 && errno == EINTR); /* a file system over a network */
    return fd < 0 ? -errno : fd;
}

/* Copies the next name of the path, and goes behind it. 0; -ENOENT for one that
 * is empty, or leads up; -ENAMETOOLONG. */
static int next_name(const char **path, char *name, size_t size)
{
    size_t n = strcspn(*path, "/");
    if (n >= size) {
        return -ENAMETOOLONG;
    }
    memcpy(name, *path, n);
    name[n] = '\0';
    *path += (*path)[n] == '/' ? n + 1 : n;
    return n == 0 || strcmp(name, ".") == 0 || strcmp(name, "..") == 0 ? -ENOENT
                                                                       : 0;
}

/* The descriptor of what the path names beneath `folder`, or -errno. `links` is
 * what says that symbolic links are not followed, or 0. Closes the folder. */
static int walk(int folder, const char *path, int links)
{
    char name[NAME_MAX + 1];
    int fd = folder;
    while (fd >= 0 && *path != '\0') {
        int err = next_name(&path, name, sizeof name);
        int inner = err != 0 ? err : open_at(fd, name, links);
        (void)ml_io_close(fd); /* nothing was written to it */
        fd = inner;
    }
    return fd;
}

/* What is no file and no folder is not there. 0 or -errno. */
static int look_at(struct file *f, int fd)
{
    if (fstat(fd, &f->stat) != 0) {
        return -errno;
    }
    return S_ISREG(f->stat.st_mode) || S_ISDIR(f->stat.st_mode) ? 0 : -ENOENT;
}

/* open(folder, path, follow): the file or the folder; nil, err. A path without
 * names is the folder itself. */
static int file_open(lua_State *L)
{
    const char *folder = ml_arg_string(L, 1);
    const char *path = ml_arg_string(L, 2);
    int links = lua_toboolean(L, 3) ? 0 : O_NOFOLLOW;
    struct file *f = (struct file *)ml_descriptor_new(L, ml_vm_upvalue(L),
                                                      sizeof *f, FILE_TYPE);
    int fd = open_at(AT_FDCWD, folder, O_DIRECTORY);
    if (fd >= 0) {
        fd = walk(fd, path, links);
    }
    int err = fd < 0 ? fd : look_at(f, fd);
    if (err == 0) {
        ml_descriptor_open(&f->d, fd, false);
        return 1;
    }
    if (fd >= 0) {
        (void)ml_io_close(fd);
    }
    return ml_fail(L, err == -ELOOP ? ENOENT : -err, "open", NULL, NULL);
}

/* ---- the object ------------------------------------------------------------------ */

static struct file *file_check(lua_State *L)
{
    return (struct file *)ml_arg_udata(L, 1, FILE_TYPE);
}

/* stat(): kind, size, seconds and nanoseconds since 1970 of its last change. */
static int file_stat(lua_State *L)
{
    const struct file *f = file_check(L);
    lua_pushstring(L, S_ISDIR(f->stat.st_mode) ? "folder" : "file");
    lua_pushinteger(L, (lua_Integer)f->stat.st_size);
    lua_pushinteger(L, (lua_Integer)f->stat.st_mtim.tv_sec);
    lua_pushinteger(L, (lua_Integer)f->stat.st_mtim.tv_nsec);
    return 4;
}

/* Reads until `count` bytes or the end of the file are there: a file, too, may
 * give a part. How many there are, or -errno. */
static ssize_t read_whole(int fd, char *bytes, size_t count, off_t offset)
{
    size_t total = 0;
    while (total < count) {
        ssize_t n =
            pread(fd, bytes + total, count - total, offset + (off_t)total);
        if (n == 0) {
            break;
        }
        if (n < 0 && errno != EINTR) {
            return -errno;
        }
        total += n > 0 ? (size_t)n : 0;
    }
    return (ssize_t)total;
}

/* read(offset, count): so many bytes at most, as there are. */
static int file_read(lua_State *L)
{
    const struct file *f = file_check(L);
    char chunk[READ_MAX];
    int64_t offset = ml_misuse_integer(L, 2);
    int64_t count = ml_misuse_integer(L, 3);
    ml_arg_check(L, count >= 0 && count <= READ_MAX, 3, "too many bytes");
    ssize_t n = read_whole(f->d.fd, chunk, (size_t)count, (off_t)offset);
    if (n < 0) {
        return ml_fail(L, (int)-n, "read", NULL, NULL);
    }
    lua_pushlstring(L, chunk, (size_t)n);
    return 1;
}

void ml_http_file_open(lua_State *L, struct ml_vm *vm)
{
    static const luaL_Reg methods[] = {
        {"stat", file_stat}, {"read", file_read}, {NULL, NULL}};
    static const luaL_Reg functions[] = {{"open", file_open}, {NULL, NULL}};
    ml_descriptor_type(L, vm, FILE_TYPE, "file");
    ml_vm_setfuncs(L, vm, methods);
    lua_pop(L, 1);
    ml_vm_setfuncs(L, vm, functions);
}
