/* http_send.c - bytes on their way out. */
#include "base/cast.h"
#include "core/call.h"
#include "lib/http.h"
#include "net/socket.h"
#include "sys/sys.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

enum {
    ROUNDS = 16 /* writes without a wait before others get to run */
};

ssize_t ml_http_send_out(struct ml_http_wire *w)
{
    if (ml_buffer_length(&w->out) == 0) {
        return 0;
    }
    while (ml_buffer_length(&w->out) > 0) {
        struct iovec piece = {.iov_base = ml_unconst(ml_buffer_bytes(&w->out)),
                              .iov_len = ml_buffer_length(&w->out)};
        ssize_t n = ml_stream_put(w->stream, &piece, 1);
        if (n < 0) {
            return n;
        }
        ml_buffer_consume(&w->out, (size_t)n);
    }
    ml_buffer_trim(&w->out, &w->vm->alloc, 0);
    return ml_stream_flush(w->stream);
}

int ml_http_wait_to_send(struct ml_http_wire *w, ml_call *call, ssize_t why)
{
    return ml_transport_blocks(why)
               ? ml_stream_wait(w->stream, &w->stream->writer, call, why)
               : (int)why;
}

/* ---- several pieces ------------------------------------------------------------- */

static size_t add_piece(struct iovec *pieces, size_t count, const char *bytes,
                        size_t n, size_t skip)
{
    if (n <= skip) {
        return count;
    }
    pieces[count].iov_base = ml_unconst(bytes + skip);
    pieces[count].iov_len = n - skip;
    return count + 1;
}

/* Notes that `n` bytes are gone: of `out` first, then of what comes behind. */
static void advance(struct ml_http_wire *w, size_t n)
{
    size_t held = ml_buffer_length(&w->out);
    size_t first = n < held ? n : held;
    ml_buffer_consume(&w->out, first);
    w->reply.sent += n - first;
}

int ml_http_send_all(struct ml_http_wire *w, ml_call *call, const char *bytes,
                     size_t n, const char *tail)
{
    size_t tail_length = strlen(tail);
    for (int round = 0; round < ROUNDS; round++) {
        struct iovec pieces[3];
        size_t sent = w->reply.sent;
        size_t count = add_piece(pieces, 0, ml_buffer_bytes(&w->out),
                                 ml_buffer_length(&w->out), 0);
        count = add_piece(pieces, count, bytes, n, sent);
        count = add_piece(pieces, count, tail, tail_length,
                          sent > n ? sent - n : 0);
        if (count == 0) {
            ml_buffer_trim(&w->out, &w->vm->alloc, 0);
            ssize_t why = ml_stream_flush(w->stream);
            return why < 0 ? ml_http_wait_to_send(w, call, why) : 0;
        }
        ssize_t put = ml_stream_put(w->stream, pieces, count);
        if (put < 0) {
            return ml_http_wait_to_send(w, call, put);
        }
        advance(w, (size_t)put);
        ml_stream_progress(call);
    }
    return ml_stream_pause(call);
}

/* ---- flush, push ------------------------------------------------------------------ */

static void flush_check(lua_State *L)
{
    (void)ml_http_wire_check(L, 1);
    lua_settop(L, 1);
}

static int flush_attempt(lua_State *L, ml_call *call)
{
    struct ml_http_wire *w = ml_http_wire_self(L, call);
    int n = ml_stream_begin(w->stream, &w->stream->writer, call);
    if (n >= 0) {
        w->reply.sent = 0;
        n = w->reply.midway ? -EPIPE : ml_http_send_all(w, call, "", 0, "");
    }
    if (n == 0) {
        lua_pushboolean(L, 1);
        n = 1;
    }
    return ml_stream_end(L, w->stream, call, n);
}

/* flush(): sends what is to go out; EPIPE behind a piece that was cut off. */
static const ml_syscall http_flush = {.size = sizeof(ml_syscall),
                                      .name = "flush",
                                      .check = flush_check,
                                      .attempt = flush_attempt,
                                      .withdraw = ml_turn_withdraw,
                                      .describe = ml_stream_describe_write};

/* push(): the same as far as that does not block; false if it would, or fails. */
static int wire_push(lua_State *L)
{
    struct ml_http_wire *w = ml_http_wire_check(L, 1);
    ssize_t n = 0;
    if (w->stream->d.fd >= 0 && w->stream->writer.turn.holder == NULL) {
        n = ml_http_send_out(w);
    }
    lua_pushboolean(L, n >= 0);
    return 1;
}

/* sever(): the connection ends, at once and for both; it is not closed, for its
 * task may be using it. */
static int wire_sever(lua_State *L)
{
    const struct ml_http_wire *w = ml_http_wire_check(L, 1);
    if (w->stream->d.fd >= 0) {
        (void)ml_socket_shutdown(w->stream->d.fd, SHUT_RDWR);
    }
    return 0;
}

void ml_http_send_open(lua_State *L, struct ml_vm *vm)
{
    static const luaL_Reg methods[] = {
        {"push", wire_push}, {"sever", wire_sever}, {NULL, NULL}};
    ml_sys_method(L, vm, "flush", &http_flush);
    ml_vm_setfuncs(L, vm, methods);
}
