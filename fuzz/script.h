/* script.h - fuzz targets whose work is done by a Lua script: fuzz/NAME.lua gives
 * a function, which is called with each input and raises what does not hold. */
#ifndef ML_FUZZ_SCRIPT_H
#define ML_FUZZ_SCRIPT_H

#include "fuzz.h"

#include <lauxlib.h>
#include <lualib.h>
#include <miniloop.h>

enum {
    SCRIPT_LOOK = 1024, /* inputs from one look at the memory to the next */
    SCRIPT_LIFE = 32 * SCRIPT_LOOK, /* inputs of one state */
    /* Tables, and what is kept to be used again, grow with the largest input;
     * but of a state's whole life no input may leave some bytes more. */
    SCRIPT_GROWTH = 256 << 10
};

/* The state is used again, for to make one takes longer than most inputs. */
static struct {
    lua_State *L;
    const char *name;
    bool watched;    /* its lines are counted */
    size_t memory;   /* bytes that the state holds */
    size_t first;    /* the same at the first look */
    unsigned inputs; /* that it has seen */
    int descriptors; /* that are open when nothing was left open */
} script;

/* ---- memory -------------------------------------------------------------------
 *
 * The sanitizer's blocks take most of the time of a script. It has to see those
 * that code of ours reads and writes: strings, userdata, stacks, and what the
 * runtime keeps for itself. Tables and functions are Lua's own business. They lie
 * in a place of their own, where a block that was freed is the next one given. */

enum {
    SCRIPT_STEP = 16,
    SCRIPT_SMALL = 256, /* a stack is larger */
    SCRIPT_STRIP = 64 << 20
};

static struct {
    size_t used;
    void *free[SCRIPT_SMALL / SCRIPT_STEP + 1]; /* by size, in steps */
    _Alignas(16) char strip[SCRIPT_STRIP];
} script_small;

static inline size_t script_size(size_t n)
{
    return (n + SCRIPT_STEP - 1) / SCRIPT_STEP;
}

static inline bool script_is_small(const void *p)
{
    const char *at = p;
    return at >= script_small.strip && at < script_small.strip + SCRIPT_STRIP;
}

/* Of a new block, Lua gives the kind of object in place of the old size; 0 is
 * for arrays. */
static inline bool script_is_own(size_t kind, size_t n)
{
    return n <= SCRIPT_SMALL && kind != LUA_TSTRING && kind != LUA_TUSERDATA &&
           kind != LUA_TTHREAD;
}

static inline void *script_take(size_t n)
{
    void **list = &script_small.free[script_size(n)];
    void *block = *list;
    if (block != NULL) {
        memcpy(list, block, sizeof *list);
    } else if (script_small.used + SCRIPT_SMALL <= SCRIPT_STRIP) {
        block = script_small.strip + script_small.used;
        script_small.used += script_size(n) * SCRIPT_STEP;
    }
    return block;
}

static inline void script_give(void *block, size_t n)
{
    void **list = &script_small.free[script_size(n)];
    memcpy(block, list, sizeof *list);
    *list = block;
}

/* For Lua itself, once the runtime has noted the other one for its own. */
static inline void *script_alloc(void *ud, void *p, size_t osize, size_t nsize)
{
    size_t *out = ud;
    if (p != NULL ? !script_is_small(p) : !script_is_own(osize, nsize)) {
        return fuzz_alloc_fn(ud, p, osize, nsize);
    }
    if (p == NULL) {
        osize = 0;
    }
    void *block = NULL;
    if (nsize > SCRIPT_SMALL) {
        block = malloc(nsize);
    } else if (nsize > 0) {
        block = script_take(nsize);
    }
    if (block == NULL && nsize > 0) {
        return NULL;
    }
    if (osize > 0) {
        if (block != NULL) {
            memcpy(block, p, osize < nsize ? osize : nsize);
        }
        script_give(p, osize);
    }
    *out = *out - osize + nsize;
    return block;
}

