#include "core/vm.h"

#include "core/failure.h"
#include "core/spare.h"
#include "core/thread.h"

#include <string.h>

/* Only the address matters: the registry key of the vm. */
static const char vm_key = 0;

/* When the tables are worth to be made anew: they had this many entries, and
 * but one of so many is left. */
enum {
    TRIM_MIN = 4096,
    TRIM_RATIO = 8,
    TRIM_SPARES = 16 /* tasks that are still kept for reuse after it */
};

static void vm_push_table(lua_State *L, const char *mode)
{
    lua_newtable(L);
    if (mode != NULL) {
        lua_createtable(L, 0, 1);
        lua_pushstring(L, mode);
        lua_setfield(L, -2, "__mode");
        lua_setmetatable(L, -2);
    }
}

static int vm_table_ref(lua_State *L, const char *mode)
{
    vm_push_table(L, mode);
    return luaL_ref(L, LUA_REGISTRYINDEX);
}

static lua_State *main_thread(lua_State *L)
{
    lua_rawgeti(L, LUA_REGISTRYINDEX, LUA_RIDX_MAINTHREAD);
    lua_State *main = lua_tothread(L, -1);
    lua_pop(L, 1);
    return main;
}

struct ml_vm *ml_vm_get(lua_State *L)
{
    lua_rawgetp(L, LUA_REGISTRYINDEX, &vm_key);
    struct ml_vm *vm = (struct ml_vm *)lua_touserdata(L, -1);
    lua_pop(L, 1);
    return vm;
}

struct ml_vm *ml_vm_open(lua_State *L)
{
    luaL_checkstack(L, 8, "miniloop");
    struct ml_vm *vm = ml_vm_get(L);
    if (vm != NULL) {
        return vm;
    }
    vm = (struct ml_vm *)lua_newuserdatauv(L, sizeof *vm, 0);
    memset(vm, 0, sizeof *vm);
    vm->main = main_thread(L);
    vm->alloc.fn = lua_getallocf(L, &vm->alloc.ud);
    ml_list_init(&vm->loops);
    ml_list_init(&vm->descriptors);
    vm->threads = vm_table_ref(L, NULL);
    vm->handles = vm_table_ref(L, "v");
    vm->pins = vm_table_ref(L, NULL);
    vm->lasts = vm_table_ref(L, NULL);
    vm->blames = vm_table_ref(L, NULL);
    vm->locals = vm_table_ref(L, NULL);
    vm->traces = vm_table_ref(L, NULL);
    vm->deaths = vm_table_ref(L, "k");
    vm->handler = LUA_NOREF;
    vm->message = LUA_NOREF;
    vm->syscalls = LUA_NOREF;
    vm->reserve = ml_thread_reserve();
    lua_rawsetp(L, LUA_REGISTRYINDEX, &vm_key);
    return vm;
}

void ml_vm_pushclosure(lua_State *L, struct ml_vm *vm, lua_CFunction fn, int n)
{
    lua_pushlightuserdata(L, vm);
    lua_insert(L, -(n + 1));
    lua_pushcclosure(L, fn, n + 1);
}

void ml_vm_setfuncs(lua_State *L, struct ml_vm *vm, const luaL_Reg *fns)
{
    for (; fns->name != NULL; fns++) {
        ml_vm_pushclosure(L, vm, fns->func, 0);
        lua_setfield(L, -2, fns->name);
    }
}

void ml_vm_setslot(lua_State *L, int table, int slot)
{
    lua_rawgeti(L, LUA_REGISTRYINDEX, table);
    lua_insert(L, -2);
    lua_rawseti(L, -2, slot);
    lua_pop(L, 1);
}

static const void *metatable_named(lua_State *L, const char *name)
{
    luaL_getmetatable(L, name);
    const void *metatable = lua_topointer(L, -1);
    lua_pop(L, 1);
    return metatable;
}

void *ml_vm_testudata(lua_State *L, struct ml_vm *vm, int index,
                      const char *name)
{
    void *data = lua_touserdata(L, index);
    if (data == NULL || lua_getmetatable(L, index) == 0) {
        return NULL;
    }
    const void *metatable = lua_topointer(L, -1);
    lua_pop(L, 1);
    struct ml_type *type =
        &vm->types[((uintptr_t)name / 8) & (size_t)(ML_TYPES - 1)];
    if (type->name != name || type->metatable == NULL) {
        *type = (struct ml_type){name, metatable_named(L, name)};
    }
    return metatable == type->metatable ? data : NULL;
}

struct ml_shell ml_vm_coroutine(lua_State *L, struct ml_vm *vm)
{
    struct ml_shell shell;
    luaL_checkstack(L, 4, "too many arguments");
    lua_rawgeti(L, LUA_REGISTRYINDEX, vm->threads);
    shell.co = lua_newthread(L);
    shell.slot = luaL_ref(L, -2);
    lua_pop(L, 1);
    vm->nthreads++;
    if (vm->nthreads > vm->peak) {
        vm->peak = vm->nthreads;
    }
    return shell;
}

void ml_vm_release(lua_State *L, struct ml_vm *vm, struct ml_shell shell)
{
    lua_settop(shell.co, 0); /* its status is "dead" from here on */
    lua_rawgeti(L, LUA_REGISTRYINDEX, vm->threads);
    luaL_unref(L, -1, shell.slot);
    lua_pop(L, 1);
    vm->nthreads--;
}

