/* timers.c - the limit of a timer armed and expired: coroutines that yield a
 * time, a heap of deadlines, and a clock that jumps to the next of them.
 *
 *   timers N TASKS    until N sleeps of random times have ended */
#include "limit.h"

#include "heap.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static const char chunk[] =
    "local yield, random = coroutine.yield, math.random\n"
    "while true do yield(random()) end\n";

/* Runs the coroutine to its next sleep. */
static void step(lua_State *L, struct heap *heap, lua_State *co, int64_t now)
{
    int results;

    limit_check(lua_resume(co, L, 0, &results) == LUA_YIELD, "no yield");
    int64_t duration = (int64_t)ceil(lua_tonumber(co, -1) * 1e9);
    lua_pop(co, results);
    heap_put(heap, (struct heap_item){now + duration, co});
}

static void start(lua_State *L, struct heap *heap, long tasks)
{
    limit_load(L, chunk);
    lua_createtable(L, (int)tasks, 0);
    for (long i = 0; i < tasks; i++) {
        lua_State *co = lua_newthread(L);
        lua_rawseti(L, 2, i + 1);
        lua_pushvalue(L, 1);
        lua_xmove(L, co, 1);
        step(L, heap, co, 0);
    }
}

int main(int argc, char **argv)
{
    long n = limit_number(argv, 1);
    long tasks = limit_number(argv, 2);
    struct heap heap = {limit_memory(tasks, sizeof *heap.items), 0};
    lua_State *L = limit_lua();
    long ended = 0;

    (void)argc;
    start(L, &heap, tasks);
    limit_mark("start");
    for (; ended < n; ended++) {
        struct heap_item item = heap_take(&heap);
        step(L, &heap, item.co, item.deadline);
    }
    limit_mark("stop");
    (void)printf("count=%ld\n", ended);
    lua_close(L);
    free(heap.items);
    return 0;
}
