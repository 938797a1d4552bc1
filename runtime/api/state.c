#include "api/state.h"

#include <lauxlib.h>
#include <lualib.h>
#include <stdio.h>
#include <stdlib.h>

struct ml_state {
    lua_State *L;
    lua_Alloc alloc;
    void *ud;
    size_t used, limit;
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

struct ml_state *ml_state_open(lua_Alloc alloc, void *ud, size_t limit)
{
    alloc = alloc != NULL ? alloc : plain_alloc;
    struct ml_state *state = alloc(ud, NULL, 0, sizeof *state);
    if (state == NULL) {
        return NULL;
    }
    *state = (struct ml_state){.alloc = alloc, .ud = ud, .limit = limit};
    state->L = lua_newstate(counted_alloc, state);
    if (state->L != NULL) {
        (void)lua_atpanic(state->L, panic);
        lua_pushcfunction(state->L, open_libs);
        if (lua_pcall(state->L, 0, 0, 0) == LUA_OK) {
            return state;
        }
        lua_close(state->L);
    }
    (void)alloc(ud, state, sizeof *state, 0);
    return NULL;
}

void ml_state_close(struct ml_state *state)
{
    lua_close(state->L);
    (void)state->alloc(state->ud, state, sizeof *state, 0);
}

lua_State *ml_state_lua(struct ml_state *state)
{
    return state->L;
}
