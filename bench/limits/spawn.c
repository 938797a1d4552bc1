/* spawn.c - the limit of spawning: coroutines that are used again, started with
 * a function that ends at once.
 *
 *   spawn N BATCH bare|frame    BATCH of them exist together, N starts in all;
 *                               with or without a protected call around it */
#include "limit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* On L: the function, the one that tells how often it ran, the coroutines. */
static void make(lua_State *L, lua_State **coroutines, long batch)
{
    limit_load_counter(L);
    lua_createtable(L, (int)batch, 0);
    for (long i = 0; i < batch; i++) {
        coroutines[i] = lua_newthread(L);
        lua_rawseti(L, 3, i + 1);
    }
}

static void start(lua_State *L, lua_State *co, int framed)
{
    if (framed) {
        lua_pushcfunction(co, limit_frame);
    }
    lua_pushvalue(L, 1);
    lua_xmove(L, co, 1);
}

/* All of a batch are made ready, then all run, as tasks are. */
static void run(lua_State *L, lua_State **coroutines, long batch, int framed)
{
    int results;

    for (long i = 0; i < batch; i++) {
        start(L, coroutines[i], framed);
    }
    for (long i = 0; i < batch; i++) {
        (void)lua_resume(coroutines[i], L, framed, &results);
        lua_settop(coroutines[i], 0);
    }
}

int main(int argc, char **argv)
{
    long n = limit_number(argv, 1);
    long batch = limit_number(argv, 2);
    int framed = argc > 3 && strcmp(argv[3], "frame") == 0;
    lua_State **coroutines = limit_memory(batch, sizeof(lua_State *));
    lua_State *L = limit_lua();

    make(L, coroutines, batch);
    run(L, coroutines, batch, framed); /* their stacks are there then */
    limit_mark("start");
    for (long i = 0; i < n / batch; i++) {
        run(L, coroutines, batch, framed);
    }
    limit_mark("stop");
    lua_pushvalue(L, 2);
    lua_call(L, 0, 1);
    (void)printf("count=%lld\n", (long long)lua_tointeger(L, -1) - batch);
    lua_close(L);
    free(coroutines);
    return 0;
}
