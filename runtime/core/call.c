#include "core/call.h"

#include "base/cast.h"
#include "base/errno.h"
#include "core/error.h"
#include "core/loop.h"
#include "core/offload.h"
#include "core/scope.h"
#include "core/task.h"
#include "core/thread.h"
#include "core/trace.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

struct ml_task *ml_call_task(lua_State *L, struct ml_vm *vm, const char *name)
{
    if (!ml_vm_suspendable(L, vm)) {
        (void)ml_vm_misplaced(L, vm, name);
    }
    return vm->task;
}

void ml_call_withdraw(struct ml_task *task)
{
    ml_call *call = &task->call;
    const ml_syscall *def = call->def;
    if (def == NULL) {
        return;
    }
    call->def = NULL;
    ml_declare_none(task);
    ml_call_undo(call, def);
    ml_completion_drop(call);
}

void ml_call_init(ml_call *call, struct ml_task *task, const ml_syscall *def,
                  int base, int nargs)
{
    *call = (ml_call){.def = def,
                      .task = task,
                      .deadline = ML_TIME_NEVER,
                      .alarm = ML_TIME_NEVER,
                      .base = base,
                      .nargs = nargs};
}

/* ---- giving way --------------------------------------------------------- */

/* Puts the task behind those that are ready, and suspends it. */
static int step_back(lua_State *L, struct ml_task *task, lua_KContext ctx,
                     lua_KFunction k)
{
    ml_task_ready(task);
    ml_thread_pushmark(L);
    return lua_yieldk(L, 1, ctx, k);
}

/* Gives way to the ready tasks, then continues with `k`. */
static int give_way(lua_State *L, struct ml_task *task, lua_KContext ctx,
                    lua_KFunction k)
{
    luaL_checkstack(L, 1, "yield");
    return step_back(L, task, ctx, k);
}

/* The same of a task that is in no call: what is left of one whose attempt
 * raised goes first, for others may wait for what it holds. */
static int call_step_back(lua_State *L, struct ml_task *task, lua_KContext ctx,
                          lua_KFunction k)
{
    ml_call_withdraw(task);
    return give_way(L, task, ctx, k);
}

/* The `n` answers are the topmost values below the mark. */
static int answers_k(lua_State *L, int status, lua_KContext n)
{
    (void)status;
    lua_pop(L, 1);
    return (int)n;
}

/* The same for none. */
static int yield_k(lua_State *L, int status, lua_KContext ctx)
{
    (void)L;
    (void)status;
    (void)ctx;
    return 0;
}

/* ---- the one way out ---------------------------------------------------- */

static int call_answer(struct ml_task *task, int n)
{
    task->call.def = NULL;
    ml_declare_none(task);
    if (task->call.completion != NULL) {
        ml_completion_drop(&task->call);
    }
    return n;
}

/* The error is on top, above a nil: raises it, or answers with both. */
static int call_error(lua_State *L, struct ml_task *task, bool raises)
{
    int n = call_answer(task, 2);
    return raises ? lua_error(L) : n;
}

static bool call_raises(const struct ml_task *task)
{
    return (task->call.def->flags & ML_CALL_RAISES) != 0;
}

static int call_fail(lua_State *L, struct ml_task *task, int code)
{
    const char *op = task->call.def->name;
    bool raises = call_raises(task);
    ml_call_withdraw(task);
    (void)ml_error_fail(L, code, op);
    return call_error(L, task, raises);
}

/* What it waits for cannot be waited for any more. */
static int call_refuse(lua_State *L, struct ml_task *task)
{
    const char *op = task->call.def->name;
    int code = task->call.error;
    bool raises = call_raises(task);
    ml_call_withdraw(task);
    (void)ml_error_refuse(L, code, op);
    return call_error(L, task, raises);
}

/* ---- attempt, wait, attempt again --------------------------------------- */

static int call_attempt(lua_State *L, struct ml_task *task);

/* A group waits for its members in any case; its attempt sees to the
 * cancellation itself. */
static bool hears_cancel(const struct ml_task *task)
{
    return (task->call.def->flags & ML_CALL_UNYIELDING) == 0;
}

/* The cancellation that ends the call in flight, or NULL. */
static struct ml_scope *call_pending(struct ml_task *task)
{
    return task->alert && hears_cancel(task) ? ml_scope_pending(task) : NULL;
}

static int call_raise(lua_State *L, struct ml_task *task,
                      struct ml_scope *scope)
{
    ml_call_withdraw(task);
    return ml_scope_raise(L, scope);
}

