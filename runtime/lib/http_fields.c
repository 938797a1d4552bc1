/* http_fields.c - fields that are sent: a table by name, whose values are text,
 * numbers, lists of those for fields that are repeated, or false for none.
 *
 * A line end in one would begin another field, or another message (RFC 9110,
 * 5.5): such fields are refused before a byte is sent. */
#include "core/arg.h"
#include "lib/http.h"
#include "proto/http_byte.h"

#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>

enum {
    AROUND = 4 /* ": " and the end of the line */
};

/* ---- refusals --------------------------------------------------------------------- */

static const char *refuse_name(lua_State *L, int key)
{
    return lua_pushfstring(L, "'%s' is no name of a header field",
                           luaL_tolstring(L, key, NULL));
}

/* NULL, and its bytes are counted, or why it cannot be sent. */
static const char *check_text(lua_State *L, int key, int value,
                              struct ml_http_noted *noted)
{
    size_t n = 0;
    int type = lua_type(L, value);
    if (type != LUA_TSTRING && type != LUA_TNUMBER) {
        return lua_pushfstring(L, "the header field '%s' cannot be a %s",
                               lua_tostring(L, key), lua_typename(L, type));
    }
    lua_pushvalue(L, value);
    const char *text = lua_tolstring(L, -1, &n);
    bool fits = ml_http_is_value(text, n);
    lua_pop(L, 1);
    noted->bytes += lua_rawlen(L, key) + n + AROUND;
    return fits ? NULL
                : lua_pushfstring(L,
                                  "the header field '%s' would split the "
                                  "message: it has control characters",
                                  lua_tostring(L, key));
}

static const char *check_list(lua_State *L, int key, int list,
                              struct ml_http_noted *noted)
{
    lua_Integer n = (lua_Integer)lua_rawlen(L, list);
    for (lua_Integer i = 1; i <= n; i++) {
        lua_rawgeti(L, list, i);
        const char *why = check_text(L, key, lua_gettop(L), noted);
        if (why != NULL) {
            return why;
        }
        lua_pop(L, 1);
    }
    return NULL;
}

static const char *check_value(lua_State *L, int key, int value,
                               struct ml_http_noted *noted)
{
    if (lua_type(L, value) == LUA_TTABLE) {
        return check_list(L, key, value, noted);
    }
    bool none = lua_type(L, value) == LUA_TBOOLEAN && !lua_toboolean(L, value);
    return none ? NULL : check_text(L, key, value, noted);
}

/* ---- what is noted ----------------------------------------------------------------- */

static bool value_has(lua_State *L, int value, const char *word)
{
    size_t n = 0;
    const char *text =
        lua_type(L, value) == LUA_TSTRING ? lua_tolstring(L, value, &n) : "";
    return ml_http_same(text, n, word);
}

/* What Lua takes for an integer may be written otherwise ("0x10", 5.0), and is
 * sent as it is written: whoever reads it must find what we have found. */
static bool length_read(lua_State *L, int value, int64_t *length)
{
    int whole = 0;
    size_t n = 0;
    *length = lua_tointegerx(L, value, &whole);
    if (whole == 0 || *length < 0) {
        return false;
    }
    lua_pushvalue(L, value);
    const char *text = lua_tolstring(L, -1, &n);
    bool plain = ml_http_span(text, n, ML_HTTP_DIGIT) == n;
    lua_pop(L, 1);
    return plain;
}

static const char *note_length(lua_State *L, int value,
                               struct ml_http_noted *noted)
{
    if (noted->length) { /* in another case */
        return lua_pushstring(L, "the header field 'Content-Length' is there "
                                 "twice");
    }
    noted->length = true;
    return length_read(L, value, &noted->length_value)
               ? NULL
               : lua_pushstring(L, "the header field 'Content-Length' must be "
                                   "a number of bytes");
}

static const char *note(lua_State *L, const char *name, size_t n, int value,
                        struct ml_http_noted *noted)
{
    if (ml_http_same(name, n, "content-type")) {
        noted->type = true;
    } else if (ml_http_same(name, n, "date")) {
        noted->date = true;
    } else if (ml_http_same(name, n, "connection")) {
        noted->close |= value_has(L, value, "close");
        noted->upgrade |= value_has(L, value, "upgrade");
    } else if (ml_http_same(name, n, "transfer-encoding")) {
        noted->coding = true;
    } else if (ml_http_same(name, n, "content-length") &&
               lua_type(L, value) != LUA_TBOOLEAN) {
        return note_length(L, value, noted);
    }
    return NULL;
}

/* Of the pair on top. */
static const char *check_pair(lua_State *L, struct ml_http_noted *noted)
{
    int key = lua_gettop(L) - 1;
    int value = key + 1;
    size_t n = 0;
    if (lua_type(L, key) != LUA_TSTRING) {
        return refuse_name(L, key);
    }
    const char *name = lua_tolstring(L, key, &n);
    if (n == 0 || ml_http_span(name, n, ML_HTTP_TOKEN) != n) {
        return refuse_name(L, key);
    }
    const char *why = check_value(L, key, value, noted);
    return why != NULL ? why : note(L, name, n, value, noted);
}

const char *ml_http_fields_refusal(lua_State *L, int index,
                                   struct ml_http_noted *noted)
{
    memset(noted, 0, sizeof *noted);
    if (lua_isnoneornil(L, index)) {
        return NULL;
    }
    index = lua_absindex(L, index);
    luaL_checkstack(L, 8, "header fields");
    lua_pushnil(L);
    while (lua_next(L, index) != 0) {
        const char *why = check_pair(L, noted);
        if (why != NULL) {
            return why;
        }
        lua_pop(L, 1);
    }
    return NULL;
}

