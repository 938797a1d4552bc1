/* http_message.c - a head that was read: what it says is made into Lua values
 * when it is asked for, for most of it never is. */
#include "core/arg.h"
#include "core/misuse.h"
#include "lib/http.h"
#include "proto/http_byte.h"
#include "sys/sys.h"

#include <lauxlib.h>
#include <string.h>

const char ml_http_message_kind = 0;

/* The registry key of the metatable of tables of fields. */
static const char headers_kind = 0;

/* User values. */
enum {
    WIRE = 1,
    MADE,
    HEADERS,
    USER_VALUES = HEADERS
};

/* Upvalues of __index, behind the vm. */
#define MEMBERS lua_upvalueindex(2)
#define MAKERS  lua_upvalueindex(3)

enum {
    NAME_MAX_SHORT = 64 /* names of fields up to this are lowered in place */
};

void ml_http_message_push(lua_State *L, int wire, struct ml_http_wire *w,
                          const char *bytes, size_t n)
{
    struct ml_http_message *m =
        lua_newuserdatauv(L, sizeof *m + n, USER_VALUES);
    m->kind = &ml_http_message_kind;
    m->head = w->head;
    m->serial = w->serial;
    m->length = (uint32_t)n;
    memcpy(m + 1, bytes, n);
    lua_pushvalue(L, wire);
    (void)lua_setiuservalue(L, -2, WIRE);
    (void)lua_rawgetp(L, LUA_REGISTRYINDEX, &ml_http_message_kind);
    lua_setmetatable(L, -2);
}

struct ml_http_message *ml_http_message_at(lua_State *L, int index)
{
    struct ml_http_message *m = lua_touserdata(L, index);
    return m != NULL && lua_rawlen(L, index) >= sizeof *m &&
                   m->kind == &ml_http_message_kind
               ? m
               : NULL;
}

static struct ml_http_message *message_check(lua_State *L, int arg)
{
    struct ml_http_message *m = ml_http_message_at(L, arg);
    ml_arg_expected(L, m != NULL, arg, "a message");
    return m;
}

/* ---- fields by their names in any case -------------------------------------- */

/* Pushes a name in lower case. */
static void push_lower(lua_State *L, const char *name, size_t n)
{
    char text[NAME_MAX_SHORT];
    if (n > sizeof text) {
        luaL_Buffer b;
        char *longer = luaL_buffinitsize(L, &b, n);
        for (size_t i = 0; i < n; i++) {
            longer[i] = ml_http_lower(name[i]);
        }
        luaL_pushresultsize(&b, n);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        text[i] = ml_http_lower(name[i]);
    }
    lua_pushlstring(L, text, n);
}

/* __index of the fields: a name that is not there as it was written. */
static int headers_index(lua_State *L)
{
    size_t n = 0;
    if (lua_type(L, 2) != LUA_TSTRING) {
        return 0;
    }
    const char *name = lua_tolstring(L, 2, &n);
    push_lower(L, name, n);
    lua_rawget(L, 1);
    return 1;
}

void ml_http_headers_new(lua_State *L, int count)
{
    lua_createtable(L, 0, count);
    (void)lua_rawgetp(L, LUA_REGISTRYINDEX, &headers_kind);
    lua_setmetatable(L, -2);
}

/* The name is on top, and what was there below it: joins them. Cookies of a
 * request have a sign of their own (RFC 6265, 5.4). */
static void join_value(lua_State *L, const struct ml_http_field *field)
{
    bool cookie = ml_http_same(field->name, field->name_length, "cookie");
    lua_pushstring(L, cookie ? "; " : ", ");
    lua_pushlstring(L, field->value, field->value_length);
    lua_concat(L, 3);
}

/* Their values have commas, so no list can be made of them (RFC 9110, 5.3). */
static void add_cookie(lua_State *L, const struct ml_http_field *field)
{
    if (lua_getfield(L, -1, "set-cookie") != LUA_TTABLE) {
        lua_pop(L, 1);
        lua_createtable(L, 1, 0);
        lua_pushvalue(L, -1);
        lua_setfield(L, -3, "set-cookie");
    }
    lua_pushlstring(L, field->value, field->value_length);
    lua_rawseti(L, -2, (lua_Integer)lua_rawlen(L, -2) + 1);
    lua_pop(L, 1);
}

void ml_http_headers_add(lua_State *L, const struct ml_http_field *field)
{
    if (ml_http_same(field->name, field->name_length, "set-cookie")) {
        add_cookie(L, field);
        return;
    }
    push_lower(L, field->name, field->name_length);
    lua_pushvalue(L, -1);
    if (lua_rawget(L, -3) == LUA_TNIL) {
        lua_pop(L, 1);
        lua_pushlstring(L, field->value, field->value_length);
    } else {
        join_value(L, field);
    }
    lua_rawset(L, -3);
}