/* ---- giving memory back ----------------------------------------------------- */

/* Puts a table with room for n entries in the place of one of the vm's. Numbers
 * are left out: they are the free slots that luaL_ref keeps in vm->threads. */
static void table_renew(lua_State *L, int table, int n)
{
    lua_rawgeti(L, LUA_REGISTRYINDEX, table);
    lua_createtable(L, 0, n); /* finalizers run here, not while it is filled */
    if (lua_getmetatable(L, -2) != 0) {
        lua_setmetatable(L, -2);
    }
    lua_pushnil(L);
    while (lua_next(L, -3) != 0) {
        if (lua_type(L, -1) != LUA_TNUMBER) {
            lua_pushvalue(L, -2);
            lua_pushvalue(L, -2);
            lua_rawset(L, -5);
        }
        lua_pop(L, 1);
    }
    lua_rawseti(L, LUA_REGISTRYINDEX, table);
    lua_pop(L, 1);
}

/* Argument: the vm. luaL_unref must never need memory: so it finds its list. */
static int trim_protected(lua_State *L)
{
    const struct ml_vm *vm = (const struct ml_vm *)lua_touserdata(L, 1);
    const int tables[] = {vm->threads, vm->handles, vm->pins,  vm->lasts,
                          vm->blames,  vm->locals,  vm->traces};
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
        table_renew(L, tables[i], i == 0 ? vm->nthreads + 2 : 0);
    }
    lua_rawgeti(L, LUA_REGISTRYINDEX, vm->threads);
    lua_pushboolean(L, 1);
    int slot = luaL_ref(L, -2);
    luaL_unref(L, -1, slot);
    return 0;
}

/* Lua collects in an emergency without running finalizers, which may hold much:
 * here they can run. */
static void collect_scarce(lua_State *L, struct ml_cap *cap)
{
    if (cap != NULL && ml_cap_scarce(cap)) {
        (void)lua_gc(L, LUA_GCCOLLECT);
        ml_cap_settle(cap);
    }
}

void ml_vm_trim(lua_State *L, struct ml_vm *vm)
{
    ml_collector_look(&vm->collector, L);
    collect_scarce(L, vm->cap);
    ml_spares_decay(L, vm);
    if (vm->peak < TRIM_MIN || vm->nthreads > vm->peak / TRIM_RATIO) {
        return;
    }
    ml_spares_drop(L, vm, TRIM_SPARES);
    vm->peak = vm->nthreads;
    lua_pushcfunction(L, trim_protected);
    lua_pushlightuserdata(L, vm);
    if (lua_pcall(L, 1, 0, 0) != LUA_OK) {
        lua_pop(L, 1); /* no memory: then they stay as they are */
    }
}

/* Lua refuses to do anything about the collector then. To look for the frame of
 * the finalizer would take the longer the deeper the stack is. */
bool ml_vm_finalizing(lua_State *L)
{
    return lua_gc(L, LUA_GCISRUNNING) < 0;
}

bool ml_vm_frame(lua_State *L, int level, const char *what, lua_Debug *ar)
{
    if (lua_getstack(L, level, ar) == 0) {
        return false;
    }
    (void)lua_getinfo(L, what, ar); /* fails for letters that Lua has not */
    return true;
}

static void push_misplacement(lua_State *L, const struct ml_vm *vm,
                              const char *call)
{
    if (vm->task == NULL || ml_vm_finalizing(L)) {
        lua_pushfstring(L, "cannot call '%s' here: not inside a task", call);
        return;
    }
    lua_pushfstring(L,
                    "cannot call '%s' here: Lua cannot suspend the task "
                    "inside this function (a comparator, a gsub callback, "
                    "__tostring, __close of a killed task, or the like)",
                    call);
}

/* True if nothing around the call can catch an error: only functions of Lua are
 * between it and the finalizer that L runs. */
static bool is_unguarded(lua_State *L)
{
    lua_Debug ar;
    for (int level = 1; ml_vm_frame(L, level, "nS", &ar); level++) {
        if (*ar.what == 'C') {
            return false;
        }
        if (ar.name != NULL && strcmp(ar.name, "__gc") == 0) {
            return true;
        }
    }
    return false;
}

/* Lua makes a warning of an error in a finalizer, and warnings are off: nobody
 * would ever know. So it is told here, the first time. */
static void tell_finalizer(lua_State *L, struct ml_vm *vm)
{
    if (vm->task == NULL || vm->warned || !ml_vm_finalizing(L) ||
        !is_unguarded(L)) {
        return;
    }
    vm->warned = true;
    luaL_checkstack(L, LUA_MINSTACK, "report");
    lua_pushvalue(L, -1);
    luaL_traceback(L, L, NULL, 1);
    ml_failures_mention(vm->task, L, "finalizer");
}

int ml_vm_misplaced_at(lua_State *L, struct ml_vm *vm, const char *call,
                       int level)
{
    luaL_where(L, level);
    push_misplacement(L, vm, call);
    lua_concat(L, 2);
    tell_finalizer(L, vm);
    return lua_error(L);
}

int ml_vm_misplaced(lua_State *L, struct ml_vm *vm, const char *call)
{
    return ml_vm_misplaced_at(L, vm, call, 1);
}
