/* JSON text as Lua values (RFC 8259), by libjansson.
 *
 * The library reads all of a text into a tree of its own, with its own memory,
 * and says line and column of what is wrong. We make Lua values of the tree
 * under a protected call, so that the tree is freed also when Lua runs out of
 * memory. Its recursion is bounded: how deep a text is nested is looked at
 * before the library sees it. */
#include "lib/json.h"

#include "base/library.h"
#include "core/arg.h"
#include "core/error.h"
#include "sys/option.h"

#include <errno.h>
#include <jansson.h>
#include <lauxlib.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>

#define JANSSON_FUNCTIONS(X)                                              \
    X(json_loadb)                                                         \
    X(json_delete)                                                        \
    X(json_array_size)                                                    \
    X(json_array_get)                                                     \
    X(json_object_iter) X(json_object_iter_key) X(json_object_iter_value) \
        X(json_object_iter_next) X(json_object_size) X(json_string_value) \
            X(json_string_length) X(json_integer_value) X(json_real_value)

struct jansson {
    JANSSON_FUNCTIONS(ML_LIBRARY_FIELD)
    bool open;
};

enum {
    TEXT = 1,    /* stack of decode */
    OPTIONS = 2, /* stack of decode */
    LEVEL_SLOTS = 4
};

#define LIBRARY    lua_upvalueindex(2)
#define NULL_VALUE lua_upvalueindex(3)
#define ARRAY_META lua_upvalueindex(4)

/* ---- from the tree to Lua --------------------------------------------------- */

static void push_value(lua_State *L, const struct jansson *j, json_t *value);

/* A number of elements as a hint for Lua. */
static int hint(size_t n)
{
    return n < INT_MAX ? (int)n : INT_MAX;
}

