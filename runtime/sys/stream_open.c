/* stream_open.c - pair, stream, and the methods of a stream that never wait. */
#include "core/arg.h"
#include "core/call.h"
#include "core/misuse.h"
#include "core/vm.h"
#include "net/io.h"
#include "net/socket.h"
#include "sys/socket_method.h"
#include "sys/stream.h"
#include "sys/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <string.h>
#include <sys/socket.h>

/* ---- pair ----------------------------------------------------------------- */

/* pair(): two connected streams. */
static int stream_pair(lua_State *L)
{
    struct ml_vm *vm = ml_vm_upvalue(L);
    int fds[2];
    struct ml_stream *a = ml_stream_new(L, vm);
    struct ml_stream *b = ml_stream_new(L, vm);
    int err = ml_socket_pair(fds);
    if (err != 0) {
        return ml_fail(L, -err, "pair", NULL, NULL);
    }
    ml_stream_adopt(a, fds[0], true);
    ml_stream_adopt(b, fds[1], true);
    return 2;
}

/* ---- stream --------------------------------------------------------------- */

/* The flag belongs to the open file, not to the descriptor: other processes,
 * and a Lua file that the stream has a copy of, see it. So it is taken back in
 * the end, and others like us may take it back before. 0 or -errno. */
static int set_nonblocking(struct ml_stream *s, int fd)
{
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0) {
        return -errno;
    }
    if ((flags & O_NONBLOCK) == 0) {
        s->restore = fd;
    }
    s->asks = true;
    return ml_io_nonblock(fd, true);
}

/* Prepares the stream for what the descriptor is. 0 or -errno. A file on a disk
 * is always ready. A terminal is mostly that of standard output, too, which
 * would lose text if it did not block. */
static int prepare(struct ml_stream *s, int fd, enum ml_io_kind kind)
{
    switch (kind) {
    case ML_IO_BAD:
        return -errno;
    case ML_IO_DGRAM:
    case ML_IO_LISTENER:
        return -EINVAL;
    case ML_IO_STREAM:
        return ml_io_nonblock(fd, true);
    case ML_IO_FILE:
        return 0;
    case ML_IO_TTY:
        s->asks = true;
        return 0;
    case ML_IO_PIPE:
    case ML_IO_OTHER:
    default:
        return set_nonblocking(s, fd);
    }
}

/* Opens the stream on a descriptor; 0, or -errno and it is still the
 * caller's. */
static int open_on(struct ml_stream *s, int fd)
{
    enum ml_io_kind kind = ml_io_kind(fd);
    int err = prepare(s, fd, kind);
    if (err != 0) {
        return err;
    }
    ml_stream_adopt(s, fd, kind == ML_IO_STREAM);
    struct ml_address peer;
    if (kind == ML_IO_STREAM && ml_socket_peer(fd, &peer) == 0) {
        ml_stream_setpeer(s, &peer);
        s->tcp = ml_socket_is_tcp(fd);
    }
    return 0;
}

/* Opens the stream on a copy of an object's descriptor. 0 or -errno. */
static int open_copy(struct ml_stream *s, int fd)
{
    int copy = fd >= 0 ? fcntl(fd, F_DUPFD_CLOEXEC, 0) : -1;
    if (copy < 0) {
        return fd >= 0 ? -errno : -EBADF;
    }
    s->d.shared = true;
    int err = open_on(s, copy);
    if (err != 0) {
        (void)ml_io_close(copy); /* nothing was written to it */
    }
    return err;
}

/* stream(io): a number is taken over, and closed with the stream. An object
 * keeps its descriptor, which it will close itself; the stream has a copy, also
 * if it is told the number alone. */
static int stream_stream(lua_State *L)
{
    ml_io_check(L, 1);
    lua_settop(L, 1);
    struct ml_vm *vm = ml_vm_upvalue(L);
    struct ml_stream *s = ml_stream_new(L, vm);
    int fd = ml_io_at(L, 1).fd;
    bool raw =
        lua_type(L, 1) == LUA_TNUMBER && ml_descriptor_find(vm, fd) == NULL;
    int err = raw ? open_on(s, fd) : open_copy(s, fd);
    if (err != 0) {
        return ml_fail(L, -err, "stream", NULL,
                       err == -EINVAL ? "it carries no stream of bytes" : NULL);
    }
    return 1;
}

/* ---- methods -------------------------------------------------------------- */

/* What the argument of shutdown means. Raises if it means nothing. */
static int shutdown_how(lua_State *L, int arg)
{
    static const char *const names[] = {"read", "write", "both", NULL};
    static const int hows[] = {SHUT_RD, SHUT_WR, SHUT_RDWR};
    return hows[ml_arg_option(L, arg, "both", names)];
}

