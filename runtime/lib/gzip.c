/* Compressed bytes, by zlib: values that take bytes and give bytes.
 *
 * What unpacks is asked for piece after piece, each of a bounded size: a small
 * message can hold gigabytes of nothing, and who reads must be able to stop.
 * The library's memory comes from the state's allocator. */

#include "base/alloc.h"
#include "base/library.h"
#include "core/arg.h"
#include "core/error.h"
#include "lib/lib.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#define ZLIB_CONST 1 /* what is read is const */
#include <zlib.h>

#define ZLIB_FUNCTIONS(X) \
    X(inflateInit2_)      \
    X(inflate)            \
    X(inflateReset)       \
    X(inflateEnd)         \
    X(deflateInit2_) X(deflate) X(deflateReset) X(deflateEnd) X(zlibVersion)

struct zlib {
    ZLIB_FUNCTIONS(ML_LIBRARY_FIELD)
    bool open;
};

enum {
    PIECE = 16384,    /* bytes that unpacking gives at once */
    WINDOW = 15,      /* bits: 32 KiB, what all can read, and the most */
    WINDOW_MIN = 9,   /* bits of what is packed: zlib has none less */
    BETWEEN = 128,    /* bit of z_stream's data_type: no block is begun */
    WITH_GZIP = 16,   /* added to the bits: the format of RFC 1952 */
    MEMORY_LEVEL = 8, /* as the library's own default */
    INPUT = 1,        /* the user value that holds what is to be read */
    LIBRARY_KEPT = 2  /* the one that keeps the library's functions alive */
};

#define LIBRARY lua_upvalueindex(2)

static const char *const INFLATER = "miniloop.gzip.inflater";
static const char *const DEFLATER = "miniloop.gzip.deflater";

/* A stream that packs or unpacks. Its input is a string, held by the user
 * value, of which `taken` bytes are through. */
struct gzip {
    z_stream z;
    struct ml_alloc alloc;
    const struct zlib *lib;
    size_t taken;
    bool open;
    bool ended;   /* at the end of a message: packed bytes may follow it */
    bool between; /* at the end of a block of it */
};

/* ---- memory ------------------------------------------------------------------- */

/* A block of the library's, which does not remember how large it is. */
union block {
    size_t size;
    max_align_t align;
};

static void *block_new(void *opaque, unsigned count, unsigned size)
{
    const struct gzip *g = opaque;
    size_t bytes = sizeof(union block) + (size_t)count * size;
    union block *block = ml_alloc_new(&g->alloc, bytes);
    if (block == NULL) {
        return NULL;
    }
    block->size = bytes;
    return block + 1;
}

static void block_free(void *opaque, void *p)
{
    const struct gzip *g = opaque;
    if (p != NULL) {
        union block *block = (union block *)p - 1;
        ml_alloc_free(&g->alloc, block, block->size);
    }
}

/* ---- open and close -------------------------------------------------------------- */

static const char *const formats[] = {"gzip", "deflate", "raw", NULL};

/* The library's word for a format with a window of so many bits. */
static int window_of(int format, int bits)
{
    const int windows[] = {bits + WITH_GZIP, bits, -bits};
    return windows[format];
}

static int fail(lua_State *L, int code, const char *op, const char *reason)
{
    int n = ml_error_fail(L, code, op);
    ml_error_set(L, "reason", reason);
    return n;
}

/* Opens the library the first time; otherwise answers nil and an error. */
static int open_library(lua_State *L, struct zlib *lib)
{
    static const struct ml_symbol symbols[] = {
#define ROW(name) ML_LIBRARY_ROW(struct zlib, name)
        ZLIB_FUNCTIONS(ROW){NULL, 0}};
    const char *missing = NULL;
    int result = ml_library_open(ML_GZIP_LIBRARY, symbols, lib, &missing);
    if (result == 0) {
        lib->open = true;
        return 0;
    }
    return fail(L, ENOTSUP, "gzip",
                result == -ENOENT ? ML_GZIP_LIBRARY " is not there"
                                  : ML_GZIP_LIBRARY " lacks a function");
}

