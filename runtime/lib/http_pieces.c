/* http_pieces.c - the body of an answer that is sent piece by piece, and its end
 * (RFC 9112, 7.1).
 *
 * A handler may write in several tasks, each of which can be cut off: so pieces
 * and the end take turns, and nothing follows a piece that did not go out as a
 * whole. */
#include "core/arg.h"
#include "core/call.h"
#include "lib/http.h"
#include "sys/sys.h"

#include <errno.h>
#include <stdio.h>

enum {
    SERIAL = 3 /* an argument, behind the one of write or finish */
};

/* Tells the answer that a call is about from the next one, which may have begun
 * when it is the call's turn. */
static void push_serial(lua_State *L, const struct ml_http_wire *w)
{
    lua_pushinteger(L, (lua_Integer)w->serial);
    lua_replace(L, SERIAL);
}

static void write_check(lua_State *L)
{
    struct ml_http_wire *w = ml_http_wire_check(L, 1);
    size_t n = 0;
    lua_settop(L, SERIAL);
    (void)ml_arg_lstring(L, 2, &n);
    ml_arg_check(L, w->reply.begun && !w->reply.over, 1,
                 "the answer is over, or has not begun");
    if (w->reply.framing == ML_HTTP_LENGTH && (int64_t)n > w->reply.left) {
        (void)luaL_error(L, "the body is longer than its Content-Length");
    }
    push_serial(L, w);
}

/* Whether a call that has got its turn can go on with its answer. What is left
 * of a piece that was cut off (its task was cancelled, its time was up) is with
 * nobody: whatever came behind it would be taken for it. */
static bool may_follow(lua_State *L, const ml_call *call,
                       const struct ml_http_wire *w)
{
    return !w->reply.midway && lua_tointeger(L, ml_call_arg(call, SERIAL)) ==
                                   (lua_Integer)w->serial;
}

/* The size of a chunk, of RFC 9112, 7.1. */
static int append_size(struct ml_http_wire *w, size_t n)
{
    char text[24];
    int length = snprintf(text, sizeof text, "%zx\r\n", n);
    return ml_buffer_append(&w->out, &w->vm->alloc, text, (size_t)length);
}

static int write_begin(struct ml_http_wire *w, size_t n)
{
    bool counted = w->reply.framing == ML_HTTP_LENGTH;
    if (counted && (int64_t)n > w->reply.left) {
        return -EMSGSIZE; /* others' pieces came first */
    }
    bool sized = w->reply.framing == ML_HTTP_CHUNKED && !w->reply.silent;
    int err = sized && n > 0 ? append_size(w, n) : 0;
    if (err != 0) {
        return err;
    }
    w->reply.midway = true;
    w->reply.sent = 0;
    w->reply.bytes += w->reply.silent ? 0 : (int64_t)n;
    w->reply.left -= counted ? (int64_t)n : 0;
    return 0;
}

/* The piece, whose call has the turn. */
static int write_piece(lua_State *L, ml_call *call, struct ml_http_wire *w)
{
    size_t n = 0;
    const char *bytes = lua_tolstring(L, ml_call_arg(call, 2), &n);
    bool chunked = w->reply.framing == ML_HTTP_CHUNKED && n > 0;
    bool silent = w->reply.silent || w->reply.framing == ML_HTTP_NO_BODY;
    return ml_http_send_all(w, call, bytes, silent ? 0 : n,
                            chunked && !silent ? "\r\n" : "");
}

static int write_try(lua_State *L, ml_call *call, struct ml_http_wire *w)
{
    int turn = ml_stream_begin(w->stream, &w->stream->writer, call);
    if (turn < 0) {
        return turn;
    }
    int err = 0;
    if (turn == 1) {
        size_t n = lua_rawlen(L, ml_call_arg(call, 2));
        bool follows = may_follow(L, call, w) && !w->reply.over;
        err = follows ? write_begin(w, n) : -EPIPE;
    }
    err = err != 0 ? err : write_piece(L, call, w);
    if (err != 0) {
        return err;
    }
    w->reply.midway = false;
    lua_pushboolean(L, 1);
    return 1;
}

static int write_attempt(lua_State *L, ml_call *call)
{
    struct ml_http_wire *w = ml_http_wire_self(L, call);
    return ml_stream_end(L, w->stream, call, write_try(L, call, w));
}

