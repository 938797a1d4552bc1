/* miniloop.c - the public functions, but for those that open and close: each
 * protects what may raise, turns its arguments into those of the core, and
 * holds no state of its own. */
#include <miniloop.h>

#include "api/install.h"
#include "base/cast.h"
#include "base/errno.h"
#include "core/call.h"
#include "core/error.h"
#include "core/loop.h"
#include "core/mailbox.h"
#include "core/request.h"
#include "core/round.h"
#include "core/scope.h"
#include "ml_config.h"

#include <errno.h>
#include <lauxlib.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* ---- what a loop has ------------------------------------------------------ */

lua_State *ml_state(ml_loop *loop)
{
    return loop->vm->main;
}

void *ml_userdata(ml_loop *loop)
{
    return loop->ud;
}

/* The host may have filled the stack of the thread that it shares with the loop.
 * While Lua's own share is free this needs no memory. */
static bool has_room(const ml_loop *loop)
{
    return lua_checkstack(loop->L, LUA_MINSTACK) != 0;
}

/* Finalizers run wherever Lua takes memory, and any may call a function here:
 * none is to run the loop, or to close it, under the one in progress. Gives what
 * to hand back. */
static bool enter(ml_loop *loop)
{
    bool running = loop->running;
    loop->running = true;
    return running;
}

static void leave(ml_loop *loop, bool running)
{
    loop->running = running;
}

/* ---- tasks --------------------------------------------------------------- */

/* Arguments: the loop, where the id goes, the function and its arguments. */
static int spawn_protected(lua_State *L)
{
    ml_loop *loop = lua_touserdata(L, 1);
    int64_t *id = lua_touserdata(L, 2);
    struct ml_task *task = ml_task_spawn(loop, L, lua_gettop(L) - 3);
    if (id != NULL) {
        *id = task->id;
    }
    return 0;
}

static bool callable(lua_State *L, int index)
{
    if (lua_isfunction(L, index)) {
        return true;
    }
    if (lua_checkstack(L, 2) == 0 ||
        luaL_getmetafield(L, index, "__call") == LUA_TNIL) {
        return false;
    }
    lua_pop(L, 1);
    return true;
}

static int spawn_function(ml_loop *loop, lua_State *L, int nargs, int64_t *id)
{
    if (!callable(L, -nargs - 1)) {
        lua_pop(L, nargs + 1);
        return -EINVAL;
    }
    if (lua_checkstack(L, 4) == 0) {
        lua_pop(L, nargs + 1);
        return -ENOMEM;
    }
    const struct ml_task *task = ml_task_spawn_plainly(loop, L, nargs);
    if (task != NULL) {
        if (id != NULL) {
            *id = task->id;
        }
        return 0;
    }
    lua_pushcfunction(L, spawn_protected);
    lua_insert(L, -nargs - 2);
    lua_pushlightuserdata(L, loop);
    lua_insert(L, -nargs - 2);
    lua_pushlightuserdata(L, id);
    lua_insert(L, -nargs - 2);
    if (lua_pcall(L, nargs + 3, 0, 0) != LUA_OK) {
        lua_pop(L, 1);
        return -ENOMEM; /* nothing else is raised there */
    }
    return 0;
}

int ml_spawn(ml_loop *loop, lua_State *L, int nargs, int64_t *id)
{
    bool running = enter(loop);
    int err = spawn_function(loop, L, nargs, id);
    leave(loop, running);
    return err;
}

int ml_spawn_c(ml_loop *loop, lua_CFunction fn, void *ud, int64_t *id)
{
    lua_State *L = loop->vm->main;
    if (lua_checkstack(L, 2) == 0) {
        return -ENOMEM;
    }
    lua_pushcfunction(L, fn);
    lua_pushlightuserdata(L, ud);
    return ml_spawn(loop, L, 1, id);
}

/* A chunk to load, from a string or from a file, and what came of it. */
struct chunk {
    const char *source; /* NULL: a file */
    const char *name;   /* of the chunk, or of the file */
    int status;
};

/* Pushes the function, or the message. Loading a file may also raise. */
static int chunk_load(lua_State *L)
{
    struct chunk *chunk = lua_touserdata(L, 1);
    if (chunk->source == NULL) {
        chunk->status = luaL_loadfilex(L, chunk->name, "t");
    } else {
        chunk->status = luaL_loadbufferx(
            L, chunk->source, strlen(chunk->source), chunk->name, "t");
    }
    return 1;
}

