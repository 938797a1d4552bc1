/* http_wire.c - the object, its limits, and what is wrong with messages. */
#include "core/arg.h"
#include "core/error.h"
#include "core/misuse.h"
#include "lib/http.h"
#include "lib/lib.h"
#include "net/io.h"
#include "net/socket.h"
#include "proto/http_status.h"
#include "sys/option.h"
#include "sys/sys.h"

#include <errno.h>
#include <lauxlib.h>
#include <math.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

const char ml_http_wire_kind = 0;

static const char *const limit_names[] = {
    "line", "head",      "fields", "body",  "upload",    "first",
    "idle", "head_time", "rate",   "write", "body_time", NULL};

/* ---- limits --------------------------------------------------------------- */

/* Those of messages, at `arg`, which may be absent. */
static void read_sizes(lua_State *L, int arg, struct ml_http_limits *limits)
{
    enum {
        LINE = 8 * 1024,
        HEAD = 32 * 1024,
        FIELDS = 100
    };
    limits->line = (uint32_t)ml_option_integer(L, arg, "line", LINE);
    limits->head = (uint32_t)ml_option_integer(L, arg, "head", HEAD);
    limits->fields = (uint32_t)ml_option_integer(L, arg, "fields", FIELDS);
}

/* A number of bytes that may be larger than an int. */
static int64_t read_size(lua_State *L, int arg, const char *name, int64_t usual)
{
    int whole = 1;
    int64_t size = usual;
    int type = ml_option_push(L, arg, name);
    if (type != LUA_TNIL) {
        size = type == LUA_TNUMBER ? lua_tointegerx(L, -1, &whole) : -1;
    }
    if (whole == 0 || size < 0) {
        (void)ml_option_refuse(L, arg, name, "a number of bytes");
    }
    lua_pop(L, 1);
    return size;
}

static void read_times(lua_State *L, int arg, struct ml_http_times *times)
{
    static const struct ml_http_times usual = {.first = 10,
                                               .idle = 60,
                                               .head = 10,
                                               .body = 30,
                                               .rate = 1024,
                                               .write = 30};
    times->first = ml_option_seconds(L, arg, "first", usual.first);
    times->idle = ml_option_seconds(L, arg, "idle", usual.idle);
    times->head = ml_option_seconds(L, arg, "head_time", usual.head);
    times->body = ml_option_seconds(L, arg, "body_time", usual.body);
    times->rate = ml_option_seconds(L, arg, "rate", usual.rate);
    times->write = ml_option_seconds(L, arg, "write", usual.write);
}

/* ---- the object ----------------------------------------------------------- */

static int wire_gc(lua_State *L)
{
    struct ml_http_wire *w = lua_touserdata(L, 1);
    ml_buffer_term(&w->out, &w->vm->alloc);
    ml_buffer_term(&w->aside, &w->vm->alloc);
    return 0;
}

static void read_limits(lua_State *L, int arg, struct ml_http_wire *w)
{
    ml_option_check(L, arg, limit_names);
    read_sizes(L, arg, &w->limits);
    read_times(L, arg, &w->times);
    w->body = read_size(L, arg, "body", (int64_t)1 << 20);
    w->upload = read_size(L, arg, "upload", (int64_t)1 << 30);
}

/* check_limits(limits): raises if they are none. */
static int check_limits(lua_State *L)
{
    struct ml_http_wire w;
    lua_settop(L, 1);
    read_limits(L, 1, &w);
    return 0;
}

/* wire(stream [, limits]). Upvalues: the vm, the date. */
static int wire_new(lua_State *L)
{
    (void)ml_stream_check(L, 1);
    struct ml_stream *s = lua_touserdata(L, 1);
    lua_settop(L, 2);
    struct ml_http_wire *w = lua_newuserdatauv(L, sizeof *w, 2);
    memset(w, 0, sizeof *w);
    w->kind = &ml_http_wire_kind;
    w->vm = ml_vm_upvalue(L);
    w->stream = s;
    w->date = lua_touserdata(L, lua_upvalueindex(2));
    read_limits(L, 2, w);
    s->writer.timeout = w->times.write;
    ml_buffer_init(&w->out);
    lua_pushvalue(L, 1);
    (void)lua_setiuservalue(L, -2, 1);
    luaL_setmetatable(L, ML_HTTP_WIRE_TYPE);
    return 1;
}

