/* gzip_inflate.c - unpacking. It is asked for piece after piece, each of a bounded
 * size: a small message can hold gigabytes of nothing, and who reads must be able
 * to stop. */
#include "core/arg.h"
#include "lib/gzip.h"

#include <errno.h>
#include <limits.h>
#include <stdint.h>

enum {
    PIECE = 16384, /* bytes that it gives at once */
    BETWEEN = 128  /* bit of z_stream's data_type: no block is begun */
};

static const char *const INFLATER = "miniloop.gzip.inflater";

/* ---- open and close ------------------------------------------------------------ */

/* inflater([format]): "gzip" (RFC 1952), "deflate" (RFC 1950, as HTTP calls it),
 * "raw" (RFC 1951). */
static int gzip_inflater(lua_State *L)
{
    int format = ml_arg_option(L, 1, "gzip", ml_gzip_formats);
    struct ml_gzip *g = ml_gzip_push(L, INFLATER);
    if (g == NULL) {
        return 2; /* nil, error */
    }
    int result =
        g->lib->inflateInit2__(&g->z, ml_gzip_window(format, ML_GZIP_WINDOW),
                               ZLIB_VERSION, (int)sizeof g->z);
    g->open = result == Z_OK;
    return g->open ? 1 : ml_gzip_fail_open(L, result);
}

static int inflater_close(lua_State *L)
{
    struct ml_gzip *g = ml_arg_udata(L, 1, INFLATER);
    if (g->open) {
        g->open = false;
        (void)g->lib->inflateEnd_(&g->z); /* nothing to be done about it */
    }
    return 0;
}

/* ---- unpack -------------------------------------------------------------------- */

/* Pushes the input and makes what is left of it the library's; gives how many
 * bytes that are, which may be more than the library is told of at once. */
static size_t push_input(lua_State *L, struct ml_gzip *g)
{
    size_t size = 0;
    (void)lua_getiuservalue(L, 1, ML_GZIP_INPUT);
    const char *bytes = lua_tolstring(L, -1, &size);
    size_t left = bytes != NULL ? size - g->taken : 0;
    g->z.next_in = bytes != NULL ? (const Bytef *)bytes + g->taken : NULL;
    g->z.avail_in = left < UINT_MAX ? (uInt)left : UINT_MAX;
    return left;
}

/* inflater:feed(data): the bytes that come next. All before must be through. */
static int inflater_feed(lua_State *L)
{
    struct ml_gzip *g = ml_gzip_check(L, INFLATER);
    ml_arg_type(L, 2, LUA_TSTRING);
    ml_arg_check(L, push_input(L, g) == 0, 2, "the last ones are not read yet");
    lua_settop(L, 2);
    (void)lua_setiuservalue(L, 1, ML_GZIP_INPUT);
    g->taken = 0;
    return 0;
}

static const char *reason_of(const struct ml_gzip *g, int result)
{
    return result == Z_NEED_DICT ? "it needs a dictionary"
           : g->z.msg != NULL    ? g->z.msg
                                 : "it is not packed like that";
}

/* Unpacks up to `size` bytes; gives how many, or -1 for what is no such
 * message, *result being why. A message may be followed by another one. */
static int unpack(struct ml_gzip *g, char *out, unsigned size, int *result)
{
    uInt before = g->z.avail_in;
    if (g->ended) {
        (void)g->lib->inflateReset_(&g->z); /* it is open: cannot fail */
        g->ended = false;
    }
    g->z.next_out = (Bytef *)out;
    g->z.avail_out = size;
    *result = g->lib->inflate_(&g->z, Z_SYNC_FLUSH);
    g->taken += before - g->z.avail_in;
    g->ended = *result == Z_STREAM_END;
    if (*result != Z_BUF_ERROR) { /* that is: it had something to do */
        g->between = (g->z.data_type & BETWEEN) != 0;
    }
    bool fine =
        *result == Z_OK || *result == Z_STREAM_END || *result == Z_BUF_ERROR;
    return fine ? (int)(size - g->z.avail_out) : -1;
}

/* inflater:next(): the next bytes, at most 16 KiB; nil when it wants more
 * input, or is at the end; or nil and an error. */
static int inflater_next(lua_State *L)
{
    struct ml_gzip *g = ml_gzip_check(L, INFLATER);
    char out[PIECE];
    int result = Z_OK;
    int n = 0;
    size_t left = 0;
    do {
        lua_settop(L, 1);
        left = push_input(L, g);
        if (left == 0 && g->ended) {
            break;
        }
        n = unpack(g, out, sizeof out, &result);
    } while (n == 0 && (g->z.avail_in > 0 || left > UINT_MAX));
    if (n < 0) {
        return ml_gzip_fail(L, result == Z_MEM_ERROR ? ENOMEM : EBADMSG,
                            "inflate", reason_of(g, result));
    }
    if (n == 0) {
        lua_pushnil(L);
    } else {
        lua_pushlstring(L, out, (size_t)n);
    }
    return 1;
}

/* inflater:ended(): true if the message is complete, with all its input. */
static int inflater_ended(lua_State *L)
{
    struct ml_gzip *g = ml_gzip_check(L, INFLATER);
    lua_pushboolean(L, push_input(L, g) == 0 && g->ended);
    return 1;
}

/* inflater:between(): true if all its input is through and ended with a block,
 * as that of a part of a message does which was packed with "flush". */
static int inflater_between(lua_State *L)
{
    struct ml_gzip *g = ml_gzip_check(L, INFLATER);
    lua_pushboolean(L, push_input(L, g) == 0 && (g->ended || g->between));
    return 1;
}

/* inflater:reset(): forgets all, for the next message. */
static int inflater_reset(lua_State *L)
{
    struct ml_gzip *g = ml_gzip_check(L, INFLATER);
    (void)g->lib->inflateReset_(&g->z); /* it is open: cannot fail */
    g->ended = false;
    g->between = true;
    lua_settop(L, 1);
    lua_pushnil(L);
    (void)lua_setiuservalue(L, 1, ML_GZIP_INPUT);
    return 0;
}

lua_CFunction ml_gzip_inflate_open(lua_State *L)
{
    static const luaL_Reg methods[] = {{"feed", inflater_feed},
                                       {"next", inflater_next},
                                       {"ended", inflater_ended},
                                       {"between", inflater_between},
                                       {"reset", inflater_reset},
                                       {"close", inflater_close},
                                       {NULL, NULL}};
    ml_gzip_class(L, INFLATER, methods, inflater_close);
    return gzip_inflater;
}
