/* tls_options.c - what scripts say of a connection, or of many. */
#include "lib/tls.h"

#include "base/errno.h"
#include "core/error.h"

#include <errno.h>
#include <lauxlib.h>
#include <miniloop.h>
#include <string.h>

/* ---- of one connection -------------------------------------------------- */

static enum ml_tls_verify verify_at(lua_State *L, int index)
{
    if (lua_type(L, index) == LUA_TSTRING) {
        return ML_TLS_VERIFY_OPTIONAL;
    }
    if (lua_isnil(L, index)) {
        return ML_TLS_VERIFY_DEFAULT;
    }
    return lua_toboolean(L, index) ? ML_TLS_VERIFY_REQUIRED
                                   : ML_TLS_VERIFY_NONE;
}

/* Pushes the names in the list on top as they are sent. */
static void push_protocols(lua_State *L)
{
    luaL_Buffer b;
    int list = lua_absindex(L, -1);
    lua_Integer n = (lua_Integer)lua_rawlen(L, list);
    luaL_buffinit(L, &b);
    for (lua_Integer i = 1; i <= n; i++) {
        (void)lua_rawgeti(L, list, i);
        luaL_addchar(&b, (char)lua_rawlen(L, -1));
        luaL_addvalue(&b);
    }
    luaL_pushresult(&b);
}

/* What stays alive by the table needs no other anchor. */
void ml_tls_options_use(lua_State *L, int index, struct ml_tls_use *use)
{
    index = lua_absindex(L, index);
    if (!lua_istable(L, index)) {
        lua_pushnil(L);
        return;
    }
    (void)lua_getfield(L, index, "server");
    use->server = use->server || lua_toboolean(L, -1);
    (void)lua_getfield(L, index, "verify");
    use->verify = verify_at(L, -1);
    (void)lua_getfield(L, index, "name");
    use->name = lua_isnil(L, -1) ? use->name : lua_tostring(L, -1);
    lua_pop(L, 3);
    if (lua_getfield(L, index, "alpn") != LUA_TNIL) {
        push_protocols(L);
        lua_remove(L, -2);
        use->alpn =
            (const unsigned char *)lua_tolstring(L, -1, &use->alpn_length);
    }
}

/* ---- of a context ------------------------------------------------------- */

/* Each of these applies the option on top, and says in *where which file or
 * text it was about. 0 or -errno. */
typedef int apply_fn(lua_State *L, struct ml_tls_context *c,
                     const char **where);

static int apply_alpn(lua_State *L, struct ml_tls_context *c,
                      const char **where)
{
    size_t length = 0;
    *where = NULL;
    push_protocols(L);
    const char *names = lua_tolstring(L, -1, &length);
    int err = ml_tls_context_alpn(c, (const unsigned char *)names, length);
    lua_pop(L, 1);
    return err;
}

typedef int source_fn(struct ml_tls_context *c, const char *source);

static int apply_sources(lua_State *L, struct ml_tls_context *c,
                         const char **where, source_fn *apply)
{
    if (lua_type(L, -1) == LUA_TSTRING) {
        *where = lua_tostring(L, -1);
        return apply(c, *where);
    }
    int err = 0;
    lua_Integer n = (lua_Integer)lua_rawlen(L, -1);
    for (lua_Integer i = 1; i <= n && err == 0; i++) {
        (void)lua_rawgeti(L, -1, i);
        *where = lua_tostring(L, -1); /* the list keeps it alive */
        err = apply(c, *where);
        lua_pop(L, 1);
    }
    return err;
}

static int apply_ca(lua_State *L, struct ml_tls_context *c, const char **where)
{
    return apply_sources(L, c, where, ml_tls_context_trust);
}

static int apply_crl(lua_State *L, struct ml_tls_context *c, const char **where)
{
    return apply_sources(L, c, where, ml_tls_context_revoke);
}

static int apply_ciphers(lua_State *L, struct ml_tls_context *c,
                         const char **where)
{
    *where = lua_tostring(L, -1);
    return ml_tls_context_ciphers(c, *where);
}

static int apply_min(lua_State *L, struct ml_tls_context *c, const char **where)
{
    *where = lua_tostring(L, -1);
    return ml_tls_context_min(c, strcmp(*where, "1.3") == 0 ? TLS1_3_VERSION
                                                            : TLS1_2_VERSION);
}

static int apply_tickets(lua_State *L, struct ml_tls_context *c,
                         const char **where)
{
    *where = NULL;
    return ml_tls_context_tickets(c, lua_toboolean(L, -1));
}

static int apply_verify(lua_State *L, struct ml_tls_context *c,
                        const char **where)
{
    *where = NULL;
    c->verify = verify_at(L, -1);
    return 0;
}

