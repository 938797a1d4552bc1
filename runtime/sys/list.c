/* list.c - ml.tasks: what is alive and what it does; ml.locals. */
#include "core/call.h"
#include "core/check.h"
#include "core/handle.h"
#include "core/loop.h"
#include "core/misuse.h"
#include "sys/sys.h"

static void set_name(lua_State *L, struct ml_task *task)
{
    if (ml_handle_find(L, task) != NULL) {
        ml_handle_get(L, -1, ML_HANDLE_NAME);
        lua_remove(L, -2);
        lua_setfield(L, -2, "name");
    }
}

/* Pushes { id, name, status, waits, since, spawned }. */
static void push_task(lua_State *L, struct ml_task *task)
{
    char waits[256];
    lua_createtable(L, 0, 6);
    lua_pushinteger(L, task->id);
    lua_setfield(L, -2, "id");
    set_name(L, task);
    lua_pushstring(L, ml_task_status(task));
    lua_setfield(L, -2, "status");
    if (task->state == ML_TASK_WAITING) {
        ml_call_text(&task->call, waits, sizeof waits);
        lua_pushstring(L, waits);
        lua_setfield(L, -2, "waits");
        lua_pushnumber(L, ml_time_to_seconds(task->since));
        lua_setfield(L, -2, "since");
    }
    ml_site_push(L, task->site);
    lua_setfield(L, -2, "spawned");
}

static int list_tasks(lua_State *L)
{
    struct ml_vm *vm = ml_vm_upvalue(L);
    lua_Integer n = 0;
    if (vm->task == NULL) {
        return ml_vm_misplaced(L, vm, "tasks");
    }
    lua_createtable(L, (int)vm->task->loop->ntasks, 0);
    ml_list_each (item, &vm->task->loop->live) {
        push_task(L, ml_container_of(item, struct ml_task, live));
        lua_rawseti(L, -2, ++n);
    }
    return 1;
}

/* core.traceback(id): of a living task; nil if it is not. */
static int list_traceback(lua_State *L)
{
    struct ml_vm *vm = ml_vm_upvalue(L);
    if (vm->task == NULL) {
        return ml_vm_misplaced(L, vm, "traceback");
    }
    struct ml_task *task =
        ml_task_find(vm->task->loop, ml_misuse_integer(L, 1));
    if (task == NULL || !task->started) {
        return 0;
    }
    ml_task_traceback(L, task);
    return 1;
}

/* core.check(): true, or nil and what is wrong with the loop. For specs. */
static int list_check(lua_State *L)
{
    struct ml_vm *vm = ml_vm_upvalue(L);
    const char *what = NULL;
    if (vm->task == NULL) {
        return ml_vm_misplaced(L, vm, "check");
    }
    if (ml_check(vm->task->loop, &what) != 0) {
        lua_pushnil(L);
        lua_pushstring(L, what);
        return 2;
    }
    lua_pushboolean(L, 1);
    return 1;
}

static int list_locals(lua_State *L)
{
    struct ml_vm *vm = ml_vm_upvalue(L);
    if (vm->task == NULL) {
        return ml_vm_misplaced(L, vm, "locals");
    }
    ml_task_locals(L, vm->task);
    return 1;
}

void ml_sys_list_open(lua_State *L, struct ml_vm *vm)
{
    static const luaL_Reg functions[] = {{"tasks", list_tasks},
                                         {"traceback", list_traceback},
                                         {"locals", list_locals},
                                         {"check", list_check},
                                         {NULL, NULL}};
    ml_vm_setfuncs(L, vm, functions);
}
