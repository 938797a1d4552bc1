#include "lib/tls.h"

#include "core/arg.h"
#include "lib/lib.h"
#include "sys/sys.h"

#include <lauxlib.h>

/* ---- contexts ----------------------------------------------------------- */

static int context_gc(lua_State *L)
{
    struct ml_tls_object *object = ml_arg_udata(L, 1, ML_TLS_CONTEXT_TYPE);
    ml_tls_context_unref(object->context);
    object->context = NULL;
    return 0;
}

static void context_type(lua_State *L, struct ml_vm *vm)
{
    ml_object_type(L, vm, ML_TLS_CONTEXT_TYPE, "a context of TLS");
    lua_pop(L, 1);
    luaL_getmetatable(L, ML_TLS_CONTEXT_TYPE);
    ml_vm_pushclosure(L, vm, context_gc, 0);
    lua_setfield(L, -2, "__gc");
    lua_pop(L, 1);
}

/* context(options) */
static int tls_context(lua_State *L)
{
    lua_settop(L, 1);
    if (lua_isnil(L, 1)) {
        lua_newtable(L);
        lua_replace(L, 1);
    }
    const char *fault = ml_tls_options_fault(L, 1, ML_TLS_FOR_CONTEXT);
    if (fault != NULL) {
        ml_arg_error(L, 1, fault);
    }
    return ml_tls_options_make(L, ml_vm_upvalue(L), 1);
}

/* ---- for lua/miniloop/net.lua ------------------------------------------- */

/* prepare(options): the context that they mean. */
static int tls_prepare(lua_State *L)
{
    lua_settop(L, 1);
    return ml_tls_options_context(L, ml_vm_upvalue(L), 1);
}

/* fault(options, purpose): why they will not do, or nil. */
static int tls_fault(lua_State *L)
{
    static const char *const names[] = {"connect", "nameless", "listen", NULL};
    static const enum ml_tls_purpose purposes[] = {
        ML_TLS_FOR_CONNECT, ML_TLS_FOR_NAMELESS, ML_TLS_FOR_LISTEN};
    enum ml_tls_purpose purpose = purposes[ml_arg_option(L, 2, NULL, names)];
    lua_settop(L, 1);
    if (ml_tls_options_fault(L, 1, purpose) == NULL) {
        lua_pushnil(L);
    }
    return 1;
}

/* available() */
static int tls_available(lua_State *L)
{
    if (ml_tls_library_get(L) == NULL) {
        return 2;
    }
    lua_pushboolean(L, 1);
    return 1;
}

void ml_lib_tls_open(lua_State *L, struct ml_vm *vm)
{
    static const luaL_Reg functions[] = {{"available", tls_available},
                                         {"context", tls_context},
                                         {"fault", tls_fault},
                                         {"prepare", tls_prepare},
                                         {NULL, NULL}};
    context_type(L, vm);
    lua_newtable(L);
    ml_vm_setfuncs(L, vm, functions);
    ml_tls_stream_open(L, vm);
    lua_setfield(L, -2, "tls");
}