/* write(bytes): some of the body. EPIPE behind a piece that was cut off. */
static const ml_syscall http_write = {.size = sizeof(ml_syscall),
                                      .name = "write",
                                      .check = write_check,
                                      .attempt = write_attempt,
                                      .withdraw = ml_turn_withdraw,
                                      .describe = ml_stream_describe_write};

/* sent(count): so many bytes of the body went by another way. */
static int wire_sent(lua_State *L)
{
    struct ml_http_wire *w = ml_http_wire_check(L, 1);
    lua_Integer n = ml_arg_integer(L, 2);
    w->reply.bytes += n;
    w->reply.left -= n;
    return 0;
}

static bool falls_short(const struct ml_http_wire *w)
{
    return w->reply.framing == ML_HTTP_LENGTH && w->reply.left > 0 &&
           !w->reply.silent;
}

static void finish_check(lua_State *L)
{
    struct ml_http_wire *w = ml_http_wire_check(L, 1);
    lua_settop(L, SERIAL);
    ml_arg_check(L, w->reply.begun, 1, "the answer has not begun");
    const char *why = ml_http_trailers_refusal(L, 2);
    if (why != NULL) {
        (void)luaL_error(L, "%s", why);
    }
    if (falls_short(w) && !w->reply.midway && !w->reply.over) {
        w->reply.over = true;
        w->persistent = false;
        (void)luaL_error(L, "the body is shorter than its Content-Length");
    }
    push_serial(L, w);
}

static int append_end(lua_State *L, const ml_call *call, struct ml_http_wire *w)
{
    const struct ml_alloc *alloc = &w->vm->alloc;
    int err = ml_buffer_append(&w->out, alloc, "0\r\n", 3);
    err = err != 0
              ? err
              : ml_http_fields_append(L, ml_call_arg(call, 2), &w->out, alloc);
    return err != 0 ? err : ml_buffer_append(&w->out, alloc, "\r\n", 2);
}

/* The end goes behind the pieces that others were sending when it was asked
 * for. */
static int finish_begin(lua_State *L, const ml_call *call,
                        struct ml_http_wire *w)
{
    if (!may_follow(L, call, w)) {
        return -EPIPE;
    }
    w->reply.sent = 0;
    if (w->reply.over) {
        return 0;
    }
    if (ml_http_trailers_refusal(L, ml_call_arg(call, 2)) != NULL) {
        return -EINVAL; /* they were changed while others wrote */
    }
    w->reply.over = true;
    w->reply.midway = falls_short(w);
    if (w->reply.framing != ML_HTTP_CHUNKED || w->reply.silent) {
        return w->reply.midway ? -EPIPE : 0;
    }
    int err = append_end(L, call, w);
    w->reply.midway = err != 0;
    return err;
}

static int finish_try(lua_State *L, ml_call *call, struct ml_http_wire *w)
{
    int turn = ml_stream_begin(w->stream, &w->stream->writer, call);
    if (turn < 0) {
        return turn;
    }
    int err = turn == 1 ? finish_begin(L, call, w) : 0;
    err = err != 0 ? err : ml_http_send_all(w, call, "", 0, "");
    if (err != 0) {
        return err;
    }
    lua_pushboolean(L, 1);
    return 1;
}

static int finish_attempt(lua_State *L, ml_call *call)
{
    struct ml_http_wire *w = ml_http_wire_self(L, call);
    return ml_stream_end(L, w->stream, call, finish_try(L, call, w));
}

/* finish([trailers]): ends the body, and sends what is to go out. */
static const ml_syscall http_finish = {.size = sizeof(ml_syscall),
                                       .name = "finish",
                                       .check = finish_check,
                                       .attempt = finish_attempt,
                                       .withdraw = ml_turn_withdraw,
                                       .describe = ml_stream_describe_write};

void ml_http_pieces_open(lua_State *L, struct ml_vm *vm)
{
    static const luaL_Reg methods[] = {{"sent", wire_sent}, {NULL, NULL}};
    ml_sys_method(L, vm, "write", &http_write);
    ml_sys_method(L, vm, "finish", &http_finish);
    ml_vm_setfuncs(L, vm, methods);
}
