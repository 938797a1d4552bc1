/* http_reply.c - answers of a server: a head, and a body that is there as a whole
 * (RFC 9112, 6). Of others see http_pieces.c.
 *
 * An answer with its body is one write to the system, however it is made up. If
 * another request was read already, it waits for the next one's: see the
 * server's loop in lua/miniloop/http/server.lua. */
#include "core/arg.h"
#include "core/call.h"
#include "lib/http.h"
#include "proto/http_status.h"
#include "sys/sys.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

enum {
    /* Arguments of respond and begin. */
    STATUS = 2,
    FIELDS,
    BODY, /* of begin: nil */
    TYPE,

    COPIED = 8 * 1024,    /* bodies up to this are copied behind the head */
    GATHERED = 64 * 1024, /* bytes of answers that wait for each other */
    OK = 200,
    STATUS_MIN = 200,
    STATUS_MAX = 599,
    SWITCHING = 101
};

/* ---- arguments ------------------------------------------------------------------------ */

/* Text, or HTML where it begins so. */
static const char *type_of(const char *body, size_t n)
{
    static const char *const openings[] = {"<!doctype html", "<html"};
    while (n > 0 && strchr(" \t\r\n", *body) != NULL) {
        body++;
        n--;
    }
    for (size_t i = 0; i < 2 && n > 0 && *body == '<'; i++) {
        size_t length = strlen(openings[i]);
        if (n >= length && strncasecmp(body, openings[i], length) == 0) {
            return "text/html; charset=utf-8";
        }
    }
    return "text/plain; charset=utf-8";
}

/* Checks wire, status and fields. */
static void check_head(lua_State *L, struct ml_http_noted *noted)
{
    const struct ml_http_wire *w = ml_http_wire_check(L, 1);
    lua_settop(L, TYPE);
    lua_Integer status = ml_arg_integer(L, STATUS);
    ml_arg_check(L,
                 (status >= STATUS_MIN && status <= STATUS_MAX) ||
                     status == SWITCHING,
                 STATUS, "a status from 200 to 599 expected");
    if (!lua_isnil(L, FIELDS)) {
        ml_arg_type(L, FIELDS, LUA_TTABLE);
    }
    ml_arg_check(L, !w->reply.begun, 1, "the answer has begun");
    const char *why = ml_http_fields_refusal(L, FIELDS, noted);
    if (why != NULL) {
        (void)luaL_error(L, "%s", why);
    }
    if (noted->coding) {
        (void)luaL_error(L, "the header field 'Transfer-Encoding' is not for "
                            "scripts");
    }
}

/* Whether an answer tells the length of a body that does not come with it: to
 * HEAD, or as 304 (RFC 9110, 8.6). */
static bool may_be_left_out(const struct ml_http_wire *w, int status)
{
    enum {
        NOT_MODIFIED = 304
    };
    return w->reply.silent || status == NOT_MODIFIED;
}

static bool length_fits(const struct ml_http_wire *w,
                        const struct ml_http_noted *noted, int status, size_t n)
{
    return !noted->length || noted->length_value == (lua_Integer)n ||
           (n == 0 && may_be_left_out(w, status));
}

static void respond_check(lua_State *L)
{
    struct ml_http_noted noted;
    size_t n = 0;
    check_head(L, &noted);
    if (lua_isnil(L, BODY)) {
        lua_pushliteral(L, "");
        lua_replace(L, BODY);
    }
    (void)ml_arg_lstring(L, BODY, &n);
    int status = (int)lua_tointeger(L, STATUS);
    if (n > 0 && ml_http_bodiless(status)) {
        (void)luaL_error(L, "an answer with status %d has no body", status);
    }
    if (!length_fits(lua_touserdata(L, 1), &noted, status, n)) {
        (void)luaL_error(L, "the body does not have the Content-Length that "
                            "was given");
    }
}

/* ---- respond ------------------------------------------------------------------------------ */

/* The head, and a body that is short. */
static int respond_begin(lua_State *L, struct ml_http_wire *w,
                         struct ml_http_head_parts *parts, const char *body,
                         size_t n)
{
    bool copied = n <= COPIED && !w->reply.silent;
    parts->behind = copied ? n : 0;
    w->reply.sent = copied ? n : 0;
    w->reply.left = (int64_t)n;
    w->reply.bytes = w->reply.silent ? 0 : (int64_t)n;
    w->reply.framing =
        ml_http_bodiless(parts->status) ? ML_HTTP_NO_BODY : ML_HTTP_LENGTH;
    if (parts->type == NULL && n > 0) {
        parts->type = type_of(body, n);
    }
    int err = ml_http_head_append(L, w, parts);
    w->reply.over = true;
    return err == 0 && copied
               ? ml_buffer_append(&w->out, &w->vm->alloc, body, n)
               : err;
}

/* The same from the arguments of respond, those above `base`. They may have
 * waited for their turn: the fields can be others than those that were checked. */
static int respond_begin_at(lua_State *L, struct ml_http_wire *w, int base)
{
    size_t n = 0;
    const char *body = lua_tolstring(L, base + BODY, &n);
    struct ml_http_head_parts parts = {.status =
                                           (int)lua_tointeger(L, base + STATUS),
                                       .fields = base + FIELDS,
                                       .type = lua_tostring(L, base + TYPE)};
    bool fit = ml_http_fields_refusal(L, parts.fields, &parts.noted) == NULL &&
               !parts.noted.coding &&
               length_fits(w, &parts.noted, parts.status, n);
    return fit ? respond_begin(L, w, &parts, body, n) : -EINVAL;
}

