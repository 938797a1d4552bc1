/* gzip.c - compressed bytes, by zlib: values that take bytes and give bytes. Here
 * is what both ways have in common. The library's memory comes from the state's
 * allocator. */
#include "lib/gzip.h"

#include "core/arg.h"
#include "core/error.h"
#include "lib/lib.h"

#include <errno.h>
#include <string.h>

enum {
    WITH_GZIP = 16,  /* added to the bits: the format of RFC 1952 */
    LIBRARY_KEPT = 2 /* the user value that keeps the functions alive */
};

#define LIBRARY lua_upvalueindex(2)

const char *const ml_gzip_formats[] = {"gzip", "deflate", "raw", NULL};

int ml_gzip_window(int format, int bits)
{
    const int windows[] = {bits + WITH_GZIP, bits, -bits};
    return windows[format];
}

/* ---- errors ------------------------------------------------------------------- */

int ml_gzip_fail(lua_State *L, int code, const char *op, const char *reason)
{
    int n = ml_error_fail(L, code, op);
    ml_error_set(L, "reason", reason);
    return n;
}

int ml_gzip_fail_open(lua_State *L, int result)
{
    return result == Z_MEM_ERROR
               ? ml_gzip_fail(L, ENOMEM, "gzip", NULL)
               : ml_gzip_fail(L, ENOTSUP, "gzip", "zlib is of another version");
}

/* ---- memory ------------------------------------------------------------------- */

/* A block of the library's, which does not remember how large it is. */
union block {
    size_t size;
    max_align_t align;
};

static void *block_new(void *opaque, unsigned count, unsigned size)
{
    const struct ml_gzip *g = opaque;
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
    const struct ml_gzip *g = opaque;
    if (p != NULL) {
        union block *block = (union block *)p - 1;
        ml_alloc_free(&g->alloc, block, block->size);
    }
}

/* ---- streams ------------------------------------------------------------------ */

/* Opens the library if it is not. 0, or the number of results: nil, error. */
static int library_fail(lua_State *L, struct ml_zlib *lib)
{
    static const struct ml_symbol symbols[] = {
#define ROW(name) ML_LIBRARY_ROW(struct ml_zlib, name)
        ML_ZLIB_FUNCTIONS(ROW){NULL, 0}};
    const char *missing = NULL;
    int result = lib->open
                     ? 0
                     : ml_library_open(ML_GZIP_LIBRARY, symbols, lib, &missing);
    if (result == 0) {
        lib->open = true;
        return 0;
    }
    return ml_lib_refuse(L, result, "gzip", ML_GZIP_LIBRARY, missing);
}

struct ml_gzip *ml_gzip_push(lua_State *L, const char *metatable)
{
    struct ml_zlib *lib = lua_touserdata(L, LIBRARY);
    if (library_fail(L, lib) != 0) {
        return NULL;
    }
    struct ml_gzip *g = lua_newuserdatauv(L, sizeof *g, 2);
    memset(g, 0, sizeof *g);
    g->alloc = ml_vm_upvalue(L)->alloc;
    g->lib = lib;
    g->z.zalloc = block_new;
    g->z.zfree = block_free;
    g->z.opaque = g;
    lua_pushvalue(L, LIBRARY);
    (void)lua_setiuservalue(L, -2, LIBRARY_KEPT);
    luaL_setmetatable(L, metatable);
    return g;
}

struct ml_gzip *ml_gzip_check(lua_State *L, const char *metatable)
{
    struct ml_gzip *g = ml_arg_udata(L, 1, metatable);
    ml_arg_check(L, g->open, 1, "it is closed");
    return g;
}

/* ---- the tables --------------------------------------------------------------- */

void ml_gzip_class(lua_State *L, const char *name, const luaL_Reg *methods,
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
    lua_createtable(L, 0, 2);
    struct ml_zlib *lib = lua_newuserdatauv(L, sizeof *lib, 0);
    lib->open = false;
    set_function(L, vm, "inflater", ml_gzip_inflate_open(L));
    set_function(L, vm, "deflater", ml_gzip_deflate_open(L));
    lua_pop(L, 1);
    lua_setfield(L, -2, "gzip");
}
