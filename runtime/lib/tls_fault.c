/* tls_fault.c - options of TLS that are wrong by themselves, in words. */
#include "lib/tls.h"

#include "base/nearest.h"

#include <lauxlib.h>
#include <math.h>
#include <string.h>

/* Each check says what the value on top should be, or NULL if it is that. */
typedef const char *check_fn(lua_State *L);

static const char *check_string(lua_State *L)
{
    return lua_type(L, -1) == LUA_TSTRING ? NULL : "a string";
}

static const char *check_flag(lua_State *L)
{
    return lua_isboolean(L, -1) ? NULL : "true or false";
}

static const char *check_seconds(lua_State *L)
{
    bool good = lua_type(L, -1) == LUA_TNUMBER && !isnan(lua_tonumber(L, -1));
    return good ? NULL : "a number of seconds";
}

/* A string, or a list of some. */
static const char *check_sources(lua_State *L)
{
    static const char *const expected = "a string or a list of strings";
    if (lua_type(L, -1) == LUA_TSTRING) {
        return NULL;
    }
    lua_Integer n = lua_istable(L, -1) ? (lua_Integer)lua_rawlen(L, -1) : 0;
    for (lua_Integer i = 1; i <= n; i++) {
        int type = lua_rawgeti(L, -1, i);
        lua_pop(L, 1);
        if (type != LUA_TSTRING) {
            return expected;
        }
    }
    return n > 0 ? NULL : expected;
}

enum {
    PROTOCOL_MAX = 255,
    PROTOCOLS_MAX = 16 * 1024 /* bytes of all, to leave room in the hello */
};

static const char *check_protocols(lua_State *L)
{
    static const char *const expected = "a list of names of 1 to 255 bytes";
    lua_Integer n = lua_istable(L, -1) ? (lua_Integer)lua_rawlen(L, -1) : 0;
    size_t total = 0;
    for (lua_Integer i = 1; i <= n; i++) {
        int type = lua_rawgeti(L, -1, i);
        size_t length = type == LUA_TSTRING ? (size_t)lua_rawlen(L, -1) : 0;
        lua_pop(L, 1);
        total += length + 1;
        if (length == 0 || length > PROTOCOL_MAX || total > PROTOCOLS_MAX) {
            return expected;
        }
    }
    return n > 0 ? NULL : expected;
}

static const char *check_name(lua_State *L)
{
    size_t length = 0;
    const char *name =
        lua_type(L, -1) == LUA_TSTRING ? lua_tolstring(L, -1, &length) : "";
    return length > 0 && strlen(name) == length ? NULL : "the name of a host";
}

static const char *check_verify(lua_State *L)
{
    bool good =
        lua_isboolean(L, -1) || (lua_type(L, -1) == LUA_TSTRING &&
                                 strcmp(lua_tostring(L, -1), "optional") == 0);
    return good ? NULL : "true, false or \"optional\"";
}

static const char *check_version(lua_State *L)
{
    const char *text =
        lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : "";
    bool good = strcmp(text, "1.2") == 0 || strcmp(text, "1.3") == 0;
    return good ? NULL : "\"1.2\" or \"1.3\"";
}

static const char *check_context(lua_State *L)
{
    return luaL_testudata(L, -1, ML_TLS_CONTEXT_TYPE) != NULL
               ? NULL
               : "a context that tls.context made";
}

/* The certificate of a name: { cert =, key =, password = }, by string. */
static bool is_identity(lua_State *L)
{
    static const char *const names[] = {"cert", "key", "password", NULL};
    if (lua_type(L, -2) != LUA_TSTRING || !lua_istable(L, -1)) {
        return false;
    }
    bool good = true;
    for (int i = 0; names[i] != NULL; i++) {
        int type = lua_getfield(L, -1, names[i]);
        lua_pop(L, 1);
        good = good && (type == LUA_TSTRING || (type == LUA_TNIL && i > 0));
    }
    return good;
}

