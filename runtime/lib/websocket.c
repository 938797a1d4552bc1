/* websocket.c - core.websocket: the messages of one connection, of which
 * lua/miniloop/websocket.lua makes what scripts see. Nothing here waits. */
#include "proto/websocket.h"

#include "base/random.h"
#include "core/arg.h"
#include "lib/lib.h"
#include "proto/base64.h"
#include "proto/sha1.h"

#include <errno.h>
#include <miniloop.h>
#include <string.h>

static const char *const METATABLE = "miniloop.websocket.messages";

/* User values of an object. */
enum {
    FED = 1,   /* the string that it reads */
    WSLAY = 2, /* the functions that it has a pointer to */
    VALUES = 2 /* how many there are */
};

static struct ml_websocket *check_self(lua_State *L)
{
    return (struct ml_websocket *)ml_arg_udata(L, 1, METATABLE);
}

/* ---- making one --------------------------------------------------------------- */

/* The library's functions, once for a state: upvalue 2. */
struct library {
    struct ml_wslay wslay;
    bool open;
};

/* Opens wslay if it is not. 0, or the number of results: nil, error. */
static int library_fail(lua_State *L, struct library *library)
{
    const char *missing = NULL;
    int err = library->open ? 0 : ml_wslay_open(&library->wslay, &missing);
    if (err == 0) {
        library->open = true;
        return 0;
    }
    return ml_lib_refuse(L, err, "websocket", ML_WEBSOCKET_LIBRARY " (wslay)",
                         missing);
}

/* new(client, maxmessage, maxframe): an object, or nil and why there is none. */
static int websocket_new(lua_State *L)
{
    struct library *library = lua_touserdata(L, lua_upvalueindex(2));
    bool client = lua_toboolean(L, 1) != 0;
    lua_Integer maxmessage = ml_arg_integer(L, 2);
    lua_Integer maxframe = ml_arg_integer(L, 3);
    int failed = library_fail(L, library);
    if (failed != 0) {
        return failed;
    }
    struct ml_websocket *w = lua_newuserdatauv(L, sizeof *w, VALUES);
    ml_websocket_init(w, &library->wslay, &ml_vm_upvalue(L)->alloc, client);
    w->maxmessage = (size_t)maxmessage;
    w->maxframe = (size_t)maxframe;
    luaL_setmetatable(L, METATABLE);
    lua_pushvalue(L, lua_upvalueindex(2));
    (void)lua_setiuservalue(L, -2, WSLAY);
    return 1;
}

static int object_gc(lua_State *L)
{
    ml_websocket_term(check_self(L));
    return 0;
}

/* ---- reading -------------------------------------------------------------------- */

static const char *kind_name(enum ml_websocket_kind kind)
{
    switch (kind) {
    case ML_WEBSOCKET_TEXT:
        return "text";
    case ML_WEBSOCKET_BINARY:
        return "binary";
    case ML_WEBSOCKET_CLOSE:
        return "close";
    case ML_WEBSOCKET_PING:
        return "ping";
    case ML_WEBSOCKET_PONG:
        return "pong";
    case ML_WEBSOCKET_CONTINUATION:
    default:
        return "fault";
    }
}

/* Should there be no memory for the string, the message is lost: the connection
 * must not go on as if it had never been. */
static int answer_event(lua_State *L, struct ml_websocket *w,
                        const struct ml_websocket_event *event)
{
    bool over = w->over;
    w->over = true;
    lua_pushstring(L, event->fault != NULL ? "fault" : kind_name(event->kind));
    if (event->fault != NULL) {
        lua_pushstring(L, event->fault);
    } else {
        lua_pushlstring(L, event->bytes, event->length);
    }
    lua_pushinteger(L, event->code);
    lua_pushboolean(L, event->packed);
    w->over = over;
    return 4;
}

/* Nothing is left to be read: neither that string nor other memory is kept while
 * the connection waits. */
static int answer_none(lua_State *L, struct ml_websocket *w)
{
    ml_websocket_rest(w);
    lua_pushnil(L);
    (void)lua_setiuservalue(L, 1, FED);
    return 0;
}

static void object_feed(lua_State *L, struct ml_websocket *w)
{
    size_t n = 0;
    const char *bytes = ml_arg_lstring(L, 2, &n);
    lua_pushvalue(L, 2);
    (void)lua_setiuservalue(L, 1, FED);
    ml_websocket_feed(w, bytes, n);
}

/* next([bytes]): a kind, then the message, the reason of a Close or what a fault
 * is, its code, and whether the message is packed; or nothing if it takes more
 * bytes. Those may only be given then. */
static int object_next(lua_State *L)
{
    struct ml_websocket *w = check_self(L);
    if (!lua_isnoneornil(L, 2)) {
        object_feed(L, w);
    }
    struct ml_websocket_event event;
    int found = ml_websocket_next(w, &event);
    if (found < 0) {
        event = (struct ml_websocket_event){.fault = "not enough memory",
                                            .code = ML_WEBSOCKET_INTERNAL};
    }
    return found != 0 ? answer_event(L, w, &event) : answer_none(L, w);
}

