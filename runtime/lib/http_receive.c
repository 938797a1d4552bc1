/* http_receive.c - the calls that wait for the head of a message. */
#include "core/arg.h"
#include "core/call.h"
#include "core/loop.h"
#include "lib/http.h"
#include "sys/sys.h"

#include <errno.h>
#include <string.h>

/* A head, and most often all of the message, is read at once. */
enum {
    CHUNK = 16 * 1024,
    ROUNDS = 16, /* reads without a wait before others get to run */
    TIMEOUT_STATUS = 408
};

/* The head as a whole: how it is parsed. */
static long parse(lua_State *L, const ml_call *call, struct ml_http_wire *w,
                  const char *bytes, size_t n)
{
    if (ml_call_nargs(call) == 1) {
        return ml_http_head_request(&w->head, bytes, n, &w->limits);
    }
    return ml_http_head_response(&w->head, bytes, n, &w->limits,
                                 lua_tostring(L, ml_call_arg(call, 2)));
}

/* ---- the message begins ----------------------------------------------------- */

static void begin_body(lua_State *L, const ml_call *call,
                       struct ml_http_wire *w)
{
    const struct ml_http_head *head = &w->head;
    if (w->in.chunks.fields > 0) { /* the trailers of the one before */
        lua_pushnil(L);
        (void)lua_setiuservalue(L, ml_call_arg(call, 1), 2);
    }
    memset(&w->in, 0, sizeof w->in);
    w->in.framing = head->framing;
    w->in.left = head->length;
    w->in.since = -1;
    w->in.expects = head->expects;
    ml_http_chunks_init(&w->in.chunks);
    w->persistent = head->persistent;
}

/* The head is whole, and has `n` bytes: the answers, which for a request are
 * what it is to be found by, too. */
static int give(lua_State *L, const ml_call *call, struct ml_http_wire *w,
                const char *bytes, size_t n)
{
    const struct ml_http_head *head = &w->head;
    ml_http_message_push(L, ml_call_arg(call, 1), w, bytes, n);
    begin_body(L, call, w);
    memset(&w->reply, 0, sizeof w->reply);
    if (head->status != 0) {
        return 1;
    }
    w->reply.silent = head->method.length == 4 &&
                      memcmp(bytes + head->method.at, "HEAD", 4) == 0;
    lua_pushlstring(L, bytes + head->method.at, head->method.length);
    if (head->path.length > 0) {
        lua_pushlstring(L, bytes + head->path.at, head->path.length);
    } else {
        lua_pushliteral(L, "/");
    }
    return 3;
}

/* There is no message, but there may be an answer: to what was sent instead. */
static void give_up(struct ml_http_wire *w)
{
    w->in.broken = true;
    w->persistent = false;
    w->reply = (struct ml_http_outgoing){0};
}

static int refuse(lua_State *L, struct ml_http_wire *w, int fault,
                  const ml_call *call)
{
    give_up(w);
    return ml_http_fail(L, w, fault, call->def->name);
}

/* From the first byte on there is time for the head, however the bytes come. A
 * head that comes at once, as most do, never asks for the time. */
static void note_begun(struct ml_http_wire *w, ml_call *call)
{
    if (!w->asked) {
        w->asked = true;
        w->waiting = false;
        ml_stream_bound(call, w->times.head);
    }
}

/* Looks at the bytes that there are for a head: the answers, or
 * ML_HTTP_NEEDS_MORE. */
static int look(lua_State *L, ml_call *call, struct ml_http_wire *w,
                struct ml_http_supply *supply)
{
    long length = parse(L, call, w, supply->bytes, supply->n);
    if (length == 0) {
        note_begun(w, call);
        return ML_HTTP_NEEDS_MORE;
    }
    if (length < 0) {
        return refuse(L, w, (int)-length, call);
    }
    supply->used = (size_t)length;
    return give(L, call, w, supply->bytes, supply->used);
}

/* ---- bytes --------------------------------------------------------------- */

/* Reads some: onto the C stack. */
static int look_fresh(lua_State *L, ml_call *call, struct ml_http_wire *w,
                      ssize_t *why)
{
    char chunk[CHUNK];
    const struct ml_http_intake intake = {look, chunk, sizeof chunk};
    return ml_http_take_fresh(L, call, w, &intake, why);
}

