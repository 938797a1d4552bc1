#include "lib/jsontext.h"

#include "core/arg.h"
#include "core/error.h"
#include "lib/json.h"
#include "sys/option.h"

#include <errno.h>
#include <lauxlib.h>
#include <limits.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    VALUE = 1,   /* stack: what is encoded */
    OPTIONS = 2, /* stack */
    BLOCK = 3,   /* stack: the userdata that the text is in, once it is long */
    INDENT_MAX = 32,
    LEVEL_SLOTS = 8 /* of Lua's stack, for a table and what is said of it */
};

#define NULL_VALUE lua_upvalueindex(2)
#define ARRAY_META lua_upvalueindex(3)

/* The text as it grows: on the C stack at first, then in userdata, each twice
 * as large as the one before. So whatever raises in between, nothing is lost
 * but what the collector has. */
struct text {
    lua_State *L;
    char *data; /* small, or the block at BLOCK */
    size_t size, capacity;
    int indent; /* spaces a level; 0: all in one line */
    bool sort;
    int depth; /* levels allowed */
    char small[1024];
};

/* Where a value stands; for messages, and to see that a table holds itself. */
struct place {
    const struct place *up; /* NULL: it is in the table that was given */
    const void *table;      /* that it is in */
    const char *key;        /* NULL: it has an index */
    lua_Integer index;
};

/* ---- bytes ------------------------------------------------------------------ */

static void grow(struct text *t, size_t need)
{
    size_t capacity = t->capacity;
    while (capacity - t->size < need) {
        if (capacity > SIZE_MAX / 2) {
            (void)luaL_error(t->L, "not enough memory");
        }
        capacity *= 2;
    }
    char *block = lua_newuserdatauv(t->L, capacity, 0);
    memcpy(block, t->data, t->size);
    lua_replace(t->L, BLOCK);
    t->data = block;
    t->capacity = capacity;
}

static inline void put(struct text *t, const char *bytes, size_t n)
{
    if (t->capacity - t->size < n) {
        grow(t, n);
    }
    memcpy(t->data + t->size, bytes, n);
    t->size += n;
}

static inline void put_char(struct text *t, char c)
{
    put(t, &c, 1);
}

static void put_line(struct text *t, int level)
{
    static const char spaces[] = "                                ";
    if (t->indent == 0) {
        return;
    }
    put_char(t, '\n');
    for (int i = 0; i < level; i++) {
        put(t, spaces, (size_t)t->indent);
    }
}

/* ---- what cannot be encoded --------------------------------------------------- */

/* Pushes the way to a value, "users[2].name"; the empty string for the whole. */
static void push_path(lua_State *L, const struct place *place)
{
    luaL_checkstack(L, LEVEL_SLOTS, "JSON");
    if (place == NULL) {
        lua_pushliteral(L, "");
        return;
    }
    push_path(L, place->up);
    if (place->key == NULL) {
        lua_pushfstring(L, "[%I]", (LUAI_UACINT)place->index);
    } else {
        lua_pushfstring(L, "%s%s", place->up != NULL ? "." : "", place->key);
    }
    lua_concat(L, 2);
}

/* Raises: the value at that place is what JSON has not. Never returns. */
static void refuse(struct text *t, const struct place *place, const char *what)
{
    push_path(t->L, place);
    const char *path = lua_tostring(t->L, -1);
    const char *at = *path != '\0' ? " at " : "";
    (void)ml_arg_error(
        t->L, VALUE,
        lua_pushfstring(t->L, "JSON has no %s%s%s", what, at, path));
}

/* A table that is nested too deep most often holds itself. */
static void refuse_depth(struct text *t, const struct place *place)
{
    const void *table = lua_topointer(t->L, -1);
    for (const struct place *p = place; p != NULL; p = p->up) {
        if (p->table == table) {
            (void)ml_arg_error(t->L, VALUE, "a table is in itself");
        }
    }
    (void)ml_arg_error(
        t->L, VALUE,
        lua_pushfstring(t->L, "nested deeper than %d levels", t->depth));
}

/* ---- strings and numbers ------------------------------------------------------ */

/* How many bytes the UTF-8 character at `s` has, 0 if it is none (RFC 3629). */
static size_t character_size(const unsigned char *s, size_t left)
{
    static const unsigned char lowest[] = {0, 0, 0x80, 0, 0};
    size_t n = s[0] >= 0xF0 ? 4 : s[0] >= 0xE0 ? 3 : 2;
    if (s[0] < 0xC2 || s[0] > 0xF4 || n > left) {
        return 0;
    }
    unsigned char low = s[0] == 0xE0 ? 0xA0 : s[0] == 0xF0 ? 0x90 : lowest[2];
    unsigned char high = s[0] == 0xED ? 0x9F : s[0] == 0xF4 ? 0x8F : 0xBF;
    if (s[1] < low || s[1] > high) {
        return 0;
    }
    for (size_t i = 2; i < n; i++) {
        if ((s[i] & 0xC0) != 0x80) {
            return 0;
        }
    }
    return n;
}