/* True, whether what goes out waits for the answer to a request behind it, and
 * whether there may be one. */
static int push_answered(lua_State *L, const struct ml_http_wire *w, bool waits)
{
    lua_pushboolean(L, 1);
    lua_pushboolean(L, waits);
    lua_pushboolean(L, w->persistent && w->in.framing == ML_HTTP_NO_BODY);
    return 3;
}

static int respond_try(lua_State *L, ml_call *call, struct ml_http_wire *w)
{
    size_t n = 0;
    int turn = ml_stream_begin(w->stream, &w->stream->writer, call);
    if (turn < 0) {
        return turn;
    }
    int err = 0;
    if (turn == 1) { /* another task may have begun the answer meanwhile */
        err = w->reply.begun ? -EPIPE : respond_begin_at(L, w, call->base);
    }
    if (err == 0) {
        const char *body = lua_tolstring(L, ml_call_arg(call, BODY), &n);
        err = ml_http_send_all(w, call, body, w->reply.silent ? 0 : n, "");
    }
    return err != 0 ? err : push_answered(L, w, false);
}

static int respond_attempt(lua_State *L, ml_call *call)
{
    struct ml_http_wire *w = ml_http_wire_self(L, call);
    return ml_stream_end(L, w->stream, call, respond_try(L, call, w));
}

static const ml_syscall http_respond = {.size = sizeof(ml_syscall),
                                        .name = "respond",
                                        .check = respond_check,
                                        .attempt = respond_attempt,
                                        .withdraw = ml_turn_withdraw,
                                        .describe = ml_stream_describe_write};

/* True if an answer can be left to whoever waits for the next request: that
 * call sends what is to go out before it waits. */
static bool may_leave(const struct ml_http_wire *w, size_t n)
{
    return w->persistent && !w->retired && n <= COPIED &&
           w->in.framing == ML_HTTP_NO_BODY &&
           ml_buffer_length(&w->out) < GATHERED && w->stream->d.fd >= 0 &&
           w->stream->writer.turn.holder == NULL;
}

/* respond(status, fields, body, type): the whole answer. True, whether it waits
 * for the next one (push sends it), and whether there may be one: if not, flush
 * is to be called; nil, err. */
static int wire_respond(lua_State *L)
{
    respond_check(L);
    struct ml_http_wire *w = lua_touserdata(L, 1);
    if (!may_leave(w, lua_rawlen(L, BODY))) {
        return ml_call_enter(L, ml_vm_upvalue(L), &http_respond);
    }
    if (respond_begin_at(L, w, 0) != 0) {
        w->persistent = false;
        return luaL_error(L, "not enough memory");
    }
    return push_answered(L, w, ml_buffer_length(&w->stream->in) > 0);
}

/* text(value): answers with 200 and a text, as respond, if that can be left to
 * whoever waits for the next request; or else does nothing, and returns
 * nothing. Most answers are such. */
static int wire_text(lua_State *L)
{
    struct ml_http_wire *w = ml_http_wire_check(L, 1);
    if (lua_type(L, 2) != LUA_TSTRING || w->reply.begun ||
        !may_leave(w, lua_rawlen(L, 2))) {
        return 0;
    }
    size_t n = 0;
    const char *body = lua_tolstring(L, 2, &n);
    struct ml_http_head_parts parts = {.status = OK};
    if (respond_begin(L, w, &parts, body, n) != 0) {
        w->persistent = false;
        return luaL_error(L, "not enough memory");
    }
    return push_answered(L, w, ml_buffer_length(&w->stream->in) > 0);
}

/* ---- begin ------------------------------------------------------------------------------------- */

static enum ml_http_framing framing_of(const struct ml_http_wire *w, int status,
                                       const struct ml_http_noted *noted)
{
    if (ml_http_bodiless(status)) {
        return ML_HTTP_NO_BODY;
    }
    if (noted->length) {
        return ML_HTTP_LENGTH;
    }
    return w->head.minor == 0 ? ML_HTTP_TO_CLOSE : ML_HTTP_CHUNKED;
}

/* begin(status, fields, nil, type): the head; it goes out with what follows. */
static int wire_begin(lua_State *L)
{
    struct ml_http_head_parts parts = {.fields = FIELDS};
    check_head(L, &parts.noted);
    struct ml_http_wire *w = lua_touserdata(L, 1);
    parts.status = (int)lua_tointeger(L, STATUS);
    parts.type = lua_tostring(L, TYPE);
    w->reply.framing = framing_of(w, parts.status, &parts.noted);
    w->reply.left = parts.noted.length_value;
    if (ml_http_head_append(L, w, &parts) != 0) {
        w->persistent = false;
        return luaL_error(L, "not enough memory");
    }
    return 0;
}

void ml_http_reply_open(lua_State *L, struct ml_vm *vm)
{
    static const luaL_Reg methods[] = {{"respond", wire_respond},
                                       {"text", wire_text},
                                       {"begin", wire_begin},
                                       {NULL, NULL}};
    ml_vm_setfuncs(L, vm, methods);
}