/* pack(): messages may be packed, RFC 7692. */
static int object_pack(lua_State *L)
{
    check_self(L)->packing = true;
    return 0;
}

/* stop(): `next` gives nothing any more. */
static int object_stop(lua_State *L)
{
    ml_websocket_stop(check_self(L));
    return 0;
}

/* ---- writing -------------------------------------------------------------------- */

static enum ml_websocket_kind check_kind(lua_State *L, int arg)
{
    static const char *const names[] = {
        "continuation", "text", "binary", "close", "ping", "pong", NULL};
    static const enum ml_websocket_kind kinds[] = {
        ML_WEBSOCKET_CONTINUATION, ML_WEBSOCKET_TEXT, ML_WEBSOCKET_BINARY,
        ML_WEBSOCKET_CLOSE,        ML_WEBSOCKET_PING, ML_WEBSOCKET_PONG};
    return kinds[ml_arg_option(L, arg, NULL, names)];
}

/* frame(kind, bytes, last [, packed]): the bytes of a frame, or nil and an error. */
static int object_frame(lua_State *L)
{
    struct ml_websocket *w = check_self(L);
    struct ml_websocket_frame frame = {.kind = check_kind(L, 2),
                                       .last = lua_toboolean(L, 4) != 0,
                                       .packed = lua_toboolean(L, 5) != 0};
    frame.bytes = ml_arg_lstring(L, 3, &frame.length);
    ml_arg_check(L,
                 !wslay_is_ctrl_frame(frame.kind) ||
                     frame.length <= ML_WEBSOCKET_CONTROL_MAX,
                 3, "too long for a control frame");
    luaL_Buffer text;
    char *out =
        luaL_buffinitsize(L, &text, frame.length + ML_WEBSOCKET_HEAD_MAX);
    ptrdiff_t length = ml_websocket_write(w, &frame, out);
    if (length < 0) {
        return ml_fail(L, (int)-length, "send", NULL, NULL);
    }
    luaL_pushresultsize(&text, (size_t)length);
    return 1;
}

/* ---- the handshake --------------------------------------------------------------- */

enum {
    KEY_SIZE = 16,
    KEY_TEXT = 24 /* in base64 */
};

/* key(): that of a client for Sec-WebSocket-Key, or nil and an error. */
static int websocket_key(lua_State *L)
{
    uint8_t key[KEY_SIZE];
    char text[KEY_TEXT];
    int err = ml_random_bytes(key, sizeof key);
    if (err != 0) {
        return ml_fail(L, -err, "connect", NULL, NULL);
    }
    ml_base64_encode(key, sizeof key, text);
    lua_pushlstring(L, text, sizeof text);
    return 1;
}

/* accept(key): what a server answers to it, section 4.2.2; nothing if it is no
 * key. */
static int websocket_accept(lua_State *L)
{
    static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    size_t n = 0;
    const char *key = ml_arg_lstring(L, 1, &n);
    uint8_t bytes[KEY_TEXT / 4 * 3];
    char text[KEY_TEXT + sizeof guid - 1];
    char answer[28];
    uint8_t digest[ML_SHA1_SIZE];
    if (n != KEY_TEXT || ml_base64_decode(key, n, bytes) != KEY_SIZE) {
        return 0;
    }
    memcpy(text, key, n);
    memcpy(text + n, guid, sizeof guid - 1);
    ml_sha1(text, sizeof text, digest);
    ml_base64_encode(digest, sizeof digest, answer);
    lua_pushlstring(L, answer, sizeof answer);
    return 1;
}

/* isutf8(text) */
static int websocket_isutf8(lua_State *L)
{
    size_t n = 0;
    const char *text = ml_arg_lstring(L, 1, &n);
    struct ml_utf8 utf8 = {0};
    lua_pushboolean(L,
                    ml_utf8_check(&utf8, text, n) && ml_utf8_complete(&utf8));
    return 1;
}

void ml_lib_websocket_open(lua_State *L, struct ml_vm *vm)
{
    static const luaL_Reg methods[] = {{"next", object_next},
                                       {"frame", object_frame},
                                       {"pack", object_pack},
                                       {"stop", object_stop},
                                       {NULL, NULL}};
    static const luaL_Reg functions[] = {{"key", websocket_key},
                                         {"accept", websocket_accept},
                                         {"isutf8", websocket_isutf8},
                                         {NULL, NULL}};
    luaL_newmetatable(L, METATABLE);
    lua_newtable(L);
    ml_vm_setfuncs(L, vm, methods);
    lua_setfield(L, -2, "__index");
    ml_vm_pushclosure(L, vm, object_gc, 0);
    lua_setfield(L, -2, "__gc");
    lua_pop(L, 1);
    lua_newtable(L);
    ml_vm_setfuncs(L, vm, functions);
    memset(lua_newuserdatauv(L, sizeof(struct library), 0), 0,
           sizeof(struct library));
    ml_vm_pushclosure(L, vm, websocket_new, 1);
    lua_setfield(L, -2, "new");
    lua_setfield(L, -2, "websocket");
}
