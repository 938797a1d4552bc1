#include "core/coroutine.h"

#include "core/call.h"
#include "core/frame.h"
#include "core/loop.h"
#include "core/request.h"
#include "core/scope.h"
#include "core/task.h"
#include "core/thread.h"

#include <assert.h>

/* coroutine.close inside a __close inside a coroutine.close ... recurs on the
 * C stack, which Lua before 5.4.6 does not count: 20,000 levels end in a
 * crash. Nobody means more than a few. */
enum {
    CLOSE_DEPTH_MAX = 150
};

static lua_State *check_coroutine(lua_State *L)
{
    lua_State *co = lua_tothread(L, 1);
    luaL_argexpected(L, co != NULL, 1, "thread"); /* as Lua calls it */
    return co;
}

/* ---- resume ---------------------------------------------------------------- */

/* Who was active when a coroutine is entered, to be put back when it leaves
 * other than by a system call. */
static void chain_enter(struct ml_vm *vm, lua_State *L, lua_State *co)
{
    if (vm->active == L && lua_isyieldable(L)) {
        vm->active = co;
        vm->task->leaf = co;
        vm->task->depth++;
    } else {
        vm->active = NULL; /* in there, nothing can suspend the task */
    }
}

static void chain_leave(struct ml_vm *vm, lua_State *L, lua_State *was)
{
    if (was == L && vm->active != NULL) {
        vm->task->leaf = L;
        vm->task->depth--;
    }
    vm->active = was;
}

/* The outcome of a resume: what the coroutine gave is on its stack. */
enum outcome {
    GAVE,
    BLOCKED,
    FAILED
};

/* True if the task was killed while it ran in `co`, and can be suspended for
 * good now. */
static bool is_doomed(const struct ml_vm *vm, const lua_State *co)
{
    return vm->active == co && vm->task->doomed;
}

static enum outcome classify(const struct ml_vm *vm, lua_State *co, int status)
{
    if (status == LUA_OK) {
        return GAVE;
    }
    if (status == LUA_YIELD) {
        return ml_thread_marked(co) || is_doomed(vm, co) ? BLOCKED : GAVE;
    }
    return FAILED;
}

/* True if `co` belongs to the system: it is inside a system call, or the own
 * thread of the running task, seen from inside of another coroutine. */
static bool is_systems(lua_State *L, const struct ml_vm *vm, lua_State *co)
{
    return ml_thread_marked(co) ||
           (vm->task != NULL && vm->task->shell.co == co && L != co);
}

/* Why `co` cannot be resumed with nargs values, or NULL. */
static const char *refusal(lua_State *L, const struct ml_vm *vm, lua_State *co,
                           int nargs)
{
    enum ml_thread_status status = ml_thread_status(L, co);
    if (status == ML_THREAD_SUSPENDED) {
        return lua_checkstack(co, nargs + 1) != 0 ? NULL
                                                  : "too many arguments to "
                                                    "resume";
    }
    if (is_systems(L, vm, co)) {
        return "cannot resume a task, or a coroutine inside a system call";
    }
    return status == ML_THREAD_DEAD ? "cannot resume dead coroutine"
                                    : "cannot resume non-suspended "
                                      "coroutine";
}

/* Resumes `co`, which is at index 1, with the `nargs` values on top of L. That
 * of a wrap, its second upvalue, is in nobody's hands who might ask for its
 * traceback. */
static enum outcome resume(lua_State *L, struct ml_vm *vm, lua_State *co,
                           int nargs, int *nresults)
{
    lua_State *was = vm->active;
    bool wrapped = lua_isthread(L, lua_upvalueindex(2));
    lua_xmove(L, co, nargs);
    if (lua_status(co) == LUA_OK && ml_vm_suspendable(L, vm)) {
        nargs += ml_frame_lay(co, vm, !wrapped);
    }
    chain_enter(vm, L, co);
    enum outcome outcome =
        classify(vm, co, ml_thread_resume(vm, co, L, nargs, nresults));
    if (outcome != BLOCKED) {
        chain_leave(vm, L, was);
    }
    return outcome;
}

/* Goes on with the chain: here, vm->active is the innermost coroutine that is
 * about to run again, and this frame's own place in it is unchanged. */
static enum outcome resume_again(lua_State *L, struct ml_vm *vm, lua_State *co,
                                 int *nresults)
{
    enum outcome outcome =
        classify(vm, co, ml_thread_go_on(vm, co, L, nresults));
    if (outcome != BLOCKED) {
        vm->task->leaf = L;
        vm->task->depth--;
        vm->active = L;
    }
    return outcome;
}

/* The coroutine is inside a system call, and so is who resumed it: L has nothing
 * but that coroutine, however many times it comes to this. For the mark there is
 * room, as in every function of C: to raise here would break the chain. */
static int pass_on(lua_State *L, struct ml_vm *vm, lua_KFunction k)
{
    assert(lua_gettop(L) == 1 && "the coroutine alone");
    ml_thread_pushmark(L);
    return lua_yieldk(L, 1, (lua_KContext)vm, k);
}

