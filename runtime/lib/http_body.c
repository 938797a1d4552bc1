/* http_body.c - the body of a message that comes in, piece by piece.
 *
 * There is time for it, and each byte earns some more: so who sends slowly is
 * cut, and who sends much is not. What the reader does between two reads is not
 * the sender's time. */
#include "core/arg.h"
#include "core/call.h"
#include "core/error.h"
#include "core/loop.h"
#include "core/misuse.h"
#include "lib/http.h"
#include "sys/sys.h"

#include <errno.h>
#include <string.h>

enum {
    CHUNK = 64 * 1024,
    ROUNDS = 16, /* reads without a wait before others get to run */
    TIMEOUT_STATUS = 408
};

/* ---- time --------------------------------------------------------------------- */

static int64_t now_of(const ml_call *call)
{
    return ml_loop_now(ml_call_owner(call)->loop);
}

/* What is left of the time for the body. */
static void bound_wait(struct ml_http_wire *w, ml_call *call)
{
    const struct ml_http_incoming *in = &w->in;
    double earned =
        w->times.rate > 0 ? (double)in->received / w->times.rate : 0;
    double spent = (double)in->waited / 1e9;
    ml_stream_bound(call, w->times.body + earned - spent);
    w->in.since = now_of(call);
}

static void note_waited(struct ml_http_wire *w, const ml_call *call)
{
    if (w->in.since >= 0) {
        w->in.waited += now_of(call) - w->in.since;
        w->in.since = -1;
    }
}

/* ---- bytes of the body ---------------------------------------------------------- */

/* The body is over. */
static int finish(lua_State *L, struct ml_http_wire *w)
{
    w->in.framing = ML_HTTP_NO_BODY;
    lua_pushnil(L);
    return 1;
}

static int break_off(lua_State *L, struct ml_http_wire *w, int fault,
                     const ml_call *call)
{
    w->in.broken = true;
    w->persistent = false;
    return ml_http_fail(L, w, fault, call->def->name);
}

static int give(lua_State *L, struct ml_http_wire *w, const char *bytes,
                size_t n)
{
    w->in.received += (int64_t)n;
    lua_pushlstring(L, bytes, n);
    return 1;
}

/* Keeps a trailer in the table of them, the wire's second user value. */
static void keep_trailer(lua_State *L, const ml_call *call,
                         const struct ml_http_field *field)
{
    int wire = ml_call_arg(call, 1);
    if (lua_getiuservalue(L, wire, 2) != LUA_TTABLE) {
        lua_pop(L, 1);
        ml_http_headers_new(L, 1);
        lua_pushvalue(L, -1);
        (void)lua_setiuservalue(L, wire, 2);
    }
    ml_http_headers_add(L, field);
    lua_pop(L, 1);
}

static size_t wanted(lua_State *L, const ml_call *call)
{
    int max = ml_call_arg(call, 2);
    lua_Integer n = ml_misuse_absent(L, max) ? CHUNK : lua_tointeger(L, max);
    return n < CHUNK ? (size_t)n : CHUNK;
}

/* What a piece of chunks means: the answers, or ML_HTTP_NEEDS_MORE. */
static int take_piece(lua_State *L, const ml_call *call, struct ml_http_wire *w,
                      const struct ml_http_piece *piece)
{
    switch (piece->kind) {
    case ML_HTTP_DATA:
        return give(L, w, piece->data, piece->take);
    case ML_HTTP_END:
        return finish(L, w);
    case ML_HTTP_TRAILER:
        keep_trailer(L, call, &piece->field);
        return ML_HTTP_NEEDS_MORE;
    case ML_HTTP_MORE:
    case ML_HTTP_SKIP:
    default:
        return ML_HTTP_NEEDS_MORE;
    }
}

/* Goes on to the next bytes of the body. */
static int take_chunks(lua_State *L, const ml_call *call,
                       struct ml_http_wire *w, struct ml_http_supply *supply)
{
    struct ml_http_piece piece;
    size_t max = wanted(L, call);
    int answers = ML_HTTP_NEEDS_MORE;
    do {
        size_t n = supply->n - supply->used;
        n = w->in.chunks.left > 0 && n > max ? max : n;
        int err = ml_http_chunks_next(
            &w->in.chunks, supply->bytes + supply->used, n, &w->limits, &piece);
        supply->used += piece.take;
        answers = err != 0 ? break_off(L, w, -err, call)
                           : take_piece(L, call, w, &piece);
    } while (answers == ML_HTTP_NEEDS_MORE && piece.take > 0);
    return answers;
}

/* Takes the next bytes of the body, which is not over, out of the supply, which
 * has some: the answers, or ML_HTTP_NEEDS_MORE. */
