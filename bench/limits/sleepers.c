/* sleepers.c - the limit of many sleeps: coroutines that yield a time, and a
 * heap of deadlines.
 *
 *   sleepers N TASKS SECONDS    N sleeps in all, of random times below SECONDS */
#include "limit.h"

#include "heap.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static const char chunk[] =
    "local n, seconds = ...\n"
    "local yield, random = coroutine.yield, math.random\n"
    "for _ = 1, n do yield(random() * seconds) end\n";

struct sleepers {
    lua_State *L; /* 1: the function, 2: the coroutines that keep it alive */
    struct heap heap;
    long ended;
};

static int64_t read_clock(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

/* Until the end of the deadline's millisecond: so all that end in it are woken
 * at once, which costs half as much, and none too early. */
static void await(int64_t deadline)
{
    int64_t end = (deadline + 999999) / 1000000 * 1000000;
    const struct timespec t = {end / 1000000000, end % 1000000000};

    (void)clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
}

/* Runs the coroutine to its next sleep, or its end. */
static void step(struct sleepers *s, lua_State *co, int args)
{
    int results;

    if (lua_resume(co, s->L, args, &results) == LUA_YIELD) {
        double seconds = lua_tonumber(co, -1);
        lua_pop(co, results);
        heap_put(&s->heap,
                 (struct heap_item){read_clock() + (int64_t)ceil(seconds * 1e9),
                                    co});
    } else {
        s->ended++;
    }
}

static void spawn_all(struct sleepers *s, long tasks, long each, double seconds)
{
    for (long i = 0; i < tasks; i++) {
        lua_State *co = lua_newthread(s->L);
        lua_rawseti(s->L, 2, i + 1);
        lua_pushvalue(s->L, 1);
        lua_xmove(s->L, co, 1);
        lua_pushinteger(co, each);
        lua_pushnumber(co, seconds);
        step(s, co, 2);
    }
}

static void run(struct sleepers *s)
{
    while (s->heap.count > 0) {
        int64_t now;
        await(s->heap.items[0].deadline);
        now = read_clock();
        while (s->heap.count > 0 && s->heap.items[0].deadline <= now) {
            step(s, heap_take(&s->heap).co, 0);
        }
    }
}

int main(int argc, char **argv)
{
    long n = limit_number(argv, 1);
    long tasks = limit_number(argv, 2);
    double seconds = argc > 3 ? strtod(argv[3], NULL) : 1;
    struct sleepers s = {limit_lua(), {NULL, 0}, 0};

    s.heap.items = limit_memory(tasks, sizeof *s.heap.items);
    limit_load(s.L, chunk);
    lua_createtable(s.L, (int)tasks, 0);
    limit_mark("start");
    spawn_all(&s, tasks, n / tasks, seconds);
    run(&s);
    limit_mark("stop");
    (void)printf("count=%ld\n", s.ended);
    lua_close(s.L);
    free(s.heap.items);
    return 0;
}
