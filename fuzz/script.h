/* script.h - fuzz targets whose work is done by a Lua script: fuzz/NAME.lua gives
 * a function, which is called with each input and raises what does not hold. */
#ifndef ML_FUZZ_SCRIPT_H
#define ML_FUZZ_SCRIPT_H

#include "fuzz.h"

#include <lauxlib.h>
#include <lualib.h>
#include <miniloop.h>

int luaopen_miniloop(lua_State *L);

/* The state is used again, for to make one takes longer than most inputs. */
static lua_State *script;

static inline void script_must(int status)
{
    if (status != LUA_OK) {
        (void)fprintf(stderr, "does not hold: %s\n",
                      luaL_tolstring(script, -1, NULL));
        abort();
    }
}

static inline int script_traceback(lua_State *L)
{
    luaL_traceback(L, L, luaL_tolstring(L, 1, NULL), 1);
    return 1;
}

/* Makes the state, with the runtime in it and the tree as the place of modules,
 * and runs fuzz/NAME.lua. The handler of errors is at 1, the function at 2. */
static inline void script_open(const char *name)
{
    script = luaL_newstate();
    FUZZ_CHECK(script != NULL);
    luaL_openlibs(script);
    lua_pushcfunction(script, script_traceback);
    luaL_requiref(script, "miniloop", luaopen_miniloop, 0);
    lua_pop(script, 1);
    lua_pushfstring(script,
                    "package.path = '%s/?.lua;' .. package.path "
                    "return dofile '%s/fuzz/%s.lua'",
                    ML_FUZZ_SOURCE, ML_FUZZ_SOURCE, name);
    script_must(luaL_loadstring(script, lua_tostring(script, -1)));
    lua_remove(script, -2);
    script_must(lua_pcall(script, 0, 1, 1));
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

/* For scripts that are to be covered themselves, line by line. */
static inline void script_watch(void)
{
    lua_sethook(script, script_count, LUA_MASKLINE, 0);
}

static inline void script_run(const uint8_t *data, size_t size)
{
    lua_pushvalue(script, 2);
    lua_pushlstring(script, (const char *)data, size);
    script_must(lua_pcall(script, 1, 0, 1));
}

#endif
