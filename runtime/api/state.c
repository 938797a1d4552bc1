#include "api/state.h"

#include "base/cap.h"
#include "base/pool.h"
#include "core/loop.h"
#include "ml_config.h"

#include <lauxlib.h>
#include <lualib.h>
#include <stdio.h>
#include <stdlib.h>

struct ml_state {
    lua_State *L;
    struct ml_vm *vm; /* what the runtime keeps for it, or NULL yet */
    lua_Alloc alloc;
    void *ud;
    size_t used; /* bytes of the blocks that are out */
    struct ml_cap cap;
    struct ml_pool *pool; /* where `alloc` takes from, or NULL */
    bool vain;            /* nothing is to be granted: see state_collect */
    bool barren;          /* such a collection found too little, ... */
    unsigned turn;        /* ... in this step of a task */
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

/* Of a new block, Lua gives the kind of object in place of the old size. */
static void *counted_alloc(struct ml_state *state, void *ptr, size_t osize,
                           size_t nsize)
{
    void *block = state->alloc(state->ud, ptr, osize, nsize);
    if (block != NULL || nsize == 0) {
        state->used = state->used - (ptr != NULL ? osize : 0) + nsize;
    }
    return block;
}

/* ---- the cap ---------------------------------------------------------------- */

/* What the change of a block's size takes; a pool has whole slabs. */
static size_t state_need(struct ml_state *state, size_t osize, size_t nsize)
{
    return state->pool != NULL ? ml_pool_need(state->pool, osize, nsize)
                               : nsize - osize;
}

static bool lua_may(struct ml_state *state, size_t osize, size_t nsize)
{
    if (state->vain) {
        return false;
    }
    size_t need = state_need(state, osize, nsize);
    if (state->pool != NULL && !ml_cap_fits(&state->cap, need) &&
        ml_pool_trim(state->pool)) {
        need = state_need(state, osize, nsize);
    }
    return ml_cap_admit(&state->cap, need);
}

static bool runtime_may(struct ml_state *state, size_t osize, size_t nsize)
{
    return ml_cap_admit_own(&state->cap, state_need(state, osize, nsize));
}

static void *lua_capped(void *ud, void *ptr, size_t osize, size_t nsize)
{
    struct ml_state *state = (struct ml_state *)ud;
    size_t old = ptr != NULL ? osize : 0;
    if (nsize > old && !lua_may(state, old, nsize)) {
        return NULL;
    }
    return counted_alloc(state, ptr, old, nsize);
}

static void *lua_uncapped(void *ud, void *ptr, size_t osize, size_t nsize)
{
    return counted_alloc((struct ml_state *)ud, ptr, osize, nsize);
}

static int ask_in_vain(lua_State *L)
{
    (void)lua_newuserdatauv(L, 1, 0);
    return 0;
}

/* Has Lua collect in the way of an emergency, when no finalizer runs: it does so
 * when it is refused memory. So any block of the runtime's can be asked for
 * where nothing of a script may run. */
static void state_collect(struct ml_state *state)
{
    const struct ml_vm *vm = state->vm;
    lua_State *L = vm->running != NULL ? vm->running : state->L;
    if (lua_checkstack(L, 1) == 0) {
        return;
    }
    state->vain = true;
    lua_pushcfunction(L, ask_in_vain);
    (void)lua_pcall(L, 0, 0, 0); /* it fails */
    lua_pop(L, 1);
    state->vain = false;
}

/* A task that is cancelled with thousands of members asks once for each: what
 * was in vain is so for the rest of its step. */
static bool is_barren(const struct ml_state *state)
{
    return state->barren && state->turn == state->vm->turns;
}

static bool runtime_reclaims(struct ml_state *state, size_t osize, size_t nsize)
{
    if (is_barren(state)) {
        return false;
    }
    state_collect(state);
    if (state->pool != NULL) {
        (void)ml_pool_trim(state->pool);
    }
    bool may = runtime_may(state, osize, nsize);
    state->barren = !may;
    state->turn = state->vm->turns;
    return may;
}

/* For what the runtime keeps for itself, once it has a vm. Lua's own collection
 * is for what Lua asks for, so here it has to be told. */
static void *runtime_capped(void *ud, void *ptr, size_t osize, size_t nsize)
{
    struct ml_state *state = (struct ml_state *)ud;
    if (nsize > osize && !runtime_may(state, osize, nsize) &&
        !runtime_reclaims(state, osize, nsize)) {
        return NULL;
    }
    return counted_alloc(state, ptr, osize, nsize);
}

/* ---- opening and closing ---------------------------------------------------- */

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

/* A pool has a slab, of which a part is empty, for each of 64 sizes: under a
 * limit that is lower they would be too much of it. A memory checker sees each
 * block by itself only without the pool. */
enum {
    POOL_LIMIT = 16 << 20
};

static bool wants_pool(size_t limit)
{
    return ML_POOL && (limit == 0 || limit >= POOL_LIMIT);
}

static void choose_alloc(struct ml_state *state, lua_Alloc alloc, void *ud,
                         size_t limit)
{
    *state = (struct ml_state){.alloc = alloc, .ud = ud};
    if (alloc == NULL) {
        state->pool = wants_pool(limit) ? ml_pool_open() : NULL;
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
    choose_alloc(&first, alloc, ud, limit);
    struct ml_state *state = first.alloc(first.ud, NULL, 0, sizeof *state);
    if (state == NULL) {
        close_pool(first.pool);
        return NULL;
    }
    *state = first;
    ml_cap_init(&state->cap, limit,
                state->pool != NULL ? ml_pool_held(state->pool) : &state->used);
    state->L = lua_newstate(limit != 0 ? lua_capped : lua_uncapped, state);
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

void ml_state_adopt(struct ml_state *state, struct ml_vm *vm)
{
    state->vm = vm;
    if (state->cap.limit != 0) {
        vm->cap = &state->cap;
        vm->alloc = (struct ml_alloc){runtime_capped, state};
    }
}

void ml_state_pace(struct ml_state *state)
{
    size_t room = state->cap.limit != 0 ? ml_cap_room(&state->cap) : 0;
    ml_collector_init(&state->vm->collector, state->L, &state->used, room);
}