static const char *const TOO_MANY_RESULTS = "too many results to resume";

/* Takes what the coroutine gave over to L; false if there are too many. */
static bool take_results(lua_State *L, lua_State *co, int nresults)
{
    if (lua_checkstack(L, nresults + 1) == 0) {
        lua_pop(co, nresults);
        return false;
    }
    lua_xmove(co, L, nresults);
    return true;
}

/* Closes a coroutine where nothing can suspend. */
static int close_quietly(lua_State *L, struct ml_vm *vm, lua_State *co)
{
    lua_State *was = vm->active;
    vm->active = NULL;
    int status = ml_thread_close(vm, co, L);
    vm->active = was;
    return status;
}

/* Closes what the dead coroutine, whose error is on its top, left open, and
 * moves the error to L; an error in doing so takes its place. */
static void bury(lua_State *L, struct ml_vm *vm, lua_State *co)
{
    (void)close_quietly(L, vm, co); /* the status of a dead one is an error's */
    lua_xmove(co, L, 1);
}

static bool died_of_cancel(lua_State *co, const struct ml_vm *vm)
{
    return vm->task != NULL && ml_scope_is_any(co, -1, vm->task);
}

static int resume_k(lua_State *L, int status, lua_KContext ctx);

static int resume_refuse(lua_State *L, const char *why)
{
    lua_pushboolean(L, 0);
    lua_pushstring(L, why);
    return 2;
}

/* The answer of coroutine.resume. */
static int resume_answer(lua_State *L, struct ml_vm *vm, lua_State *co,
                         enum outcome outcome, int nresults)
{
    switch (outcome) {
    case BLOCKED:
        return pass_on(L, vm, resume_k);
    case GAVE:
        lua_pushboolean(L, 1);
        return take_results(L, co, nresults)
                   ? nresults + 1
                   : resume_refuse(L, TOO_MANY_RESULTS);
    case FAILED:
    default:
        lua_pushboolean(L, 0);
        /* One that the task's cancellation ended has its variables closed
         * before its resumer goes on; of another, coroutine.close does it. */
        if (died_of_cancel(co, vm)) {
            bury(L, vm, co);
        } else {
            lua_xmove(co, L, 1);
        }
        return 2;
    }
}

static int resume_k(lua_State *L, int status, lua_KContext ctx)
{
    struct ml_vm *vm = (struct ml_vm *)ctx;
    lua_State *co = lua_tothread(L, 1);
    int nresults = 0;
    (void)status;
    lua_pop(L, 1); /* the mark */
    enum outcome outcome = resume_again(L, vm, co, &nresults);
    return resume_answer(L, vm, co, outcome, nresults);
}

static int co_resume(lua_State *L)
{
    struct ml_vm *vm = ml_vm_upvalue(L);
    lua_State *co = check_coroutine(L);
    int nargs = lua_gettop(L) - 1;
    int nresults = 0;
    const char *why = refusal(L, vm, co, nargs);
    if (why != NULL) {
        return resume_refuse(L, why);
    }
    enum outcome outcome = resume(L, vm, co, nargs, &nresults);
    return resume_answer(L, vm, co, outcome, nresults);
}

/* ---- create and wrap --------------------------------------------------------- */

static int co_create(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TFUNCTION);
    lua_State *co = lua_newthread(L);
    if (lua_checkstack(co, ml_vm_upvalue(L)->reserve + 1) == 0) {
        return luaL_error(L, "not enough memory for a coroutine");
    }
    lua_pushvalue(L, 1);
    lua_xmove(L, co, 1);
    return 1;
}

/* Propagates the error on top, with the position of the caller if it is a
 * string, as Lua's wrap does. */
static int wrap_error(lua_State *L)
{
    if (lua_type(L, -1) == LUA_TSTRING) {
        luaL_where(L, 1);
        lua_insert(L, -2);
        lua_concat(L, 2);
    }
    return lua_error(L);
}

static int wrap_k(lua_State *L, int status, lua_KContext ctx);

static int wrap_answer(lua_State *L, struct ml_vm *vm, lua_State *co,
                       enum outcome outcome, int nresults)
{
    switch (outcome) {
    case BLOCKED:
        return pass_on(L, vm, wrap_k);
    case GAVE:
        return take_results(L, co, nresults)
                   ? nresults
                   : luaL_error(L, "%s", TOO_MANY_RESULTS);
    case FAILED:
    default:
        bury(L, vm, co); /* as Lua's wrap does, whatever it died of */
        return wrap_error(L);
    }
}

static int wrap_k(lua_State *L, int status, lua_KContext ctx)
{
    struct ml_vm *vm = (struct ml_vm *)ctx;
    lua_State *co = lua_tothread(L, 1);
    int nresults = 0;
    (void)status;
    lua_pop(L, 1); /* the mark */
    enum outcome outcome = resume_again(L, vm, co, &nresults);
    return wrap_answer(L, vm, co, outcome, nresults);
}

