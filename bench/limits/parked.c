/* parked.c - the limit of a parked task's memory: coroutines that have yielded.
 *
 *   parked N bare|frame    with or without a protected call at their bottom */
#include "limit.h"

#include <stdio.h>
#include <string.h>

static void park(lua_State *L, int framed)
{
    lua_State *co = lua_newthread(L);
    int results;

    if (framed) {
        lua_pushcfunction(co, limit_frame);
    }
    lua_pushvalue(L, 1);
    lua_xmove(L, co, 1);
    limit_check(lua_resume(co, L, framed, &results) == LUA_YIELD, "no yield");
}

int main(int argc, char **argv)
{
    long n = limit_number(argv, 1);
    int framed = argc > 2 && strcmp(argv[2], "frame") == 0;
    lua_State *L = limit_lua();

    limit_load(L, "coroutine.yield()");
    lua_createtable(L, (int)n, 0);
    limit_mark("start");
    for (long i = 0; i < n; i++) {
        park(L, framed);
        lua_rawseti(L, 2, i + 1);
    }
    lua_gc(L, LUA_GCCOLLECT);
    limit_mark("stop");
    (void)printf("count=%lld\n", (long long)lua_rawlen(L, 2));
    lua_close(L);
    return 0;
}
