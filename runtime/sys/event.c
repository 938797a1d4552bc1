/* event.c - ml.event: a flag that tasks wait for. */
#include "sys/event.h"

#include "core/arg.h"
#include "core/call.h"
#include "core/misuse.h"
#include "sys/place.h"
#include "sys/sys.h"

#include <stdio.h>
#include <string.h>

static const char *const METATABLE = "miniloop.event";

struct event {
    struct ml_queue waiters;
    struct ml_place place; /* where it was made */
    const char *what;      /* for reports, in the same block; or NULL */
    bool set;
};

static struct event *check_event(lua_State *L, int arg)
{
    return (struct event *)ml_arg_udata(L, arg, METATABLE);
}

static void wait_check(lua_State *L)
{
    (void)check_event(L, 1);
    (void)ml_misuse_opt_seconds(L, 2, 0);
    lua_settop(L, 2);
}

/* The event is an argument on the task's stack: it outlives the wait. */
static int wait_attempt(lua_State *L, ml_call *call)
{
    struct event *event = lua_touserdata(L, ml_call_arg(call, 1));
    call->data = event;
    int timeout = ml_call_arg(call, 2);
    if (event->set || call->woke == ML_WOKE_READY) {
        lua_pushboolean(L, 1);
        return 1;
    }
    if (call->woke == ML_WOKE_NOT && !ml_misuse_absent(L, timeout)) {
        ml_call_bound(call, lua_tonumber(L, timeout));
    }
    int err = ml_declare_queue(call, &event->waiters);
    return err != 0 ? err : ML_WAIT;
}

static void wait_describe(const ml_call *call, char *text, size_t size)
{
    const struct event *event = call->data;
    if (event->what != NULL) {
        (void)snprintf(text, size, "for %s", event->what);
        return;
    }
    ml_place_text(&event->place, "for the event", text, size);
}

static const ml_syscall event_wait = {.size = sizeof(ml_syscall),
                                      .name = "wait",
                                      .check = wait_check,
                                      .attempt = wait_attempt,
                                      .describe = wait_describe};

bool ml_event_test(lua_State *L, int index)
{
    return ml_vm_testudata(L, ml_vm_upvalue(L), index, METATABLE) != NULL;
}

const ml_syscall *ml_event_syscall(void)
{
    return &event_wait;
}

static int event_set(lua_State *L)
{
    struct event *event = check_event(L, 1);
    event->set = true;
    ml_queue_wake_all(&event->waiters);
    return 0;
}

static int event_clear(lua_State *L)
{
    check_event(L, 1)->set = false;
    return 0;
}

static int event_isset(lua_State *L)
{
    lua_pushboolean(L, check_event(L, 1)->set);
    return 1;
}

/* Pushes an event, with `extra` bytes behind it. */
static struct event *event_push(lua_State *L, size_t extra)
{
    struct event *event = lua_newuserdatauv(L, sizeof *event + extra, 0);
    event->set = false;
    event->what = NULL;
    ml_queue_init(&event->waiters);
    ml_place_here(&event->place, L);
    luaL_setmetatable(L, METATABLE);
    return event;
}

static int event_new(lua_State *L)
{
    (void)event_push(L, 0);
    return 1;
}

/* core.event_for(what): one of the runtime's own modules, whose line would tell
 * nobody what is waited for. */
static int event_for(lua_State *L)
{
    size_t length = 0;
    const char *what = ml_arg_lstring(L, 1, &length);
    struct event *event = event_push(L, length + 1);
    event->what = memcpy(event + 1, what, length + 1);
    return 1;
}

void ml_sys_event_open(lua_State *L, struct ml_vm *vm)
{
    static const luaL_Reg methods[] = {{"set", event_set},
                                       {"clear", event_clear},
                                       {"isset", event_isset},
                                       {NULL, NULL}};
    ml_vm_pushclosure(L, vm, event_new, 0);
    lua_setfield(L, -2, "event");
    ml_vm_pushclosure(L, vm, event_for, 0);
    lua_setfield(L, -2, "event_for");
    ml_object_type(L, vm, METATABLE, "an event");
    ml_vm_setfuncs(L, vm, methods);
    ml_sys_method(L, vm, "wait", &event_wait);
    lua_pop(L, 1);
}
