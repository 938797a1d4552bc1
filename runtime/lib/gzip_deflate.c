/* gzip_deflate.c - packing. */
#include "core/arg.h"
#include "lib/gzip.h"

#include <errno.h>
#include <limits.h>

enum {
    PIECE = 16384,   /* bytes that are made room for at once */
    WINDOW_MIN = 9,  /* bits: zlib has none less */
    MEMORY_LEVEL = 8 /* as the library's own default */
};

static const char *const DEFLATER = "miniloop.gzip.deflater";

/* ---- open and close ------------------------------------------------------------ */

/* The window's bits, argument `arg`: what unpacks needs as many. */
static int check_bits(lua_State *L, int arg)
{
    lua_Integer bits = luaL_optinteger(L, arg, ML_GZIP_WINDOW);
    ml_arg_check(L, bits >= WINDOW_MIN && bits <= ML_GZIP_WINDOW, arg,
                 "a window has from 9 to 15 bits");
    return (int)bits;
}

/* deflater([format [, level [, bits]]]). */
static int gzip_deflater(lua_State *L)
{
    int format = ml_arg_option(L, 1, "gzip", ml_gzip_formats);
    lua_Integer level = luaL_optinteger(L, 2, Z_DEFAULT_COMPRESSION);
    ml_arg_check(L, level >= Z_DEFAULT_COMPRESSION && level <= 9, 2,
                 "a level is from 0 to 9");
    int bits = check_bits(L, 3);
    struct ml_gzip *g = ml_gzip_push(L, DEFLATER);
    if (g == NULL) {
        return 2; /* nil, error */
    }
    int result = g->lib->deflateInit2__(
        &g->z, (int)level, Z_DEFLATED, ml_gzip_window(format, bits),
        MEMORY_LEVEL, Z_DEFAULT_STRATEGY, ZLIB_VERSION, (int)sizeof g->z);
    g->open = result == Z_OK;
    return g->open ? 1 : ml_gzip_fail_open(L, result);
}

static int deflater_close(lua_State *L)
{
    struct ml_gzip *g = ml_arg_udata(L, 1, DEFLATER);
    if (g->open) {
        g->open = false;
        (void)g->lib->deflateEnd_(&g->z); /* says that bytes are lost: yes */
    }
    return 0;
}

/* ---- pack ----------------------------------------------------------------------- */

static void pack(lua_State *L, struct ml_gzip *g, luaL_Buffer *out, int flush)
{
    do {
        g->z.next_out = (Bytef *)luaL_prepbuffsize(out, PIECE);
        g->z.avail_out = PIECE;
        if (g->lib->deflate_(&g->z, flush) == Z_STREAM_ERROR) {
            (void)luaL_error(L, "zlib does not know its own stream");
        }
        luaL_addsize(out, PIECE - g->z.avail_out);
    } while (g->z.avail_out == 0);
}

/* deflater:write(data [, "more"|"flush"|"finish"]): packed bytes, as many as
 * are due: with "flush" all that was written can be unpacked, with "finish" the
 * message is complete, and the value closed. */
static int deflater_write(lua_State *L)
{
    static const char *const names[] = {"more", "flush", "finish", NULL};
    static const int flushes[] = {Z_NO_FLUSH, Z_SYNC_FLUSH, Z_FINISH};
    struct ml_gzip *g = ml_gzip_check(L, DEFLATER);
    size_t left = 0;
    ml_arg_type(L, 2, LUA_TSTRING);
    const char *bytes = lua_tolstring(L, 2, &left);
    int how = ml_arg_option(L, 3, "more", names);
    luaL_Buffer out;
    luaL_buffinit(L, &out);
    do {
        uInt part = left < UINT_MAX ? (uInt)left : UINT_MAX;
        g->z.next_in = (const Bytef *)bytes;
        g->z.avail_in = part;
        left -= part;
        bytes += part;
        pack(L, g, &out, left > 0 ? Z_NO_FLUSH : flushes[how]);
    } while (left > 0);
    luaL_pushresult(&out);
    if (flushes[how] == Z_FINISH) {
        g->open = false;
        (void)g->lib->deflateEnd_(&g->z);
    }
    return 1;
}

/* deflater:reset(): forgets all, for the next message. */
static int deflater_reset(lua_State *L)
{
    struct ml_gzip *g = ml_gzip_check(L, DEFLATER);
    (void)g->lib->deflateReset_(&g->z); /* it is open: cannot fail */
    return 0;
}

lua_CFunction ml_gzip_deflate_open(lua_State *L)
{
    static const luaL_Reg methods[] = {{"write", deflater_write},
                                       {"reset", deflater_reset},
                                       {"close", deflater_close},
                                       {NULL, NULL}};
    ml_gzip_class(L, DEFLATER, methods, deflater_close);
    return gzip_deflater;
}
