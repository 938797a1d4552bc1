#include "sys/bytes.h"

#include "core/arg.h"
#include "core/misuse.h"
#include "sys/sys.h"

#include <limits.h>
#include <stdint.h>
#include <string.h>

static const char TYPE[] = "miniloop.buffer";

/* ---- the object ----------------------------------------------------------- */

/* As ml_descriptor_test. */
struct ml_bytes *ml_bytes_test(lua_State *L, int index)
{
    struct ml_bytes *bytes = lua_touserdata(L, index);
    bool mine = bytes != NULL && lua_rawlen(L, index) == sizeof *bytes &&
                bytes->type == TYPE;
    return mine ? bytes : NULL;
}

struct ml_bytes *ml_bytes_check(lua_State *L, int arg)
{
    struct ml_bytes *bytes = ml_bytes_test(L, arg);
    if (bytes == NULL) {
        ml_arg_mismatch(L, arg, TYPE);
    }
    return bytes;
}

void ml_bytes_check_data(lua_State *L, int arg)
{
    if (lua_type(L, arg) != LUA_TSTRING && ml_bytes_test(L, arg) == NULL) {
        (void)ml_arg_string(L, arg);
    }
}

const char *ml_bytes_view_buffer(lua_State *L, int index, size_t *length)
{
    const struct ml_bytes *bytes = lua_touserdata(L, index);
    *length = ml_buffer_length(&bytes->buffer);
    return ml_buffer_bytes(&bytes->buffer);
}

int ml_bytes_reserve(struct ml_bytes *bytes, size_t need)
{
    return ml_buffer_reserve(&bytes->buffer, &bytes->vm->alloc, need, SIZE_MAX);
}

void ml_bytes_produced(struct ml_bytes *bytes, size_t n)
{
    ml_buffer_produced(&bytes->buffer, n);
    bytes->changes++;
}

/* Reserves for a function that has no other answer. */
static void reserve(lua_State *L, struct ml_bytes *bytes, size_t need)
{
    if (ml_bytes_reserve(bytes, need) != 0) {
        (void)luaL_error(L, "not enough memory for the buffer");
    }
}

/* Lua knows nothing of the memory in a buffer: it is told, or those that nobody
 * has any more would be found much too late. */
static void tell_collector(lua_State *L, size_t size)
{
    size_t kilobytes = size / 1024;
    if (kilobytes > 0) {
        (void)lua_gc(L, LUA_GCSTEP,
                     kilobytes < INT_MAX ? (int)kilobytes : INT_MAX);
    }
}

/* Of a new buffer, which only this function knows: so finalizers may run. */
static void reserve_first(lua_State *L, struct ml_bytes *bytes, size_t size)
{
    tell_collector(L, size);
    if (ml_bytes_reserve(bytes, size) != 0) {
        (void)lua_gc(L, LUA_GCCOLLECT);
        reserve(L, bytes, size);
    }
}

/* buffer([size]) */
static int bytes_new(lua_State *L)
{
    int64_t size = ml_misuse_absent(L, 1) ? 0 : ml_misuse_integer(L, 1);
    ml_arg_check(L, size >= 0, 1, "a size cannot be negative");
    struct ml_bytes *bytes = lua_newuserdatauv(L, sizeof *bytes, 0);
    *bytes = (struct ml_bytes){.type = TYPE, .vm = ml_vm_upvalue(L)};
    luaL_setmetatable(L, TYPE);
    if (size > 0) {
        reserve_first(L, bytes, (size_t)size);
    }
    return 1;
}

/* ---- methods -------------------------------------------------------------- */

/* put(...): appends; gives the buffer. One of the pieces may be the buffer
 * itself: so room is made before its bytes are looked at. */
static int bytes_put(lua_State *L)
{
    struct ml_bytes *bytes = ml_bytes_check(L, 1);
    int n = lua_gettop(L);
    for (int arg = 2; arg <= n; arg++) {
        ml_bytes_check_data(L, arg);
    }
    for (int arg = 2; arg <= n; arg++) {
        size_t length = 0;
        (void)ml_bytes_view(L, arg, &length);
        reserve(L, bytes, length);
        const char *data = ml_bytes_view(L, arg, &length);
        if (length > 0) {
            memcpy(ml_buffer_tail(&bytes->buffer), data, length);
            ml_bytes_produced(bytes, length);
        }
    }
    lua_settop(L, 1);
    return 1;
}

/* A position as those of Lua's strings: from 1, negative from the end. */
static int64_t position(lua_State *L, int arg, int64_t otherwise,
                        int64_t length)
{
    int64_t at =
        ml_misuse_absent(L, arg) ? otherwise : ml_misuse_integer(L, arg);
    if (at >= 0) {
        return at;
    }
    return at >= -length ? length + at + 1 : 0;
}

