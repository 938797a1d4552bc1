/* choice.c - syscall.any, ml.any: one of several calls, whichever comes first.
 *
 * Model: the choice of Concurrent ML (Reppy 1991). Each request becomes an arm
 * with a call of its own. An attempt goes through the arms in their order, and
 * the first that finishes is the choice; the others have declared what they
 * wait for, and no more. So only one takes effect, and to withdraw the losers
 * is to forget what they declared. What is handed to a task that waits (a
 * value, a lock) is handed to one arm, and wakes the task by it: that arm is
 * the choice then, whatever else got ready meanwhile.
 *
 * A choice inside of a choice is laid out flat; its arms remember the way. */
#include "base/errno.h"
#include "core/arg.h"
#include "core/call.h"
#include "core/error.h"
#include "core/loop.h"
#include "core/offload.h"
#include "core/request.h"
#include "sys/sys.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Choices within choices. */
enum {
    DEPTH_MAX = 32
};

struct arm {
    ml_call call;
    int path[DEPTH_MAX]; /* index in each choice, the outermost first */
    int depth;
};

struct choice {
    int n;
    struct arm arms[];
};

static size_t choice_size(int n)
{
    return sizeof(struct choice) + (size_t)n * sizeof(struct arm);
}

/* ---- making the arms ------------------------------------------------------------- */

static int any_attempt(lua_State *L, ml_call *call);

static bool is_choice(const struct ml_request *request)
{
    return request->def->attempt == any_attempt;
}

/* The number of arms of the request at `index`; raises if it is too deep. */
/* NOLINTNEXTLINE(misc-no-recursion): no deeper than DEPTH_MAX */
static int count_arms(lua_State *L, struct ml_vm *vm, int index, int depth)
{
    const struct ml_request *request = ml_request_test(L, vm, index);
    if (!is_choice(request)) {
        return 1;
    }
    if (depth == DEPTH_MAX) {
        return luaL_error(L, "too many choices inside of choices");
    }
    int n = 0;
    luaL_checkstack(L, 4, "choice");
    for (int i = 1; i <= request->nargs; i++) {
        (void)lua_getiuservalue(L, index, i);
        n += count_arms(L, vm, lua_gettop(L), depth + 1);
        lua_pop(L, 1);
    }
    return n;
}

/* Adds the arms of the request at `index`; `at` holds the way to it. Their
 * arguments stay on the stack, for as long as the choice waits. */
/* NOLINTNEXTLINE(misc-no-recursion): no deeper than DEPTH_MAX */
static void add_arms(lua_State *L, struct choice *choice, struct ml_task *task,
                     int index, const struct arm *at)
{
    struct ml_vm *vm = task->loop->vm;
    const struct ml_request *request = ml_request_test(L, vm, index);
    struct arm below = *at;
    if (!is_choice(request)) {
        struct arm *arm = &choice->arms[choice->n++];
        *arm = *at;
        int base = lua_gettop(L);
        for (int i = 1; i <= request->nargs; i++) {
            (void)lua_getiuservalue(L, index, i);
        }
        ml_call_init(&arm->call, task, request->def, base, request->nargs);
        return;
    }
    below.depth++;
    for (int i = 1; i <= request->nargs; i++) {
        (void)lua_getiuservalue(L, index, i);
        below.path[below.depth - 1] = i;
        add_arms(L, choice, task, lua_gettop(L), &below);
    }
}

/* The stack that the arms' arguments need. */
/* NOLINTNEXTLINE(misc-no-recursion): no deeper than DEPTH_MAX */
static int count_values(lua_State *L, struct ml_vm *vm, int index)
{
    const struct ml_request *request = ml_request_test(L, vm, index);
    int n = request->nargs + 1;
    if (is_choice(request)) {
        for (int i = 1; i <= request->nargs; i++) {
            (void)lua_getiuservalue(L, index, i);
            n += count_values(L, vm, lua_gettop(L));
            lua_pop(L, 1);
        }
    }
    return n;
}

/* Lays the choice out. 0; -ENOMEM. */
static int choice_begin(lua_State *L, ml_call *call)
{
    struct ml_vm *vm = call->task->loop->vm;
    struct arm top = {.depth = 1};
    int arms = 0;
    int values = LUA_MINSTACK;
    for (int i = 1; i <= call->nargs; i++) {
        arms += count_arms(L, vm, ml_call_arg(call, i), 1);
        values += count_values(L, vm, ml_call_arg(call, i));
    }
    luaL_checkstack(L, values, "too many requests in a choice");
    struct choice *choice =
        ml_alloc_resize(&vm->alloc, NULL, 0, choice_size(arms));
    if (choice == NULL) {
        return -ENOMEM;
    }
    choice->n = 0;
    call->number = arms;
    call->data = choice;
    for (int i = 1; i <= call->nargs; i++) {
        top.path[0] = i;
        add_arms(L, choice, call->task, ml_call_arg(call, i), &top);
    }
    return 0;
}

/* ---- the end of it ------------------------------------------------------------------ */

static void arm_withdraw(struct arm *arm)
{
    const ml_syscall *def = arm->call.def;
    arm->call.def = NULL;
    if (def != NULL) {
        ml_call_undo(&arm->call, def);
    }
    ml_completion_drop(&arm->call);
}

static void any_withdraw(ml_call *call)
{
    struct choice *choice = call->data;
    if (choice == NULL) {
        return;
    }
    call->data = NULL;
    for (int i = 0; i < choice->n; i++) {
        arm_withdraw(&choice->arms[i]);
    }
    ml_alloc_free(&call->task->loop->vm->alloc, choice,
                  choice_size((int)call->number));
}

/* The arm has finished with the `n` values on top: before them go the indexes
 * that lead to it. */