static void push_array(lua_State *L, const struct jansson *j, json_t *array)
{
    size_t n = j->json_array_size_(array);
    lua_createtable(L, hint(n), 0);
    for (size_t i = 0; i < n; i++) {
        push_value(L, j, j->json_array_get_(array, i));
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    lua_pushvalue(L, ARRAY_META);
    lua_setmetatable(L, -2);
}

/* The keys hold no NUL: the library refuses such. */
static void push_object(lua_State *L, const struct jansson *j, json_t *object)
{
    lua_createtable(L, 0, hint(j->json_object_size_(object)));
    void *iter = j->json_object_iter_(object);
    while (iter != NULL) {
        lua_pushstring(L, j->json_object_iter_key_(iter));
        push_value(L, j, j->json_object_iter_value_(iter));
        lua_rawset(L, -3);
        iter = j->json_object_iter_next_(object, iter);
    }
}

static void push_value(lua_State *L, const struct jansson *j, json_t *value)
{
    luaL_checkstack(L, LEVEL_SLOTS, "JSON");
    switch ((int)json_typeof(value)) {
    case JSON_OBJECT:
        push_object(L, j, value);
        return;
    case JSON_ARRAY:
        push_array(L, j, value);
        return;
    case JSON_STRING:
        lua_pushlstring(L, j->json_string_value_(value),
                        j->json_string_length_(value));
        return;
    case JSON_INTEGER:
        lua_pushinteger(L, j->json_integer_value_(value));
        return;
    case JSON_REAL:
        lua_pushnumber(L, j->json_real_value_(value));
        return;
    case JSON_NULL:
        lua_pushvalue(L, NULL_VALUE);
        return;
    default:
        lua_pushboolean(L, json_typeof(value) == JSON_TRUE);
        return;
    }
}

/* Runs under a protected call, with the tree as its argument. Its upvalues are
 * those of decode. */
static int convert(lua_State *L)
{
    push_value(L, lua_touserdata(L, LIBRARY), lua_touserdata(L, 1));
    return 1;
}

/* ---- what is wrong with a text ---------------------------------------------- */

static int fail_at(lua_State *L, int code, int line, int column,
                   const char *what)
{
    int n = ml_error_fail(L, code, "decode");
    lua_pushinteger(L, line);
    lua_setfield(L, -2, "line");
    lua_pushinteger(L, column);
    lua_setfield(L, -2, "column");
    const char *reason =
        lua_pushfstring(L, "line %d, column %d: %s", line, column, what);
    lua_pushvalue(L, -2);
    ml_error_set(L, "reason", reason);
    lua_pop(L, 2);
    return n;
}

/* The same at an offset, with line and column as the library counts them. */
static int fail_offset(lua_State *L, int code, const char *text, size_t offset,
                       const char *what)
{
    int line = 1;
    int column = 1;
    for (size_t i = 0; i < offset; i++) {
        bool ends = text[i] == '\n';
        line += ends ? 1 : 0;
        column = ends ? 1 : column + ((text[i] & 0xC0) != 0x80 ? 1 : 0);
    }
    return fail_at(L, code, line, column, what);
}

static int code_of(const json_error_t *error)
{
    switch ((int)json_error_code(error)) {
    case json_error_invalid_utf8:
        return EILSEQ;
    case json_error_numeric_overflow:
    case json_error_stack_overflow:
        return ERANGE;
    case json_error_out_of_memory:
        return ENOMEM;
    default:
        return EBADMSG;
    }
}

/* The offset of the bracket that opens a level too many, or the text's size. */
static size_t find_too_deep(const char *text, size_t size, int depth)
{
    bool quoted = false;
    for (size_t i = 0; i < size; i++) {
        char c = text[i];
        if (quoted) {
            quoted = c != '"';
            i += c == '\\' ? 1 : 0;
        } else if (c == '"') {
            quoted = true;
        } else if (c == '[' || c == '{') {
            depth--;
            if (depth < 0) {
                return i;
            }
        } else if (c == ']' || c == '}') {
            depth++;
        }
    }
    return size;
}

/* What the library must not see: levels that it would recurse into, and NUL,
 * which it skips behind a number (2.14). 0 if there is neither. */
static int look_over(lua_State *L, const char *text, size_t size, int depth)
{
    const char *nul = memchr(text, '\0', size);
    if (nul != NULL) {
        return fail_offset(L, EBADMSG, text, (size_t)(nul - text),
                           "a byte of value 0");
    }
    size_t deep = find_too_deep(text, size, depth);
    if (deep < size) {
        const char *what =
            lua_pushfstring(L, "nested deeper than %d levels", depth);
        return fail_offset(L, ERANGE, text, deep, what);
    }
    return 0;
}

/* ---- the call ------------------------------------------------------------------ */

static size_t read_flags(lua_State *L)
{
    bool unique = ml_option_flag(L, OPTIONS, "unique", false);
    bool floats = ml_option_flag(L, OPTIONS, "floats", false);
    return JSON_DECODE_ANY | JSON_ALLOW_NUL |
           (unique ? JSON_REJECT_DUPLICATES : 0) |
           (floats ? JSON_DECODE_INT_AS_REAL : 0);
}

/* Opens the library the first time; otherwise answers nil and an error. */
static int open_library(lua_State *L, struct jansson *j)
{
    static const struct ml_symbol symbols[] = {
#define ROW(name) ML_LIBRARY_ROW(struct jansson, name)
        JANSSON_FUNCTIONS(ROW){NULL, 0}};
    const char *missing = NULL;
    int result = ml_library_open(ML_JSON_LIBRARY, symbols, j, &missing);
    if (result == 0) {
        j->open = true;
        return 0;
    }
    int n = ml_error_fail(L, ENOTSUP, "decode");
    const char *reason =
        result == -ENOENT
            ? lua_pushfstring(L, "%s is not there", ML_JSON_LIBRARY)
            : lua_pushfstring(L, "%s has no %s", ML_JSON_LIBRARY, missing);
    lua_pushvalue(L, -2);
    ml_error_set(L, "reason", reason);
    lua_pop(L, 2);
    return n;
}

/* Pushes `convert` with the upvalues of the running function: before there is a
 * tree, for this may raise. */
static void push_convert(lua_State *L)
{
    for (int i = 1; i <= 4; i++) {
        lua_pushvalue(L, lua_upvalueindex(i));
    }
    lua_pushcclosure(L, convert, 4);
}

/* decode(text [, {depth =, unique =, floats =}]): the value, or nil and an
 * error with line and column. */
static int json_decode(lua_State *L)
{
    static const char *const names[] = {"depth", "unique", "floats", NULL};
    struct jansson *j = lua_touserdata(L, LIBRARY);
    size_t size = 0;
    ml_arg_type(L, TEXT, LUA_TSTRING);
    lua_settop(L, OPTIONS);
    ml_option_check(L, OPTIONS, names);
    int depth = ml_jsontext_depth(L, OPTIONS);
    size_t flags = read_flags(L);
    int refused = j->open ? 0 : open_library(L, j);
    if (refused != 0) {
        return refused;
    }
    const char *text = lua_tolstring(L, TEXT, &size);
    refused = look_over(L, text, size, depth);
    if (refused != 0) {
        return refused;
    }
    push_convert(L);
    luaL_checkstack(L, LUA_MINSTACK, "JSON");
    json_error_t error;
    json_t *tree = j->json_loadb_(text, size, flags, &error);
    if (tree == NULL) {
        return fail_at(L, code_of(&error), error.line, error.column,
                       error.text);
    }
    lua_pushlightuserdata(L, tree);
    int status = lua_pcall(L, 1, 1, 0);
    j->json_delete_(tree); /* nobody else has a share in it */
    return status == LUA_OK ? 1 : lua_error(L);
}

void ml_json_push_decode(lua_State *L, struct ml_vm *vm, int null, int array)
{
    null = lua_absindex(L, null);
    array = lua_absindex(L, array);
    struct jansson *j = lua_newuserdatauv(L, sizeof *j, 0);
    j->open = false;
    lua_pushvalue(L, null);
    lua_pushvalue(L, array);
    ml_vm_pushclosure(L, vm, json_decode, 3);
}