/* What was written before goes out before, so it is a write. */
static int shutdown_attempt(lua_State *L, ml_call *call)
{
    struct ml_stream *s = ml_stream_self(L, call);
    int how = shutdown_how(L, ml_call_arg(call, 2));
    int n = ml_stream_begin(s, &s->writer, call);
    if (n >= 0) {
        n = s->transport->ops->shutdown(s->transport, how);
    }
    if (ml_transport_blocks(n)) {
        n = ml_stream_wait(s, &s->writer, call, n);
    }
    if (n == 0) {
        lua_pushboolean(L, 1);
        n = 1;
    }
    return ml_stream_end(L, s, call, n);
}

static const ml_syscall transport_shutdown = {.size = sizeof(ml_syscall),
                                              .name = "shutdown",
                                              .attempt = shutdown_attempt,
                                              .withdraw = ml_turn_withdraw,
                                              .describe =
                                                  ml_stream_describe_write};

/* Of a descriptor it never waits; a transport may have to tell its peer. */
static int stream_shutdown(lua_State *L)
{
    struct ml_stream *s = ml_stream_check(L, 1);
    int how = shutdown_how(L, 2);
    if (s->transport != NULL) {
        lua_settop(L, 2);
        return ml_call_enter(L, s->d.vm, &transport_shutdown);
    }
    int err = ml_socket_shutdown(s->d.fd, how);
    if (err != 0) {
        return ml_stream_fail(L, s, -err, "shutdown");
    }
    if (how != SHUT_RD) {
        ml_descriptor_writable(&s->d);
    }
    lua_pushboolean(L, 1);
    return 1;
}

static int stream_peer(lua_State *L)
{
    struct ml_stream *s = ml_stream_check(L, 1);
    struct ml_address peer;
    int err = s->d.fd >= 0 ? ml_stream_peer(s, &peer) : -EBADF;
    if (err != 0) {
        return ml_fail(L, -err, "peer", NULL, NULL);
    }
    ml_socket_pushaddress(L, &peer);
    return 1;
}

/* stream:settimeout(seconds [, "read" | "write"]); nil is for ever. */
static int stream_settimeout(lua_State *L)
{
    static const char *const names[] = {"read", "write", "both", NULL};
    struct ml_stream *s = ml_stream_check(L, 1);
    double seconds = ml_misuse_opt_seconds(L, 2, HUGE_VAL);
    int which = ml_arg_option(L, 3, "both", names);
    if (which != 1) {
        s->reader.timeout = seconds;
    }
    if (which != 0) {
        s->writer.timeout = seconds;
    }
    lua_pushboolean(L, 1);
    return 1;
}

/* Takes the value at `arg`. */
static int set_maxline(lua_State *L, int arg)
{
    struct ml_stream *s = ml_stream_check(L, 1);
    int64_t n = ml_misuse_integer(L, arg);
    ml_arg_check(L, n >= 1, arg, "at least one byte must be allowed");
    s->maxline = (size_t)n;
    lua_pushboolean(L, 1);
    return 1;
}

static int stream_setmaxline(lua_State *L)
{
    return set_maxline(L, 2);
}

/* The one option that is the stream's own; the others are the socket's. */
static bool is_maxline(lua_State *L, int arg)
{
    return lua_type(L, arg) == LUA_TSTRING &&
           strcmp(lua_tostring(L, arg), "maxline") == 0;
}

static int stream_setoption(lua_State *L)
{
    return is_maxline(L, 2) ? set_maxline(L, 3) : ml_socket_method_setoption(L);
}

static int stream_getoption(lua_State *L)
{
    if (!is_maxline(L, 2)) {
        return ml_socket_method_getoption(L);
    }
    lua_pushinteger(L, (lua_Integer)ml_stream_check(L, 1)->maxline);
    return 1;
}

static void open_type(lua_State *L, struct ml_vm *vm)
{
    static const luaL_Reg methods[] = {{"shutdown", stream_shutdown},
                                       {"peer", stream_peer},
                                       {"address", ml_socket_method_address},
                                       {"setoption", stream_setoption},
                                       {"getoption", stream_getoption},
                                       {"settimeout", stream_settimeout},
                                       {"setmaxline", stream_setmaxline},
                                       {NULL, NULL}};
    ml_descriptor_type(L, vm, ml_stream_type, "stream");
    ml_vm_setfuncs(L, vm, methods);
    ml_stream_recv_open(L, vm);
    ml_stream_read_open(L, vm);
    ml_stream_write_open(L, vm);
    ml_stream_copy_open(L, vm);
    ml_stream_sendfile_open(L, vm);
    lua_pop(L, 1);
}

void ml_sys_stream_open(lua_State *L, struct ml_vm *vm)
{
    static const luaL_Reg functions[] = {
        {"pair", stream_pair}, {"stream", stream_stream}, {NULL, NULL}};
    ml_vm_setfuncs(L, vm, functions);
    open_type(L, vm);
}