static int spawn_chunk(ml_loop *loop, struct chunk *chunk, int64_t *id)
{
    lua_State *L = loop->vm->main;
    if (lua_checkstack(L, 3) == 0) {
        return -ENOMEM;
    }
    lua_pushcfunction(L, chunk_load);
    lua_pushlightuserdata(L, chunk);
    bool running = enter(loop);
    int status = lua_pcall(L, 1, 1, 0);
    leave(loop, running);
    if (status != LUA_OK || chunk->status == LUA_ERRMEM) {
        lua_pop(L, 1);
        return -ENOMEM;
    }
    if (chunk->status != LUA_OK) {
        return chunk->status == LUA_ERRFILE ? -ENOENT : -EINVAL;
    }
    return ml_spawn(loop, L, 0, id);
}

int ml_spawn_string(ml_loop *loop, const char *source, const char *chunkname,
                    int64_t *id)
{
    struct chunk chunk = {.source = source, .name = chunkname};
    return spawn_chunk(loop, &chunk, id);
}

int ml_spawn_file(ml_loop *loop, const char *path, int64_t *id)
{
    struct chunk chunk = {.name = path};
    return spawn_chunk(loop, &chunk, id);
}

int ml_kill(ml_loop *loop, int64_t id)
{
    struct ml_task *task = ml_task_find(loop, id);
    if (task == NULL) {
        return -ESRCH;
    }
    if (!has_room(loop)) {
        return -ENOMEM;
    }
    ml_task_kill(task, loop->L);
    return 0;
}

/* Arguments: the text, where the reference goes. */
static int ref_protected(lua_State *L)
{
    int *ref = lua_touserdata(L, 2);
    lua_pushstring(L, (const char *)lua_touserdata(L, 1));
    *ref = luaL_ref(L, LUA_REGISTRYINDEX);
    return 0;
}

static int ref_text(ml_loop *loop, const char *text, int *ref)
{
    lua_State *L = loop->L;
    lua_pushcfunction(L, ref_protected);
    lua_pushlightuserdata(L, ml_unconst(text));
    lua_pushlightuserdata(L, ref);
    bool running = enter(loop);
    int status = lua_pcall(L, 2, 0, 0);
    leave(loop, running);
    if (status != LUA_OK) {
        lua_pop(L, 1);
        return -ENOMEM;
    }
    return 0;
}

int ml_cancel(ml_loop *loop, int64_t id, const char *reason)
{
    int ref = LUA_NOREF;
    if (ml_task_find(loop, id) == NULL) {
        return -ESRCH;
    }
    if (!has_room(loop)) {
        return -ENOMEM;
    }
    int err = reason != NULL ? ref_text(loop, reason, &ref) : 0;
    if (err != 0) {
        return err;
    }
    struct ml_task *task = ml_task_find(loop, id);
    if (task == NULL) { /* a finalizer has killed it meanwhile */
        luaL_unref(loop->L, LUA_REGISTRYINDEX, ref);
        return -ESRCH;
    }
    return ml_task_cancel(task, loop->L, ref, NULL, loop->grace);
}

size_t ml_tasks(const ml_loop *loop)
{
    return loop->ntasks;
}

/* ---- running ------------------------------------------------------------- */

int ml_run(ml_loop *loop, int mode)
{
    if (mode < ML_RUN_DEFAULT || mode > ML_RUN_NOWAIT) {
        return -EINVAL;
    }
    return ml_loop_run(loop, loop->vm->main, mode);
}

void ml_stop(ml_loop *loop)
{
    ml_mailbox_stop(loop->mailbox);
}

int ml_pollfd(ml_loop *loop)
{
    return ml_loop_pollfd(loop);
}

double ml_timeout(ml_loop *loop)
{
    return has_room(loop) ? ml_time_to_seconds(ml_round_timeout(loop)) : 0;
}

void ml_forget(ml_loop *loop, int fd)
{
    ml_watch_forget(loop, fd);
}

