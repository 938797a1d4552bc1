#include "core/frame.h"

#include "core/scope.h"
#include "core/task.h"

#include <string.h>

/* Each frame is one more of the nested C calls that Lua limits (200), so deep
 * inside of others a coroutine does without. */
enum {
    DEPTH_MAX = 32
};

/* ---- the frame ---------------------------------------------------------------- */

/* Below the results there is the message handler. */
static int frame_k(lua_State *L, int status, lua_KContext ctx)
{
    (void)ctx;
    return status == LUA_OK || status == LUA_YIELD ? lua_gettop(L) - 1
                                                   : lua_error(L);
}

/* Arguments are the message handler or nil, the function and its arguments. */
static int frame_main(lua_State *L)
{
    int handler = lua_isnil(L, 1) ? 0 : 1;
    int status =
        lua_pcallk(L, lua_gettop(L) - 2, LUA_MULTRET, handler, 0, frame_k);
    return frame_k(L, status, 0);
}

/* Arguments: the vm. Keeps the traceback of the coroutine that runs. */
static int keep_traceback(lua_State *L)
{
    struct ml_vm *vm = (struct ml_vm *)lua_touserdata(L, 1);
    luaL_checkstack(L, LUA_MINSTACK, "traceback");
    lua_rawgeti(L, LUA_REGISTRYINDEX, vm->deaths);
    (void)lua_pushthread(L);
    ml_frame_traceback(L, vm, L, NULL, 2);
    lua_rawset(L, -3);
    return 0;
}

bool ml_frame_traces(lua_State *L, const struct ml_task *task)
{
    return task != NULL && task->state != ML_TASK_DYING &&
           !ml_scope_is_any(L, 1, task);
}

/* Leaves the error value as it is. */
static int frame_message(lua_State *L)
{
    struct ml_vm *vm = ml_vm_upvalue(L);
    if (!ml_frame_traces(L, vm->task)) {
        return 1;
    }
    lua_pushcfunction(L, keep_traceback);
    lua_pushlightuserdata(L, vm);
    if (lua_pcall(L, 1, 0, 0) != LUA_OK) {
        lua_pop(L, 1); /* no memory: there will be none to be had */
    }
    return 1;
}

int ml_frame_lay(lua_State *co, struct ml_vm *vm, bool traced)
{
    if (!vm->used || vm->task->depth >= DEPTH_MAX ||
        lua_checkstack(co, 2) == 0) {
        return 0;
    }
    lua_pushcfunction(co, frame_main);
    lua_insert(co, 1);
    if (traced) {
        lua_rawgeti(co, LUA_REGISTRYINDEX, vm->message);
    } else {
        lua_pushnil(co);
    }
    lua_insert(co, 2);
    return 2;
}

/* ---- tracebacks --------------------------------------------------------------- */

/* The number of frames of `co`. To get at one takes the longer the deeper it
 * is, so they are not gone through one by one. */
static int count_levels(lua_State *co)
{
    lua_Debug ar;
    int least = 0;
    int most = 1;
    while (lua_getstack(co, most - 1, &ar) != 0) {
        most *= 2;
    }
    while (least + 1 < most) {
        int middle = least + (most - least) / 2;
        if (lua_getstack(co, middle - 1, &ar) != 0) {
            least = middle;
        } else {
            most = middle;
        }
    }
    return least;
}

/* True if `level` is that of a frame of `co` and the lowest one is a base frame:
 * then the traceback from there on ends with it. */
static bool ends_with_frame(lua_State *co, int level)
{
    lua_Debug ar;
    int levels = count_levels(co);
    if (level < 0 || level >= levels || lua_checkstack(co, 1) == 0) {
        return false;
    }
    (void)lua_getstack(co, levels - 1, &ar);
    (void)lua_getinfo(co, "f", &ar);
    bool is_frame = lua_tocfunction(co, -1) == frame_main;
    lua_pop(co, 1);
    return is_frame;
}

/* Takes the last line off the traceback on top, which has one for a frame. */
static void cut_last_line(lua_State *L)
{
    const char *text = lua_tostring(L, -1);
    lua_pushlstring(L, text, (size_t)(strrchr(text, '\n') - text));
    lua_remove(L, -2);
}

/* Pushes the traceback of the error that has ended `co`, or nothing. */
static bool push_death(lua_State *L, const struct ml_vm *vm, lua_State *co)
{
    if (lua_status(co) <= LUA_YIELD) {
        return false;
    }
    lua_rawgeti(L, LUA_REGISTRYINDEX, vm->deaths);
    (void)lua_pushthread(co);
    lua_xmove(co, L, 1);
    lua_rawget(L, -2);
    lua_remove(L, -2);
    if (lua_isstring(L, -1)) {
        return true;
    }
    lua_pop(L, 1);
    return false;
}

/* The traceback on top, of a death: its first line says what it is, the first
 * `level` ones of the others are left out. */
static void death_text(lua_State *L, const char *text, int level)
{
    const char *all = lua_tostring(L, -1);
    const char *rest = level >= 0 ? strchr(all, '\n') : NULL;
    while (rest != NULL && level-- > 0) {
        rest = strchr(rest + 1, '\n');
    }
    lua_pushfstring(L, "%s%sstack traceback:%s", text != NULL ? text : "",
                    text != NULL ? "\n" : "", rest != NULL ? rest : "");
    lua_remove(L, -2);
}

void ml_frame_traceback(lua_State *L, struct ml_vm *vm, lua_State *co,
                        const char *text, int level)
{
    if (push_death(L, vm, co)) {
        death_text(L, text, level);
        return;
    }
    luaL_traceback(L, co, text, level);
    if (ends_with_frame(co, level)) {
        cut_last_line(L);
    }
}

/* debug.traceback([coroutine,] [message [, level]]) */
static int debug_traceback(lua_State *L)
{
    int arg = lua_isthread(L, 1) ? 1 : 0;
    lua_State *co = arg == 1 ? lua_tothread(L, 1) : L;
    const char *text = lua_tostring(L, arg + 1);
    if (text == NULL && !lua_isnoneornil(L, arg + 1)) {
        lua_pushvalue(L, arg + 1); /* as it is */
        return 1;
    }
    int level = (int)luaL_optinteger(L, arg + 2, co == L ? 1 : 0);
    ml_frame_traceback(L, ml_vm_upvalue(L), co, text, level);
    return 1;
}

void ml_frame_install(lua_State *L, struct ml_vm *vm)
{
    if (vm->message == LUA_NOREF) {
        ml_vm_pushclosure(L, vm, frame_message, 0);
        vm->message = luaL_ref(L, LUA_REGISTRYINDEX);
    }
    luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
    if (lua_getfield(L, -1, "debug") == LUA_TTABLE) {
        ml_vm_pushclosure(L, vm, debug_traceback, 0);
        lua_setfield(L, -2, "traceback");
    }
    lua_pop(L, 2);
}
