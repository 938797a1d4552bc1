#include "sys/secure.h"

#include "core/arg.h"
#include "core/call.h"
#include "core/vm.h"
#include "sys/option.h"

#include <string.h>

static const char SCHEME[] = "tls://";

enum {
    SCHEME_LENGTH = sizeof SCHEME - 1
};

static bool has_scheme(lua_State *L, int address)
{
    return lua_type(L, address) == LUA_TSTRING &&
           strncmp(lua_tostring(L, address), SCHEME, SCHEME_LENGTH) == 0;
}

static bool has_option(lua_State *L, int options)
{
    if (!lua_istable(L, options)) {
        return false;
    }
    lua_pushliteral(L, "tls");
    lua_rawget(L, options);
    bool wanted = lua_toboolean(L, -1) != 0;
    lua_pop(L, 1);
    return wanted;
}

bool ml_secure_wanted(lua_State *L, int address, int options)
{
    return has_scheme(L, address) || has_option(L, options);
}

void ml_secure_check(lua_State *L, int options)
{
    int type = ml_option_push(L, options, "tls");
    if (type != LUA_TNIL && type != LUA_TBOOLEAN && type != LUA_TTABLE &&
        type != LUA_TUSERDATA) {
        (void)ml_option_refuse(L, options, "tls",
                               "a table of options, or a context");
    }
    lua_pop(L, 1);
}

/* Pushes a copy of the options, of which there may be none. */
static void push_copy(lua_State *L, int options)
{
    lua_newtable(L);
    if (lua_isnil(L, options)) {
        return;
    }
    lua_pushnil(L);
    while (lua_next(L, options) != 0) {
        lua_pushvalue(L, -2);
        lua_insert(L, -2);
        lua_rawset(L, -4);
    }
}

/* Says in the options what the address has said. */
static void spell_out(lua_State *L, int options)
{
    lua_pushstring(L, lua_tostring(L, 1) + SCHEME_LENGTH);
    lua_replace(L, 1);
    if (has_option(L, options) ||
        !(lua_isnil(L, options) || lua_istable(L, options))) {
        return;
    }
    push_copy(L, options);
    lua_pushboolean(L, 1);
    lua_setfield(L, -2, "tls");
    lua_replace(L, options);
}

void ml_secure_begin(lua_State *L, const char *name, int nargs)
{
    (void)ml_call_task(L, ml_vm_upvalue(L), name);
    lua_settop(L, nargs);
    if (has_scheme(L, 1)) {
        spell_out(L, nargs);
    }
}

static int call_k(lua_State *L, int status, lua_KContext ctx)
{
    (void)status;
    (void)ctx;
    return lua_gettop(L);
}

int ml_secure_call(lua_State *L)
{
    int nargs = lua_gettop(L);
    lua_pushvalue(L, lua_upvalueindex(2));
    lua_insert(L, 1);
    lua_callk(L, nargs, LUA_MULTRET, 0, call_k);
    return call_k(L, LUA_OK, 0);
}

int ml_secure_function(lua_State *L, lua_CFunction fn)
{
    ml_arg_type(L, 1, LUA_TFUNCTION);
    lua_settop(L, 1);
    ml_vm_pushclosure(L, ml_vm_upvalue(L), fn, 1);
    return 1;
}