/* The peer sends nothing any more. Between messages that is as it should be. */
static int at_end(lua_State *L, struct ml_http_wire *w, const ml_call *call)
{
    if (w->asked) {
        return refuse(L, w, ML_HTTP_CUT, call);
    }
    lua_pushnil(L);
    return 1;
}

/* The message before is over from now on, for a task that still has it, too: it
 * must not get at what comes next. */
static void receive_begin(struct ml_http_wire *w)
{
    w->serial++;
    ml_http_head_init(&w->head);
    w->asked = false;
    w->waiting = true;
}

/* Before the first byte the time counts from when we have nothing else to do. */
static int wait_for_bytes(struct ml_http_wire *w, ml_call *call, ssize_t why)
{
    if (call->number == 0) {
        ml_stream_bound(call, w->serial == 1 ? w->times.first : w->times.idle);
    }
    return ml_stream_wait(w->stream, &w->stream->reader, call, why);
}

static int receive_some(lua_State *L, ml_call *call, struct ml_http_wire *w)
{
    for (int round = 0; round < ROUNDS; round++) {
        ssize_t why = ml_http_send_out(w);
        if (why < 0) {
            w->stuck = true;
            return ml_http_wait_to_send(w, call, why);
        }
        if (w->stuck) { /* the time for that was another one */
            w->stuck = false;
            ml_stream_progress(call);
        }
        int n = look_fresh(L, call, w, &why);
        if (n != ML_HTTP_NEEDS_MORE) {
            return n;
        }
        if (why == 0) {
            return at_end(L, w, call);
        }
        if (ml_transport_blocks(why)) {
            return wait_for_bytes(w, call, why);
        }
        if (why < 0) {
            return (int)why;
        }
    }
    return ml_stream_pause(call);
}

/* ---- the calls ------------------------------------------------------------------- */

static int receive_try(lua_State *L, ml_call *call, struct ml_http_wire *w)
{
    struct ml_stream *s = w->stream;
    int turn = ml_stream_begin(s, &s->reader, call);
    if (turn < 0) {
        return turn;
    }
    if (turn == 1) {
        receive_begin(w);
        int n = ml_http_take_held(L, call, w, look);
        if (n != ML_HTTP_NEEDS_MORE) {
            return n;
        }
    }
    return receive_some(L, call, w);
}

/* Too slow a head is one thing; a connection on which nothing more is asked
 * just ends. */
static int receive_late(lua_State *L, struct ml_http_wire *w,
                        const ml_call *call)
{
    if (w->asked) {
        give_up(w);
        return ml_http_fail_code(L, w, ETIMEDOUT, TIMEOUT_STATUS,
                                 call->def->name);
    }
    if (ml_call_nargs(call) > 1) {
        return -ETIMEDOUT;
    }
    lua_pushnil(L);
    return 1;
}

static int receive_attempt(lua_State *L, ml_call *call)
{
    struct ml_http_wire *w = ml_http_wire_self(L, call);
    int n = receive_try(L, call, w);
    w->waiting = w->waiting && n == ML_WAIT;
    if (n == -ETIMEDOUT) {
        n = receive_late(L, w, call);
    }
    return ml_stream_end(L, w->stream, call, n);
}

static void request_check(lua_State *L)
{
    (void)ml_http_wire_check(L, 1);
    lua_settop(L, 1);
}

static void response_check(lua_State *L)
{
    (void)ml_http_wire_check(L, 1);
    (void)ml_arg_string(L, 2);
    lua_settop(L, 2);
}

static const ml_syscall http_request = {.size = sizeof(ml_syscall),
                                        .name = "request",
                                        .check = request_check,
                                        .attempt = receive_attempt,
                                        .withdraw = ml_turn_withdraw,
                                        .describe = ml_stream_describe_read};

static const ml_syscall http_response = {.size = sizeof(ml_syscall),
                                         .name = "response",
                                         .check = response_check,
                                         .attempt = receive_attempt,
                                         .withdraw = ml_turn_withdraw,
                                         .describe = ml_stream_describe_read};

void ml_http_receive_open(lua_State *L, struct ml_vm *vm)
{
    ml_sys_method(L, vm, "request", &http_request);
    ml_sys_method(L, vm, "response", &http_response);
}
