/* http_supply.c - bytes of messages that come in: those that the stream holds,
 * and those that are read and most often used up where they are, so that a
 * connection that waits holds no memory for them. */
#include "core/call.h"
#include "lib/http.h"

#include <errno.h>

/* Takes the bytes that the stream holds out of it. To make a value of Lua's is
 * to run finalizers, and they may close the stream, and free what it holds. */
static struct ml_http_supply set_aside(struct ml_http_wire *w)
{
    ml_buffer_term(&w->aside, &w->vm->alloc);
    w->aside = w->stream->in;
    ml_buffer_init(&w->stream->in);
    return (struct ml_http_supply){ml_buffer_bytes(&w->aside),
                                   ml_buffer_length(&w->aside), 0};
}

/* Gives them back, without the first `used`, if the stream is still open. What
 * an error has left aside is freed with the wire. */
static void put_back(struct ml_http_wire *w, size_t used)
{
    ml_buffer_consume(&w->aside, used);
    if (w->stream->d.fd < 0) {
        ml_buffer_term(&w->aside, &w->vm->alloc);
        return;
    }
    w->stream->in = w->aside;
    ml_buffer_init(&w->aside);
    ml_stream_take(w->stream, 0); /* it keeps no memory for nothing */
}

/* Reads, without waiting, as ml_stream_get, or finds that there is nothing. */
static ssize_t read_some(struct ml_http_wire *w, const ml_call *call,
                         const struct ml_http_intake *intake)
{
    return ml_stream_drained(w->stream, call)
               ? -EAGAIN
               : ml_stream_get(w->stream, intake->chunk, intake->size);
}

/* Has the stream hold what was read and is not used up. 0; -ENOMEM. */
static int keep(struct ml_http_wire *w, const struct ml_http_supply *supply)
{
    struct ml_stream *s = w->stream;
    if (supply->used == supply->n || s->d.fd < 0) {
        return 0;
    }
    return ml_buffer_append(&s->in, &w->vm->alloc, supply->bytes + supply->used,
                            supply->n - supply->used);
}

int ml_http_take_held(lua_State *L, ml_call *call, struct ml_http_wire *w,
                      ml_http_take *take)
{
    if (ml_buffer_length(&w->stream->in) == 0) {
        return ML_HTTP_NEEDS_MORE;
    }
    struct ml_http_supply supply = set_aside(w);
    int n = take(L, call, w, &supply);
    put_back(w, supply.used);
    return n;
}

int ml_http_take_fresh(lua_State *L, ml_call *call, struct ml_http_wire *w,
                       const struct ml_http_intake *intake, ssize_t *why)
{
    *why = read_some(w, call, intake);
    if (*why <= 0) {
        return ML_HTTP_NEEDS_MORE;
    }
    struct ml_http_supply supply = {intake->chunk, (size_t)*why, 0};
    bool held = ml_buffer_length(&w->stream->in) > 0;
    int n = held ? ML_HTTP_NEEDS_MORE : intake->take(L, call, w, &supply);
    int err = keep(w, &supply);
    if (err != 0) {
        *why = err;
        return ML_HTTP_NEEDS_MORE;
    }
    return held ? ml_http_take_held(L, call, w, intake->take) : n;
}
