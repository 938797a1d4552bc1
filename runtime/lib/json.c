/* JSON text as Lua values (RFC 8259), by libjansson.
 *
 * The library reads all of a text into a tree of its own, with its own memory,
 * and says line and column of what is wrong. We make Lua values of the tree
 * under a protected call, so that the tree is freed also when Lua runs out of
 * memory. Its recursion is bounded: how deep a text is nested is looked at
 * before the library sees it; ours is none. */
#include "lib/json.h"

#include "base/library.h"
#include "core/arg.h"
#include "core/error.h"
#include "lib/lib.h"
#include "sys/option.h"

#include <errno.h>
#include <jansson.h>
#include <lauxlib.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>

/* clang-format off */
#define JANSSON_FUNCTIONS(X) \
    X(json_loadb) \
    X(json_delete) \
    X(json_array_size) \
    X(json_array_get) \
    X(json_object_iter) \
    X(json_object_iter_key) \
    X(json_object_iter_value) \
    X(json_object_iter_next) \
    X(json_object_size) \
    X(json_string_value) \
    X(json_string_length) \
    X(json_integer_value) \
    X(json_real_value)
/* clang-format on */

struct jansson {
    JANSSON_FUNCTIONS(ML_LIBRARY_FIELD)
    bool open;
};

enum {
    TEXT = 1,   /* stack of decode */
    OPTIONS = 2 /* stack of decode */
};

#define LIBRARY    lua_upvalueindex(2)
#define NULL_VALUE lua_upvalueindex(3)
#define ARRAY_META lua_upvalueindex(4)

/* ---- from the tree to Lua --------------------------------------------------- */

/* An array or object whose elements are being made. Its table is on Lua's
 * stack, and above it the key of the element that is being made. */
struct level {
    json_t *value;
    size_t index; /* of an array: of the next element */
    void *next;   /* of an object: the next member; NULL at the end */
};

/* What convert is called with. */
struct conversion {
    json_t *tree;
    struct level *levels; /* as many as the text has */
    int depth;
};

/* A number of elements as a hint for Lua. */
static int hint(size_t n)
{
    return n < INT_MAX ? (int)n : INT_MAX;
}

static void push_array(lua_State *L, const struct jansson *j, json_t *array)
{
    lua_createtable(L, hint(j->json_array_size_(array)), 0);
    lua_pushvalue(L, ARRAY_META);
    lua_setmetatable(L, -2);
}

/* Pushes a value; of an array or object the empty table. True if that is to be
 * filled. */
static bool push_value(lua_State *L, const struct jansson *j, json_t *value)
{
    switch ((int)json_typeof(value)) {
    case JSON_OBJECT:
        lua_createtable(L, 0, hint(j->json_object_size_(value)));
        return true;
    case JSON_ARRAY:
        push_array(L, j, value);
        return true;
    case JSON_STRING:
        lua_pushlstring(L, j->json_string_value_(value),
                        j->json_string_length_(value));
        return false;
    case JSON_INTEGER:
        lua_pushinteger(L, j->json_integer_value_(value));
        return false;
    case JSON_REAL:
        lua_pushnumber(L, j->json_real_value_(value));
        return false;
    case JSON_NULL:
        lua_pushvalue(L, NULL_VALUE);
        return false;
    default:
        lua_pushboolean(L, json_typeof(value) == JSON_TRUE);
        return false;
    }
}

static void begin_level(const struct jansson *j, struct level *level,
                        json_t *value)
{
    level->value = value;
    level->index = 0;
    level->next = json_is_object(value) ? j->json_object_iter_(value) : NULL;
}

/* The next element, NULL at the end. Pushes the key of a member. (It holds no
 * NUL: the library refuses such.) */
static json_t *next_element(lua_State *L, const struct jansson *j,
                            struct level *level)
{
    if (json_is_array(level->value)) {
        return j->json_array_get_(level->value, level->index++);
    }
    if (level->next == NULL) {
        return NULL;
    }
    json_t *element = j->json_object_iter_value_(level->next);
    lua_pushstring(L, j->json_object_iter_key_(level->next));
    level->next = j->json_object_iter_next_(level->value, level->next);
    return element;
}

/* Puts the value on top into the table of its level. */
static void store(lua_State *L, const struct level *level)
{
    if (json_is_array(level->value)) {
        lua_rawseti(L, -2, (lua_Integer)level->index);
    } else {
        lua_rawset(L, -3);
    }
}

