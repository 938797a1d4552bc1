#include "core/error.h"

#include "base/errno.h"
#include "core/failure.h"
#include "core/misuse.h"
#include "core/task.h"

#include <errno.h>
#include <lauxlib.h>
#include <string.h>

static const char *const METATABLE = "miniloop.error";

void ml_error_push(lua_State *L, int code, const char *op)
{
    luaL_checkstack(L, 4, "error value");
    lua_createtable(L, 0, 4);
    ml_error_set(L, "code", ml_errno_name(code));
    ml_error_set(L, "op", op);
    ml_error_set(L, "message", ml_errno_text(code));
    luaL_setmetatable(L, METATABLE);
}

void ml_error_set(lua_State *L, const char *field, const char *text)
{
    if (text == NULL) {
        return;
    }
    lua_pushstring(L, field);
    lua_pushstring(L, text);
    lua_rawset(L, -3);
}

/* Keeps the error on top as the last that the running task was given: should it
 * go on with the nil beside it and die of that, the report tells. */
static void note_last(lua_State *L)
{
    const struct ml_vm *vm = ml_vm_get(L);
    if (vm != NULL && vm->task != NULL) {
        luaL_checkstack(L, 3, "error value");
        lua_rawgeti(L, LUA_REGISTRYINDEX, vm->lasts);
        lua_pushvalue(L, -2);
        lua_rawseti(L, -2, vm->task->shell.slot);
        lua_pop(L, 1);
        vm->task->warned = true;
    }
}

int ml_error_fail(lua_State *L, int code, const char *op)
{
    luaL_checkstack(L, 2, "error value");
    lua_pushnil(L);
    ml_error_push(L, code, op);
    note_last(L);
    return 2;
}

int ml_error_refuse(lua_State *L, int code, const char *op)
{
    int n = ml_error_fail(L, code, op);
    if (code == ERANGE) {
        ml_error_set(L, "reason", "so high a descriptor does not fit select()");
    }
    return n;
}

bool ml_error_is(lua_State *L, int index)
{
    if (!lua_istable(L, index) || lua_getmetatable(L, index) == 0) {
        return false;
    }
    luaL_getmetatable(L, METATABLE);
    bool same = lua_rawequal(L, -1, -2) != 0;
    lua_pop(L, 2);
    return same;
}

/* The field of the error at index 1 as a string, or NULL. Leaves the value on
 * the stack, which keeps the string alive. */
static const char *field_text(lua_State *L, const char *field)
{
    lua_pushstring(L, field);
    lua_rawget(L, 1);
    return lua_isnil(L, -1) ? NULL : luaL_tolstring(L, -1, NULL);
}

/* One readable line: "connect 127.0.0.1:9: connection refused (ECONNREFUSED)",
 * "wait: the task failed (EFAILED): script.lua:3: boom". */
static int error_tostring(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    const char *op = field_text(L, "op");
    const char *address = field_text(L, "address");
    const char *message = field_text(L, "message");
    const char *code = field_text(L, "code");
    const char *reason = field_text(L, "reason");
    lua_pushliteral(L, "value");
    lua_rawget(L, 1);
    const char *value =
        ml_failure_text(L, -1); /* its own __tostring may raise */
    lua_pushfstring(L, "%s%s%s: %s (%s)", op != NULL ? op : "error",
                    address != NULL ? " " : "", address != NULL ? address : "",
                    message != NULL ? message : "unknown",
                    code != NULL ? code : "EUNKNOWN");
    const char *cause = value != NULL ? value : reason;
    if (cause != NULL) {
        lua_pushfstring(L, "%s: %s", lua_tostring(L, -1), cause);
    }
    (void)luaL_gsub(L, lua_tostring(L, -1), "\n", "\\n"); /* one line */
    return 1;
}

static int error_concat(lua_State *L)
{
    luaL_checkstack(L, LUA_MINSTACK, "error value");
    luaL_tolstring(L, 1, NULL);
    luaL_tolstring(L, 2, NULL);
    lua_concat(L, 2);
    return 1;
}

/* The fields that an error may have; one that does not apply reads as nil,
 * any other is a slip of the pen. */
static const char *const fields[] = {
    "code",      "op",      "message", "address", "reason", "task",   "value",
    "traceback", "written", "errors",  "status",  "line",   "column", NULL};

static bool is_field(const char *key)
{
    const char *const *field = fields;
    while (*field != NULL && strcmp(*field, key) != 0) {
        field++;
    }
    return *field != NULL;
}

static int error_index(lua_State *L)
{
    if (lua_type(L, 2) == LUA_TSTRING && !is_field(lua_tostring(L, 2))) {
        return ml_misuse_field(L, "an error", lua_tostring(L, 2), fields);
    }
    return 0;
}

void ml_error_init(lua_State *L)
{
    static const luaL_Reg metamethods[] = {{"__tostring", error_tostring},
                                           {"__concat", error_concat},
                                           {"__index", error_index},
                                           {NULL, NULL}};
    /* Filled in any case: memory may have failed in between the last time. */
    (void)luaL_newmetatable(L, METATABLE);
    luaL_setfuncs(L, metamethods, 0);
    lua_pop(L, 1);
}
