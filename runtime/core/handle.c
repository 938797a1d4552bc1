#include "core/handle.h"

#include "base/errno.h"
#include "core/error.h"
#include "core/failure.h"
#include "core/loop.h"
#include "core/task.h"

#include <errno.h>
#include <string.h>

static const char *const METATABLE = "miniloop.task";

void ml_handle_init(lua_State *L, struct ml_vm *vm)
{
    (void)luaL_newmetatable(L, METATABLE); /* its methods come from sys/ */
    vm->handle_type = luaL_ref(L, LUA_REGISTRYINDEX);
}

static struct ml_handle *handle_new(lua_State *L, struct ml_task *task)
{
    struct ml_handle *handle = lua_newuserdatauv(L, sizeof *handle, 1);
    memset(handle, 0, sizeof *handle);
    handle->vm = task->loop->vm;
    handle->serial = task->loop->serial;
    handle->id = task->id;
    lua_rawgeti(L, LUA_REGISTRYINDEX, handle->vm->handle_type);
    lua_setmetatable(L, -2);
    return handle;
}

/* A handle has one user value, for most never have more than a value; the others
 * have a table of all their fields there. */
void ml_handle_get(lua_State *L, int index, enum ml_handle_field field)
{
    const struct ml_handle *handle = ml_handle_at(L, index);
    if (handle->described) {
        (void)lua_getiuservalue(L, index, 1);
        lua_rawgeti(L, -1, field);
        lua_remove(L, -2);
    } else if (field == ML_HANDLE_VALUE) {
        (void)lua_getiuservalue(L, index, 1);
    } else {
        lua_pushnil(L);
    }
}

static void handle_describe(lua_State *L, int index)
{
    struct ml_handle *handle = ml_handle_at(L, index);
    if (!handle->described) {
        lua_createtable(L, ML_HANDLE_SPAWNED, 0);
        ml_handle_get(L, index, ML_HANDLE_VALUE);
        lua_rawseti(L, -2, ML_HANDLE_VALUE);
        (void)lua_setiuservalue(L, index, 1);
        handle->described = true;
    }
}

void ml_handle_set(lua_State *L, int index, enum ml_handle_field field)
{
    const struct ml_handle *handle = ml_handle_at(L, index);
    index = lua_absindex(L, index);
    if (field == ML_HANDLE_VALUE && !handle->described) {
        (void)lua_setiuservalue(L, index, 1);
        return;
    }
    handle_describe(L, index);
    (void)lua_getiuservalue(L, index, 1);
    lua_insert(L, -2);
    lua_rawseti(L, -2, field);
    lua_pop(L, 1);
}

struct ml_handle *ml_handle_find(lua_State *L, struct ml_task *task)
{
    if (!task->handled) {
        return NULL;
    }
    lua_rawgeti(L, LUA_REGISTRYINDEX, task->loop->vm->handles);
    if (lua_rawgeti(L, -1, task->shell.slot) == LUA_TUSERDATA) {
        lua_remove(L, -2);
        return (struct ml_handle *)lua_touserdata(L, -1);
    }
    lua_pop(L, 2);
    return NULL;
}

struct ml_handle *ml_handle_push(lua_State *L, struct ml_task *task)
{
    luaL_checkstack(L, 6, "task handle");
    struct ml_handle *handle = ml_handle_find(L, task);
    if (handle == NULL) {
        handle = handle_new(L, task);
        task->handled = true;
        lua_rawgeti(L, LUA_REGISTRYINDEX, task->loop->vm->handles);
        lua_pushvalue(L, -2);
        lua_rawseti(L, -2, task->shell.slot);
        lua_pop(L, 1);
    }
    return handle;
}

void ml_handle_setname(lua_State *L, int index)
{
    struct ml_task *task = ml_handle_task(ml_handle_at(L, index));
    index = lua_absindex(L, index);
    ml_handle_set(L, index, ML_HANDLE_NAME);
    if (task != NULL) {
        luaL_checkstack(L, 2, "task handle");
        lua_rawgeti(L, LUA_REGISTRYINDEX, task->loop->vm->pins);
        lua_pushvalue(L, index);
        lua_rawseti(L, -2, task->shell.slot);
        lua_pop(L, 1);
        task->named = true;
    }
}

static void slot_clear(lua_State *L, int table, int slot)
{
    lua_pushnil(L);
    ml_vm_setslot(L, table, slot);
}

/* The handle of a task that ends, which nothing else has told it, says that it
 * was cancelled. */
static void handle_end(lua_State *L, struct ml_task *task)
{
    lua_rawgeti(L, LUA_REGISTRYINDEX, task->loop->vm->handles);
    if (lua_rawgeti(L, -1, task->shell.slot) == LUA_TUSERDATA) {
        struct ml_handle *handle = lua_touserdata(L, -1);
        if (handle->outcome == ML_ALIVE) {
            handle->outcome = ML_CANCELLED;
        }
        lua_pushnil(L);
        lua_rawseti(L, -3, task->shell.slot);
    }
    lua_pop(L, 2);
}

void ml_handle_release(lua_State *L, struct ml_task *task)
{
    if (task->handled) {
        handle_end(L, task);
    }
    if (task->named) {
        slot_clear(L, task->loop->vm->pins, task->shell.slot);
    }
    if (task->warned) {
        slot_clear(L, task->loop->vm->lasts, task->shell.slot);
    }
    if (task->traced) {
        slot_clear(L, task->loop->vm->traces, task->shell.slot);
    }
    if (task->blames) {
        slot_clear(L, task->loop->vm->blames, task->shell.slot);
    }
    if (task->localized) {
        slot_clear(L, task->loop->vm->locals, task->shell.slot);
    }
}

