#include "core/failure.h"

#include "core/loop.h"
#include "core/task.h"

#include <stdbool.h>
#include <string.h>

int ml_failures_table(lua_State *L)
{
    lua_newtable(L);
    return luaL_ref(L, LUA_REGISTRYINDEX);
}

void ml_failures_open(struct ml_failures *failures, int table)
{
    failures->ref = table;
    failures->first = 1;
    failures->last = 0;
}

/* Takes the first entry out, of which there must be one, and pushes its
 * handle. */
static struct ml_handle *failures_shift(struct ml_failures *failures,
                                        lua_State *L)
{
    lua_rawgeti(L, LUA_REGISTRYINDEX, failures->ref);
    lua_rawgeti(L, -1, failures->first);
    lua_pushnil(L);
    lua_rawseti(L, -3, failures->first++);
    lua_remove(L, -2);
    return (struct ml_handle *)lua_touserdata(L, -1);
}

void ml_failures_close(struct ml_loop *loop, lua_State *L)
{
    luaL_unref(L, LUA_REGISTRYINDEX, loop->failures.ref);
}

void ml_failures_add(struct ml_loop *loop, lua_State *L)
{
    struct ml_failures *failures = &loop->failures;
    lua_rawgeti(L, LUA_REGISTRYINDEX, failures->ref);
    lua_insert(L, -2);
    lua_rawseti(L, -2, failures->last + 1);
    lua_pop(L, 1);
    failures->last++;
}

void ml_failures_taken(struct ml_handle *handle)
{
    if (handle->observed) {
        return;
    }
    handle->observed = true;
    ml_list_each (item, &handle->vm->loops) {
        struct ml_loop *loop = ml_container_of(item, struct ml_loop, link);
        if (loop->serial == handle->serial && handle->reported) {
            loop->failures.untaken--;
        }
    }
}

/* What a report is made of, for a protected call. */
struct report {
    struct ml_loop *loop;
    ml_failure failure;
    bool began; /* the report function was called */
};

static int value_text(lua_State *L)
{
    (void)luaL_tolstring(L, 1, NULL);
    return 1;
}

/* A __tostring that raises must not cost the report. */
const char *ml_failure_text(lua_State *L, int index)
{
    if (lua_isnoneornil(L, index)) {
        lua_pushnil(L);
        return NULL;
    }
    index = lua_absindex(L, index);
    lua_pushcfunction(L, value_text);
    lua_pushvalue(L, index);
    if (lua_pcall(L, 1, 1, 0) != LUA_OK) {
        lua_pop(L, 1);
        lua_pushfstring(L, "(an error value of type %s that has no text)",
                        luaL_typename(L, index));
    }
    return lua_tostring(L, -1);
}

/* An error value may be nil; what is no error has no value. */
static const char *error_text(lua_State *L, int index, const char *kind)
{
    const char *text = ml_failure_text(L, index);
    bool error = strcmp(kind, "failed") == 0 || strcmp(kind, "close") == 0;
    return text == NULL && error ? "nil" : text;
}

/* Arguments: the report, the error value, the traceback, the name, the places
 * where it was spawned. */
static int report_run(lua_State *L)
{
    struct report *report = (struct report *)lua_touserdata(L, 1);
    ml_failure *failure = &report->failure;
    struct ml_failures *failures = &report->loop->failures;
    failure->message = error_text(L, 2, failure->kind);
    failure->traceback = ml_failure_text(L, 3);
    failure->name = ml_failure_text(L, 4);
    failure->spawned = ml_failure_text(L, 5);
    if (failure->spawned != NULL && failure->spawned[0] == '\0') {
        failure->spawned = NULL;
    }
    report->began = true;
    failures->report(report->loop, L, failure, failures->ud);
    return 0;
}

/* Arguments: the report, of which only so much is left as needs no memory, and
 * the error value, which says it if it is a string. */
static int report_bare(lua_State *L)
{
    struct report *report = (struct report *)lua_touserdata(L, 1);
    struct ml_failures *failures = &report->loop->failures;
    ml_failure bare = {.task = report->failure.task,
                       .kind = report->failure.kind,
                       .waiting = report->failure.waiting,
                       .message = "not enough memory to tell more"};
    if (lua_type(L, 2) == LUA_TSTRING) {
        bare.message = lua_tostring(L, 2);
    }
    failures->report(report->loop, L, &bare, failures->ud);
    return 0;
}

/* Takes the values on top of L off, for the function. True if it returned. */
static bool report_try(lua_State *L, lua_CFunction run, struct report *report,
                       int nvalues)
{
    lua_pushcfunction(L, run);
    lua_insert(L, -1 - nvalues);
    lua_pushlightuserdata(L, report);
    lua_insert(L, -1 - nvalues);
    if (lua_pcall(L, 1 + nvalues, 0, 0) == LUA_OK) {
        return true;
    }
    lua_pop(L, 1);
    return false;
}