static void put_escape(struct text *t, unsigned char c)
{
    static const char letters[] = "\"\"\\\\\bb\ff\nn\rr\tt";
    for (const char *letter = letters; *letter != '\0'; letter += 2) {
        if ((unsigned char)*letter == c) {
            put_char(t, '\\');
            put_char(t, letter[1]);
            return;
        }
    }
    char code[8];
    int n = snprintf(code, sizeof code, "\\u%04x", c);
    put(t, code, (size_t)n);
}

static inline bool is_plain(unsigned char c)
{
    return c >= 0x20 && c < 0x80 && c != '"' && c != '\\';
}

/* The string in quotes. 0, or -EILSEQ with *bad the offset of a byte that is
 * not of UTF-8. */
static int put_string(struct text *t, const char *s, size_t size, size_t *bad)
{
    const unsigned char *bytes = (const unsigned char *)s;
    size_t i = 0;
    put_char(t, '"');
    while (i < size) {
        size_t start = i;
        while (i < size && is_plain(bytes[i])) {
            i++;
        }
        put(t, s + start, i - start);
        if (i < size && bytes[i] < 0x80) {
            put_escape(t, bytes[i++]);
        } else if (i < size) {
            size_t n = character_size(bytes + i, size - i);
            if (n == 0) {
                *bad = i;
                return -EILSEQ;
            }
            put(t, s + i, n);
            i += n;
        }
    }
    put_char(t, '"');
    return 0;
}

/* The fewest digits that read as the same number, with a point or an exponent,
 * so that it stays a float. The point is one in every locale. */
static void put_real(struct text *t, const struct place *place, double x)
{
    char digits[40];
    int n = 0;
    if (!isfinite(x)) {
        refuse(t, place, isnan(x) ? "NaN" : "infinity");
    }
    for (int precision = 15; precision <= 17; precision++) {
        n = snprintf(digits, sizeof digits, "%.*g", precision, x);
        if (strtod(digits, NULL) == x) {
            break;
        }
    }
    size_t whole = strspn(digits, "-0123456789");
    if (digits[whole] != '\0' && digits[whole] != 'e') {
        digits[whole] = '.';
    }
    put(t, digits, (size_t)n);
    if (digits[whole] == '\0') {
        put(t, ".0", 2);
    }
}

static void put_integer(struct text *t, lua_Integer value)
{
    char digits[32];
    int n = snprintf(digits, sizeof digits, "%lld", (long long)value);
    put(t, digits, (size_t)n);
}

/* ---- tables --------------------------------------------------------------------- */

static int put_value(struct text *t, const struct place *place, int level);

/* Raises unless the keys of the table on top, which has `n` elements, are its
 * indices alone, and all of them. */
static void check_indices(struct text *t, const struct place *place,
                          lua_Unsigned n)
{
    lua_Unsigned count = 0;
    bool other = false;
    lua_pushnil(t->L);
    while (lua_next(t->L, -2) != 0) {
        lua_pop(t->L, 1);
        other = other || lua_isinteger(t->L, -1) == 0;
        count++;
    }
    if (other || count != n) {
        refuse(t, place,
               other ? "table of indices and other keys" : "array with gaps");
    }
}

/* True if the table on top is an array: one that has elements, or says so. */
static bool is_array(struct text *t, const struct place *place)
{
    lua_Unsigned n = lua_rawlen(t->L, -1);
    bool array = n > 0;
    if (!array && lua_getmetatable(t->L, -1) != 0) {
        array = lua_rawequal(t->L, -1, ARRAY_META) != 0;
        lua_pop(t->L, 1);
    }
    if (array) {
        check_indices(t, place, n);
    }
    return array;
}

static int put_array(struct text *t, const struct place *up, int level)
{
    struct place place = {up, lua_topointer(t->L, -1), NULL, 0};
    lua_Integer n = (lua_Integer)lua_rawlen(t->L, -1);
    put_char(t, '[');
    for (place.index = 1; place.index <= n; place.index++) {
        if (place.index > 1) {
            put_char(t, ',');
        }
        put_line(t, level + 1);
        lua_rawgeti(t->L, -1, place.index);
        int result = put_value(t, &place, level + 1);
        if (result != 0) {
            return result;
        }
        lua_pop(t->L, 1);
    }
    if (n > 0) {
        put_line(t, level);
    }
    put_char(t, ']');
    return 0;
}

