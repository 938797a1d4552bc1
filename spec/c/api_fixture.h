#ifndef ML_SPEC_API_FIXTURE_H
#define ML_SPEC_API_FIXTURE_H

#include "check.h"

#include <lauxlib.h>
#include <lualib.h>
#include <math.h>
#include <miniloop.h>
#include <stdbool.h>
#include <string.h>

/*
 * What the specs of miniloop.h share. They use the public header alone, as a
 * host does: loops whose memory is counted, failures kept for a look at them,
 * scripts that leave their results in global variables.
 */

/* ---- memory, with accounts ----------------------------------------------- */

/* Of a new block, Lua gives the kind of object in place of its old size. */
static inline void *counted(void *ud, void *p, size_t osize, size_t nsize)
{
    return check_alloc_fn(ud, p, p != NULL ? osize : 0, nsize);
}

/* ---- failures that were reported ----------------------------------------- */

struct heard {
    int64_t task;
    bool has_traceback, has_spawned, has_waiting, has_message;
    char name[32], kind[32], message[256], waiting[64];
    char traceback[1024], spawned[1024];
};

static struct heard heard; /* the last one */
static int heard_count;

static inline bool copy(char *to, size_t size, const char *from)
{
    (void)snprintf(to, size, "%s", from != NULL ? from : "");
    return from != NULL;
}

static inline void hear(ml_loop *loop, const ml_failure *failure, void *ud)
{
    (void)loop;
    (void)ud;
    heard_count++;
    heard.task = failure->task;
    (void)copy(heard.name, sizeof heard.name, failure->name);
    (void)copy(heard.kind, sizeof heard.kind, failure->kind);
    heard.has_message =
        copy(heard.message, sizeof heard.message, failure->message);
    heard.has_waiting =
        copy(heard.waiting, sizeof heard.waiting, failure->waiting);
    heard.has_traceback =
        copy(heard.traceback, sizeof heard.traceback, failure->traceback);
    heard.has_spawned =
        copy(heard.spawned, sizeof heard.spawned, failure->spawned);
}

/* ---- loops --------------------------------------------------------------- */

static inline ml_options options_of(unsigned flags)
{
    heard_count = 0;
    return (ml_options){.size = sizeof(ml_options),
                        .flags = flags | ML_SYSCALL_GLOBAL,
                        .on_failure = hear};
}

static inline ml_loop *open_with(const ml_options *options)
{
    ml_loop *loop = NULL;
    CHECK_MUST(ml_open(&loop, options) == 0);
    return loop;
}

/* A loop on a state of its own. */
static inline ml_loop *open_loop(unsigned flags)
{
    ml_options options = options_of(flags);
    options.alloc = counted;
    return open_with(&options);
}

/* A loop on the host's state. */
static inline ml_loop *open_on(lua_State *L, unsigned flags)
{
    ml_options options = options_of(flags);
    options.state = L;
    return open_with(&options);
}

/* A state as a host makes it. */
static inline lua_State *state_open(void)
{
    lua_State *L = lua_newstate(counted, NULL);
    CHECK_MUST(L != NULL);
    luaL_openlibs(L);
    return L;
}

static inline void close_loop(ml_loop *loop)
{
    CHECK_EQ(ml_close(loop), 0);
}

/* ---- scripts ------------------------------------------------------------- */

static inline int64_t spawn(ml_loop *loop, const char *source)
{
    int64_t id = 0;
    int err = ml_spawn_string(loop, source, "=spec", &id);
    if (err == -EINVAL) {
        (void)printf("  %s\n", lua_tostring(ml_state(loop), -1));
    }
    CHECK_MUST(err == 0);
    return id;
}

/* Runs a chunk outside of any task. */
static inline void do_string(lua_State *L, const char *source)
{
    if (luaL_dostring(L, source) != LUA_OK) {
        (void)printf("  %s\n", lua_tostring(L, -1));
        CHECK_MUST(false);
    }
}

static inline int64_t integer_of(ml_loop *loop, const char *name)
{
    lua_State *L = ml_state(loop);
    lua_getglobal(L, name);
    int64_t n = lua_tointeger(L, -1);
    lua_pop(L, 1);
    return n;
}

/* Whether the global variable is this string; prints it if not. */
static inline bool global_is(ml_loop *loop, const char *name, const char *text)
{
    lua_State *L = ml_state(loop);
    lua_getglobal(L, name);
    const char *got = luaL_tolstring(L, -1, NULL);
    bool same = strcmp(got, text) == 0;
    if (!same) {
        (void)printf("  %s is '%s', not '%s'\n", name, got, text);
    }
    lua_pop(L, 2);
    return same;
}

static inline bool has(const char *text, const char *part)
{
    if (strstr(text, part) != NULL) {
        return true;
    }
    (void)printf("  no '%s' in '%s'\n", part, text);
    return false;
}

/* Defines a global function of C. */
static inline void define(ml_loop *loop, const char *name, lua_CFunction fn)
{
    lua_pushcfunction(ml_state(loop), fn);
    lua_setglobal(ml_state(loop), name);
}

static int add_syscall(lua_State *L)
{
    lua_pushinteger(L, ml_syscall_add(L, lua_touserdata(L, 1)));
    return 1;
}

/* Adds a system call to the loop's state; what ml_syscall_add gave. */
static inline int add_call(ml_loop *loop, const ml_syscall *def)
{
    lua_State *L = ml_state(loop);
    lua_pushcfunction(L, add_syscall);
    lua_pushlightuserdata(L, (void *)(size_t)def);
    CHECK_MUST(lua_pcall(L, 1, 1, 0) == LUA_OK);
    int result = (int)lua_tointeger(L, -1);
    lua_pop(L, 1);
    return result;
}

/* Runs the loop to its end, which must be a good one. */
static inline void run(ml_loop *loop)
{
    CHECK_EQ(ml_run(loop, ML_RUN_DEFAULT), 0);
    CHECK_EQ(heard_count, 0);
}

#endif