/* Pushes the fields of the message at 1. */
static void push_headers(lua_State *L, const struct ml_http_message *m)
{
    struct ml_http_field field;
    size_t at = m->head.first;
    const char *bytes = ml_http_message_bytes(m);
    if (lua_getiuservalue(L, 1, HEADERS) == LUA_TTABLE) {
        return;
    }
    lua_pop(L, 1);
    ml_http_headers_new(L, (int)m->head.fields);
    while (ml_http_field_next(&m->head, bytes, &at, &field)) {
        ml_http_headers_add(L, &field);
    }
    lua_pushvalue(L, -1);
    (void)lua_setiuservalue(L, 1, HEADERS);
}

/* ---- members ------------------------------------------------------------------ */

enum member {
    METHOD = 1,
    TARGET,
    PATH,
    QUERY_TEXT,
    HOST,
    VERSION,
    STATUS,
    REASON,
    LENGTH,
    FRAMING,
    EXPECTS,
    FIELDS
};

static const char *const member_names[] = {[METHOD] = "method",
                                           [TARGET] = "target",
                                           [PATH] = "path",
                                           [QUERY_TEXT] = "querystring",
                                           [HOST] = "host",
                                           [VERSION] = "version",
                                           [STATUS] = "status",
                                           [REASON] = "reason",
                                           [LENGTH] = "length",
                                           [FRAMING] = "framing",
                                           [EXPECTS] = "expects",
                                           [FIELDS] = "headers",
                                           NULL};

static void push_part(lua_State *L, const struct ml_http_message *m,
                      struct ml_http_part part)
{
    lua_pushlstring(L, ml_http_message_bytes(m) + part.at, part.length);
}

/* Of a part that may be missing altogether. */
static void push_optional(lua_State *L, const struct ml_http_message *m,
                          struct ml_http_part part)
{
    if (part.at == 0) {
        lua_pushnil(L);
    } else {
        push_part(L, m, part);
    }
}

static void push_path(lua_State *L, const struct ml_http_message *m)
{
    if (m->head.path.length == 0) {
        lua_pushliteral(L, "/");
    } else {
        push_part(L, m, m->head.path);
    }
}

static void push_length(lua_State *L, const struct ml_http_message *m)
{
    if (m->head.length < 0) {
        lua_pushnil(L);
    } else {
        lua_pushinteger(L, m->head.length);
    }
}

static void push_framing(lua_State *L, const struct ml_http_message *m)
{
    static const char *const names[] = {[ML_HTTP_NO_BODY] = "none",
                                        [ML_HTTP_LENGTH] = "length",
                                        [ML_HTTP_CHUNKED] = "chunked",
                                        [ML_HTTP_TO_CLOSE] = "close"};
    lua_pushstring(L, names[m->head.framing]);
}

static void push_member(lua_State *L, const struct ml_http_message *m,
                        enum member member)
{
    switch (member) {
    case METHOD:
        push_part(L, m, m->head.method);
        break;
    case TARGET:
        push_part(L, m, m->head.target);
        break;
    case PATH:
        push_path(L, m);
        break;
    case QUERY_TEXT:
        push_optional(L, m, m->head.query);
        break;
    case HOST:
        push_optional(L, m, m->head.host);
        break;
    case VERSION:
        lua_pushstring(L, m->head.minor == 0 ? "1.0" : "1.1");
        break;
    case STATUS:
        lua_pushinteger(L, m->head.status);
        break;
    case REASON:
        push_part(L, m, m->head.reason);
        break;
    case LENGTH:
        push_length(L, m);
        break;
    case FRAMING:
        push_framing(L, m);
        break;
    case FIELDS:
        push_headers(L, m);
        break;
    case EXPECTS:
    default:
        lua_pushboolean(L, m->head.expects);
        break;
    }
}

/* ---- what is made of it once ---------------------------------------------------- */

/* Pushes the message's table of what was made of it. */
static void push_made(lua_State *L, int arg)
{
    if (lua_getiuservalue(L, arg, MADE) == LUA_TTABLE) {
        return;
    }
    lua_pop(L, 1);
    lua_createtable(L, 0, 2);
    lua_pushvalue(L, -1);
    (void)lua_setiuservalue(L, arg, MADE);
}

/* The member, of the name at 2, that a function of Lua's makes. */
static int make_member(lua_State *L)
{
    push_made(L, 1);
    lua_pushvalue(L, 2);
    if (lua_rawget(L, -2) != LUA_TNIL) {
        return 1;
    }
    lua_pushvalue(L, 2);
    lua_rawget(L, MAKERS);
    lua_pushvalue(L, 1);
    lua_call(L, 1, 1);
    lua_pushvalue(L, 2);
    lua_pushvalue(L, -2);
    lua_rawset(L, 3); /* the table */
    return 1;
}

