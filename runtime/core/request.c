#include "core/request.h"

#include "base/cast.h"
#include "core/arg.h"
#include "core/call.h"
#include "core/misuse.h"

#include <errno.h>
#include <string.h>

/* User values of a userdata are counted in 16 bits. */
enum {
    ARGS_MAX = 32000
};

static const char *const METATABLE = "miniloop.request";

/* Notes where the first request was made. */
static void note_first(lua_State *L, struct ml_vm *vm, const ml_syscall *def)
{
    lua_Debug ar = {.currentline = -1};
    if (vm->idle.name != NULL) {
        return;
    }
    for (int level = 1; ar.currentline < 0; level++) { /* pcall has no lines */
        if (!ml_vm_frame(L, level, "Sl", &ar)) {
            return;
        }
    }
    vm->idle.name = def->name;
    vm->idle.line = ar.currentline;
    memcpy(vm->idle.source, ar.short_src, sizeof vm->idle.source);
}

void ml_request_made(struct ml_vm *vm)
{
    vm->idle.yielded = true;
    vm->idle.name = NULL;
}

/* Pushes the request that was made last if it is the same: a loop that sleeps
 * for a second makes one. Only for a number, which holds nothing alive and is
 * compared quickly. (Measured: yield(syscall.sleep(0)) takes 157 ns without and
 * 108 with it.) Zero has a sign, which `==` does not see. */
static bool make_again(lua_State *L)
{
    const struct ml_request *last = lua_touserdata(L, lua_upvalueindex(4));
    if (last == NULL || lua_gettop(L) != 1 || lua_type(L, 1) != LUA_TNUMBER) {
        return false;
    }
    bool integer = lua_isinteger(L, 1) != 0;
    lua_Number number = lua_tonumber(L, 1);
    if (last->integer != integer || last->number != number ||
        (number == 0 && !integer)) {
        return false;
    }
    lua_pushvalue(L, lua_upvalueindex(4));
    return true;
}

/* Keeps the request on top, which has the number at index 1, for that. Integers
 * that a float cannot hold would be taken for each other. */
static void make_last(lua_State *L, struct ml_request *request)
{
    static const lua_Integer exact = (lua_Integer)1 << 53;
    request->integer = lua_isinteger(L, 1) != 0;
    request->number = lua_tonumber(L, 1);
    if (request->number < (lua_Number)exact &&
        request->number > -(lua_Number)exact) {
        lua_pushvalue(L, -1);
        lua_replace(L, lua_upvalueindex(4));
    }
}

/* Upvalues: the vm, the definition, the metatable, a request that was made. */
static int request_make(lua_State *L)
{
    if (make_again(L)) {
        return 1;
    }
    const ml_syscall *def = lua_touserdata(L, lua_upvalueindex(2));
    struct ml_vm *vm = ml_vm_upvalue(L);
    vm->used = true;
    if (def->check != NULL) {
        def->check(L);
    }
    int nargs = lua_gettop(L);
    ml_arg_check(L, nargs <= ARGS_MAX, ARGS_MAX + 1, "too many arguments");
    struct ml_request *request = lua_newuserdatauv(L, sizeof *request, nargs);
    request->def = def;
    request->nargs = nargs;
    for (int i = 1; i <= nargs; i++) {
        lua_pushvalue(L, i);
        (void)lua_setiuservalue(L, -2, i);
    }
    lua_pushvalue(L, lua_upvalueindex(3));
    lua_setmetatable(L, -2);
    if (nargs == 1 && lua_type(L, 1) == LUA_TNUMBER) {
        make_last(L, request);
    }
    if (!vm->idle.yielded) {
        note_first(L, vm, def);
    }
    return 1;
}

/* Upvalues: the vm, the definition. */
static int call_directly(lua_State *L)
{
    return ml_call_enter(L, ml_vm_upvalue(L),
                         lua_touserdata(L, lua_upvalueindex(2)));
}

const struct ml_request *ml_request_test(lua_State *L, struct ml_vm *vm,
                                         int index)
{
    return ml_vm_testudata(L, vm, index, METATABLE);
}

