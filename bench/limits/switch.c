/* switch.c - the limit of a switch: coroutines that yield, resumed in turn.
 *
 *   switch N TASKS     N switches in all, shared among the coroutines */
#include "limit.h"

#include <stdio.h>
#include <stdlib.h>

static const char chunk[] = "local n = ...\n"
                            "local yield = coroutine.yield\n"
                            "for _ = 1, n do yield() end\n"
                            "return n\n";

/* Makes the coroutines, each with its function and its count on the stack, and
 * runs them to their first yield. A table on L keeps them alive. */
static void start(lua_State *L, lua_State **coroutines, long tasks, long each)
{
    int results;

    limit_load(L, chunk);
    lua_createtable(L, (int)tasks, 0);
    for (long i = 0; i < tasks; i++) {
        lua_State *co = lua_newthread(L);
        lua_rawseti(L, 2, i + 1);
        lua_pushvalue(L, 1);
        lua_xmove(L, co, 1);
        lua_pushinteger(co, each);
        limit_check(lua_resume(co, L, 1, &results) == LUA_YIELD, "no yield");
        coroutines[i] = co;
    }
}

/* The sum of what they return when they are through. */
static lua_Integer finish(lua_State *L, lua_State **coroutines, long tasks,
                          long each)
{
    lua_Integer sum = 0;
    int results;

    for (long round = 1; round < each; round++) {
        for (long i = 0; i < tasks; i++) {
            (void)lua_resume(coroutines[i], L, 0, &results);
        }
    }
    for (long i = 0; i < tasks; i++) {
        limit_check(lua_resume(coroutines[i], L, 0, &results) == LUA_OK,
                    "not through");
        sum += lua_tointeger(coroutines[i], -1);
    }
    return sum;
}

int main(int argc, char **argv)
{
    long n = limit_number(argv, 1);
    long tasks = limit_number(argv, 2);
    lua_State **coroutines = limit_memory(tasks, sizeof(lua_State *));
    lua_State *L = limit_lua();

    (void)argc;
    start(L, coroutines, tasks, n / tasks);
    limit_mark("start");
    lua_Integer sum = finish(L, coroutines, tasks, n / tasks);
    limit_mark("stop");
    (void)printf("count=%lld\n", (long long)sum);
    lua_close(L);
    free(coroutines);
    return 0;
}