/* Continues a call whose task was woken, in the task. */
static int call_k(lua_State *L, int status, lua_KContext ctx)
{
    struct ml_task *task = (struct ml_task *)ctx;
    (void)status;
    lua_pop(L, 1); /* the mark */
    if (task->call.woke == ML_WOKE_ERROR) {
        return call_refuse(L, task);
    }
    struct ml_scope *scope =
        task->call.woke == ML_WOKE_CANCEL ? call_pending(task) : NULL;
    return scope != NULL ? call_raise(L, task, scope) : call_attempt(L, task);
}

static int call_wait(lua_State *L, struct ml_task *task)
{
    struct ml_scope *scope = call_pending(task);
    if (scope != NULL) { /* woken in vain, and cancelled meanwhile */
        return call_raise(L, task, scope);
    }
    luaL_checkstack(L, 1, "yield");
    int err = ml_park(task);
    if (err != 0) {
        return call_fail(L, task, -err);
    }
    ml_trace(task->loop, wait, task);
    task->call.woke = ML_WOKE_YIELD; /* until something wakes it */
    ml_thread_pushmark(L);
    return lua_yieldk(L, 1, (lua_KContext)task, call_k);
}

/* The deadline is looked at after the attempt, so that what is ready in the
 * same round as the timeout wins, and a timeout of 0 tries once. */
static bool call_expired(const struct ml_task *task)
{
    const ml_call *call = &task->call;
    if (call->deadline == ML_TIME_NEVER) {
        return false;
    }
    return call->woke == ML_WOKE_TIME
               ? call->deadline <= task->loop->now
               : call->deadline <= ml_loop_now(task->loop);
}

static int call_attempt(lua_State *L, struct ml_task *task)
{
    ml_call *call = &task->call;
    assert(task->nwaits == 0 && "each attempt declares anew");
    call->alarm = ML_TIME_NEVER;
    int n = ml_call_attempt(L, call);
    if (n >= 0) {
        return call_answer(task, n);
    }
    if (n != ML_WAIT) {
        return call_fail(L, task, -n);
    }
    if (call_expired(task)) {
        return call_fail(L, task, ETIMEDOUT);
    }
    return call_wait(L, task);
}

/* ---- the one way in ----------------------------------------------------- */

/* What a task is in that was told so often that it will not listen. It gives
 * way for a short time then, not for a turn: it must neither keep the processor
 * busy nor a virtual clock from going on to where the task is killed. */
enum {
    PATIENCE = 100, /* calls that are told after a turn of the others */
    PAUSE = 1000000 /* ns */
};

/* It is being cancelled all the while, and raises that when it is over: there is
 * no attempt, pause_k goes on. */
static const ml_syscall sys_pause = {
    .size = sizeof(ml_syscall), .name = "pause", .flags = ML_CALL_UNYIELDING};

/* A call whose grace is over first gave way; now it raises: what is over stays
 * so, and only the task itself leaves the block. */
static int pause_k(lua_State *L, int status, lua_KContext ctx)
{
    struct ml_task *task = (struct ml_task *)ctx;
    (void)status;
    ml_call_withdraw(task);
    return ml_scope_raise(L, ml_scope_pending(task));
}

static int call_pause(lua_State *L, struct ml_task *task)
{
    luaL_checkstack(L, 1, "yield");
    ml_call_withdraw(task);
    ml_call_init(&task->call, task, &sys_pause, lua_gettop(L), 0);
    task->call.alarm = ml_time_add(ml_loop_now(task->loop), PAUSE);
    if (ml_park(task) != 0) {
        return give_way(L, task, (lua_KContext)task, pause_k);
    }
    ml_thread_pushmark(L);
    return lua_yieldk(L, 1, (lua_KContext)task, pause_k);
}

static int call_cancelled(lua_State *L, struct ml_task *task)
{
    struct ml_scope *scope = ml_scope_pending(task);
    if (scope->stage != ML_SCOPE_OVER) {
        return ml_scope_raise(L, scope);
    }
    if (scope->told < PATIENCE) {
        scope->told++;
        return call_step_back(L, task, (lua_KContext)task, pause_k);
    }
    return call_pause(L, task);
}

int ml_call_bar(lua_State *L, struct ml_task *task)
{
    return task->doomed ? ml_task_depart(L) : call_cancelled(L, task);
}

/* Two flags say in nearly all calls that nothing bars the task. */
static inline bool is_barred(struct ml_task *task)
{
    return task->doomed || (task->alert && ml_scope_pending(task) != NULL);
}

bool ml_call_barred(struct ml_task *task)
{
    return is_barred(task);
}

int ml_call_yield(lua_State *L, struct ml_vm *vm)
{
    struct ml_task *task = ml_call_task(L, vm, "yield");
    if (is_barred(task)) {
        return ml_call_bar(L, task);
    }
    ml_call_withdraw(task);
    return step_back(L, task, 0, yield_k); /* there is room: it has no more
                                              than its arguments */
}