static int choice_end(lua_State *L, ml_call *call, struct arm *arm, int n)
{
    int depth = arm->depth;
    luaL_checkstack(L, depth + 1, "choice");
    for (int i = depth - 1; i >= 0; i--) {
        lua_pushinteger(L, arm->path[i]);
        lua_insert(L, -n - 1);
        n++;
    }
    arm->call.def = NULL; /* it has its answer: nothing to withdraw */
    any_withdraw(call);
    return n;
}

/* A request that is refused has completed. */
static int arm_refused(lua_State *L, ml_call *call, struct arm *arm, int code)
{
    const char *op = arm->call.def->name;
    arm_withdraw(arm);
    return choice_end(L, call, arm, ml_error_fail(L, code, op));
}

/* What it waits for cannot be waited for any more. */
static int arm_lost(lua_State *L, ml_call *call, struct arm *arm)
{
    const char *op = arm->call.def->name;
    int code = arm->call.error;
    arm_withdraw(arm);
    return choice_end(L, call, arm, ml_error_refuse(L, code, op));
}

/* ---- the attempt --------------------------------------------------------------------- */

/* Tries one arm: the number of answers, or ML_WAIT. */
static int arm_attempt(lua_State *L, ml_call *call, struct arm *arm)
{
    ml_call *sub = &arm->call;
    if (sub->woke == ML_WOKE_ERROR) {
        return arm_lost(L, call, arm);
    }
    sub->alarm = ML_TIME_NEVER;
    luaL_checkstack(L, LUA_MINSTACK, "choice"); /* others may have left much */
    int n = ml_call_attempt(L, sub);
    if (n >= 0) {
        return choice_end(L, call, arm, n);
    }
    if (n != ML_WAIT) {
        return arm_refused(L, call, arm, -n);
    }
    if (sub->deadline != ML_TIME_NEVER &&
        sub->deadline <= ml_loop_now(call->task->loop)) {
        return arm_refused(L, call, arm, ETIMEDOUT);
    }
    int64_t next = sub->deadline < sub->alarm ? sub->deadline : sub->alarm;
    call->alarm = next < call->alarm ? next : call->alarm;
    sub->woke = ML_WOKE_YIELD; /* no longer the first attempt */
    return ML_WAIT;
}

/* The arm that something was handed to, or NULL. */
static struct arm *arm_given(struct choice *choice)
{
    for (int i = 0; i < choice->n; i++) {
        if (choice->arms[i].call.woke == ML_WOKE_GIVEN) {
            return &choice->arms[i];
        }
    }
    return NULL;
}

/* Before the choice has its turn: the arms find out whom they mean. */
static int choice_look(lua_State *L, struct choice *choice)
{
    for (int i = 0; i < choice->n; i++) {
        ml_call *sub = &choice->arms[i].call;
        if ((sub->def->flags & ML_CALL_LOOKS) != 0) {
            luaL_checkstack(L, LUA_MINSTACK, "choice");
            sub->woke = ML_WOKE_LOOK;
            (void)ml_call_attempt(L, sub);
            sub->woke = ML_WOKE_NOT;
        }
    }
    return ML_WAIT;
}

static int any_attempt(lua_State *L, ml_call *call)
{
    if (call->data == NULL) {
        int err = choice_begin(L, call);
        if (err != 0) {
            return err;
        }
    }
    struct choice *choice = call->data;
    if (call->woke == ML_WOKE_LOOK) {
        return choice_look(L, choice);
    }
    struct arm *given = arm_given(choice);
    if (given != NULL) {
        return arm_attempt(L, call, given);
    }
    for (int i = 0; i < choice->n; i++) {
        int n = arm_attempt(L, call, &choice->arms[i]);
        if (n != ML_WAIT) {
            return n;
        }
    }
    return ML_WAIT;
}

static void any_check(lua_State *L)
{
    struct ml_vm *vm = ml_vm_get(L);
    int n = lua_gettop(L);
    ml_arg_check(L, n > 0, 1, "a choice needs at least one request");
    for (int i = 1; i <= n; i++) {
        ml_arg_expected(L, ml_request_test(L, vm, i) != NULL, i,
                        "system-call request");
    }
}

static void any_describe(const ml_call *call, char *text, size_t size)
{
    const struct choice *choice = call->data;
    size_t used = 0;
    text[0] = '\0';
    for (int i = 0; choice != NULL && i < choice->n && used < size; i++) {
        char arm[128];
        ml_call_text(&choice->arms[i].call, arm, sizeof arm);
        int n = snprintf(text + used, size - used, "%s%s",
                         i == 0 ? "of " : ", ", arm);
        used += n > 0 ? (size_t)n : 0;
    }
}

static const ml_syscall sys_any = {.size = sizeof(ml_syscall),
                                   .name = "any",
                                   .check = any_check,
                                   .attempt = any_attempt,
                                   .withdraw = any_withdraw,
                                   .describe = any_describe,
                                   .flags = ML_CALL_LOOKS};

/* ml.any{r1, r2, ...} */
static int any_of_list(lua_State *L)
{
    ml_arg_type(L, 1, LUA_TTABLE);
    ml_request_made(ml_vm_upvalue(L));
    int n = (int)lua_rawlen(L, 1);
    luaL_checkstack(L, n + LUA_MINSTACK, "too many requests in a choice");
    lua_settop(L, 1);
    for (int i = 1; i <= n; i++) {
        lua_geti(L, 1, i);
    }
    lua_remove(L, 1);
    return ml_call_enter(L, ml_vm_upvalue(L), &sys_any);
}

void ml_sys_choice_open(lua_State *L, struct ml_vm *vm)
{
    (void)ml_request_add(L, vm, &sys_any);
    ml_vm_pushclosure(L, vm, any_of_list, 0);
    lua_setfield(L, -2, "any");
}
