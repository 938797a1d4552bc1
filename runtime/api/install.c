#include "api/install.h"

#include "api/embed.h"
#include "api/run.h"
#include "base/cast.h"
#include "base/errno.h"
#include "core/arg.h"
#include "core/coroutine.h"
#include "core/error.h"
#include "core/frame.h"
#include "core/misuse.h"
#include "core/request.h"
#include "core/vm.h"
#include "lib/lib.h"
#include "sys/sys.h"

#include <assert.h>
#include <lualib.h>
#include <miniloop.h>

/* ---- miniloop.core: what the Lua modules are made of ------------------------- */

static int core_iserror(lua_State *L)
{
    luaL_checkany(L, 1);
    lua_pushboolean(L, ml_error_is(L, 1));
    return 1;
}

/* core.use(): a script uses the runtime. */
static int core_use(lua_State *L)
{
    ml_vm_upvalue(L)->used = true;
    return 0;
}

static int core_perform(lua_State *L)
{
    struct ml_vm *vm = ml_vm_upvalue(L);
    ml_arg_expected(L, ml_request_test(L, vm, 1) != NULL, 1,
                    "system-call request");
    lua_settop(L, 1);
    return ml_request_perform(L, vm);
}

static void set_text(lua_State *L, int arg, const char *field)
{
    if (!lua_isnoneornil(L, arg)) {
        lua_pushstring(L, field);
        lua_pushvalue(L, arg);
        lua_rawset(L, -3);
    }
}

/* core.error(code, op [, address [, reason]]): an error value. */
static int core_error(lua_State *L)
{
    int code = ml_errno_value(ml_arg_string(L, 1));
    ml_arg_check(L, code != 0, 1, "unknown error code");
    lua_settop(L, 4);
    ml_error_push(L, code, ml_arg_string(L, 2));
    set_text(L, 3, "address");
    set_text(L, 4, "reason");
    return 1;
}

/* core.unknown(what, key, table): the text that says that the table has no such
 * field, with its nearest neighbour. */
static int core_unknown(lua_State *L)
{
    const char *what = ml_arg_string(L, 1);
    const char *key = luaL_tolstring(L, 2, NULL);
    ml_arg_type(L, 3, LUA_TTABLE);
    ml_misuse_push(L, 3, what, key);
    return 1;
}

/* core.place(call, blocks), of a function in Lua: raises, at the line of who
 * called that, unless it can be called there. */
static int core_place(lua_State *L)
{
    struct ml_vm *vm = ml_vm_upvalue(L);
    bool placed =
        lua_toboolean(L, 2) != 0 ? ml_vm_suspendable(L, vm) : vm->task != NULL;
    return placed ? 0 : ml_vm_misplaced_at(L, vm, ml_arg_string(L, 1), 2);
}

/* Replaces the table on top by a userdata that reads from it. Lua names a
 * function in messages by where it finds it in a loaded table: so that it is
 * "miniloop.sleep" there, the core must not be one. */
static void push_front(lua_State *L)
{
    (void)lua_newuserdatauv(L, 0, 0);
    lua_createtable(L, 0, 1);
    lua_rotate(L, -3, -1);
    lua_setfield(L, -2, "__index");
    lua_setmetatable(L, -2);
}

static int open_core(lua_State *L)
{
    static const luaL_Reg functions[] = {
        {"iserror", core_iserror}, {"perform", core_perform},
        {"error", core_error},     {"unknown", core_unknown},
        {"run", ml_run_lua},       {"use", core_use},
        {"place", core_place},     {NULL, NULL}};
    struct ml_vm *vm = ml_vm_get(L);
    lua_newtable(L);
    ml_vm_setfuncs(L, vm, functions);
    ml_sys_task_open(L, vm);
    ml_sys_time_open(L, vm);
    ml_sys_io_open(L, vm);
    ml_sys_event_open(L, vm);
    ml_sys_scope_open(L, vm);
    ml_sys_group_open(L, vm);
    ml_sys_signal_open(L, vm);
    ml_sys_list_open(L, vm);
    ml_sys_choice_open(L, vm);
    ml_sys_channel_open(L, vm);
    ml_sys_mutex_open(L, vm);
    ml_sys_semaphore_open(L, vm);
    ml_sys_condition_open(L, vm);
    ml_sys_net_open(L, vm);
    ml_lib_open(L, vm);
    push_front(L);
    return 1;
}

