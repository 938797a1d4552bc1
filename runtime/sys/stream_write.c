/* stream_write.c - write and writesome. */
#include "base/cast.h"
#include "core/call.h"
#include "sys/bytes.h"
#include "sys/stream.h"
#include "sys/sys.h"

#include <errno.h>
#include <string.h>
#include <sys/uio.h>

enum {
    PIECES = 32, /* strings that go out with one system call */
    ROUNDS = 16  /* writes without a wait before others get to run */
};

/* Strings and numbers, as for io.write, and buffers; numbers become strings
 * here. */
static void write_check(lua_State *L)
{
    (void)ml_stream_check(L, 1);
    int n = lua_gettop(L);
    for (int arg = 2; arg <= n; arg++) {
        ml_bytes_check_data(L, arg);
    }
}

/* The next pieces to go out; how many, and of how many bytes. */
static size_t write_gather(lua_State *L, const ml_call *call,
                           const struct ml_stream *s, struct iovec *pieces,
                           size_t *total)
{
    size_t n = 0;
    size_t skip = s->write.skip;
    int last = call->nargs;
    *total = 0;
    for (int i = s->write.piece + 2; i <= last && n < PIECES; i++) {
        size_t length = 0;
        const char *bytes = ml_bytes_view(L, call->base + i, &length);
        if (length > skip) {
            pieces[n].iov_base = ml_unconst(bytes + skip);
            pieces[n++].iov_len = length - skip;
            *total += length - skip;
        }
        skip = 0;
    }
    return n;
}

/* Notes that `n` more bytes are out. How many are is the call's own, also if
 * the stream is closed meanwhile. */
static void write_advance(lua_State *L, ml_call *call, struct ml_stream *s,
                          size_t n)
{
    call->target += (int64_t)n;
    n += s->write.skip;
    for (; s->write.piece + 1 < call->nargs; s->write.piece++) {
        size_t length = 0;
        (void)ml_bytes_view(L, call->base + s->write.piece + 2, &length);
        if (length > n) {
            break;
        }
        n -= length;
    }
    s->write.skip = n;
    ml_stream_progress(call);
}

/* Writes once. 1 when all is out, 0 when something is left; -errno. A TCP socket
 * that took a part is full. */
static ssize_t write_once(lua_State *L, ml_call *call, struct ml_stream *s)
{
    struct iovec pieces[PIECES];
    size_t total;
    size_t n = write_gather(L, call, s, pieces, &total);
    ssize_t put = n > 0 ? ml_stream_put(s, pieces, n) : 0;
    if (put < 0) {
        return put;
    }
    bool all = (size_t)put == total && n < PIECES;
    if (all && s->transport == NULL) {
        return 1; /* and nobody will ask how far it came */
    }
    write_advance(L, call, s, (size_t)put);
    if (!all) {
        return s->tcp && s->transport == NULL && (size_t)put < total ? -EAGAIN
                                                                     : 0;
    }
    put = ml_stream_flush(s);
    return put == 0 ? 1 : put;
}

/* How often the buffers among the pieces have changed, in all. */
static size_t write_changes(lua_State *L, const ml_call *call)
{
    size_t sum = 0;
    for (int i = 2; i <= call->nargs; i++) {
        const struct ml_bytes *bytes = ml_bytes_test(L, call->base + i);
        sum += bytes != NULL ? bytes->changes : 0;
    }
    return sum;
}

static int write_all(lua_State *L, ml_call *call, struct ml_stream *s)
{
    for (int round = 0; round < ROUNDS; round++) {
        ssize_t done = write_once(L, call, s);
        if (ml_transport_blocks(done)) {
            s->write.sum = write_changes(L, call);
            return ml_stream_wait(s, &s->writer, call, done);
        }
        if (done == 1) {
            lua_pushboolean(L, 1);
        }
        if (done != 0) {
            return (int)done;
        }
    }
    s->write.sum = write_changes(L, call);
    return ml_stream_pause(call);
}

static int write_try(lua_State *L, ml_call *call, struct ml_stream *s)
{
    int turn = ml_stream_begin(s, &s->writer, call);
    if (turn == 1) {
        memset(&s->write, 0, sizeof s->write);
    } else if (turn == 0 && write_changes(L, call) != s->write.sum) {
        return -EBUSY;
    }
    return turn < 0 ? turn : write_all(L, call, s);
}

static int write_attempt(lua_State *L, ml_call *call)
{
    struct ml_stream *s = ml_stream_self(L, call);
    int n = write_try(L, call, s);
    bool failed = n < 0 && n != ML_WAIT;
    n = ml_stream_end(L, s, call, n);
    if (failed) {
        lua_pushinteger(L, call->target);
        lua_setfield(L, -2, "written");
    }
    return n;
}

static const ml_syscall stream_write = {.size = sizeof(ml_syscall),
                                        .name = "write",
                                        .check = write_check,
                                        .attempt = write_attempt,
                                        .withdraw = ml_turn_withdraw,
                                        .describe = ml_stream_describe_write};

/* Writes until all is out or nothing more fits: that a part was taken does not
 * prove the latter, and whoever writes and closes will not come back. How much
 * went out; or of the first write, -errno. */
static ssize_t put_piece(struct ml_stream *s, struct iovec piece)
{
    ssize_t total = 0;
    ssize_t put;
    do {
        put = ml_stream_put(s, &piece, 1);
        if (put > 0) {
            piece.iov_base = (char *)piece.iov_base + put;
            piece.iov_len -= (size_t)put;
            total += put;
        }
    } while (put > 0 && piece.iov_len > 0);
    return total > 0 ? total : put;
}

/* Of nothing at all, what is unsent goes out. */
static ssize_t put_some(struct ml_stream *s, struct iovec piece)
{
    if (s->writer.turn.holder != NULL) {
        return 0;
    }
    return piece.iov_len > 0 ? put_piece(s, piece) : ml_stream_flush(s);
}

/* Never waits, so it is a plain function. In the middle of what another task
 * writes there is no place for it. */
static int stream_writesome(lua_State *L)
{
    struct ml_stream *s = ml_stream_check(L, 1);
    size_t length = 0;
    ml_bytes_check_data(L, 2);
    const char *bytes = ml_bytes_view(L, 2, &length);
    if (s->d.fd < 0) {
        return ml_stream_fail(L, s, EBADF, "writesome");
    }
    struct iovec piece = {.iov_base = ml_unconst(bytes), .iov_len = length};
    ssize_t n = put_some(s, piece);
    if (n < 0 && !ml_transport_blocks(n)) {
        return ml_stream_fail(L, s, (int)-n, "writesome");
    }
    lua_pushinteger(L, n > 0 ? n : 0);
    return 1;
}

static int stream_unsent(lua_State *L)
{
    const struct ml_stream *s = ml_stream_check(L, 1);
    lua_pushinteger(L, (lua_Integer)ml_stream_unsent(s));
    return 1;
}

void ml_stream_write_open(lua_State *L, struct ml_vm *vm)
{
    static const luaL_Reg methods[] = {{"writesome", stream_writesome},
                                       {"unsent", stream_unsent},
                                       {NULL, NULL}};
    ml_sys_method(L, vm, "write", &stream_write);
    ml_vm_setfuncs(L, vm, methods);
}