static const char *check_names(lua_State *L)
{
    bool good = lua_istable(L, -1);
    int table = lua_absindex(L, -1);
    lua_pushnil(L);
    while (good && lua_next(L, table) != 0) {
        good = is_identity(L);
        lua_pop(L, 1);
    }
    lua_settop(L, table);
    return good ? NULL : "a table of { cert =, key = } by name";
}

/* ---- all of them -------------------------------------------------------- */

enum {
    COMMON = 1, /* of contexts, and of tables that make one */
    CLIENT = 2, /* of one connection, as a client */
    STARTED = 4,
    TIMED = 8
};

static const struct option {
    const char *name;
    check_fn *check;
    int kind;
} options[] = {{"alpn", check_protocols, COMMON},
               {"ca", check_sources, COMMON},
               {"cert", check_string, COMMON},
               {"ciphers", check_string, COMMON},
               {"context", check_context, CLIENT | STARTED | TIMED},
               {"crl", check_sources, COMMON},
               {"key", check_string, COMMON},
               {"min", check_version, COMMON},
               {"name", check_name, CLIENT},
               {"password", check_string, COMMON},
               {"server", check_flag, STARTED},
               {"sni", check_names, COMMON},
               {"tickets", check_flag, COMMON},
               {"timeout", check_seconds, STARTED | TIMED},
               {"verify", check_verify, COMMON}};

enum {
    OPTIONS = sizeof options / sizeof options[0]
};

static int kinds_of(enum ml_tls_purpose purpose)
{
    switch (purpose) {
    case ML_TLS_FOR_CONTEXT:
        return COMMON;
    case ML_TLS_FOR_LISTEN:
        return COMMON | TIMED;
    case ML_TLS_FOR_START:
        return COMMON | CLIENT | STARTED;
    case ML_TLS_FOR_CONNECT:
    case ML_TLS_FOR_NAMELESS:
    default:
        return COMMON | CLIENT;
    }
}

static const char *unknown_fault(lua_State *L, const char *name, int kinds)
{
    const char *names[OPTIONS + 1];
    int n = 0;
    for (int i = 0; i < OPTIONS; i++) {
        if ((options[i].kind & kinds) != 0) {
            names[n++] = options[i].name;
        }
    }
    names[n] = NULL;
    const char *near = ml_nearest(name, names);
    return near != NULL
               ? lua_pushfstring(L,
                                 "unknown option '%s' of TLS; did you mean "
                                 "'%s'?",
                                 name, near)
               : lua_pushfstring(L, "unknown option '%s' of TLS", name);
}

/* Of the option whose name and value are on top. */
static const char *option_fault(lua_State *L, int kinds)
{
    if (lua_type(L, -2) != LUA_TSTRING) {
        return lua_pushliteral(L, "options have names");
    }
    const char *name = lua_tostring(L, -2);
    for (int i = 0; i < OPTIONS; i++) {
        if ((options[i].kind & kinds) == 0 ||
            strcmp(options[i].name, name) != 0) {
            continue;
        }
        const char *expected = options[i].check(L);
        return expected != NULL
                   ? lua_pushfstring(L, "option '%s' of TLS must be %s", name,
                                     expected)
                   : NULL;
    }
    return unknown_fault(L, name, kinds);
}

/* Leaves the text on top of what was there. */
static const char *each_fault(lua_State *L, int index, int kinds)
{
    lua_pushnil(L);
    while (lua_next(L, index) != 0) {
        const char *fault = option_fault(L, kinds);
        if (fault != NULL) {
            lua_replace(L, -3);
            lua_pop(L, 1);
            return fault;
        }
        lua_pop(L, 1);
    }
    return NULL;
}

/* ---- what goes together ------------------------------------------------- */

static bool has(lua_State *L, int index, const char *name)
{
    bool there = lua_istable(L, index) && lua_getfield(L, index, name) != 0;
    if (lua_istable(L, index)) {
        lua_pop(L, 1);
    }
    return there;
}

