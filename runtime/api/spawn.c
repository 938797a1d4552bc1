/* spawn.c - tasks as a host makes and ends them: each function protects what may
 * raise, and what it works on. */
#include <miniloop.h>

#include "base/cast.h"
#include "core/loop.h"
#include "core/scope.h"

#include <errno.h>
#include <lauxlib.h>
#include <string.h>

/* The host may have filled the stack of the thread that it shares with the loop.
 * While Lua's own share is free this needs no memory. */
static bool has_room(const ml_loop *loop)
{
    return lua_checkstack(loop->L, LUA_MINSTACK) != 0;
}

/* Finalizers run wherever Lua takes memory, and any may call a function here:
 * none is to run the loop, or to close it, under the one in progress. Gives what
 * to hand back. */
static bool enter(ml_loop *loop)
{
    bool running = loop->running;
    loop->running = true;
    return running;
}

static void leave(ml_loop *loop, bool running)
{
    loop->running = running;
}

/* Arguments: the loop, where the id goes, the function and its arguments. */
static int spawn_protected(lua_State *L)
{
    ml_loop *loop = lua_touserdata(L, 1);
    int64_t *id = lua_touserdata(L, 2);
    struct ml_task *task = ml_task_spawn(loop, L, lua_gettop(L) - 3);
    if (id != NULL) {
        *id = task->id;
    }
    return 0;
}

static bool callable(lua_State *L, int index)
{
    if (lua_isfunction(L, index)) {
        return true;
    }
    if (lua_checkstack(L, 2) == 0 ||
        luaL_getmetafield(L, index, "__call") == LUA_TNIL) {
        return false;
    }
    lua_pop(L, 1);
    return true;
}

static int spawn_function(ml_loop *loop, lua_State *L, int nargs, int64_t *id)
{
    if (!callable(L, -nargs - 1)) {
        lua_pop(L, nargs + 1);
        return -EINVAL;
    }
    if (lua_checkstack(L, 4) == 0) {
        lua_pop(L, nargs + 1);
        return -ENOMEM;
    }
    const struct ml_task *task = ml_task_spawn_plainly(loop, L, nargs);
    if (task != NULL) {
        if (id != NULL) {
            *id = task->id;
        }
        return 0;
    }
    lua_pushcfunction(L, spawn_protected);
    lua_insert(L, -nargs - 2);
    lua_pushlightuserdata(L, loop);
    lua_insert(L, -nargs - 2);
    lua_pushlightuserdata(L, id);
    lua_insert(L, -nargs - 2);
    if (lua_pcall(L, nargs + 3, 0, 0) != LUA_OK) {
        lua_pop(L, 1);
        return -ENOMEM; /* nothing else is raised there */
    }
    return 0;
}

int ml_spawn(ml_loop *loop, lua_State *L, int nargs, int64_t *id)
{
    bool running = enter(loop);
    int err = spawn_function(loop, L, nargs, id);
    leave(loop, running);
    return err;
}

int ml_spawn_c(ml_loop *loop, lua_CFunction fn, void *ud, int64_t *id)
{
    lua_State *L = loop->vm->main;
    if (lua_checkstack(L, 2) == 0) {
        return -ENOMEM;
    }
    lua_pushcfunction(L, fn);
    lua_pushlightuserdata(L, ud);
    return ml_spawn(loop, L, 1, id);
}

/* A chunk to load, from a string or from a file, and what came of it. */
struct chunk {
    const char *source; /* NULL: a file */
    const char *name;   /* of the chunk, or of the file */
    int status;
};

/* Pushes the function, or the message. Loading a file may also raise. */
static int chunk_load(lua_State *L)
{
    struct chunk *chunk = lua_touserdata(L, 1);
    if (chunk->source == NULL) {
        chunk->status = luaL_loadfilex(L, chunk->name, "t");
    } else {
        chunk->status = luaL_loadbufferx(
            L, chunk->source, strlen(chunk->source), chunk->name, "t");
    }
    return 1;
}

static int spawn_chunk(ml_loop *loop, struct chunk *chunk, int64_t *id)
{
    lua_State *L = loop->vm->main;
    if (lua_checkstack(L, 3) == 0) {
        return -ENOMEM;
    }
    lua_pushcfunction(L, chunk_load);
    lua_pushlightuserdata(L, chunk);
    bool running = enter(loop);
    int status = lua_pcall(L, 1, 1, 0);
    leave(loop, running);
    if (status != LUA_OK || chunk->status == LUA_ERRMEM) {
        lua_pop(L, 1);
        return -ENOMEM;
    }
    if (chunk->status != LUA_OK) {
        return chunk->status == LUA_ERRFILE ? -ENOENT : -EINVAL;
    }
    return ml_spawn(loop, L, 0, id);
}

int ml_spawn_string(ml_loop *loop, const char *source, const char *chunkname,
                    int64_t *id)
{
    struct chunk chunk = {.source = source, .name = chunkname};
    return spawn_chunk(loop, &chunk, id);
}

int ml_spawn_file(ml_loop *loop, const char *path, int64_t *id)
{
    struct chunk chunk = {.name = path};
    return spawn_chunk(loop, &chunk, id);
}

int ml_kill(ml_loop *loop, int64_t id)
{
    struct ml_task *task = ml_task_find(loop, id);
    if (task == NULL) {
        return -ESRCH;
    }
    if (!has_room(loop)) {
        return -ENOMEM;
    }
    ml_task_kill(task, loop->L);
    return 0;
}

/* Arguments: the text, where the reference goes. */
static int ref_protected(lua_State *L)
{
    int *ref = lua_touserdata(L, 2);
    lua_pushstring(L, (const char *)lua_touserdata(L, 1));
    *ref = luaL_ref(L, LUA_REGISTRYINDEX);
    return 0;
}

static int ref_text(ml_loop *loop, const char *text, int *ref)
{
    lua_State *L = loop->L;
    lua_pushcfunction(L, ref_protected);
    lua_pushlightuserdata(L, ml_unconst(text));
    lua_pushlightuserdata(L, ref);
    bool running = enter(loop);
    int status = lua_pcall(L, 2, 0, 0);
    leave(loop, running);
    if (status != LUA_OK) {
        lua_pop(L, 1);
        return -ENOMEM;
    }
    return 0;
}

int ml_cancel(ml_loop *loop, int64_t id, const char *reason)
{
    int ref = LUA_NOREF;
    if (ml_task_find(loop, id) == NULL) {
        return -ESRCH;
    }
    if (!has_room(loop)) {
        return -ENOMEM;
    }
    int err = reason != NULL ? ref_text(loop, reason, &ref) : 0;
    if (err != 0) {
        return err;
    }
    struct ml_task *task = ml_task_find(loop, id);
    if (task == NULL) { /* a finalizer has killed it meanwhile */
        luaL_unref(loop->L, LUA_REGISTRYINDEX, ref);
        return -ESRCH;
    }
    return ml_task_cancel(task, loop->L, ref, NULL, loop->grace);
}

size_t ml_tasks(const ml_loop *loop)
{
    return loop->ntasks;
}
