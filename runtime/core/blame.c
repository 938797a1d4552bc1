#include "core/blame.h"

#include "core/failure.h"
#include "core/handle.h"
#include "core/loop.h"
#include "core/task.h"

#include <stdbool.h>
#include <string.h>

/* Failed members that are told of, for a group may have any number; and bytes
 * that are told of each, for groups may be nested to any depth. */
enum {
    TOLD_MAX = 10,
    TRACE_MAX = 8000
};

/* What ml_blame_note keeps: a table of these. */
enum {
    VALUE = 1,
    FAILURES
};

void ml_blame_note(lua_State *L, struct ml_task *task, int failures)
{
    luaL_checkstack(L, 4, "failure of a group");
    lua_createtable(L, 2, 0);
    lua_pushvalue(L, -2);
    lua_rawseti(L, -2, VALUE);
    lua_pushvalue(L, failures);
    lua_rawseti(L, -2, FAILURES);
    ml_vm_setslot(L, task->loop->vm->blames, task->shell.slot);
    task->blames = true;
}

size_t ml_blame_length(const char *traceback)
{
    static const char frame[] = "\n\t[C]: in ?";
    size_t size = sizeof frame - 1;
    size_t length = strlen(traceback);
    while (length > size &&
           memcmp(traceback + length - size, frame, size) == 0) {
        length -= size;
    }
    return length;
}

/* ---- lines ------------------------------------------------------------------ */

/* They are made on the stack, not in a buffer: to make one may run a __tostring,
 * which none can be open for. */

/* Pushes the traceback on top without its lowest frames, in its place. */
static void trim_traceback(lua_State *L)
{
    const char *text = lua_isstring(L, -1) ? lua_tostring(L, -1) : "";
    lua_pushlstring(L, text, ml_blame_length(text));
    lua_remove(L, -2);
}

/* The same for a member: no heading, and whole lines of what is too long. */
static void trim_member(lua_State *L)
{
    static const char head[] = "stack traceback:";
    const char *text = lua_isstring(L, -1) ? lua_tostring(L, -1) : "";
    if (strncmp(text, head, sizeof head - 1) == 0) {
        text += sizeof head - 1;
    }
    size_t length = ml_blame_length(text);
    bool cut = length > TRACE_MAX;
    if (cut) {
        for (length = TRACE_MAX; length > 0 && text[length] != '\n';) {
            length--;
        }
    }
    lua_pushlstring(L, text, length);
    lua_pushstring(L, cut ? "\n\t..." : "");
    lua_concat(L, 2);
    lua_remove(L, -2);
}

/* Pushes "task 3 (name) of its group, spawned at script.lua:9". */
static void push_member(lua_State *L, int handle)
{
    const struct ml_handle *member = ml_handle_at(L, handle);
    ml_handle_get(L, handle, ML_HANDLE_NAME);
    ml_handle_get(L, handle, ML_HANDLE_SPAWNED);
    const char *name = lua_tostring(L, -2);
    const char *spawned = lua_tostring(L, -1);
    lua_pushlstring(L, spawned, strcspn(spawned, "\n")); /* the nearest */
    spawned = lua_tostring(L, -1);
    lua_pushfstring(L, "task %I%s%s%s of its group%s%s",
                    (LUAI_UACINT)member->id, name != NULL ? " (" : "",
                    name != NULL ? name : "", name != NULL ? ")" : "",
                    spawned[0] != '\0' ? ", spawned at " : "", spawned);
    lua_replace(L, -4);
    lua_pop(L, 2);
}

/* Pushes the lines about a member that failed: who it is, with what, unless
 * that is the error itself, and where. `handle` is on top. */
static void push_failure(lua_State *L, int value, bool *raised)
{
    int handle = lua_gettop(L);
    push_member(L, handle);
    ml_handle_get(L, handle, ML_HANDLE_VALUE);
    if (!*raised && lua_rawequal(L, -1, value) != 0) {
        *raised = true;
        lua_pushfstring(L, "\nraised by %s:", lua_tostring(L, handle + 1));
    } else {
        const char *text = ml_failure_text(L, -1);
        lua_pushfstring(L, "\n%s, failed, too: %s", lua_tostring(L, handle + 1),
                        text != NULL ? text : "nil");
    }
    lua_replace(L, handle + 1);
    lua_settop(L, handle + 1);
    ml_handle_get(L, handle, ML_HANDLE_TRACEBACK);
    trim_member(L);
    lua_concat(L, 2);
}

/* Pushes what there is to tell of the group whose note is on top, and takes
 * that off. */
static void push_failures(lua_State *L, int value)
{
    bool raised = false;
    int list = lua_gettop(L);
    lua_Integer n = (lua_Integer)lua_rawlen(L, list);
    lua_pushliteral(L, "");
    for (lua_Integer i = 1; i <= n && i <= TOLD_MAX; i++) {
        lua_rawgeti(L, list, i);
        push_failure(L, value, &raised);
        lua_remove(L, -2);
        lua_concat(L, 2);
    }
    if (n > TOLD_MAX) {
        lua_pushfstring(L, "\nand %I more of its group failed, too",
                        (LUAI_UACINT)(n - TOLD_MAX));
        lua_concat(L, 2);
    }
    lua_remove(L, list);
}

/* Pushes the lines about the group that raised the value, or an empty text. */
static void push_group(lua_State *L, const struct ml_task *task, int value)
{
    lua_pushliteral(L, "");
    if (!task->blames) {
        return;
    }
    lua_rawgeti(L, LUA_REGISTRYINDEX, task->loop->vm->blames);
    lua_rawgeti(L, -1, task->shell.slot);
    lua_rawgeti(L, -1, VALUE);
    if (lua_rawequal(L, -1, value) != 0) {
        lua_rawgeti(L, -2, FAILURES);
        push_failures(L, value);
        lua_replace(L, -5);
    }
    lua_pop(L, 3);
}

/* A task that dies of a nil is likely to have ignored the error beside it:
 * pushes a line about the last one it was given, or an empty text. */
static void push_advice(lua_State *L, const struct ml_task *task, int value)
{
    lua_pushliteral(L, "");
    if (!task->warned || lua_type(L, value) != LUA_TSTRING ||
        strstr(lua_tostring(L, value), "a nil value") == NULL) {
        return;
    }
    lua_rawgeti(L, LUA_REGISTRYINDEX, task->loop->vm->lasts);
    lua_rawgeti(L, -1, task->shell.slot);
    lua_pushfstring(L,
                    "\nthe last call of this task that failed gave it nil and "
                    "this error:\n\t%s",
                    luaL_tolstring(L, -1, NULL));
    lua_replace(L, -5);
    lua_pop(L, 3);
}

void ml_blame_add(lua_State *L, const struct ml_task *task, int index)
{
    int handle = lua_gettop(L);
    if (!task->blames && !task->warned) {
        return;
    }
    luaL_checkstack(L, LUA_MINSTACK, "failure");
    ml_handle_get(L, handle, ML_HANDLE_TRACEBACK);
    push_group(L, task, index);
    push_advice(L, task, index);
    lua_concat(L, 2);
    if (lua_rawlen(L, -1) > 0) {
        lua_insert(L, -2);
        trim_traceback(L);
        lua_insert(L, -2);
        lua_concat(L, 2);
        ml_handle_set(L, handle, ML_HANDLE_TRACEBACK);
    }
    lua_settop(L, handle);
}
