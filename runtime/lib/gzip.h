/* gzip.h - what packing and unpacking by zlib have in common. */
#ifndef ML_LIB_GZIP_H
#define ML_LIB_GZIP_H

#include "base/alloc.h"
#include "base/library.h"
#include "core/vm.h"

#include <lauxlib.h>
#include <lua.h>
#include <stdbool.h>
#include <stddef.h>
#define ZLIB_CONST 1 /* what is read is const */
#include <zlib.h>

#define ML_ZLIB_FUNCTIONS(X) \
    X(inflateInit2_)         \
    X(inflate)               \
    X(inflateReset)          \
    X(inflateEnd)            \
    X(deflateInit2_) X(deflate) X(deflateReset) X(deflateEnd) X(zlibVersion)

/* Its functions, once it is open. */
struct ml_zlib {
    ML_ZLIB_FUNCTIONS(ML_LIBRARY_FIELD)
    bool open;
};

/* A stream that packs or unpacks. Its input is a string, held by the user
 * value, of which `taken` bytes are through. */
struct ml_gzip {
    z_stream z;
    struct ml_alloc alloc;
    const struct ml_zlib *lib;
    size_t taken;
    bool open;
    bool ended;   /* at the end of a message: packed bytes may follow it */
    bool between; /* at the end of a block of it */
};

enum {
    ML_GZIP_WINDOW = 15, /* bits: 32 KiB, what all can read, and the most */
    ML_GZIP_INPUT = 1    /* the user value that holds what is to be read */
};

/* The names of the formats, as scripts have them: for ml_arg_option, and
 * ml_gzip_window. */
extern const char *const ml_gzip_formats[];

/* zlib's word for a format with a window of so many bits. */
int ml_gzip_window(int format, int bits);

/* Pushes nil and an error. 2. */
int ml_gzip_fail(lua_State *L, int code, const char *op, const char *reason);

/* The same of what zlib gave when a stream was to be opened. */
int ml_gzip_fail_open(lua_State *L, int result);

/* A new stream that zlib is to open, on top of L, for a function of the tables;
 * NULL: zlib is not there, and nil and an error are. */
struct ml_gzip *ml_gzip_push(lua_State *L, const char *metatable);

/* Argument 1, which must not be closed. */
struct ml_gzip *ml_gzip_check(lua_State *L, const char *metatable);

/* Makes the class of that name. `close` is also for the collector. */
void ml_gzip_class(lua_State *L, const char *name, const luaL_Reg *methods,
                   lua_CFunction close);

/* gzip_inflate.c and gzip_deflate.c: make their class, and give the function that
 * makes one of it, whose upvalue 2 is struct ml_zlib. */
lua_CFunction ml_gzip_inflate_open(lua_State *L);
lua_CFunction ml_gzip_deflate_open(lua_State *L);

#endif