/* ---- behind a body ----------------------------------------------------------------- */

/* What says where a message ends, whom it is for, or how to read it, comes too
 * late behind the body (RFC 9110, 6.5.1). */
static bool may_be_trailer(const char *name, size_t n)
{
    static const char *const heads[] = {
        "authorization",    "cache-control",
        "connection",       "content-encoding",
        "content-length",   "content-range",
        "content-type",     "host",
        "location",         "proxy-authenticate",
        "set-cookie",       "te",
        "trailer",          "transfer-encoding",
        "upgrade",          "vary",
        "www-authenticate", NULL};
    for (size_t i = 0; heads[i] != NULL; i++) {
        if (ml_http_same(name, n, heads[i])) {
            return false;
        }
    }
    return true;
}

const char *ml_http_trailers_refusal(lua_State *L, int index)
{
    struct ml_http_noted noted;
    const char *why = ml_http_fields_refusal(L, index, &noted);
    if (why != NULL || lua_isnoneornil(L, index)) {
        return why;
    }
    index = lua_absindex(L, index);
    lua_pushnil(L);
    while (lua_next(L, index) != 0) {
        size_t n = 0;
        const char *name = lua_tolstring(L, -2, &n);
        if (!may_be_trailer(name, n)) {
            return lua_pushfstring(
                L, "the header field '%s' cannot come behind the body", name);
        }
        lua_pop(L, 1);
    }
    return NULL;
}

/* ---- bytes ---------------------------------------------------------------------------- */

static int append_line(lua_State *L, const char *name, size_t name_length,
                       struct ml_buffer *out, const struct ml_alloc *alloc)
{
    size_t n = 0;
    const char *text = lua_tolstring(L, -1, &n); /* of a copy on top */
    int err = ml_buffer_reserve(out, alloc, name_length + n + AROUND, SIZE_MAX);
    if (err != 0) {
        return err;
    }
    char *at = ml_buffer_tail(out);
    memcpy(at, name, name_length);
    at += name_length;
    *at++ = ':';
    *at++ = ' ';
    memcpy(at, text, n);
    at += n;
    *at++ = '\r';
    *at = '\n';
    ml_buffer_produced(out, name_length + n + AROUND);
    return 0;
}

/* Of the pair on top. */
static int append_pair(lua_State *L, struct ml_buffer *out,
                       const struct ml_alloc *alloc)
{
    size_t name_length = 0;
    const char *name = lua_tolstring(L, -2, &name_length);
    int value = lua_gettop(L);
    int err = 0;
    if (lua_type(L, value) == LUA_TBOOLEAN) {
        return 0;
    }
    if (lua_type(L, value) != LUA_TTABLE) {
        return append_line(L, name, name_length, out, alloc);
    }
    lua_Integer n = (lua_Integer)lua_rawlen(L, value);
    for (lua_Integer i = 1; i <= n && err == 0; i++) {
        lua_rawgeti(L, value, i);
        err = append_line(L, name, name_length, out, alloc);
        lua_pop(L, 1);
    }
    return err;
}

int ml_http_fields_append(lua_State *L, int index, struct ml_buffer *out,
                          const struct ml_alloc *alloc)
{
    int err = 0;
    if (lua_isnoneornil(L, index)) {
        return 0;
    }
    index = lua_absindex(L, index);
    lua_pushnil(L);
    while (err == 0 && lua_next(L, index) != 0) {
        err = append_pair(L, out, alloc);
        lua_pop(L, 1);
    }
    if (err != 0) {
        lua_pop(L, 1);
    }
    return err;
}

/* ---- functions ------------------------------------------------------------------------- */

/* refusal(fields): why they cannot be sent, or nil. */
static int fields_refusal(lua_State *L)
{
    struct ml_http_noted noted;
    lua_settop(L, 1);
    if (!lua_isnil(L, 1)) {
        ml_arg_type(L, 1, LUA_TTABLE);
    }
    const char *why = ml_http_fields_refusal(L, 1, &noted);
    if (why == NULL) {
        lua_pushnil(L);
    }
    return 1;
}

/* trailers_refusal(fields): why they cannot be sent behind a body, or nil. */
static int trailers_refusal(lua_State *L)
{
    lua_settop(L, 1);
    if (!lua_isnil(L, 1)) {
        ml_arg_type(L, 1, LUA_TTABLE);
    }
    if (ml_http_trailers_refusal(L, 1) == NULL) {
        lua_pushnil(L);
    }
    return 1;
}

/* fields(table): their lines, as they are sent. The buffer is a block of Lua's
 * that has room for all of them. */
static int fields_text(lua_State *L)
{
    struct ml_http_noted noted;
    ml_arg_type(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    const char *why = ml_http_fields_refusal(L, 1, &noted);
    if (why != NULL) {
        return luaL_error(L, "%s", why);
    }
    struct ml_buffer out = {lua_newuserdatauv(L, noted.bytes, 0), 0, 0,
                            noted.bytes};
    (void)ml_http_fields_append(L, 1, &out, NULL);
    lua_pushlstring(L, out.data, out.end);
    return 1;
}

void ml_http_fields_open(lua_State *L, struct ml_vm *vm)
{
    static const luaL_Reg functions[] = {{"refusal", fields_refusal},
                                         {"trailers_refusal", trailers_refusal},
                                         {"fields", fields_text},
                                         {NULL, NULL}};
    ml_vm_setfuncs(L, vm, functions);
}