/* Answers nil and an error for the string at that place; returns its count. */
static int fail_string(struct text *t, const struct place *place, size_t bad)
{
    push_path(t->L, place);
    const char *path = lua_tostring(t->L, -1);
    const char *text = lua_pushfstring(t->L, "byte %I is not of UTF-8%s%s",
                                       (LUAI_UACINT)(bad + 1),
                                       *path != '\0' ? ", in " : "", path);
    int n = ml_error_fail(t->L, EILSEQ, "encode");
    ml_error_set(t->L, "reason", text);
    return n;
}

/* A member of an object: the key, and the value on top, which it takes off. */
static int put_member(struct text *t, struct place *place, size_t size,
                      int level)
{
    size_t bad = 0;
    put_line(t, level);
    if (put_string(t, place->key, size, &bad) != 0) {
        return fail_string(t, place, bad);
    }
    put(t, ": ", t->indent > 0 ? 2 : 1);
    int result = put_value(t, place, level);
    if (result == 0) {
        lua_pop(t->L, 1);
    }
    return result;
}

/* The key at the index; raises unless it is a string. */
static const char *key_of(struct text *t, const struct place *place, int index,
                          size_t *size)
{
    if (lua_type(t->L, index) != LUA_TSTRING) {
        refuse(t, place->up,
               lua_pushfstring(t->L, "key of type %s, in the table",
                               luaL_typename(t->L, index)));
    }
    return lua_tolstring(t->L, index, size);
}

static int put_members(struct text *t, struct place *place, int level)
{
    bool first = true;
    lua_pushnil(t->L);
    while (lua_next(t->L, -2) != 0) {
        size_t size = 0;
        place->key = key_of(t, place, -2, &size);
        if (!first) {
            put_char(t, ',');
        }
        first = false;
        int result = put_member(t, place, size, level);
        if (result != 0) {
            return result;
        }
    }
    return 0;
}

/* A key, whose bytes something else keeps alive. */
struct key {
    const char *bytes;
    size_t size;
};

static int compare_keys(const void *a, const void *b)
{
    const struct key *x = a;
    const struct key *y = b;
    size_t least = x->size < y->size ? x->size : y->size;
    int order = memcmp(x->bytes, y->bytes, least);
    return order != 0 ? order : (x->size > y->size) - (x->size < y->size);
}

/* Pushes a list of the keys of the table at the index: a finalizer, which may
 * run whenever memory is taken, can take them out of the table. */
static size_t push_key_list(struct text *t, const struct place *place,
                            int table)
{
    lua_Integer n = 0;
    size_t size = 0;
    lua_newtable(t->L);
    lua_pushnil(t->L);
    while (lua_next(t->L, table) != 0) {
        lua_pop(t->L, 1);
        (void)key_of(t, place, -1, &size);
        lua_pushvalue(t->L, -1);
        lua_rawseti(t->L, -3, ++n);
    }
    return (size_t)n;
}

/* Pushes what keeps them alive, and the keys in the order of their bytes. */
static const struct key *push_keys(struct text *t, const struct place *place,
                                   int table, size_t *count)
{
    *count = push_key_list(t, place, table);
    struct key *keys = lua_newuserdatauv(t->L, (*count + 1) * sizeof *keys, 0);
    for (size_t i = 0; i < *count; i++) {
        lua_rawgeti(t->L, -2, (lua_Integer)i + 1);
        keys[i].bytes = lua_tolstring(t->L, -1, &keys[i].size);
        lua_pop(t->L, 1);
    }
    qsort(keys, *count, sizeof *keys, compare_keys);
    return keys;
}

static int put_sorted(struct text *t, struct place *place, int level)
{
    int table = lua_gettop(t->L);
    size_t count = 0;
    const struct key *keys = push_keys(t, place, table, &count);
    for (size_t i = 0; i < count; i++) {
        if (i > 0) {
            put_char(t, ',');
        }
        place->key = keys[i].bytes;
        lua_pushlstring(t->L, keys[i].bytes, keys[i].size);
        lua_rawget(t->L, table);
        int result = put_member(t, place, keys[i].size, level);
        if (result != 0) {
            return result;
        }
    }
    lua_settop(t->L, table);
    return 0;
}

static int put_object(struct text *t, const struct place *up, int level)
{
    struct place place = {up, lua_topointer(t->L, -1), NULL, 0};
    size_t empty = t->size + 1;
    put_char(t, '{');
    int result = t->sort ? put_sorted(t, &place, level + 1)
                         : put_members(t, &place, level + 1);
    if (result != 0) {
        return result;
    }
    if (t->size > empty) {
        put_line(t, level);
    }
    put_char(t, '}');
    return 0;
}