static int open_syscall(lua_State *L)
{
    ml_request_pushtable(L, ml_vm_get(L));
    return 1;
}

/* ---- the embedded modules ------------------------------------------------------ */

/* Upvalue 1: the module. Runs its chunk with the module's name. */
static int open_embedded(lua_State *L)
{
    const struct ml_embed *module = lua_touserdata(L, lua_upvalueindex(1));
    if (luaL_loadbufferx(L, (const char *)module->bytes, module->size,
                         module->chunkname, "t") != LUA_OK) {
        return lua_error(L);
    }
    lua_pushstring(L, module->name);
    lua_call(L, 1, 1);
    return 1;
}

static void preload(lua_State *L)
{
    static const luaL_Reg modules[] = {{"miniloop.core", open_core},
                                       {"miniloop.syscall", open_syscall},
                                       {NULL, NULL}};
    luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
    luaL_setfuncs(L, modules, 0);
    for (const struct ml_embed *m = ml_embedded; m->name != NULL; m++) {
        lua_pushlightuserdata(L, ml_unconst(m));
        lua_pushcclosure(L, open_embedded, 1);
        lua_setfield(L, -2, m->name);
    }
    lua_pop(L, 1);
}

/* Loads the module as `require` does, but without it: a host's state need not
 * have the package library. Leaves the module on the stack. */
static void load(lua_State *L, const char *name)
{
    luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
    if (lua_getfield(L, -1, name) == LUA_TNIL) {
        lua_pop(L, 1);
        luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
        lua_getfield(L, -1, name);
        lua_remove(L, -2);
        lua_pushstring(L, name);
        lua_call(L, 1, 1);
        lua_pushvalue(L, -1);
        lua_setfield(L, -3, name);
    }
    lua_remove(L, -2);
}

/* Under Lua's own name alone: Lua looks in package.loaded for names, and its
 * messages are to say 'coroutine.yield'. */
static void install_coroutine(lua_State *L)
{
    ml_coroutine_push(L, ml_vm_get(L));
    lua_pushvalue(L, -1);
    lua_setglobal(L, LUA_COLIBNAME);
    luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
    lua_insert(L, -2);
    lua_setfield(L, -2, LUA_COLIBNAME);
    lua_pop(L, 1);
}

/* `require` is in Lua, so that a module may block while it loads. A host's
 * state may have none, or one of the host's own. */
static void install_require(lua_State *L)
{
    int top = lua_gettop(L);
    if (lua_getglobal(L, "require") != LUA_TNIL &&
        lua_getglobal(L, LUA_LOADLIBNAME) == LUA_TTABLE) {
        load(L, "miniloop.require");
        lua_setglobal(L, "require");
    }
    lua_settop(L, top);
}

/* What is missing of the runtime, for memory may have run out the last time. */
static void install_runtime(lua_State *L, struct ml_vm *vm)
{
    if (vm->syscalls == LUA_NOREF) {
        ml_error_init(L);
        ml_request_init(L, vm);
    }
    luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
    if (lua_getfield(L, -1, "miniloop.core") == LUA_TNIL) {
        preload(L);
        load(L, "miniloop.core"); /* so that `syscall` is complete */
        lua_pop(L, 1);
    }
    lua_pop(L, 2);
}

void ml_install(lua_State *L, int globals)
{
    luaL_checkstack(L, 20, "miniloop");
    int top = lua_gettop(L);
    struct ml_vm *vm = ml_vm_open(L);
    install_runtime(L, vm);
    if (globals && !vm->globals) {
        ml_frame_install(L, vm); /* which coroutines need */
        install_coroutine(L);
        install_require(L);
        vm->globals = true;
    }
    assert(lua_gettop(L) == top && "the stack is as it was");
    (void)top; /* with assertions off */
}

int luaopen_miniloop(lua_State *L)
{
    ml_install(L, 1);
    load(L, "miniloop");
    return 1;
}