/* ---- the state ---------------------------------------------------------------- */

static inline void script_must(int status)
{
    if (status != LUA_OK) {
        (void)fprintf(stderr, "does not hold: %s\n",
                      luaL_tolstring(script.L, -1, NULL));
        abort();
    }
}

static inline int script_traceback(lua_State *L)
{
    luaL_traceback(L, L, luaL_tolstring(L, 1, NULL), 1);
    return 1;
}

/* What libFuzzer sees of a script: a counter for each of its lines (the section
 * is where it looks for counters that the compiler did not make). */
static uint8_t script_lines[4096]
    __attribute__((section("__libfuzzer_extra_counters"), used));

static inline void script_count(lua_State *L, lua_Debug *ar)
{
    (void)lua_getinfo(L, "Sl", ar);
    size_t line = (size_t)ar->currentline + (size_t)ar->source[1] * 509 +
                  (size_t)ar->srclen * 1021;
    script_lines[line % sizeof script_lines]++;
}

/* The runtime is in it, and the tree is the place of modules; fuzz/NAME.lua has
 * run. The handler of errors is at 1, the function at 2. */
static inline void script_new(void)
{
    lua_State *L = script.L = lua_newstate(fuzz_alloc_fn, &script.memory);
    FUZZ_CHECK(L != NULL);
    luaL_openlibs(L);
    lua_pushcfunction(L, script_traceback);
    luaL_requiref(L, "miniloop", luaopen_miniloop, 0);
    lua_pop(L, 1);
    lua_setallocf(L, script_alloc, &script.memory);
    lua_pushfstring(L,
                    "package.path = '%s/?.lua;' .. package.path "
                    "return dofile '%s/fuzz/%s.lua'",
                    ML_FUZZ_SOURCE, ML_FUZZ_SOURCE, script.name);
    script_must(luaL_loadstring(L, lua_tostring(L, -1)));
    lua_remove(L, -2);
    script_must(lua_pcall(L, 0, 1, 1));
    if (script.watched) {
        lua_sethook(L, script_count, LUA_MASKLINE, 0);
    }
}

/* Makes the state for fuzz/NAME.lua. A script that is to be covered itself, line
 * by line, is watched. */
static inline void script_open(const char *name, bool watched)
{
    script.name = name;
    script.watched = watched;
    script_new();
}

/* ---- what is left of an input --------------------------------------------------- */

/* What was not closed is, when it has been collected. */
static inline void script_check_descriptors(void)
{
    if (fuzz_descriptors() != script.descriptors) {
        lua_gc(script.L, LUA_GCCOLLECT);
        FUZZ_CHECK(fuzz_descriptors() == script.descriptors);
    }
}

static inline void script_check_memory(void)
{
    lua_gc(script.L, LUA_GCCOLLECT);
    lua_gc(script.L, LUA_GCCOLLECT); /* what finalizers let go */
    if (script.first == 0) {
        script.first = script.memory;
    }
    FUZZ_CHECK(script.memory < script.first + SCRIPT_GROWTH);
}

static inline void script_renew(void)
{
    lua_close(script.L);
    FUZZ_CHECK(script.memory == 0);
    FUZZ_CHECK(fuzz_descriptors() == script.descriptors);
    script.inputs = 0;
    script.first = 0;
    script_new();
}

static inline void script_run(const uint8_t *data, size_t size)
{
    if (script.descriptors == 0) { /* by now libFuzzer has opened its own */
        script.descriptors = fuzz_descriptors();
    }
    lua_pushvalue(script.L, 2);
    lua_pushlstring(script.L, (const char *)data, size);
    script_must(lua_pcall(script.L, 1, 0, 1));
    script_check_descriptors();
    if (++script.inputs % SCRIPT_LOOK == 0) {
        script_check_memory();
    }
    if (script.inputs == SCRIPT_LIFE) {
        script_renew();
    }
}

#endif