struct ml_handle *ml_handle_test(lua_State *L, struct ml_vm *vm, int index)
{
    return ml_vm_testudata(L, vm, index, METATABLE);
}

struct ml_task *ml_handle_task(const struct ml_handle *handle)
{
    if (handle->outcome != ML_ALIVE) {
        return NULL;
    }
    ml_list_each (item, &handle->vm->loops) {
        struct ml_loop *loop = ml_container_of(item, struct ml_loop, link);
        if (loop->serial == handle->serial) {
            return ml_task_find(loop, handle->id);
        }
    }
    return NULL;
}

/* Takes the `count` values on top off, into one: a table where there are several,
 * nothing where there are none. */
static void results_pack(lua_State *L, struct ml_handle *handle, int count)
{
    handle->count = count;
    if (count > 1) {
        int first = lua_gettop(L) - count + 1;
        lua_createtable(L, count, 0);
        lua_insert(L, first);
        for (int i = count; i >= 1; i--) {
            lua_rawseti(L, first, i);
        }
        handle->table = true;
    }
}

void ml_handle_done(lua_State *L, struct ml_task *task, int count)
{
    int slot = task->shell.slot;
    if (!task->handled) {
        return;
    }
    lua_rawgeti(L, LUA_REGISTRYINDEX, task->loop->vm->handles);
    if (lua_rawgeti(L, -1, slot) == LUA_TUSERDATA) {
        struct ml_handle *handle = ml_handle_at(L, -1);
        if (count > 0) {
            lua_rotate(L, -count - 2,
                       2); /* the table, the handle, the values */
            results_pack(L, handle, count);
            ml_handle_set(L, -2, ML_HANDLE_VALUE);
        }
        handle->outcome = ML_DONE;
        lua_pushnil(L);
        lua_rawseti(L, -3, slot);
    }
    task->handled = false;
}

/* Pushes the results; returns their number. */
static int push_results(lua_State *L, int index)
{
    const struct ml_handle *handle = ml_handle_at(L, index);
    luaL_checkstack(L, handle->count + 2, "too many results");
    if (handle->count == 0) {
        return 0;
    }
    ml_handle_get(L, index, ML_HANDLE_VALUE);
    if (handle->table) {
        int table = lua_gettop(L);
        for (int i = 1; i <= handle->count; i++) {
            lua_rawgeti(L, table, i);
        }
        lua_remove(L, table);
    }
    return handle->count;
}

/* Adds what hangs on the handle as a field of the error on top. */
static void error_from(lua_State *L, int index, enum ml_handle_field what,
                       const char *field)
{
    ml_handle_get(L, index, what);
    if (!lua_isnil(L, -1)) {
        lua_pushstring(L, field);
        lua_insert(L, -2);
        lua_rawset(L, -3);
    } else {
        lua_pop(L, 1);
    }
}

static void error_task(lua_State *L, int64_t id)
{
    lua_pushliteral(L, "task");
    lua_pushinteger(L, id);
    lua_rawset(L, -3);
}

static int push_failure(lua_State *L, int index, struct ml_handle *handle)
{
    ml_failures_taken(handle);
    lua_pushnil(L);
    if (handle->error != 0) {
        ml_error_push(L, handle->error, "wait");
    } else {
        ml_error_push(L, ML_EFAILED, "wait");
        error_from(L, index, ML_HANDLE_VALUE, "value");
        error_from(L, index, ML_HANDLE_TRACEBACK, "traceback");
    }
    error_task(L, handle->id);
    return 2;
}

static int push_cancelled(lua_State *L, int index, struct ml_handle *handle)
{
    lua_pushnil(L);
    ml_error_push(L, ECANCELED, "wait");
    error_from(L, index, ML_HANDLE_VALUE, "reason");
    error_task(L, handle->id);
    return 2;
}

int ml_handle_answer(lua_State *L, int index)
{
    struct ml_handle *handle = ml_handle_at(L, index);
    index = lua_absindex(L, index);
    luaL_checkstack(L, 6, "answer of wait");
    if (handle->outcome == ML_DONE) {
        lua_pushboolean(L, 1);
        return push_results(L, index) + 1;
    }
    return handle->outcome == ML_FAILED ? push_failure(L, index, handle)
                                        : push_cancelled(L, index, handle);
}

int ml_handle_join(lua_State *L, int index)
{
    struct ml_handle *handle = ml_handle_at(L, index);
    index = lua_absindex(L, index);
    if (handle->outcome == ML_DONE) {
        return push_results(L, index);
    }
    if (handle->outcome == ML_FAILED && handle->error == 0) {
        ml_failures_taken(handle);
        ml_handle_get(L, index, ML_HANDLE_VALUE);
    } else {
        (void)ml_handle_answer(L, index);
    }
    return lua_error(L);
}

const char *ml_handle_status(const struct ml_handle *handle)
{
    static const char *const ended[] = {"cancelled", "done", "failed",
                                        "cancelled"};
    const struct ml_task *task = ml_handle_task(handle);
    return task != NULL ? ml_task_status(task) : ended[handle->outcome];
}
