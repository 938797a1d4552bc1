#include "lib/jsontext.h"

#include "core/arg.h"
#include "core/error.h"
#include "lib/json.h"
#include "lib/lib.h"
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
    LEVELS = 4,  /* stack: the userdata that the levels are in, if many */
    INDENT_MAX = 32,
    SMALL_LEVELS = 16,
    LEVEL_SLOTS = 8 /* of Lua's stack, for a table and what is said of it */
};

#define NULL_VALUE lua_upvalueindex(2)
#define ARRAY_META lua_upvalueindex(3)

enum kind {
    ARRAY,
    OBJECT, /* in the order of lua_next, whose key is on top */
    SORTED  /* a list of the keys, and those in order, are above the table */
};

/* A table whose elements are being written. */
struct level {
    enum kind kind;
    int table;         /* where it is on Lua's stack */
    const char *key;   /* of an object: that of the element that is written */
    lua_Integer index; /* of that element, from 1 */
    lua_Integer count; /* of an array, and of sorted keys: how many there are */
};

/* The text as it grows, and the tables that are open: on the C stack at first,
 * then in userdata, each twice as large as the one before. So whatever raises
 * in between, nothing is lost but what the collector has. */
struct text {
    lua_State *L;
    char *data; /* small, or the block at BLOCK */
    size_t size, capacity;
    struct level *levels; /* few, or the block at LEVELS */
    int open, room;       /* how many there are, and may be */
    int indent;           /* spaces a level; 0: all in one line */
    bool sort;
    int depth; /* levels allowed */
    struct level few[SMALL_LEVELS];
    char small[1024];
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

/* A new line for what stands inside of the open tables. */
static void put_line(struct text *t)
{
    static const char spaces[] = "                                ";
    if (t->indent == 0) {
        return;
    }
    put_char(t, '\n');
    for (int i = 0; i < t->open; i++) {
        put(t, spaces, (size_t)t->indent);
    }
}

/* ---- what cannot be encoded --------------------------------------------------- */

/* Pushes the way to the value that is written, "users[2].name"; the empty
 * string for the whole. */
static const char *push_path(struct text *t)
{
    lua_State *L = t->L;
    luaL_checkstack(L, LEVEL_SLOTS, "JSON");
    lua_pushliteral(L, "");
    for (int i = 0; i < t->open; i++) {
        const struct level *level = &t->levels[i];
        if (level->kind == ARRAY) {
            lua_pushfstring(L, "[%I]", (LUAI_UACINT)level->index);
        } else {
            lua_pushfstring(L, "%s%s", i > 0 ? "." : "", level->key);
        }
        lua_concat(L, 2);
    }
    return lua_tostring(L, -1);
}

/* Raises: the value that is written is what JSON has not. Never returns. */
static void refuse(struct text *t, const char *what)
{
    const char *path = push_path(t);
    const char *at = *path != '\0' ? " at " : "";
    (void)ml_arg_error(
        t->L, VALUE,
        lua_pushfstring(t->L, "JSON has no %s%s%s", what, at, path));
}

/* The table on top is nested too deep: most often one holds itself. */
static void refuse_depth(struct text *t)
{
    for (int i = 0; i < t->open; i++) {
        if (lua_rawequal(t->L, -1, t->levels[i].table) != 0) {
            (void)ml_arg_error(t->L, VALUE, "a table is in itself");
        }
    }
    (void)ml_arg_error(
        t->L, VALUE,
        lua_pushfstring(t->L, "nested deeper than %d levels", t->depth));
}

/* Answers nil and an error for a string; returns the count of that. */
static int fail_string(struct text *t, size_t bad)
{
    const char *path = push_path(t);
    const char *text = lua_pushfstring(t->L, "byte %I is not of UTF-8%s%s",
                                       (LUAI_UACINT)bad + 1,
                                       *path != '\0' ? ", in " : "", path);
    int n = ml_error_fail(t->L, EILSEQ, "encode");
    ml_error_set(t->L, "reason", text);
    return n;
}

/* ---- strings and numbers ------------------------------------------------------ */

/* Whether the second byte of a character can follow the first (RFC 3629, 4). */
static bool fits_second(unsigned char first, unsigned char second)
{
    unsigned char low = first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80;
    unsigned char high = first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF;
    return second >= low && second <= high;
}

/* How many bytes the character at `s` has, 0 if it is none of UTF-8. */
static size_t character_size(const unsigned char *s, size_t left)
{
    size_t n = s[0] >= 0xF0 ? 4 : s[0] >= 0xE0 ? 3 : 2;
    if (s[0] < 0xC2 || s[0] > 0xF4 || n > left || !fits_second(s[0], s[1])) {
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

/* What is at `s` and no plain byte; how many bytes of it are written, 0 if it is
 * not of UTF-8. */
static size_t put_special(struct text *t, const unsigned char *s, size_t left)
{
    if (*s < 0x80) {
        put_escape(t, *s);
        return 1;
    }
    size_t n = character_size(s, left);
    put(t, (const char *)s, n);
    return n;
}

/* Writes the plain bytes at the front; gives how many those are. */
static size_t put_plain(struct text *t, const unsigned char *s, size_t size)
{
    size_t n = 0;
    while (n < size && is_plain(s[n])) {
        n++;
    }
    put(t, (const char *)s, n);
    return n;
}

/* The string in quotes. 0; or the answer, where it is not of UTF-8. */
static int put_string(struct text *t, const char *s, size_t size)
{
    const unsigned char *bytes = (const unsigned char *)s;
    put_char(t, '"');
    size_t i = put_plain(t, bytes, size);
    while (i < size) {
        size_t n = put_special(t, bytes + i, size - i);
        if (n == 0) {
            return fail_string(t, i);
        }
        i += n;
        i += put_plain(t, bytes + i, size - i);
    }
    put_char(t, '"');
    return 0;
}

/* The fewest digits that read as the same number, with a point or an exponent,
 * so that it stays a float. The point is one in every locale. */
static void put_real(struct text *t, double x)
{
    char digits[40];
    int n = 0;
    if (!isfinite(x)) {
        refuse(t, isnan(x) ? "NaN" : "infinity");
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

/* Raises unless the keys of the table on top, which has `n` elements, are its
 * indices alone, and all of them. */
static void check_indices(struct text *t, lua_Unsigned n)
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
        refuse(t,
               other ? "table of indices and other keys" : "array with gaps");
    }
}

/* True if the table on top is an array: one that has elements, or says so. */
static bool is_array(struct text *t)
{
    lua_Unsigned n = lua_rawlen(t->L, -1);
    bool array = n > 0;
    if (!array && lua_getmetatable(t->L, -1) != 0) {
        array = lua_rawequal(t->L, -1, ARRAY_META) != 0;
        lua_pop(t->L, 1);
    }
    if (array) {
        check_indices(t, n);
    }
    return array;
}

/* The key at the index; raises unless it is a string. */
static const char *key_of(struct text *t, int index, size_t *size)
{
    if (lua_type(t->L, index) != LUA_TSTRING) {
        refuse(t, lua_pushfstring(t->L, "key of type %s, in the table",
                                  luaL_typename(t->L, index)));
    }
    return lua_tolstring(t->L, index, size);
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

/* Pushes a list of the keys of the table on top: a finalizer, which may run
 * whenever memory is taken, can take them out of the table. */
static lua_Integer push_key_list(struct text *t)
{
    lua_Integer n = 0;
    size_t size = 0;
    lua_newtable(t->L);
    lua_pushnil(t->L);
    while (lua_next(t->L, -3) != 0) {
        lua_pop(t->L, 1);
        (void)key_of(t, -1, &size);
        lua_pushvalue(t->L, -1);
        lua_rawseti(t->L, -3, ++n);
    }
    return n;
}

/* Pushes what keeps the keys alive, and them in the order of their bytes. */
static lua_Integer push_keys(struct text *t)
{
    lua_Integer n = push_key_list(t);
    struct key *keys =
        lua_newuserdatauv(t->L, ((size_t)n + 1) * sizeof *keys, 0);
    for (lua_Integer i = 0; i < n; i++) {
        lua_rawgeti(t->L, -2, i + 1);
        keys[i].bytes = lua_tolstring(t->L, -1, &keys[i].size);
        lua_pop(t->L, 1);
    }
    qsort(keys, (size_t)n, sizeof *keys, compare_keys);
    return n;
}

static struct level *add_level(struct text *t)
{
    if (t->open == t->room) {
        size_t size = (size_t)t->room * sizeof *t->levels;
        struct level *more = lua_newuserdatauv(t->L, 2 * size, 0);
        memcpy(more, t->levels, size);
        lua_replace(t->L, LEVELS);
        t->levels = more;
        t->room *= 2;
    }
    return &t->levels[t->open];
}

/* Opens the table on top. What its level needs is above it from then on. */
static void open_table(struct text *t)
{
    if (t->open >= t->depth) {
        refuse_depth(t);
    }
    luaL_checkstack(t->L, LEVEL_SLOTS, "JSON");
    struct level *level = add_level(t);
    level->table = lua_gettop(t->L);
    level->key = NULL;
    level->index = 0;
    level->count = 0;
    if (is_array(t)) {
        level->kind = ARRAY;
        level->count = (lua_Integer)lua_rawlen(t->L, -1);
    } else if (t->sort) {
        level->kind = SORTED;
        level->count = push_keys(t);
    } else {
        level->kind = OBJECT;
        lua_pushnil(t->L);
    }
    put_char(t, level->kind == ARRAY ? '[' : '{');
    t->open++;
}

static void close_table(struct text *t)
{
    const struct level *level = &t->levels[--t->open];
    if (level->index > 0) {
        put_line(t);
    }
    put_char(t, level->kind == ARRAY ? ']' : '}');
    lua_settop(t->L, level->table - 1);
}

/* ---- values --------------------------------------------------------------------- */

static void put_number(struct text *t)
{
    if (lua_isinteger(t->L, -1) != 0) {
        put_integer(t, lua_tointeger(t->L, -1));
    } else {
        put_real(t, lua_tonumber(t->L, -1));
    }
}

static void put_word(struct text *t)
{
    bool null = lua_isnil(t->L, -1) || lua_rawequal(t->L, -1, NULL_VALUE) != 0;
    if (!null && !lua_isboolean(t->L, -1)) {
        refuse(t, luaL_typename(t->L, -1));
    }
    const char *word = null                           ? "null"
                       : lua_toboolean(t->L, -1) != 0 ? "true"
                                                      : "false";
    put(t, word, strlen(word));
}

/* Takes the value off the stack and writes it, or opens it, if it is a table. 0;
 * or the answer. */
static int put_value(struct text *t)
{
    size_t size = 0;
    int answer = 0;
    switch (lua_type(t->L, -1)) {
    case LUA_TTABLE:
        open_table(t);
        return 0;
    case LUA_TSTRING: {
        const char *s = lua_tolstring(t->L, -1, &size);
        answer = put_string(t, s, size);
        break;
    }
    case LUA_TNUMBER:
        put_number(t);
        break;
    default:
        put_word(t);
        break;
    }
    if (answer == 0) {
        lua_pop(t->L, 1);
    }
    return answer;
}

/* ---- the elements of tables ------------------------------------------------------- */

static void put_separator(struct text *t, struct level *level)
{
    if (++level->index > 1) {
        put_char(t, ',');
    }
    put_line(t);
}

/* The key, and behind it the value on top. */
static int put_member(struct text *t, struct level *level, const char *key,
                      size_t size)
{
    level->key = key;
    put_separator(t, level);
    int answer = put_string(t, key, size);
    if (answer != 0) {
        return answer;
    }
    put(t, ": ", t->indent > 0 ? 2 : 1);
    return put_value(t);
}

/* Each writes the next element of the table that was opened last, or closes
 * it. 0; or the answer. */

static int step_array(struct text *t, struct level *level)
{
    if (level->index >= level->count) {
        close_table(t);
        return 0;
    }
    put_separator(t, level);
    lua_rawgeti(t->L, level->table, level->index);
    return put_value(t);
}

static int step_object(struct text *t, struct level *level)
{
    size_t size = 0;
    if (lua_next(t->L, level->table) == 0) {
        close_table(t);
        return 0;
    }
    t->open--; /* a wrong key is one of the table itself */
    const char *key = key_of(t, -2, &size);
    t->open++;
    return put_member(t, level, key, size);
}

static int step_sorted(struct text *t, struct level *level)
{
    const struct key *keys = lua_touserdata(t->L, level->table + 2);
    if (level->index >= level->count) {
        close_table(t);
        return 0;
    }
    const struct key *key = &keys[level->index];
    lua_pushlstring(t->L, key->bytes, key->size);
    lua_rawget(t->L, level->table);
    return put_member(t, level, key->bytes, key->size);
}

static int put_all(struct text *t)
{
    static int (*const steps[])(struct text * t, struct level * level) = {
        [ARRAY] = step_array, [OBJECT] = step_object, [SORTED] = step_sorted};
    int answer = put_value(t);
    while (answer == 0 && t->open > 0) {
        struct level *level = &t->levels[t->open - 1];
        answer = steps[level->kind](t, level);
    }
    return answer;
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
    t.levels = t.few;
    t.open = 0;
    t.room = SMALL_LEVELS;
    ml_arg_check(L, !lua_isnone(L, VALUE), VALUE, "value expected");
    lua_settop(L, OPTIONS);
    read_options(&t);
    lua_pushnil(L); /* BLOCK */
    lua_pushnil(L); /* LEVELS */
    lua_pushvalue(L, VALUE);
    int answer = put_all(&t);
    if (answer == 0) {
        lua_pushlstring(L, t.data, t.size);
        answer = 1;
    }
    return answer;
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

/* Adds the table `json`: encode, and what the other half has, decode; null, the
 * value that stands for null; and array, the metatable of arrays. */
void ml_lib_json_open(lua_State *L, struct ml_vm *vm)
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