/* A member is a method, a number of those above, or `true`. */
static int message_index(lua_State *L)
{
    const struct ml_http_message *m = lua_touserdata(L, 1);
    lua_settop(L, 2);
    lua_pushvalue(L, 2);
    switch (lua_rawget(L, MEMBERS)) {
    case LUA_TFUNCTION:
        return 1;
    case LUA_TNUMBER:
        push_member(L, m, (enum member)lua_tointeger(L, -1));
        return 1;
    case LUA_TBOOLEAN:
        lua_settop(L, 2);
        return make_member(L);
    default:
        (void)luaL_tolstring(L, 2, NULL);
        lua_pushvalue(L, MEMBERS);
        return ml_misuse_key(L, "a request", lua_tostring(L, -2));
    }
}

/* headers(message): the table of its fields, the member of that name. */
static int message_headers(lua_State *L)
{
    push_headers(L, message_check(L, 1));
    return 1;
}

/* note(message, name, value): makes the member be that. */
static int message_note(lua_State *L)
{
    (void)message_check(L, 1);
    lua_settop(L, 3);
    push_made(L, 1);
    lua_insert(L, 2);
    lua_rawset(L, 2);
    return 0;
}

/* equip(message, made): the table of what was made of it, which becomes the
 * message's own; it has none yet. */
static int message_equip(lua_State *L)
{
    (void)message_check(L, 1);
    ml_arg_type(L, 2, LUA_TTABLE);
    lua_settop(L, 2);
    (void)lua_setiuservalue(L, 1, MADE);
    return 0;
}

/* noted(message, name): what note has set, or the member that was made; nil if
 * there is none yet. */
static int message_noted(lua_State *L)
{
    (void)message_check(L, 1);
    lua_settop(L, 2);
    if (lua_getiuservalue(L, 1, MADE) == LUA_TTABLE) {
        lua_insert(L, 2);
        lua_rawget(L, 2);
    }
    return 1;
}

/* wire_of(message): its wire, or nil if another message has come by it. */
static int message_wire(lua_State *L)
{
    const struct ml_http_message *m = message_check(L, 1);
    (void)lua_getiuservalue(L, 1, WIRE);
    const struct ml_http_wire *w = ml_http_wire_at(L, -1);
    if (w->serial != m->serial) {
        lua_pushnil(L);
    }
    return 1;
}

static int message_newindex(lua_State *L)
{
    return luaL_error(L, "the field '%s' of a request cannot be set",
                      luaL_tolstring(L, 2, NULL));
}

static int message_tostring(lua_State *L)
{
    const struct ml_http_message *m = message_check(L, 1);
    if (m->head.status != 0) {
        lua_pushfstring(L, "response: %d", m->head.status);
        return 1;
    }
    lua_pushliteral(L, "request: ");
    push_part(L, m, m->head.method);
    lua_pushliteral(L, " ");
    push_part(L, m, m->head.target);
    lua_concat(L, 4);
    return 1;
}

/* Leaves the tables of members and of makers in the table on top, for Lua to
 * fill. */
static void open_messages(lua_State *L, struct ml_vm *vm)
{
    static const luaL_Reg metamethods[] = {{"__newindex", message_newindex},
                                           {"__tostring", message_tostring},
                                           {NULL, NULL}};
    (void)luaL_newmetatable(L, ML_HTTP_MESSAGE_TYPE);
    lua_pushvalue(L, -1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &ml_http_message_kind);
    ml_vm_setfuncs(L, vm, metamethods);
    lua_newtable(L);
    for (int i = METHOD; member_names[i] != NULL; i++) {
        lua_pushinteger(L, i);
        lua_setfield(L, -2, member_names[i]);
    }
    lua_pushvalue(L, -1);
    lua_setfield(L, -4, "members");
    lua_newtable(L);
    lua_pushvalue(L, -1);
    lua_setfield(L, -5, "makers");
    ml_vm_pushclosure(L, vm, message_index, 2);
    lua_setfield(L, -2, "__index");
    lua_pop(L, 1);
}

void ml_http_message_open(lua_State *L, struct ml_vm *vm)
{
    static const luaL_Reg functions[] = {
        {"headers", message_headers}, {"note", message_note},
        {"equip", message_equip},     {"noted", message_noted},
        {"wire_of", message_wire},    {NULL, NULL}};
    static const luaL_Reg headers[] = {{"__index", headers_index},
                                       {NULL, NULL}};
    lua_newtable(L);
    lua_pushvalue(L, -1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &headers_kind);
    ml_vm_setfuncs(L, vm, headers);
    lua_pop(L, 1);
    open_messages(L, vm);
    ml_vm_setfuncs(L, vm, functions);
}