struct ml_http_wire *ml_http_wire_at(lua_State *L, int index)
{
    struct ml_http_wire *w = lua_touserdata(L, index);
    return w != NULL && lua_rawlen(L, index) == sizeof *w &&
                   w->kind == &ml_http_wire_kind
               ? w
               : NULL;
}

struct ml_http_wire *ml_http_wire_check(lua_State *L, int arg)
{
    struct ml_http_wire *w = ml_http_wire_at(L, arg);
    ml_arg_expected(L, w != NULL, arg, "a wire");
    return w;
}

struct ml_http_wire *ml_http_wire_self(lua_State *L, const ml_call *call)
{
    return lua_touserdata(L, ml_call_arg(call, 1));
}

/* ---- errors ----------------------------------------------------------------- */

static void set_status(lua_State *L, int status)
{
    lua_pushliteral(L, "status");
    lua_pushinteger(L, status);
    lua_rawset(L, -3);
}

int ml_http_fail(lua_State *L, const struct ml_http_wire *w, int fault,
                 const char *op)
{
    int n = ml_stream_fail(L, w->stream, EPROTO, op);
    ml_error_set(L, "reason", ml_http_fault_text(fault));
    set_status(L, ml_http_fault_status(fault));
    return n;
}

int ml_http_fail_code(lua_State *L, const struct ml_http_wire *w, int code,
                      int status, const char *op)
{
    int n = ml_stream_fail(L, w->stream, code, op);
    set_status(L, status);
    return n;
}

/* ---- methods that never wait -------------------------------------------------- */

/* persistent(): true if another message may follow the last one; and whether
 * that may be when the rest of its body was read. */
static int wire_persistent(lua_State *L)
{
    const struct ml_http_wire *w = ml_http_wire_check(L, 1);
    bool may = w->persistent && !w->retired && !w->upgraded && !w->in.broken &&
               w->stream->d.fd >= 0;
    lua_pushboolean(L, may && w->in.framing == ML_HTTP_NO_BODY);
    lua_pushboolean(L, may);
    return 2;
}

/* unread(): true if some of the last message's body was not read. */
static int wire_unread(lua_State *L)
{
    const struct ml_http_wire *w = ml_http_wire_check(L, 1);
    lua_pushboolean(L, w->in.framing != ML_HTTP_NO_BODY);
    return 1;
}

/* retire(): no other message is to follow. The next head says so; if one is
 * only waited for, or the peer's end, the wait ends as if the peer had closed.
 * (What has come by then is still read.) */
static int wire_retire(lua_State *L)
{
    struct ml_http_wire *w = ml_http_wire_check(L, 1);
    w->retired = true;
    if ((w->waiting || w->parting) && w->stream->d.fd >= 0) {
        (void)ml_socket_shutdown(w->stream->d.fd, SHUT_RD); /* or it is gone */
    }
    return 0;
}

/* stream() */
static int wire_stream(lua_State *L)
{
    (void)ml_arg_udata(L, 1, ML_HTTP_WIRE_TYPE);
    (void)lua_getiuservalue(L, 1, 1);
    return 1;
}

/* upgrade(): the stream, which is somebody else's from now on. */
static int wire_upgrade(lua_State *L)
{
    struct ml_http_wire *w =
        (struct ml_http_wire *)ml_arg_udata(L, 1, ML_HTTP_WIRE_TYPE);
    w->upgraded = true;
    w->stream->writer.timeout = HUGE_VAL;
    return wire_stream(L);
}

/* limit("body" or "upload"): bytes. */
static int wire_limit(lua_State *L)
{
    const struct ml_http_wire *w = ml_http_wire_check(L, 1);
    static const char *const names[] = {"body", "upload", NULL};
    lua_pushinteger(L, ml_arg_option(L, 2, NULL, names) == 0 ? w->body
                                                             : w->upload);
    return 1;
}

