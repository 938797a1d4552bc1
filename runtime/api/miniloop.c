/* miniloop.c - the public functions, but for those that open and close (open.c)
 * and those that make and end tasks (spawn.c): each protects what may raise,
 * turns its arguments into those of the core, and holds no state of its own. */
#include <miniloop.h>

#include "api/install.h"
#include "base/errno.h"
#include "core/call.h"
#include "core/error.h"
#include "core/loop.h"
#include "core/mailbox.h"
#include "core/request.h"
#include "core/round.h"
#include "ml_config.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>

/* ---- what a loop has ------------------------------------------------------ */

lua_State *ml_state(ml_loop *loop)
{
    return loop->vm->main;
}

void *ml_userdata(ml_loop *loop)
{
    return loop->ud;
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
    bool room = lua_checkstack(loop->L, LUA_MINSTACK) != 0;
    return room ? ml_time_to_seconds(ml_round_timeout(loop)) : 0;
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