int ml_request_perform(lua_State *L, struct ml_vm *vm)
{
    const struct ml_request *request = lua_touserdata(L, 1);
    ml_request_made(vm);
    if (request->nargs >= LUA_MINSTACK - 1) {
        luaL_checkstack(L, request->nargs + 1, "request");
    }
    for (int i = 1; i <= request->nargs; i++) {
        (void)lua_getiuservalue(L, 1, i);
    }
    return ml_call_yielded(L, vm, request->def);
}

/* How many arguments there are to show: the check of a call fills up with nil
 * those that were left out. */
static int shown_args(lua_State *L, const struct ml_request *request)
{
    int n = request->nargs;
    while (n > 0 && lua_getiuservalue(L, 1, n) == LUA_TNIL) {
        lua_pop(L, 1);
        n--;
    }
    return n;
}

static int request_tostring(lua_State *L)
{
    const struct ml_request *request = ml_arg_udata(L, 1, METATABLE);
    int nargs = shown_args(L, request);
    luaL_Buffer b;
    luaL_buffinit(L, &b);
    luaL_addstring(&b, "syscall.");
    luaL_addstring(&b, request->def->name);
    for (int i = 1; i <= nargs; i++) {
        luaL_addstring(&b, i == 1 ? "(" : ", ");
        (void)lua_getiuservalue(L, 1, i);
        luaL_tolstring(L, -1, NULL);
        lua_remove(L, -2);
        luaL_addvalue(&b);
    }
    luaL_addstring(&b, nargs == 0 ? "()" : ")");
    luaL_pushresult(&b);
    return 1;
}

/* Somebody takes a request for the result of the call. */
static int request_misused(lua_State *L)
{
    (void)request_tostring(L);
    return luaL_error(L,
                      "%s is a request, which does nothing until it is made: "
                      "coroutine.yield(%s), or ml.perform",
                      lua_tostring(L, -1), lua_tostring(L, -1));
}

static int syscall_unknown(lua_State *L)
{
    const char *key = ml_arg_string(L, 2);
    lua_settop(L, 1);
    return ml_misuse_key(L, "syscall", key);
}

void ml_request_pushtable(lua_State *L, const struct ml_vm *vm)
{
    lua_rawgeti(L, LUA_REGISTRYINDEX, vm->syscalls);
}

void ml_request_init(lua_State *L, struct ml_vm *vm)
{
    (void)luaL_newmetatable(L, METATABLE);
    ml_vm_pushclosure(L, vm, request_tostring, 0);
    lua_setfield(L, -2, "__tostring");
    ml_vm_pushclosure(L, vm, request_misused, 0);
    lua_setfield(L, -2, "__index");
    ml_vm_pushclosure(L, vm, request_misused, 0);
    lua_setfield(L, -2, "__call");
    lua_pushliteral(L, "a request cannot be changed");
    lua_setfield(L, -2, "__metatable");
    lua_pop(L, 1);
    lua_newtable(L);
    lua_createtable(L, 0, 1);
    lua_pushcfunction(L, syscall_unknown);
    lua_setfield(L, -2, "__index");
    lua_setmetatable(L, -2);
    vm->syscalls = luaL_ref(L, LUA_REGISTRYINDEX);
}

int ml_request_add(lua_State *L, struct ml_vm *vm, const ml_syscall *def)
{
    if (def->size != sizeof *def || def->name == NULL || def->name[0] == '\0' ||
        def->attempt == NULL) {
        return -EINVAL;
    }
    luaL_checkstack(L, 8, "syscall");
    ml_request_pushtable(L, vm);
    lua_pushstring(L, def->name);
    lua_pushvalue(L, -1);
    if (lua_rawget(L, -3) != LUA_TNIL) {
        lua_pop(L, 3);
        return -EEXIST;
    }
    lua_pop(L, 1);
    lua_pushlightuserdata(L, ml_unconst(def));
    luaL_getmetatable(L, METATABLE);
    lua_pushnil(L);
    ml_vm_pushclosure(L, vm, request_make, 3);
    lua_rawset(L, -3);
    lua_pop(L, 1);
    return 0;
}

void ml_request_pushdirect(lua_State *L, struct ml_vm *vm,
                           const ml_syscall *def)
{
    lua_pushlightuserdata(L, ml_unconst(def));
    ml_vm_pushclosure(L, vm, call_directly, 1);
}