/* silent(): true if the answer has no body whatever it is given for one. */
static int wire_silent(lua_State *L)
{
    const struct ml_http_wire *w = ml_http_wire_check(L, 1);
    lua_pushboolean(
        L, w->reply.silent ||
               (w->reply.begun && w->reply.framing == ML_HTTP_NO_BODY));
    return 1;
}

/* reason(status): its text. */
static int http_reason(lua_State *L)
{
    lua_pushstring(L, ml_http_reason((int)ml_arg_integer(L, 1)));
    return 1;
}

/* reply(): what was answered: the status, 0 if none was; whether all of it was
 * given; how many bytes the body has. */
static int wire_reply(lua_State *L)
{
    const struct ml_http_wire *w = ml_http_wire_check(L, 1);
    lua_pushinteger(L, w->reply.status);
    lua_pushboolean(L, w->reply.over);
    lua_pushinteger(L, w->reply.bytes);
    return 3;
}

static bool is_dirty(const struct ml_http_wire *w)
{
    return w->in.framing != ML_HTTP_NO_BODY || w->in.broken ||
           ml_buffer_length(&w->stream->in) > 0;
}

/* dirty(): true if bytes may be there that nobody will read. */
static int wire_dirty(lua_State *L)
{
    lua_pushboolean(L, is_dirty(ml_http_wire_check(L, 1)));
    return 1;
}

/* part(): true if the peer may be sending still, though nothing that it sends
 * will be answered: there are bytes, or it did not mean its last message to be
 * the last. Who said that it was is seldom asked of more than the descriptor. */
static int wire_part(lua_State *L)
{
    struct ml_http_wire *w = ml_http_wire_check(L, 1);
    w->parting = !w->upgraded && w->stream->d.fd >= 0 &&
                 (is_dirty(w) || w->head.persistent ||
                  ml_io_events(w->stream->d.fd, POLLIN) != 0);
    lua_pushboolean(L, w->parting);
    return 1;
}

static void open_wires(lua_State *L, struct ml_vm *vm)
{
    static const luaL_Reg methods[] = {{"persistent", wire_persistent},
                                       {"unread", wire_unread},
                                       {"retire", wire_retire},
                                       {"upgrade", wire_upgrade},
                                       {"stream", wire_stream},
                                       {"limit", wire_limit},
                                       {"silent", wire_silent},
                                       {"reply", wire_reply},
                                       {"dirty", wire_dirty},
                                       {"part", wire_part},
                                       {NULL, NULL}};
    static const luaL_Reg metamethods[] = {{"__gc", wire_gc}, {NULL, NULL}};
    ml_object_type(L, vm, ML_HTTP_WIRE_TYPE, "a wire");
    luaL_getmetatable(L, ML_HTTP_WIRE_TYPE);
    ml_vm_setfuncs(L, vm, metamethods);
    lua_pop(L, 1);
    ml_vm_setfuncs(L, vm, methods);
    ml_http_receive_open(L, vm);
    ml_http_body_open(L, vm);
    ml_http_reply_open(L, vm);
    ml_http_pieces_open(L, vm);
    ml_http_send_open(L, vm);
}

/* The functions that make wires have the date, and wires point to it: so it is
 * kept by the wires' metatable. */
static void open_date(lua_State *L)
{
    struct ml_http_date *date = lua_newuserdatauv(L, sizeof *date, 0);
    memset(date, 0, sizeof *date);
    luaL_getmetatable(L, ML_HTTP_WIRE_TYPE);
    lua_pushvalue(L, -2);
    lua_setfield(L, -2, "date");
    lua_pop(L, 1);
}

void ml_lib_http_open(lua_State *L, struct ml_vm *vm)
{
    static const luaL_Reg functions[] = {
        {"reason", http_reason}, {"check_limits", check_limits}, {NULL, NULL}};
    lua_newtable(L);
    ml_vm_setfuncs(L, vm, functions);
    open_wires(L, vm);
    lua_setfield(L, -2, "wire_methods");
    open_date(L);
    ml_vm_pushclosure(L, vm, wire_new, 1);
    lua_setfield(L, -2, "wire");
    ml_http_message_open(L, vm);
    ml_http_fields_open(L, vm);
    ml_http_file_open(L, vm);
    lua_setfield(L, -2, "http");
}
