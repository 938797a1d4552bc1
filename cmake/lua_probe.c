/* Is this Lua sound?  Exit status 0: yes; 1 or a crash: no.
 *
 * The fault looked for.  A `..` runs in luaV_concat, which keeps operands on
 * the stack of the running coroutine.  When an operand has a __concat
 * metamethod, Lua code runs in the middle of that, and it may make the stack
 * grow, that is, move.  A Lua that got the repair of CVE-2022-33099 without
 * the one that followed it (some distributions ship such a 5.4.4) sets the top
 * of the stack, after the call, from the place where the stack was before.
 * From then on operands are read from, and results written to, freed memory.
 *
 * Nothing exotic is needed: a class whose __concat calls tostring, and whose
 * __tostring calls string.format.  A coroutine starts with a small stack, so
 * the growth falls into the metamethod at some depths of calls and not at
 * others.  A program of many coroutines meets it soon, as a wrong value or as
 * a crash far away.  Hence the test: one fresh coroutine for each depth. */

#include <stdio.h>
#include <stdlib.h>

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

#define DEPTHS 61

static const char *const script =
    "local Coins = {}\n"
    "Coins.__tostring = function(c)\n"
    "  return string.format('%d.%02d %s', c.sum // 100, c.sum % 100, c.of)\n"
    "end\n"
    "Coins.__concat = function(a, b) return tostring(a) .. tostring(b) end\n"
    "local function at(depth, f)\n"
    "  if depth == 0 then return (f()) end\n"
    "  local result = at(depth - 1, f)\n"
    "  return result\n"
    "end\n"
    "local function line()\n"
    "  local coins = setmetatable({sum = 1234, of = 'EUR'}, Coins)\n"
    "  return 'a' .. coins .. 'b' .. coins .. 'c'\n"
    "end\n"
    "local wrong = 0\n"
    "for depth = 0, ... do\n"
    "  local ok, text = coroutine.resume(coroutine.create(at), depth, line)\n"
    "  if not ok or text ~= 'a12.34 EURb12.34 EURc' then\n"
    "    wrong = wrong + 1\n"
    "  end\n"
    "end\n"
    "return wrong\n";

int main(void)
{
    lua_State *L = luaL_newstate();
    if (L == NULL) {
        return EXIT_FAILURE;
    }
    luaL_openlibs(L);
    int status = luaL_loadstring(L, script);
    if (status == LUA_OK) {
        lua_pushinteger(L, DEPTHS - 1);
        status = lua_pcall(L, 1, 1, 0);
    }
    if (status != LUA_OK) {
        printf("%s: %s\n", LUA_RELEASE, lua_tostring(L, -1));
        return EXIT_FAILURE;
    }
    int wrong = (int)lua_tointeger(L, -1);
    printf("%s: wrong at %d of %d depths\n", LUA_RELEASE, wrong, DEPTHS);
    (void)fflush(stdout); /* a state so damaged may crash in lua_close */
    lua_close(L);
    return wrong == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