static int put_table(struct text *t, const struct place *place, int level)
{
    if (level >= t->depth) {
        refuse_depth(t, place);
    }
    luaL_checkstack(t->L, LEVEL_SLOTS, "JSON");
    return is_array(t, place) ? put_array(t, place, level)
                              : put_object(t, place, level);
}

/* ---- values --------------------------------------------------------------------- */

static int put_text(struct text *t, const struct place *place)
{
    size_t size = 0;
    size_t bad = 0;
    const char *s = lua_tolstring(t->L, -1, &size);
    return put_string(t, s, size, &bad) == 0 ? 0 : fail_string(t, place, bad);
}

static void put_number(struct text *t, const struct place *place)
{
    if (lua_isinteger(t->L, -1) != 0) {
        put_integer(t, lua_tointeger(t->L, -1));
    } else {
        put_real(t, place, lua_tonumber(t->L, -1));
    }
}

/* The value on top, which stays. 0, or how many values the call answers where
 * there is no such text. */
static int put_value(struct text *t, const struct place *place, int level)
{
    switch (lua_type(t->L, -1)) {
    case LUA_TTABLE:
        return put_table(t, place, level);
    case LUA_TSTRING:
        return put_text(t, place);
    case LUA_TNUMBER:
        put_number(t, place);
        return 0;
    case LUA_TBOOLEAN:
        if (lua_toboolean(t->L, -1) != 0) {
            put(t, "true", 4);
        } else {
            put(t, "false", 5);
        }
        return 0;
    default:
        if (!lua_isnil(t->L, -1) && lua_rawequal(t->L, -1, NULL_VALUE) == 0) {
            refuse(t, place, luaL_typename(t->L, -1));
        }
        put(t, "null", 4);
        return 0;
    }
}

/* ---- the call ------------------------------------------------------------------- */

int ml_jsontext_depth(lua_State *L, int arg)
{
    int depth = ml_option_integer(L, arg, "depth", ML_JSON_DEPTH);
    if (depth < 1 || depth > ML_JSON_DEPTH_MAX) {
        (void)ml_option_refuse(L, arg, "depth", "an integer from 1 to 2000");
    }
    return depth;
}

static void read_options(struct text *t)
{
    static const char *const names[] = {"indent", "sort", "depth", NULL};
    ml_option_check(t->L, OPTIONS, names);
    t->indent = ml_option_integer(t->L, OPTIONS, "indent", 0);
    if (t->indent > INDENT_MAX) {
        (void)ml_option_refuse(t->L, OPTIONS, "indent",
                               "an integer from 0 to 32");
    }
    t->sort = ml_option_flag(t->L, OPTIONS, "sort", false);
    t->depth = ml_jsontext_depth(t->L, OPTIONS);
}

/* encode(value [, {indent =, sort =, depth =}]): the text, or nil and an error
 * for a string that is not of UTF-8; raises for what JSON has no form for. */
static int json_encode(lua_State *L)
{
    struct text t;
    t.L = L;
    t.data = t.small;
    t.size = 0;
    t.capacity = sizeof t.small;
    ml_arg_check(L, !lua_isnone(L, VALUE), VALUE, "value expected");
    lua_settop(L, OPTIONS);
    read_options(&t);
    lua_pushnil(L); /* BLOCK */
    lua_pushvalue(L, VALUE);
    int result = put_value(&t, NULL, 0);
    if (result == 0) {
        lua_pushlstring(L, t.data, t.size);
        result = 1;
    }
    return result;
}

static int null_tostring(lua_State *L)
{
    lua_pushliteral(L, "null");
    return 1;
}

static void push_null(lua_State *L)
{
    static const luaL_Reg metamethods[] = {{"__tostring", null_tostring},
                                           {NULL, NULL}};
    (void)lua_newuserdatauv(L, 0, 0);
    luaL_newlib(L, metamethods);
    lua_pushliteral(L, "miniloop.json.null");
    lua_setfield(L, -2, "__name");
    lua_setmetatable(L, -2);
}

static void push_array_meta(lua_State *L)
{
    lua_newtable(L);
    lua_pushliteral(L, "miniloop.json.array");
    lua_setfield(L, -2, "__name");
}

void ml_jsontext_open(lua_State *L, struct ml_vm *vm)
{
    lua_createtable(L, 0, 4);
    push_null(L);
    push_array_meta(L);
    lua_pushvalue(L, -2);
    lua_pushvalue(L, -2);
    ml_vm_pushclosure(L, vm, json_encode, 2);
    lua_setfield(L, -4, "encode");
    ml_json_push_decode(L, vm, -2, -1);
    lua_setfield(L, -4, "decode");
    lua_setfield(L, -3, "array");
    lua_setfield(L, -2, "null");
    lua_setfield(L, -2, "json");
}