/* Pushes a stream that is not open yet, closed by the collector. */
static struct gzip *push_gzip(lua_State *L, const char *metatable)
{
    struct gzip *g = lua_newuserdatauv(L, sizeof *g, 2);
    memset(g, 0, sizeof *g);
    g->alloc = ml_vm_upvalue(L)->alloc;
    g->lib = lua_touserdata(L, LIBRARY);
    g->z.zalloc = block_new;
    g->z.zfree = block_free;
    g->z.opaque = g;
    lua_pushvalue(L, LIBRARY);
    (void)lua_setiuservalue(L, -2, LIBRARY_KEPT);
    luaL_setmetatable(L, metatable);
    return g;
}

static int fail_open(lua_State *L, int result)
{
    return result == Z_MEM_ERROR
               ? fail(L, ENOMEM, "gzip", NULL)
               : fail(L, ENOTSUP, "gzip", "zlib is of another version");
}

/* inflater([format]): "gzip" (RFC 1952), "deflate" (RFC 1950, as HTTP calls it),
 * "raw" (RFC 1951). */
static int gzip_inflater(lua_State *L)
{
    struct zlib *lib = lua_touserdata(L, LIBRARY);
    int format = ml_arg_option(L, 1, "gzip", formats);
    int refused = lib->open ? 0 : open_library(L, lib);
    if (refused != 0) {
        return refused;
    }
    struct gzip *g = push_gzip(L, INFLATER);
    int result = lib->inflateInit2__(&g->z, window_of(format, WINDOW),
                                     ZLIB_VERSION, (int)sizeof g->z);
    g->open = result == Z_OK;
    return g->open ? 1 : fail_open(L, result);
}

/* The window's bits, argument `arg`: what unpacks needs as many. */
static int check_bits(lua_State *L, int arg)
{
    lua_Integer bits = luaL_optinteger(L, arg, WINDOW);
    ml_arg_check(L, bits >= WINDOW_MIN && bits <= WINDOW, arg,
                 "a window has from 9 to 15 bits");
    return (int)bits;
}

/* deflater([format [, level [, bits]]]). */
static int gzip_deflater(lua_State *L)
{
    struct zlib *lib = lua_touserdata(L, LIBRARY);
    int format = ml_arg_option(L, 1, "gzip", formats);
    lua_Integer level = luaL_optinteger(L, 2, Z_DEFAULT_COMPRESSION);
    ml_arg_check(L, level >= Z_DEFAULT_COMPRESSION && level <= 9, 2,
                 "a level is from 0 to 9");
    int bits = check_bits(L, 3);
    int refused = lib->open ? 0 : open_library(L, lib);
    if (refused != 0) {
        return refused;
    }
    struct gzip *g = push_gzip(L, DEFLATER);
    int result = lib->deflateInit2__(
        &g->z, (int)level, Z_DEFLATED, window_of(format, bits), MEMORY_LEVEL,
        Z_DEFAULT_STRATEGY, ZLIB_VERSION, (int)sizeof g->z);
    g->open = result == Z_OK;
    return g->open ? 1 : fail_open(L, result);
}

static struct gzip *check_open(lua_State *L, const char *metatable)
{
    struct gzip *g = ml_arg_udata(L, 1, metatable);
    ml_arg_check(L, g->open, 1, "it is closed");
    return g;
}

static int inflater_close(lua_State *L)
{
    struct gzip *g = ml_arg_udata(L, 1, INFLATER);
    if (g->open) {
        g->open = false;
        (void)g->lib->inflateEnd_(&g->z); /* nothing to be done about it */
    }
    return 0;
}

static int deflater_close(lua_State *L)
{
    struct gzip *g = ml_arg_udata(L, 1, DEFLATER);
    if (g->open) {
        g->open = false;
        (void)g->lib->deflateEnd_(&g->z); /* says that bytes are lost: yes */
    }
    return 0;
}

/* ---- unpack ---------------------------------------------------------------------- */

/* Pushes the input and makes what is left of it the library's; gives how many
 * bytes that are, which may be more than the library is told of at once. */
static size_t push_input(lua_State *L, struct gzip *g)
{
    size_t size = 0;
    (void)lua_getiuservalue(L, 1, INPUT);
    const char *bytes = lua_tolstring(L, -1, &size);
    size_t left = bytes != NULL ? size - g->taken : 0;
    g->z.next_in = bytes != NULL ? (const Bytef *)bytes + g->taken : NULL;
    g->z.avail_in = left < UINT_MAX ? (uInt)left : UINT_MAX;
    return left;
}