/* Runs a call that never waits. It may come from inside of another one's
 * attempt (a method of the script that is asked for a descriptor, say), or
 * after one that raised and still holds something: that one is left alone. */
static int call_instant(lua_State *L, struct ml_vm *vm, const ml_syscall *def,
                        int base)
{
    struct ml_task *task = vm->task;
    ml_call call;
    assert(task != NULL && "whoever enters a call has looked");
    ml_call_init(&call, task, def, base, lua_gettop(L) - base);
    int n = ml_call_attempt(L, &call);
    if (n < 0) {
        ml_call_undo(&call, def);
        n = ml_error_fail(L, -n, def->name);
    }
    if (task->doomed && ml_vm_suspendable(L, vm)) {
        return ml_task_depart(L);
    }
    return n;
}

/* A task that had no call left gave way before the attempt: an answer that
 * waited for its turn would be lost with a task that is killed meanwhile. */
static int turn_k(lua_State *L, int status, lua_KContext ctx)
{
    struct ml_task *task = (struct ml_task *)ctx;
    struct ml_scope *scope = call_pending(task);
    (void)status;
    lua_pop(L, 1); /* the mark */
    task->call.woke = ML_WOKE_NOT;
    return scope != NULL ? call_raise(L, task, scope) : call_attempt(L, task);
}

int ml_call_start(lua_State *L, struct ml_vm *vm, const ml_syscall *def,
                  int base)
{
    if ((def->flags & ML_SYSCALL_INSTANT) != 0) {
        return call_instant(L, vm, def, base);
    }
    struct ml_task *task = ml_call_task(L, vm, def->name);
    if (is_barred(task) && (def->flags & ML_CALL_UNYIELDING) == 0) {
        return ml_call_bar(L, task);
    }
    ml_call_withdraw(task); /* what an attempt that raised has left */
    ml_call_init(&task->call, task, def, base, lua_gettop(L) - base);
    task->budget -= ML_CALL_COST;
    if (task->budget > 0) {
        return call_attempt(L, task);
    }
    if ((def->flags & ML_CALL_LOOKS) != 0) {
        task->call.woke = ML_WOKE_LOOK;
        int n = ml_call_attempt(L, &task->call);
        if (n != ML_WAIT) {
            return call_fail(L, task, -n);
        }
    }
    return give_way(L, task, (lua_KContext)task, turn_k);
}

/* A task that had no call left gave way first, as above. */
static int yielded_k(lua_State *L, int status, lua_KContext ctx)
{
    (void)status;
    lua_pop(L, 1); /* the mark */
    return call_instant(L, ml_vm_upvalue(L), (const ml_syscall *)ctx, 1);
}

/* A call that never waits is no place to give way, but a yield is one: a task
 * that yields nothing else must not keep the others from running. */
int ml_call_yielded(lua_State *L, struct ml_vm *vm, const ml_syscall *def)
{
    if ((def->flags & ML_SYSCALL_INSTANT) == 0 || !ml_vm_suspendable(L, vm) ||
        --vm->task->budget > 0) {
        return ml_call_start(L, vm, def, 1);
    }
    if ((def->flags & ML_CALL_PROMPT) != 0) {
        int n = call_instant(L, vm, def, 1);
        return call_step_back(L, vm->task, n, answers_k);
    }
    return call_step_back(L, vm->task, (lua_KContext)def, yielded_k);
}

int ml_call_enter(lua_State *L, struct ml_vm *vm, const ml_syscall *def)
{
    if (vm->task == NULL ||
        ((def->flags & ML_SYSCALL_INSTANT) == 0 && !ml_vm_suspendable(L, vm))) {
        return ml_vm_misplaced(L, vm, def->name);
    }
    if (def->check != NULL) {
        def->check(L);
    }
    return ml_call_start(L, vm, def, 0);
}

bool ml_call_chosen(const ml_call *call)
{
    return call != &call->task->call;
}

/* ---- for system calls --------------------------------------------------- */

int64_t ml_call_time(ml_call *call, double seconds)
{
    return ml_time_add(ml_loop_now(ml_call_owner(call)->loop),
                       ml_time_from_seconds(seconds));
}

void ml_call_bound(ml_call *call, double seconds)
{
    call->deadline = ml_call_time(call, seconds);
}

void ml_call_text(const ml_call *call, char *text, size_t size)
{
    size_t n = strlen(call->def->name);
    (void)snprintf(text, size, "%s", call->def->name);
    if (call->def->describe != NULL && n + 1 < size) {
        text[n + 1] = '\0';
        call->def->describe(call, text + n + 1, size - n - 1);
        text[n] = text[n + 1] != '\0' ? ' ' : '\0';
    }
}