/* The context that is given, by itself or as an option; or NULL. */
static const struct ml_tls_context *given_context(lua_State *L, int index)
{
    const struct ml_tls_object *object =
        luaL_testudata(L, index, ML_TLS_CONTEXT_TYPE);
    if (object == NULL && lua_istable(L, index)) {
        (void)lua_getfield(L, index, "context");
        object = luaL_testudata(L, -1, ML_TLS_CONTEXT_TYPE);
        lua_pop(L, 1);
    }
    return object != NULL ? object->context : NULL;
}

static const char *both_fault(lua_State *L, int index)
{
    for (int i = 0; i < OPTIONS; i++) {
        bool own = options[i].kind == COMMON &&
                   strcmp(options[i].name, "alpn") != 0 &&
                   strcmp(options[i].name, "verify") != 0;
        if (own && has(L, index, options[i].name)) {
            return lua_pushfstring(
                L, "option '%s' of TLS cannot stand beside a context",
                options[i].name);
        }
    }
    return NULL;
}

static const char *server_fault(lua_State *L, int index)
{
    const struct ml_tls_context *c = given_context(L, index);
    struct ml_tls_use use = {.server = true};
    if (c != NULL ? !c->identified : !has(L, index, "cert")) {
        return lua_pushliteral(L, "a server of TLS needs the option 'cert'");
    }
    if (c != NULL && has(L, index, "alpn")) {
        return lua_pushliteral(
            L, "of a server of TLS, 'alpn' is an option of its context");
    }
    ml_tls_options_use(L, index, &use);
    lua_pop(L, 1);
    if (c != NULL && use.verify == ML_TLS_VERIFY_DEFAULT) {
        use.verify = c->verify;
    }
    if (use.verify >= ML_TLS_VERIFY_OPTIONAL &&
        (c != NULL ? !c->trusts : !has(L, index, "ca"))) {
        return lua_pushliteral(
            L, "to verify clients of TLS takes the option 'ca'");
    }
    return NULL;
}

static const char *name_fault(lua_State *L, int index)
{
    const struct ml_tls_context *c = given_context(L, index);
    struct ml_tls_use use = {.server = false};
    ml_tls_options_use(L, index, &use);
    lua_pop(L, 1);
    if (c != NULL && use.verify == ML_TLS_VERIFY_DEFAULT) {
        use.verify = c->verify;
    }
    return use.name != NULL || use.verify == ML_TLS_VERIFY_NONE
               ? NULL
               : lua_pushliteral(L, "to verify a server of TLS takes the "
                                    "option 'name'");
}

static const char *role_fault(lua_State *L, int index,
                              enum ml_tls_purpose purpose)
{
    struct ml_tls_use use = {.server = purpose == ML_TLS_FOR_LISTEN};
    if (purpose == ML_TLS_FOR_START) {
        ml_tls_options_use(L, index, &use);
        lua_pop(L, 1);
    }
    if (use.server) {
        return server_fault(L, index);
    }
    return purpose == ML_TLS_FOR_CONTEXT || purpose == ML_TLS_FOR_CONNECT
               ? NULL
               : name_fault(L, index);
}

const char *ml_tls_options_fault(lua_State *L, int index,
                                 enum ml_tls_purpose purpose)
{
    const char *fault = NULL;
    index = lua_absindex(L, index);
    luaL_checkstack(L, LUA_MINSTACK, "options");
    if (lua_istable(L, index)) {
        fault = each_fault(L, index, kinds_of(purpose));
        if (fault == NULL && given_context(L, index) != NULL) {
            fault = both_fault(L, index);
        }
    } else if (purpose == ML_TLS_FOR_CONTEXT ||
               (!lua_isboolean(L, index) && given_context(L, index) == NULL)) {
        return lua_pushfstring(L, "options of TLS expected, got %s",
                               luaL_typename(L, index));
    }
    return fault != NULL ? fault : role_fault(L, index, purpose);
}