static int take(lua_State *L, ml_call *call, struct ml_http_wire *w,
                struct ml_http_supply *supply)
{
    if (w->in.framing == ML_HTTP_CHUNKED) {
        return take_chunks(L, call, w, supply);
    }
    size_t max = wanted(L, call);
    size_t n = supply->n < max ? supply->n : max;
    if (w->in.framing == ML_HTTP_LENGTH) {
        n = (int64_t)n < w->in.left ? n : (size_t)w->in.left;
        w->in.left -= (int64_t)n;
    }
    supply->used = n;
    return give(L, w, supply->bytes, n);
}

/* Reads some: onto the C stack. */
static int take_fresh(lua_State *L, ml_call *call, struct ml_http_wire *w,
                      ssize_t *why)
{
    char chunk[CHUNK];
    const struct ml_http_intake intake = {take, chunk, sizeof chunk};
    return ml_http_take_fresh(L, call, w, &intake, why);
}

static int at_end(lua_State *L, const ml_call *call, struct ml_http_wire *w)
{
    return w->in.framing == ML_HTTP_TO_CLOSE
               ? finish(L, w)
               : break_off(L, w, ML_HTTP_CUT, call);
}

/* Who waits to be asked for the body is asked for it (RFC 9110, 10.1.1), unless
 * it comes already, or the answer does. 0; -ENOMEM. */
static int ask_for_body(struct ml_http_wire *w)
{
    static const char text[] = "HTTP/1.1 100 Continue\r\n\r\n";
    if (!w->in.expects || w->reply.begun) {
        return 0;
    }
    w->in.expects = false;
    return ml_buffer_length(&w->stream->in) > 0
               ? 0
               : ml_buffer_append(&w->out, &w->vm->alloc, text,
                                  sizeof text - 1);
}

/* ---- the call -------------------------------------------------------------------------- */

static int body_some(lua_State *L, ml_call *call, struct ml_http_wire *w)
{
    for (int round = 0; round < ROUNDS; round++) {
        ssize_t why = ml_http_send_out(w);
        if (why < 0) {
            return ml_http_wait_to_send(w, call, why);
        }
        int n = take_fresh(L, call, w, &why);
        if (n != ML_HTTP_NEEDS_MORE) {
            return n;
        }
        if (why == 0) {
            return at_end(L, call, w);
        }
        if (ml_transport_blocks(why)) {
            bound_wait(w, call);
            return ml_stream_wait(w->stream, &w->stream->reader, call, why);
        }
        if (why < 0) {
            return (int)why;
        }
    }
    return ml_stream_pause(call);
}

static int body_try(lua_State *L, ml_call *call, struct ml_http_wire *w)
{
    struct ml_stream *s = w->stream;
    int turn = ml_stream_begin(s, &s->reader, call);
    if (turn < 0) {
        return turn;
    }
    note_waited(w, call);
    if (w->in.framing == ML_HTTP_NO_BODY) {
        return finish(L, w);
    }
    if (w->in.broken) {
        return -EPIPE;
    }
    int err = ask_for_body(w);
    if (err != 0) {
        return err;
    }
    int n = ml_http_take_held(L, call, w, take);
    return n != ML_HTTP_NEEDS_MORE ? n : body_some(L, call, w);
}

static int body_attempt(lua_State *L, ml_call *call)
{
    struct ml_http_wire *w = ml_http_wire_self(L, call);
    int n = body_try(L, call, w);
    if (n == -ETIMEDOUT) {
        w->in.broken = true;
        w->persistent = false;
        n = ml_http_fail_code(L, w, ETIMEDOUT, TIMEOUT_STATUS, "body");
    }
    if (w->in.framing == ML_HTTP_LENGTH && w->in.left == 0) {
        w->in.framing = ML_HTTP_NO_BODY;
    }
    return ml_stream_end(L, w->stream, call, n);
}

/* body([max]): the next bytes of it, as they come; nil when it is over. */
static void body_check(lua_State *L)
{
    (void)ml_http_wire_check(L, 1);
    lua_settop(L, 2);
    if (!ml_misuse_absent(L, 2)) {
        ml_arg_check(L, ml_misuse_integer(L, 2) >= 1, 2,
                     "at least one byte must be asked for");
    }
}

static const ml_syscall http_body = {.size = sizeof(ml_syscall),
                                     .name = "body",
                                     .check = body_check,
                                     .attempt = body_attempt,
                                     .withdraw = ml_turn_withdraw,
                                     .describe = ml_stream_describe_read};

/* trailers(): the fields behind the body, when it was read; or nil. */
static int wire_trailers(lua_State *L)
{
    const struct ml_http_wire *w = ml_http_wire_check(L, 1);
    if (w->in.chunks.fields == 0) {
        lua_pushnil(L);
    } else {
        (void)lua_getiuservalue(L, 1, 2);
    }
    return 1;
}

void ml_http_body_open(lua_State *L, struct ml_vm *vm)
{
    static const luaL_Reg methods[] = {{"trailers", wire_trailers},
                                       {NULL, NULL}};
    ml_sys_method(L, vm, "body", &http_body);
    ml_vm_setfuncs(L, vm, methods);
}
