/* time.c - sleep, now, yield. */
#include "core/call.h"
#include "core/loop.h"
#include "core/misuse.h"
#include "sys/sys.h"

#include <stdio.h>

static void sleep_check(lua_State *L)
{
    (void)ml_misuse_seconds(L, 1);
    lua_settop(L, 1);
}

/* The deadline is kept in call->number, the sleep's id in call->data. */
static int sleep_attempt(lua_State *L, ml_call *call)
{
    struct ml_loop *loop = ml_call_loop(call);
    if (call->woke == ML_WOKE_NOT) {
        call->number =
            ml_call_time(call, lua_tonumber(L, ml_call_arg(call, 1)));
        call->data = (void *)(intptr_t)++loop->last_sleep;
    }
    /* Alone, a sleep gives way to others even for no time at all; in a choice,
     * one whose time has come is ready now. */
    if (call->woke == ML_WOKE_TIME || ml_call_chosen(call)) {
        int64_t now =
            ml_call_chosen(call) ? ml_loop_now(loop) : loop->now; /* it woke */
        if (now >= call->number) {
            lua_pushinteger(L, (intptr_t)call->data);
            lua_pushnumber(L, ml_time_to_seconds(now - call->number));
            return 2;
        }
    }
    call->alarm = call->number;
    return ML_WAIT;
}

static void sleep_describe(const ml_call *call, char *text, size_t size)
{
    (void)snprintf(text, size, "%s",
                   call->number == ML_TIME_NEVER ? "for ever" : "");
}

static const ml_syscall sys_sleep = {.size = sizeof(ml_syscall),
                                     .name = "sleep",
                                     .check = sleep_check,
                                     .attempt = sleep_attempt,
                                     .describe = sleep_describe};

/* The clock of the loop that runs; outside of one, the system's. */
static int time_now(lua_State *L)
{
    const struct ml_vm *vm = ml_vm_upvalue(L);
    struct ml_clock real;
    struct ml_clock *clock = &real;
    ml_clock_real(&real);
    if (vm->loop != NULL) {
        clock = &vm->loop->clock;
    }
    lua_pushnumber(L, ml_time_to_seconds(clock->now(clock)));
    return 1;
}

static int time_yield(lua_State *L)
{
    return ml_call_yield(L, ml_vm_upvalue(L));
}

void ml_sys_time_open(lua_State *L, struct ml_vm *vm)
{
    static const ml_syscall *const defs[] = {&sys_sleep, NULL};
    static const luaL_Reg functions[] = {
        {"now", time_now}, {"yield", time_yield}, {NULL, NULL}};
    ml_sys_add(L, vm, defs);
    ml_vm_setfuncs(L, vm, functions);
}
