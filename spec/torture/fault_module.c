/* The Lua module `fault`: makes calls of the process fail. For the command of
 * the preset "torture", which holds the functions of fault.h. */

#include "fault.h"

#include <errno.h>
#include <lauxlib.h>
#include <lua.h>

FAULT_API int luaopen_fault(lua_State *L);

/* The call that is named by argument 1. */
static struct fault_plan *check_call(lua_State *L)
{
    static const char *names[FAULT_CALL_COUNT + 1];
    for (int call = 0; call < FAULT_CALL_COUNT; call++) {
        names[call] = fault_names[call];
    }
    return &fault_plans[luaL_checkoption(L, 1, NULL, names)];
}

/* The code that argument `arg` is: a number, or a name such as "EPIPE"; without
 * one, ENOMEM. */
static int check_code(lua_State *L, int arg)
{
    if (lua_type(L, arg) != LUA_TSTRING) {
        return (int)luaL_optinteger(L, arg, ENOMEM);
    }
    int code = fault_code(lua_tostring(L, arg));
    luaL_argcheck(L, code != 0, arg, "no such code");
    return code;
}

/* fault.arm(call, first [, times [, code]]): the calls number `first` (from 1
 * on, counting from here) and after fail, `times` of them (1; 0 for ever), with
 * this code. */
static int arm(lua_State *L)
{
    struct fault_plan *plan = check_call(L);
    long first = (long)luaL_checkinteger(L, 2);
    long times = (long)luaL_optinteger(L, 3, 1);
    int code = check_code(L, 4);
    atomic_store(&plan->count, 0);
    atomic_store(&plan->struck, 0);
    plan->code = code;
    plan->last = times == 0 ? LONG_MAX : first + times - 1;
    plan->first = first;
    return 0;
}

/* fault.reset(): nothing fails, and counts begin again. */
static int reset(lua_State *L)
{
    (void)L;
    fault_reset();
    return 0;
}

/* fault.count(call): how often it was called since it was armed or reset. */
static int count(lua_State *L)
{
    lua_pushinteger(L, atomic_load(&check_call(L)->count));
    return 1;
}

/* fault.struck(call): how many of these failed. */
static int struck(lua_State *L)
{
    lua_pushinteger(L, atomic_load(&check_call(L)->struck));
    return 1;
}

/* fault.signs(): errors of memory that were raised since the last reset, and
 * error values made of a plan's errno. */
static int signs(lua_State *L)
{
    lua_pushinteger(L, fault_raised);
    lua_pushinteger(L, fault_given);
    return 2;
}

/* fault.calls(): the names of all calls that can fail. */
static int calls(lua_State *L)
{
    lua_createtable(L, FAULT_CALL_COUNT, 0);
    for (int call = 0; call < FAULT_CALL_COUNT; call++) {
        lua_pushstring(L, fault_names[call]);
        lua_rawseti(L, -2, call + 1);
    }
    return 1;
}

/* fault.codes(call): the names of the codes that it may fail with, in a string
 * with spaces between. */
static int codes(lua_State *L)
{
    lua_pushstring(L, fault_codes[check_call(L) - fault_plans]);
    return 1;
}

/* fault.told(call, code): the names of the codes by which the runtime may tell of
 * it, in a list. */
static int told(lua_State *L)
{
    enum fault_call call = (enum fault_call)(check_call(L) - fault_plans);
    int code = check_code(L, 2);
    const char *name;
    lua_newtable(L);
    for (int i = 0; (name = fault_told_name(call, code, i)) != NULL; i++) {
        lua_pushstring(L, name);
        lua_rawseti(L, -2, i + 1);
    }
    return 1;
}

int luaopen_fault(lua_State *L)
{
    static const luaL_Reg functions[] = {
        {"arm", arm},       {"reset", reset}, {"count", count},
        {"struck", struck}, {"calls", calls}, {"codes", codes},
        {"signs", signs},   {"told", told},   {NULL, NULL}};
    luaL_newlib(L, functions);
    return 1;
}
