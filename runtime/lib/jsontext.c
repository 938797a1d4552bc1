#include "lib/jsontext.h"

#include "core/arg.h"
#include "core/error.h"
#include "lib/json.h"
#include "lib/jsonbytes.h"
#include "lib/jsonkeys.h"
#include "lib/lib.h"
#include "sys/option.h"

#include <errno.h>
#include <lauxlib.h>
#include <math.h>
#include <stdbool.h>
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

/* The text as it grows, and the tables that are open: kept as its bytes are. */
struct text {
    lua_State *L;
    struct ml_jsonbytes out;
    struct level *levels; /* few, or the block at LEVELS */
    int open, room;       /* how many there are, and may be */
    int indent;           /* spaces a level; 0: all in one line */
    bool sort;
    int depth; /* levels allowed */
    struct level few[SMALL_LEVELS];
};

/* ---- the text ---------------------------------------------------------------- */

/* A new line for what stands inside of the open tables. */
static void put_line(struct text *t)
{
    static const char spaces[] = "                                ";
    if (t->indent == 0) {
        return;
    }
    ml_jsonbytes_char(&t->out, '\n');
    for (int i = 0; i < t->open; i++) {
        ml_jsonbytes_put(&t->out, spaces, (size_t)t->indent);
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
    ml_arg_error(t->L, VALUE,
                 lua_pushfstring(t->L, "JSON has no %s%s%s", what, at, path));
}

/* The table on top is nested too deep: most often one holds itself. */
static void refuse_depth(struct text *t)
{
    for (int i = 0; i < t->open; i++) {
        if (lua_rawequal(t->L, -1, t->levels[i].table) != 0) {
            ml_arg_error(t->L, VALUE, "a table is in itself");
        }
    }
    ml_arg_error(
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

/* A string in quotes. 0; or the answer, where it is not of UTF-8. */
static int put_string(struct text *t, const char *s, size_t size)
{
    size_t bad = 0;
    return ml_jsonbytes_string(&t->out, s, size, &bad) ? 0
                                                       : fail_string(t, bad);
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

/* Pushes the keys of the table on top in order; raises unless all are strings.
 */
static lua_Integer push_keys(struct text *t)
{
    size_t size = 0;
    lua_Integer n = ml_jsonkeys_push(t->L);
    if (n < 0) {
        (void)key_of(t, -1, &size);
    }
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
    ml_jsonbytes_char(&t->out, level->kind == ARRAY ? '[' : '{');
    t->open++;
}

static void close_table(struct text *t)
{
    const struct level *level = &t->levels[--t->open];
    if (level->index > 0) {
        put_line(t);
    }
    ml_jsonbytes_char(&t->out, level->kind == ARRAY ? ']' : '}');
    lua_settop(t->L, level->table - 1);
}

/* ---- values --------------------------------------------------------------------- */

static void put_number(struct text *t)
{
    if (lua_isinteger(t->L, -1) != 0) {
        ml_jsonbytes_integer(&t->out, lua_tointeger(t->L, -1));
        return;
    }
    double x = lua_tonumber(t->L, -1);
    if (!isfinite(x)) {
        refuse(t, isnan(x) ? "NaN" : "infinity");
    }
    ml_jsonbytes_real(&t->out, x);
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
    ml_jsonbytes_put(&t->out, word, strlen(word));
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
        ml_jsonbytes_char(&t->out, ',');
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
    ml_jsonbytes_put(&t->out, ": ", t->indent > 0 ? 2 : 1);
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
    const struct ml_jsonkey *keys = lua_touserdata(t->L, level->table + 2);
    if (level->index >= level->count) {
        close_table(t);
        return 0;
    }
    const struct ml_jsonkey *key = &keys[level->index];
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
    ml_jsonbytes_init(&t.out, L, BLOCK);
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
        lua_pushlstring(L, t.out.data, t.out.size);
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