ml_loop *ml_current(lua_State *L, int64_t *id)
{
    const struct ml_vm *vm = lua_checkstack(L, 1) != 0 ? ml_vm_get(L) : NULL;
    const struct ml_task *task = vm != NULL ? vm->task : NULL;
    if (id != NULL) {
        *id = task != NULL ? task->id : 0;
    }
    if (task != NULL) {
        return task->loop;
    }
    return vm != NULL ? vm->loop : NULL;
}

/* ---- from other threads -------------------------------------------------- */

struct post {
    struct ml_letter letter; /* first: it is what the mailbox hands back */
    void (*fn)(ml_loop *loop, void *ud);
    void *ud;
};

static void post_open(struct ml_letter *letter, ml_loop *loop)
{
    struct post *post = (struct post *)(void *)letter;
    void (*fn)(ml_loop * loop, void *ud) = post->fn;
    void *ud = post->ud;
    free(post);
    fn(loop, ud);
}

int ml_post(ml_loop *loop, void (*fn)(ml_loop *loop, void *ud), void *ud)
{
    struct post *post = calloc(1, sizeof *post);
    if (post == NULL) {
        return -ENOMEM;
    }
    post->letter.open = post_open;
    post->fn = fn;
    post->ud = ud;
    ml_mailbox_put(loop->mailbox, &post->letter);
    return 0;
}

void ml_hold(ml_loop *loop)
{
    ml_mailbox_hold(loop->mailbox, 1);
}

void ml_release(ml_loop *loop)
{
    ml_mailbox_hold(loop->mailbox, -1);
}

void ml_wake(ml_loop *loop)
{
    ml_mailbox_wake(loop->mailbox);
}

/* ---- system calls -------------------------------------------------------- */

int ml_syscall_add(lua_State *L, const ml_syscall *def)
{
    ml_install(L, 0);
    return ml_request_add(L, ml_vm_get(L), def);
}

void ml_syscall_push(lua_State *L, const ml_syscall *def)
{
    ml_request_pushdirect(L, ml_vm_open(L), def);
}

int ml_perform(lua_State *L, const ml_syscall *def)
{
    return ml_call_enter(L, ml_vm_open(L), def);
}

ml_loop *ml_call_loop(const ml_call *call)
{
    return ml_call_owner(call)->loop;
}

int ml_call_arg(const ml_call *call, int n)
{
    return call->base + n;
}

int ml_call_nargs(const ml_call *call)
{
    return call->nargs;
}

void *ml_call_data(const ml_call *call)
{
    return call->data;
}

void ml_call_setdata(ml_call *call, void *data)
{
    call->data = data;
}

bool ml_call_first(const ml_call *call)
{
    return call->woke == ML_WOKE_NOT;
}

/* NaN counts as 0, like all that is not positive. */
static double from_now(double seconds)
{
    return seconds > 0 ? seconds : 0;
}

void ml_call_settimeout(ml_call *call, double seconds)
{
    ml_call_bound(call, from_now(seconds));
}

/* An instant call is on no stack of a task's, and to be in no queue. */
int ml_call_wait_fd(ml_call *call, int fd, int events)
{
    bool instant = (call->def->flags & ML_SYSCALL_INSTANT) != 0;
    if (instant || (events & (ML_READ | ML_WRITE)) == 0) {
        return -EINVAL;
    }
    int err = 0;
    if ((events & ML_READ) != 0) {
        err = ml_declare_fd(call, fd, ML_POLL_READ, false);
    }
    if (err == 0 && (events & ML_WRITE) != 0) {
        err = ml_declare_fd(call, fd, ML_POLL_WRITE, false);
    }
    return err;
}

void ml_call_wait_time(ml_call *call, double seconds)
{
    int64_t time = ml_call_time(call, from_now(seconds));
    call->alarm = time < call->alarm ? time : call->alarm;
}

int ml_fail(lua_State *L, int code, const char *op, const char *address,
            const char *reason)
{
    int n = ml_error_fail(L, code, op);
    ml_error_set(L, "address", address);
    ml_error_set(L, "reason", reason);
    return n;
}

/* ---- about the library --------------------------------------------------- */

const char *ml_strerror(int err)
{
    if (err == 0) {
        return "no error";
    }
    return ml_errno_text(err < -INT_MAX ? err : abs(err));
}

const char *ml_version(void)
{
    return ML_VERSION;
}

const char *ml_lua_origin(void)
{
    return ML_LUA_ORIGIN;
}
