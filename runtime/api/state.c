#include "api/state.h"

#include "base/pool.h"
#include "ml_config.h"

#include <lauxlib.h>
#include <lualib.h>
#include <stdio.h>
#include <stdlib.h>

struct ml_state {
    lua_State *L;
    lua_Alloc alloc;
    void *ud;
    size_t used, limit;
    struct ml_pool *pool; /* where `alloc` takes from, or NULL */
};

static void *plain_alloc(void *ud, void *ptr, size_t osize, size_t nsize)
{
    (void)ud;
    (void)osize;
    if (nsize == 0) {
        free(ptr);
        return NULL;
    }
    return realloc(ptr, nsize);
}

/* Counts what the state holds. Of a new block, Lua gives the kind of object in
 * place of the old size. */
static void *counted_alloc(void *ud, void *ptr, size_t osize, size_t nsize)
{
    struct ml_state *state = (struct ml_state *)ud;
    size_t old = ptr != NULL ? osize : 0;
    if (nsize > old && state->limit != 0 &&
        nsize - old > state->limit - state->used) {
        return NULL;
    }
    void *block = state->alloc(state->ud, ptr, osize, nsize);
    if (block != NULL || nsize == 0) {
        state->used = state->used - old + nsize;
    }
    return block;
}

static int open_libs(lua_State *L)
{
    luaL_openlibs(L);
    return 0;
}

/* An error outside of any protected call is a fault, the host's or ours, and
 * nothing can be unwound: say what it was, as assert does, and stop. */
static int panic(lua_State *L)
{
    const char *message =
        lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : "no message";
    (void)fprintf(stderr, "miniloop: unprotected error in Lua: %s\n", message);
    abort();
}

/* A memory checker sees each block by itself only without the pool. */
static void choose_alloc(struct ml_state *state, lua_Alloc alloc, void *ud)
{
    *state = (struct ml_state){.alloc = alloc, .ud = ud};
    if (alloc == NULL) {
        state->pool = ML_POOL ? ml_pool_open() : NULL;
        state->alloc = state->pool != NULL ? ml_pool_resize : plain_alloc;
        state->ud = state->pool;
    }
}

static void close_pool(struct ml_pool *pool)
{
    if (pool != NULL) {
        ml_pool_close(pool);
    }
}

/* Gives back the memory of the state itself, and the pool that it lies in. */
static void state_free(struct ml_state *state)
{
    struct ml_pool *pool = state->pool;
    (void)state->alloc(state->ud, state, sizeof *state, 0);
    close_pool(pool);
}

struct ml_state *ml_state_open(lua_Alloc alloc, void *ud, size_t limit)
{
    struct ml_state first;
    choose_alloc(&first, alloc, ud);
    struct ml_state *state = first.alloc(first.ud, NULL, 0, sizeof *state);
    if (state == NULL) {
        close_pool(first.pool);
        return NULL;
    }
    *state = first;
    state->limit = limit;
    state->L = lua_newstate(counted_alloc, state);
    if (state->L != NULL) {
        (void)lua_atpanic(state->L, panic);
        lua_pushcfunction(state->L, open_libs);
        if (lua_pcall(state->L, 0, 0, 0) == LUA_OK) {
            return state;
        }
        lua_close(state->L);
    }
    state_free(state);
    return NULL;
}

void ml_state_close(struct ml_state *state)
{
    lua_close(state->L);
    state_free(state);
}

lua_State *ml_state_lua(struct ml_state *state)
{
    return state->L;
}

const size_t *ml_state_used(const struct ml_state *state)
{
    return &state->used;
}