/* Reads { cert =, key =, password = } at `index`. */
static struct ml_tls_identity identity_at(lua_State *L, int index)
{
    struct ml_tls_identity identity;
    index = lua_absindex(L, index);
    (void)lua_getfield(L, index, "cert");
    (void)lua_getfield(L, index, "key");
    (void)lua_getfield(L, index, "password");
    identity.cert = lua_tostring(L, -3);
    identity.key = lua_tostring(L, -2);
    identity.password = lua_tostring(L, -1);
    identity.where = NULL;
    lua_pop(L, 3);
    return identity;
}

static int apply_sni(lua_State *L, struct ml_tls_context *c, const char **where)
{
    int err = 0;
    int table = lua_absindex(L, -1);
    lua_pushnil(L);
    while (err == 0 && lua_next(L, table) != 0) {
        struct ml_tls_identity identity = identity_at(L, -1);
        err = ml_tls_context_name(c, lua_tostring(L, -2), &identity);
        *where = identity.where;
        lua_pop(L, 1);
    }
    lua_settop(L, table);
    return err;
}

/* The certificate and its key belong together; they are in the table whose
 * index is below the option's. */
static int apply_cert(lua_State *L, struct ml_tls_context *c,
                      const char **where)
{
    struct ml_tls_identity identity = identity_at(L, -2);
    int err = ml_tls_context_identify(c, &identity);
    *where = identity.where;
    return err;
}

static const struct {
    const char *name;
    apply_fn *apply;
} settings[] = {{"verify", apply_verify},   {"min", apply_min},
                {"ciphers", apply_ciphers}, {"alpn", apply_alpn},
                {"tickets", apply_tickets}, {"cert", apply_cert},
                {"ca", apply_ca},           {"crl", apply_crl},
                {"sni", apply_sni}};

static int apply_all(lua_State *L, int index, struct ml_tls_context *c,
                     const char **where)
{
    int err = 0;
    lua_pushvalue(L, index);
    for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++) {
        if (lua_getfield(L, -1, settings[i].name) != LUA_TNIL) {
            err = settings[i].apply(L, c, where);
        }
        lua_pop(L, 1);
        if (err != 0) {
            break;
        }
    }
    lua_pop(L, 1);
    return err;
}

/* What an error is about: the name of a file. Text says nothing, and may be a
 * key that is not to be shown. */
static int refuse(lua_State *L, int err, const struct ml_tls_context *c,
                  const char *where)
{
    bool text = where != NULL && strchr(where, '\n') != NULL;
    const char *reason = c != NULL && c->reason[0] != '\0' ? c->reason : NULL;
    return ml_fail(L, -err, "tls", text ? NULL : where, reason);
}

/* Makes a context of a table, or with nil of nothing. */
static int make(lua_State *L, struct ml_vm *vm, int index)
{
    const char *where = NULL;
    const struct ml_tls_library *library = ml_tls_library_get(L);
    if (library == NULL) {
        return 2;
    }
    struct ml_tls_object *made = lua_newuserdatauv(L, sizeof *made, 0);
    made->context = NULL;
    luaL_setmetatable(L, ML_TLS_CONTEXT_TYPE);
    int err = ml_tls_context_new(&made->context, library, &vm->alloc);
    if (err == 0 && lua_istable(L, index)) {
        err = apply_all(L, index, made->context, &where);
    }
    return err != 0 ? refuse(L, err, made->context, where) : 1;
}

/* The one for all clients that ask for nothing special. */
static int push_default(lua_State *L, struct ml_vm *vm)
{
    if (ml_tls_library_get(L) == NULL) {
        return 2;
    }
    ml_tls_library_push(L);
    if (!lua_isnil(L, -1)) {
        return 1;
    }
    lua_pop(L, 1);
    int index = lua_gettop(L) + 1;
    lua_pushnil(L);
    int n = make(L, vm, index);
    lua_remove(L, index);
    if (n == 1) {
        lua_pushvalue(L, -1);
        ml_tls_library_set(L);
    }
    return n;
}

/* True if the table says anything that a context of its own is needed for:
 * whom to verify, the names and the protocols are each connection's. */
static bool is_special(lua_State *L, int index)
{
    for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++) {
        int type = lua_getfield(L, index, settings[i].name);
        lua_pop(L, 1);
        if (type != LUA_TNIL && settings[i].apply != apply_alpn &&
            settings[i].apply != apply_verify) {
            return true;
        }
    }
    return false;
}

int ml_tls_options_context(lua_State *L, struct ml_vm *vm, int index)
{
    index = lua_absindex(L, index);
    luaL_checkstack(L, LUA_MINSTACK, "options");
    if (luaL_testudata(L, index, ML_TLS_CONTEXT_TYPE) != NULL) {
        lua_pushvalue(L, index);
        return 1;
    }
    if (!lua_istable(L, index)) {
        return push_default(L, vm);
    }
    if (lua_getfield(L, index, "context") != LUA_TNIL) {
        return 1;
    }
    lua_pop(L, 1);
    return is_special(L, index) ? make(L, vm, index) : push_default(L, vm);
}

int ml_tls_options_make(lua_State *L, struct ml_vm *vm, int index)
{
    return make(L, vm, lua_absindex(L, index));
}
