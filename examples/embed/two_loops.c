/* Runs two loops on two threads, which throw a number to each other.
 *
 * Each loop has a Lua state of its own, so that nothing is shared and nothing
 * locked. What goes over is posted: ml_post is one of the few functions that
 * may be called from any thread, and calls back on the thread of the loop that
 * it posts to.
 *
 *   make two_loops         (see Makefile, or CMakeLists.txt)
 *   ./two_loops
 *
 * prints
 *
 *   left got 1
 *   right got 2
 *   left got 3
 *   right got 4
 *   left got 5
 *   host: both loops have stopped */
#include <miniloop.h>

#include <errno.h>
#include <lauxlib.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

static const char *const script =
    "local ml = require 'miniloop'\n"
    "function receive(n)\n"
    "  print(name .. ' got ' .. n)\n"
    "  ml.sleep(0.01)\n"
    "  if n < 5 then throw(n + 1) else finish() end\n"
    "end\n";

/* One of the two. Both live until both threads have ended, so either may post
 * to the other at any time. */
struct side {
    ml_loop *loop;
    struct side *other;
    pthread_t thread;
};

/* A task: calls the script's function `receive` with the number. It may block,
 * and so has to say what comes after it. */
static int received(lua_State *L, int status, lua_KContext context)
{
    (void)L;
    (void)status;
    (void)context;
    return 0;
}

static int receive(lua_State *L)
{
    lua_Integer n = (lua_Integer)(intptr_t)lua_touserdata(L, 1);
    lua_getglobal(L, "receive");
    lua_pushinteger(L, n);
    lua_callk(L, 1, 0, 0, received);
    return received(L, LUA_OK, 0);
}

/* Called by the loop that it was posted to; with NULL, while that is closed,
 * if it came too late. A number has nothing to free. */
static void deliver(ml_loop *loop, void *ud)
{
    if (loop != NULL && ml_spawn_c(loop, receive, ud, NULL) != 0) {
        ml_stop(loop);
    }
}

static int throw_to(struct side *side, intptr_t n)
{
    return ml_post(side->loop, deliver, (void *)n);
}

/* ---- what the scripts call ----------------------------------------------- */

static struct side *side_of(lua_State *L)
{
    return (struct side *)ml_userdata(ml_current(L, NULL));
}

static int lua_throw(lua_State *L)
{
    int err = throw_to(side_of(L)->other, (intptr_t)luaL_checkinteger(L, 1));
    return err == 0 ? 0 : ml_fail(L, -err, "throw", NULL, NULL);
}

static int lua_finish(lua_State *L)
{
    ml_stop(side_of(L)->loop);
    ml_stop(side_of(L)->other->loop);
    return 0;
}

/* ---- the host ------------------------------------------------------------ */

/* Argument: the name. Called by Lua, for it may raise. */
static int set_globals(lua_State *L)
{
    lua_pushstring(L, (const char *)lua_touserdata(L, 1));
    lua_setglobal(L, "name");
    lua_register(L, "throw", lua_throw);
    lua_register(L, "finish", lua_finish);
    return 0;
}

static int side_open(struct side *side, struct side *other, char *name)
{
    ml_options options = {.size = sizeof options, .ud = side};
    options.flags = ML_FOREVER | ML_REPORT;
    side->other = other;
    int err = ml_open(&side->loop, &options);
    if (err != 0) {
        return err;
    }
    lua_State *L = ml_state(side->loop);
    lua_pushcfunction(L, set_globals);
    lua_pushlightuserdata(L, name);
    if (lua_pcall(L, 1, 0, 0) != LUA_OK) {
        return -ENOMEM;
    }
    return ml_spawn_string(side->loop, script, "=script", NULL);
}

static void *side_run(void *arg)
{
    const struct side *side = (struct side *)arg;
    (void)ml_run(side->loop, ML_RUN_DEFAULT); /* 1, by ml_stop */
    return NULL;
}

/* Runs the first on a thread of its own, the second on this one. */
static int run(struct side sides[2])
{
    int err = throw_to(&sides[0], 1);
    if (err == 0) {
        err = -pthread_create(&sides[0].thread, NULL, side_run, &sides[0]);
    }
    if (err == 0) {
        (void)side_run(&sides[1]);
        (void)pthread_join(sides[0].thread, NULL);
    }
    return err;
}

int main(void)
{
    static char left[] = "left";
    static char right[] = "right";
    struct side sides[2] = {{.loop = NULL}, {.loop = NULL}};
    int err = side_open(&sides[0], &sides[1], left);
    if (err == 0) {
        err = side_open(&sides[1], &sides[0], right);
    }
    if (err == 0) {
        err = run(sides);
    }
    (void)ml_close(sides[0].loop); /* neither runs any more */
    (void)ml_close(sides[1].loop);
    (void)printf("host: %s\n",
                 err == 0 ? "both loops have stopped" : ml_strerror(err));
    return err == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