/* inflater:feed(data): the bytes that come next. All before must be through. */
static int inflater_feed(lua_State *L)
{
    struct gzip *g = check_open(L, INFLATER);
    ml_arg_type(L, 2, LUA_TSTRING);
    ml_arg_check(L, push_input(L, g) == 0, 2, "the last ones are not read yet");
    lua_settop(L, 2);
    (void)lua_setiuservalue(L, 1, INPUT);
    g->taken = 0;
    return 0;
}

static const char *reason_of(const struct gzip *g, int result)
{
    return result == Z_NEED_DICT ? "it needs a dictionary"
           : g->z.msg != NULL    ? g->z.msg
                                 : "it is not packed like that";
}

/* Unpacks up to `size` bytes; gives how many, or -1 for what is no such
 * message, *result being why. A message may be followed by another one. */
static int unpack(struct gzip *g, char *out, unsigned size, int *result)
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
    struct gzip *g = check_open(L, INFLATER);
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
        return fail(L, result == Z_MEM_ERROR ? ENOMEM : EBADMSG, "inflate",
                    reason_of(g, result));
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
    struct gzip *g = check_open(L, INFLATER);
    lua_pushboolean(L, push_input(L, g) == 0 && g->ended);
    return 1;
}

/* inflater:between(): true if all its input is through and ended with a block,
 * as that of a part of a message does which was packed with "flush". */
static int inflater_between(lua_State *L)
{
    struct gzip *g = check_open(L, INFLATER);
    lua_pushboolean(L, push_input(L, g) == 0 && (g->ended || g->between));
    return 1;
}

/* inflater:reset(): forgets all, for the next message. */
static int inflater_reset(lua_State *L)
{
    struct gzip *g = check_open(L, INFLATER);
    (void)g->lib->inflateReset_(&g->z); /* it is open: cannot fail */
    g->ended = false;
    g->between = true;
    lua_settop(L, 1);
    lua_pushnil(L);
    (void)lua_setiuservalue(L, 1, INPUT);
    return 0;
}

/* ---- pack -------------------------------------------------------------------------- */

static void pack(lua_State *L, struct gzip *g, luaL_Buffer *out, int flush)
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
    struct gzip *g = check_open(L, DEFLATER);
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
    struct gzip *g = check_open(L, DEFLATER);
    (void)g->lib->deflateReset_(&g->z); /* it is open: cannot fail */
    return 0;
}

/* ---- the tables ------------------------------------------------------------------- */

static void make_class(lua_State *L, const char *name, const luaL_Reg *methods,
                       lua_CFunction close)
{
    struct ml_vm *vm = ml_vm_get(L);
    (void)luaL_newmetatable(L, name);
    lua_newtable(L);
    ml_vm_setfuncs(L, vm, methods);
    lua_setfield(L, -2, "__index");
    ml_vm_pushclosure(L, vm, close, 0);
    lua_pushvalue(L, -1);
    lua_setfield(L, -3, "__gc");
    lua_setfield(L, -2, "__close");
    lua_pop(L, 1);
}

static void set_function(lua_State *L, struct ml_vm *vm, const char *name,
                         lua_CFunction fn)
{
    lua_pushvalue(L, -1);
    ml_vm_pushclosure(L, vm, fn, 1);
    lua_setfield(L, -3, name);
}

/* Adds the table `gzip`: inflater and deflater. */
void ml_lib_gzip_open(lua_State *L, struct ml_vm *vm)
{
    static const luaL_Reg inflater[] = {{"feed", inflater_feed},
                                        {"next", inflater_next},
                                        {"ended", inflater_ended},
                                        {"between", inflater_between},
                                        {"reset", inflater_reset},
                                        {"close", inflater_close},
                                        {NULL, NULL}};
    static const luaL_Reg deflater[] = {{"write", deflater_write},
                                        {"reset", deflater_reset},
                                        {"close", deflater_close},
                                        {NULL, NULL}};
    make_class(L, INFLATER, inflater, inflater_close);
    make_class(L, DEFLATER, deflater, deflater_close);
    lua_createtable(L, 0, 2);
    struct zlib *lib = lua_newuserdatauv(L, sizeof *lib, 0);
    lib->open = false;
    set_function(L, vm, "inflater", gzip_inflater);
    set_function(L, vm, "deflater", gzip_deflater);
    lua_pop(L, 1);
    lua_setfield(L, -2, "gzip");
}
