#include "sys/sys.h"

#include "core/misuse.h"
#include "core/request.h"

#include <string.h>

/* Upvalues: the vm, what it is. The table of methods is asked first, as a
 * plain table: a method that is there costs no call. */
static int object_unknown(lua_State *L)
{
    const char *what = lua_tostring(L, lua_upvalueindex(2));
    const char *key = luaL_tolstring(L, 2, NULL);
    lua_pushvalue(L, 1);
    return ml_misuse_key(L, what, key);
}

/* Upvalues: the vm, what it is ("a stream" gives "stream: 0x..."). */
static int object_tostring(lua_State *L)
{
    const char *what = lua_tostring(L, lua_upvalueindex(2));
    const char *space = strchr(what, ' ');
    lua_pushfstring(L, "%s: %p", space != NULL ? space + 1 : what,
                    lua_topointer(L, 1));
    return 1;
}

static void set_closure(lua_State *L, struct ml_vm *vm, const char *name,
                        lua_CFunction fn, const char *what)
{
    lua_pushstring(L, what);
    ml_vm_pushclosure(L, vm, fn, 1);
    lua_setfield(L, -2, name);
}

void ml_object_type(lua_State *L, struct ml_vm *vm, const char *metatable,
                    const char *what)
{
    (void)luaL_newmetatable(L, metatable);
    set_closure(L, vm, "__tostring", object_tostring, what);
    lua_newtable(L);
    lua_createtable(L, 0, 1);
    set_closure(L, vm, "__index", object_unknown, what);
    lua_setmetatable(L, -2);
    lua_pushvalue(L, -1);
    lua_setfield(L, -3, "__index");
    lua_remove(L, -2);
}

void ml_sys_method(lua_State *L, struct ml_vm *vm, const char *name,
                   const ml_syscall *def)
{
    ml_request_pushdirect(L, vm, def);
    lua_setfield(L, -2, name);
}

void ml_sys_add(lua_State *L, struct ml_vm *vm, const ml_syscall *const *defs)
{
    for (; *defs != NULL; defs++) {
        (void)ml_request_add(L, vm, *defs); /* there already: opened before */
        ml_sys_method(L, vm, (*defs)->name, *defs);
    }
}
