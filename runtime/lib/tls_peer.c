/* tls_peer.c - what became of a handshake, as a table: conn:tls(). */
#include "lib/tls.h"

#include "proto/tls_info.h"

#include <lauxlib.h>
#include <string.h>

static void set_text(lua_State *L, const char *field, const char *text)
{
    lua_pushstring(L, text); /* NULL is nil */
    lua_setfield(L, -2, field);
}

/* A memory error of Lua's would leave the BIO behind: so the text is copied
 * first, into room that Lua owns. */
static void set_field(lua_State *L, const struct ml_tls_library *lib,
                      X509 *cert, enum ml_tls_field what, const char *field)
{
    enum {
        TEXT_MAX = 1024
    };
    char copy[TEXT_MAX];
    const char *text = NULL;
    size_t length = 0;
    BIO *bio = ml_tls_info_text(lib, cert, what, &text, &length);
    if (bio == NULL) {
        return;
    }
    length = length < sizeof copy ? length : sizeof copy;
    memcpy(copy, text, length);
    (void)lib->BIO_free_(bio);
    lua_pushlstring(L, copy, length);
    lua_setfield(L, -2, field);
}

static void set_digest(lua_State *L, const struct ml_tls_library *lib,
                       X509 *cert)
{
    static const char digits[] = "0123456789abcdef";
    enum {
        SIZE = 32
    };
    unsigned char digest[SIZE];
    char text[2 * SIZE];
    if (!ml_tls_info_digest(lib, cert, digest)) {
        return;
    }
    char *to = text;
    for (int i = 0; i < SIZE; i++) {
        *to++ = digits[digest[i] >> 4];
        *to++ = digits[digest[i] & 15];
    }
    lua_pushlstring(L, text, sizeof text);
    lua_setfield(L, -2, "fingerprint");
}

/* The list belongs to a userdata, so that a memory error leaves none behind. */
struct names {
    const struct ml_tls_library *library;
    GENERAL_NAMES *list;
};

static int names_gc(lua_State *L)
{
    struct names *names = lua_touserdata(L, 1);
    names->library->GENERAL_NAMES_free_(names->list);
    names->list = NULL;
    return 0;
}

static struct names *push_list(lua_State *L, const struct ml_tls_library *lib)
{
    struct names *names = lua_newuserdatauv(L, sizeof *names, 0);
    *names = (struct names){lib, NULL};
    lua_createtable(L, 0, 1);
    lua_pushcfunction(L, names_gc);
    lua_setfield(L, -2, "__gc");
    lua_setmetatable(L, -2);
    return names;
}

static void set_names(lua_State *L, const struct ml_tls_library *lib,
                      X509 *cert)
{
    int count = 0;
    lua_Integer n = 0;
    struct names *names = push_list(L, lib);
    lua_newtable(L);
    names->list = ml_tls_info_names(lib, cert, &count);
    for (int i = 0; i < count; i++) {
        size_t length = 0;
        const char *host = ml_tls_info_host(lib, names->list, i, &length);
        if (length > 0) {
            lua_pushlstring(L, host, length);
            lua_rawseti(L, -2, ++n);
        }
    }
    lib->GENERAL_NAMES_free_(names->list);
    names->list = NULL;
    lua_remove(L, -2);
    lua_setfield(L, -2, "names");
}

static void set_certificate(lua_State *L, const struct ml_tls *tls)
{
    const struct ml_tls_library *lib = tls->context->library;
    X509 *cert = ml_tls_info_peer(tls);
    if (cert == NULL) {
        return;
    }
    lua_createtable(L, 0, 7);
    set_field(L, lib, cert, ML_TLS_SUBJECT, "subject");
    set_field(L, lib, cert, ML_TLS_ISSUER, "issuer");
    set_field(L, lib, cert, ML_TLS_SERIAL, "serial");
    set_names(L, lib, cert);
    set_digest(L, lib, cert);
    lua_pushinteger(L, (lua_Integer)ml_tls_info_from(lib, cert));
    lua_setfield(L, -2, "from");
    lua_pushinteger(L, (lua_Integer)ml_tls_info_till(lib, cert));
    lua_setfield(L, -2, "till");
    lua_setfield(L, -2, "certificate");
}

void ml_tls_peer_push(lua_State *L, const struct ml_tls *tls)
{
    size_t length = 0;
    luaL_checkstack(L, LUA_MINSTACK, "tls");
    lua_createtable(L, 0, 8);
    set_text(L, "version", ml_tls_info_version(tls));
    set_text(L, "cipher", ml_tls_info_cipher(tls));
    set_text(L, "name", ml_tls_info_name(tls));
    const char *alpn = ml_tls_info_alpn(tls, &length);
    if (alpn != NULL) {
        lua_pushlstring(L, alpn, length);
        lua_setfield(L, -2, "alpn");
    }
    lua_pushboolean(L, ml_tls_info_resumed(tls));
    lua_setfield(L, -2, "resumed");
    lua_pushboolean(L, tls->verified);
    lua_setfield(L, -2, "verified");
    lua_pushboolean(L, tls->server);
    lua_setfield(L, -2, "server");
    set_certificate(L, tls);
}
