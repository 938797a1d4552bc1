/* stream_write.c - write and writesome. */
#include "base/cast.h"
#include "core/arg.h"
#include "core/call.h"
#include "sys/stream.h"
#include "sys/sys.h"

#include <errno.h>
#include <string.h>
#include <sys/uio.h>

enum {
    PIECES = 32, /* strings that go out with one system call */
    ROUNDS = 16  /* writes without a wait before others get to run */
};

/* Strings and numbers, as for io.write; numbers become strings here. */
static void write_check(lua_State *L)
{
    (void)ml_stream_check(L, 1);
    int n = lua_gettop(L);
    for (int arg = 2; arg <= n; arg++) {
        (void)ml_arg_string(L, arg);
    }
}

/* How much is out is kept on the stack, behind the arguments, where it is
 * still the call's own if the stream is closed meanwhile. */
static int written_at(const ml_call *call)
{
    return ml_call_arg(call, ml_call_nargs(call) + 1);
}

/* The next pieces to go out; how many. */
static size_t write_gather(lua_State *L, const ml_call *call,
                           const struct ml_stream *s, struct iovec *pieces)
{
    size_t n = 0;
    size_t skip = s->write.skip;
    int last = ml_call_nargs(call);
    for (int i = s->write.piece + 2; i <= last && n < PIECES; i++) {
        size_t length = 0;
        const char *bytes = lua_tolstring(L, ml_call_arg(call, i), &length);
        if (length > skip) {
            pieces[n].iov_base = ml_unconst(bytes + skip);
            pieces[n++].iov_len = length - skip;
        }
        skip = 0;
    }
    return n;
}

/* Notes that `n` more bytes are out. */
static void write_advance(lua_State *L, ml_call *call, struct ml_stream *s,
                          size_t n)
{
    lua_Integer written = lua_tointeger(L, written_at(call));
    lua_pushinteger(L, written + (lua_Integer)n);
    lua_replace(L, written_at(call));
    n += s->write.skip;
    for (; s->write.piece + 1 < ml_call_nargs(call); s->write.piece++) {
        size_t length = lua_rawlen(L, ml_call_arg(call, s->write.piece + 2));
        if (length > n) {
            break;
        }
        n -= length;
    }
    s->write.skip = n;
    ml_stream_progress(call);
}

static int write_all(lua_State *L, ml_call *call, struct ml_stream *s)
{
    struct iovec pieces[PIECES];
    for (int round = 0; round < ROUNDS; round++) {
        size_t n = write_gather(L, call, s, pieces);
        ssize_t put = n > 0 ? ml_stream_put(s, pieces, n) : ml_stream_flush(s);
        if (ml_transport_blocks(put)) {
            return ml_stream_wait(s, &s->writer, call, put);
        }
        if (put < 0) {
            return (int)put;
        }
        if (n == 0) {
            lua_pushboolean(L, 1);
            return 1;
        }
        write_advance(L, call, s, (size_t)put);
    }
    return ml_stream_pause(call);
}

static int write_try(lua_State *L, ml_call *call, struct ml_stream *s)
{
    int turn = ml_stream_begin(s, &s->writer, call);
    if (turn == 1) {
        memset(&s->write, 0, sizeof s->write);
    }
    return turn < 0 ? turn : write_all(L, call, s);
}

static int write_attempt(lua_State *L, ml_call *call)
{
    struct ml_stream *s = ml_stream_self(L, call);
    if (call->woke == ML_WOKE_NOT) {
        lua_pushinteger(L, 0);
    }
    int n = write_try(L, call, s);
    bool failed = n < 0 && n != ML_WAIT;
    n = ml_stream_end(L, s, call, n);
    if (failed) {
        lua_pushliteral(L, "written");
        lua_pushvalue(L, written_at(call));
        lua_rawset(L, -3);
    }
    return n;
}

static const ml_syscall stream_write = {.size = sizeof(ml_syscall),
                                        .name = "write",
                                        .check = write_check,
                                        .attempt = write_attempt,
                                        .withdraw = ml_turn_withdraw,
                                        .describe = ml_stream_describe_write};

/* Never waits, so it is a plain function. In the middle of what another task
 * writes there is no place for it. */
static int stream_writesome(lua_State *L)
{
    struct ml_stream *s = ml_stream_check(L, 1);
    size_t length = 0;
    const char *bytes = ml_arg_lstring(L, 2, &length);
    if (s->d.fd < 0) {
        return ml_stream_fail(L, s, EBADF, "writesome");
    }
    struct iovec piece = {.iov_base = ml_unconst(bytes), .iov_len = length};
    ssize_t n = length == 0 || s->writer.turn.holder != NULL
                    ? 0
                    : ml_stream_put(s, &piece, 1);
    if (n < 0 && !ml_transport_blocks(n)) {
        return ml_stream_fail(L, s, (int)-n, "writesome");
    }
    lua_pushinteger(L, n > 0 ? n : 0);
    return 1;
}

void ml_stream_write_open(lua_State *L, struct ml_vm *vm)
{
    static const luaL_Reg methods[] = {{"writesome", stream_writesome},
                                       {NULL, NULL}};
    ml_sys_method(L, vm, "write", &stream_write);
    ml_vm_setfuncs(L, vm, methods);
}