/* Runs under a protected call, with a conversion as its argument. Its upvalues
 * are those of decode. */
static int convert(lua_State *L)
{
    const struct jansson *j = lua_touserdata(L, LIBRARY);
    const struct conversion *c = lua_touserdata(L, 1);
    int open = 0;
    luaL_checkstack(L, 2 * c->depth + LUA_MINSTACK, "JSON");
    if (push_value(L, j, c->tree)) {
        begin_level(j, &c->levels[open++], c->tree);
    }
    while (open > 0) {
        struct level *level = &c->levels[open - 1];
        json_t *element = next_element(L, j, level);
        if (element != NULL && push_value(L, j, element)) {
            begin_level(j, &c->levels[open++], element);
        } else if (element != NULL) {
            store(L, level);
        } else if (--open > 0) {
            store(L, level - 1);
        }
    }
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

/* The offset of the quote that ends a string which begins at `i`. */
static size_t skip_string(const char *text, size_t size, size_t i)
{
    for (i++; i < size && text[i] != '"'; i++) {
        i += text[i] == '\\' ? 1 : 0;
    }
    return i;
}

/* How deep the text is nested; goes no further than one level beyond `most`,
 * and *at is the offset of the bracket that opened that. */
static int depth_of(const char *text, size_t size, int most, size_t *at)
{
    int depth = 0;
    int deepest = 0;
    for (size_t i = 0; i < size && deepest <= most; i++) {
        char c = text[i];
        if (c == '"') {
            i = skip_string(text, size, i);
        } else if (c == '[' || c == '{') {
            deepest = ++depth > deepest ? depth : deepest;
            *at = i;
        } else if (c == ']' || c == '}') {
            depth--;
        }
    }
    return deepest;
}

/* What the library must not see: levels that it would recurse into, and NUL,
 * which it skips behind a number (2.14). 0 if there is neither; *depth is the
 * most, and then what there is. */
static int look_over(lua_State *L, const char *text, size_t size, int *depth)
{
    size_t at = 0;
    int most = *depth;
    const char *nul = memchr(text, '\0', size);
    if (nul != NULL) {
        return fail_offset(L, EBADMSG, text, (size_t)(nul - text),
                           "a byte of value 0");
    }
    *depth = depth_of(text, size, most, &at);
    if (*depth > most) {
        return fail_offset(
            L, ERANGE, text, at,
            lua_pushfstring(L, "nested deeper than %d levels", most));
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
    return ml_lib_refuse(L, result, "decode", ML_JSON_LIBRARY, missing);
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

/* Makes Lua values of the tree, which is freed in any case. Raises what that
 * raises. */
static int answer(lua_State *L, const struct jansson *j, struct conversion *c)
{
    lua_pushlightuserdata(L, c);
    int status = lua_pcall(L, 1, 1, 0);
    j->json_delete_(c->tree); /* nobody else has a share in it */
    return status == LUA_OK ? 1 : lua_error(L);
}

/* decode(text [, {depth =, unique =, floats =}]): the value, or nil and an
 * error with line and column. */
static int json_decode(lua_State *L)
{
    static const char *const names[] = {"depth", "unique", "floats", NULL};
    struct jansson *j = lua_touserdata(L, LIBRARY);
    struct conversion c;
    json_error_t error;
    size_t size = 0;
    ml_arg_type(L, TEXT, LUA_TSTRING);
    lua_settop(L, OPTIONS);
    ml_option_check(L, OPTIONS, names);
    c.depth = ml_jsontext_depth(L, OPTIONS);
    size_t flags = read_flags(L);
    const char *text = lua_tolstring(L, TEXT, &size);
    int refused = j->open ? 0 : open_library(L, j);
    refused = refused != 0 ? refused : look_over(L, text, size, &c.depth);
    if (refused != 0) {
        return refused;
    }
    c.levels =
        lua_newuserdatauv(L, (size_t)(c.depth + 1) * sizeof *c.levels, 0);
    luaL_checkstack(L, LUA_MINSTACK, "JSON");
    push_convert(L);
    c.tree = j->json_loadb_(text, size, flags, &error);
    return c.tree != NULL ? answer(L, j, &c)
                          : fail_at(L, code_of(&error), error.line,
                                    error.column, error.text);
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