/* sub(i [, j]), as of a string. */
static int bytes_sub(lua_State *L)
{
    const struct ml_bytes *bytes = ml_bytes_check(L, 1);
    int64_t length = (int64_t)ml_buffer_length(&bytes->buffer);
    int64_t first = position(L, 2, 1, length);
    int64_t last = position(L, 3, -1, length);
    first = first < 1 ? 1 : first;
    last = last > length ? length : last;
    if (first > last) {
        lua_pushliteral(L, "");
    } else {
        lua_pushlstring(L, ml_buffer_bytes(&bytes->buffer) + first - 1,
                        (size_t)(last - first + 1));
    }
    return 1;
}

static int bytes_tostring(lua_State *L)
{
    (void)ml_bytes_check(L, 1);
    lua_settop(L, 1);
    return bytes_sub(L);
}

/* The offset of `what` in `text` at or behind `from`; -1: there is none. */
static int64_t find_plain(const char *text, int64_t length, int64_t from,
                          const char *what, int64_t n)
{
    while (from <= length - n) {
        const char *at = n == 0 ? text + from
                                : memchr(text + from, (unsigned char)*what,
                                         (size_t)(length - n - from + 1));
        if (at == NULL || memcmp(at, what, (size_t)n) == 0) {
            return at != NULL ? at - text : -1;
        }
        from = at - text + 1;
    }
    return -1;
}

/* find(text [, init]): as string.find of plain text. */
static int bytes_find(lua_State *L)
{
    const struct ml_bytes *bytes = ml_bytes_check(L, 1);
    size_t n = 0;
    const char *what = ml_arg_lstring(L, 2, &n);
    int64_t length = (int64_t)ml_buffer_length(&bytes->buffer);
    int64_t init = position(L, 3, 1, length);
    int64_t at = find_plain(ml_buffer_bytes(&bytes->buffer), length,
                            init < 1 ? 0 : init - 1, what, (int64_t)n);
    if (at < 0) {
        lua_pushnil(L);
        return 1;
    }
    lua_pushinteger(L, at + 1);
    lua_pushinteger(L, at + (int64_t)n);
    return 2;
}

/* consume(n): takes bytes from the front; how many there were to take. */
static int bytes_consume(lua_State *L)
{
    struct ml_bytes *bytes = ml_bytes_check(L, 1);
    int64_t n = ml_misuse_integer(L, 2);
    ml_arg_check(L, n >= 0, 2, "a count cannot be negative");
    int64_t length = (int64_t)ml_buffer_length(&bytes->buffer);
    n = n < length ? n : length;
    ml_buffer_consume(&bytes->buffer, (size_t)n);
    bytes->changes++;
    lua_pushinteger(L, n);
    return 1;
}

/* clear(): empties it, and keeps its memory. */
static int bytes_clear(lua_State *L)
{
    struct ml_bytes *bytes = ml_bytes_check(L, 1);
    ml_buffer_consume(&bytes->buffer, ml_buffer_length(&bytes->buffer));
    bytes->changes++;
    lua_settop(L, 1);
    return 1;
}

static int bytes_length(lua_State *L)
{
    const struct ml_bytes *bytes = ml_bytes_check(L, 1);
    lua_pushinteger(L, (lua_Integer)ml_buffer_length(&bytes->buffer));
    return 1;
}

static int bytes_describe(lua_State *L)
{
    const struct ml_bytes *bytes = ml_bytes_check(L, 1);
    lua_pushfstring(L, "buffer (%I bytes)",
                    (LUAI_UACINT)ml_buffer_length(&bytes->buffer));
    return 1;
}

/* close(), the end of its block, collection: frees its memory. It is empty
 * then, and may be used again. */
static int bytes_close(lua_State *L)
{
    struct ml_bytes *bytes = ml_bytes_check(L, 1);
    ml_buffer_term(&bytes->buffer, &bytes->vm->alloc);
    bytes->changes++;
    return 0;
}

static int bytes_gc(lua_State *L)
{
    struct ml_bytes *bytes = ml_bytes_test(L, 1);
    if (bytes != NULL) {
        ml_buffer_term(&bytes->buffer, &bytes->vm->alloc);
        bytes->type = NULL; /* the memory may become another's */
    }
    return 0;
}

void ml_sys_bytes_open(lua_State *L, struct ml_vm *vm)
{
    static const luaL_Reg functions[] = {{"buffer", bytes_new}, {NULL, NULL}};
    static const luaL_Reg methods[] = {
        {"put", bytes_put},           {"sub", bytes_sub},
        {"tostring", bytes_tostring}, {"find", bytes_find},
        {"consume", bytes_consume},   {"clear", bytes_clear},
        {"close", bytes_close},       {NULL, NULL}};
    static const luaL_Reg metamethods[] = {{"__len", bytes_length},
                                           {"__tostring", bytes_describe},
                                           {"__close", bytes_close},
                                           {"__gc", bytes_gc},
                                           {NULL, NULL}};
    ml_vm_setfuncs(L, vm, functions);
    ml_object_type(L, vm, TYPE, "a buffer");
    ml_vm_setfuncs(L, vm, methods);
    lua_pop(L, 1);
    luaL_getmetatable(L, TYPE);
    ml_vm_setfuncs(L, vm, metamethods);
    lua_pop(L, 1);
}