static int wrap_call(lua_State *L)
{
    struct ml_vm *vm = ml_vm_upvalue(L);
    int nargs = lua_gettop(L);
    int nresults = 0;
    lua_pushvalue(L, lua_upvalueindex(2));
    lua_insert(L, 1); /* where the chain is looked for: see task.c */
    lua_State *co = lua_tothread(L, 1);
    const char *why = refusal(L, vm, co, nargs);
    if (why != NULL) {
        lua_pushstring(L, why);
        return wrap_error(L);
    }
    enum outcome outcome = resume(L, vm, co, nargs, &nresults);
    return wrap_answer(L, vm, co, outcome, nresults);
}

static int co_wrap(lua_State *L)
{
    struct ml_vm *vm = ml_vm_upvalue(L);
    (void)co_create(L);
    ml_vm_pushclosure(L, vm, wrap_call, 1);
    return 1;
}

/* ---- yield ---------------------------------------------------------------- */

/* A yield by the task's own coroutine: there is nobody but the scheduler. */
static int yield_task(lua_State *L, struct ml_vm *vm)
{
    if (lua_gettop(L) > 0) {
        return luaL_error(L,
                          "bad argument #1 to 'yield' (a task can yield a "
                          "system-call request, or nothing; got %s)",
                          luaL_typename(L, 1));
    }
    return ml_call_yield(L, vm);
}

static int co_yield (lua_State *L)
{
    struct ml_vm *vm = ml_vm_upvalue(L);
    if (vm->task == NULL) {
        return lua_yield(L, lua_gettop(L));
    }
    if (ml_request_test(L, vm, 1) != NULL) {
        luaL_argcheck(L, lua_gettop(L) == 1, 2,
                      "a request is yielded without other values");
        return ml_request_perform(L, vm);
    }
    if (L == vm->task->shell.co) {
        return yield_task(L, vm);
    }
    if (vm->task->scope != NULL && vm->task->scope->L == L) {
        return luaL_error(L, "cannot yield to the consumer of a generator "
                             "inside a block (timeout, shield or group) that "
                             "the generator has not left");
    }
    return lua_yield(L, lua_gettop(L));
}

/* ---- the others ------------------------------------------------------------- */

static const char *const status_names[] = {[ML_THREAD_RUNNING] = "running",
                                           [ML_THREAD_SUSPENDED] = "suspended",
                                           [ML_THREAD_NORMAL] = "normal",
                                           [ML_THREAD_DEAD] = "dead"};

static int co_status(lua_State *L)
{
    lua_pushstring(L, status_names[ml_thread_status(L, check_coroutine(L))]);
    return 1;
}

/* A task's thread value that Lua has seen must stay that task's: its coroutine
 * will not be used again. */
static int co_running(lua_State *L)
{
    struct ml_vm *vm = ml_vm_upvalue(L);
    if (vm->task != NULL && vm->task->shell.co == L) {
        vm->task->exposed = true;
    }
    int is_main = lua_pushthread(L);
    lua_pushboolean(L, is_main);
    return 2;
}

static int co_isyieldable(lua_State *L)
{
    lua_State *co = lua_isthread(L, 1) ? lua_tothread(L, 1) : L;
    lua_pushboolean(L, lua_isyieldable(co));
    return 1;
}

static int close_now(lua_State *L, struct ml_vm *vm, lua_State *co)
{
    if (vm->closing >= CLOSE_DEPTH_MAX) {
        return luaL_error(L, "too many nested calls of coroutine.close "
                             "(C stack overflow)");
    }
    vm->closing++;
    int status = close_quietly(L, vm, co);
    vm->closing--;
    if (status == LUA_OK) {
        lua_pushboolean(L, 1);
        return 1;
    }
    lua_pushboolean(L, 0);
    lua_xmove(co, L, 1);
    return 2;
}

static int co_close(lua_State *L)
{
    struct ml_vm *vm = ml_vm_upvalue(L);
    lua_State *co = check_coroutine(L);
    enum ml_thread_status status = ml_thread_status(L, co);
    if (is_systems(L, vm, co)) {
        return luaL_error(L, "cannot close a task, or a coroutine inside a "
                             "system call");
    }
    if (status == ML_THREAD_RUNNING || status == ML_THREAD_NORMAL) {
        return luaL_error(L, "cannot close a %s coroutine",
                          status_names[status]);
    }
    return close_now(L, vm, co);
}

void ml_coroutine_push(lua_State *L, struct ml_vm *vm)
{
    static const luaL_Reg functions[] = {{"close", co_close},
                                         {"create", co_create},
                                         {"isyieldable", co_isyieldable},
                                         {"resume", co_resume},
                                         {"running", co_running},
                                         {"status", co_status},
                                         {"wrap", co_wrap},
                                         {"yield", co_yield },
                                         {NULL, NULL}};
    lua_createtable(L, 0, 8);
    ml_vm_setfuncs(L, vm, functions);
}