/* Calls the report function with the four values on top of L, which it takes
 * off. Without memory even for the few words of the second attempt (which the
 * cap keeps some for) the failure is counted, and that is all. */
static void report_make(lua_State *L, struct report *report)
{
    int top = lua_gettop(L) - 4;
    if (report->loop->failures.report == NULL) {
        lua_settop(L, top);
        return;
    }
    struct ml_cap *cap = report->loop->vm->cap;
    enum ml_cap_level before = ml_cap_enter(cap, ML_CAP_REPORT);
    report->began = false;
    lua_pushvalue(L, -4);
    lua_insert(L, -5);
    if (!report_try(L, report_run, report, 4) && !report->began) {
        (void)report_try(L, report_bare, report, 1);
    }
    lua_settop(L, top);
    ml_cap_leave(cap, before);
}

void ml_failures_report(struct ml_loop *loop, lua_State *L)
{
    struct ml_handle *handle = (struct ml_handle *)lua_touserdata(L, -1);
    struct report report = {.loop = loop};
    int index = lua_gettop(L);
    report.failure.task = handle->id;
    report.failure.kind = "failed";
    handle->reported = true;
    loop->failures.untaken++;
    ml_handle_get(L, index, ML_HANDLE_VALUE);
    ml_handle_get(L, index, ML_HANDLE_TRACEBACK);
    ml_handle_get(L, index, ML_HANDLE_NAME);
    ml_handle_get(L, index, ML_HANDLE_SPAWNED);
    report_make(L, &report);
    lua_pop(L, 1);
}

int64_t ml_failures_next(struct ml_loop *loop)
{
    struct ml_failures *failures = &loop->failures;
    lua_State *L = loop->L;
    if (failures->last < failures->first) {
        return ML_TIME_NEVER;
    }
    lua_rawgeti(L, LUA_REGISTRYINDEX, failures->ref);
    lua_rawgeti(L, -1, failures->first);
    int64_t due = ((struct ml_handle *)lua_touserdata(L, -1))->due;
    lua_pop(L, 2);
    return due;
}

void ml_failures_flush(struct ml_loop *loop, int64_t now)
{
    lua_State *L = loop->L;
    while (loop->failures.last >= loop->failures.first &&
           (now == ML_TIME_NEVER || ml_failures_next(loop) <= now)) {
        if (failures_shift(&loop->failures, L)->observed) {
            lua_pop(L, 1);
        } else {
            ml_failures_report(loop, L);
        }
    }
}

static int push_traceback(lua_State *L)
{
    struct ml_task *task = (struct ml_task *)lua_touserdata(L, 1);
    if (!task->started) {
        return 0;
    }
    ml_task_traceback(L, task);
    return 1;
}

static int push_spawned(lua_State *L)
{
    ml_site_push(L, ((struct ml_task *)lua_touserdata(L, 1))->site);
    return 1;
}

static int push_status(lua_State *L)
{
    lua_pushstring(L, ml_task_status((struct ml_task *)lua_touserdata(L, 1)));
    return 1;
}

/* Pushes what `push` makes of the task, or nil if there is no memory. */
static void push_protected(lua_State *L, struct ml_task *task,
                           lua_CFunction push)
{
    lua_pushcfunction(L, push);
    lua_pushlightuserdata(L, task);
    if (lua_pcall(L, 1, 1, 0) != LUA_OK) {
        lua_pop(L, 1);
        lua_pushnil(L);
    }
}

static void push_name(lua_State *L, struct ml_task *task)
{
    if (ml_handle_find(L, task) == NULL) {
        lua_pushnil(L);
        return;
    }
    ml_handle_get(L, -1, ML_HANDLE_NAME);
    lua_remove(L, -2);
}

/* Reports on a task; its message and traceback are on top of L, which it takes
 * off. */
static void report_task(struct ml_task *task, lua_State *L, const char *kind)
{
    char waiting[256];
    struct report report = {.loop = task->loop};
    report.failure.task = task->id;
    report.failure.kind = kind;
    if (task->state == ML_TASK_WAITING) {
        ml_call_text(&task->call, waiting, sizeof waiting);
        report.failure.waiting = waiting;
    }
    push_name(L, task);
    push_protected(L, task, push_spawned);
    report_make(L, &report);
}

void ml_failures_stray(struct ml_task *task, lua_State *co, lua_State *L,
                       const char *kind)
{
    task->loop->failures.untaken++;
    lua_xmove(co, L, 1);
    lua_pushnil(L);
    report_task(task, L, kind);
}

void ml_failures_mention(struct ml_task *task, lua_State *L, const char *kind)
{
    report_task(task, L, kind);
}

void ml_failures_stuck(struct ml_task *task, lua_State *L)
{
    lua_pushnil(L);
    push_protected(L, task, push_traceback);
    report_task(task, L, "deadlock");
}

void ml_failures_show(struct ml_task *task, lua_State *L)
{
    push_protected(L, task, push_status);
    push_protected(L, task, push_traceback);
    report_task(task, L, "task");
}
