#include "core/loop.h"

#include "core/catcher.h"
#include "core/kill.h"
#include "core/mailbox.h"
#include "core/offload.h"
#include "core/round.h"
#include "core/scope.h"
#include "core/spare.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

/* ---- opening and closing -------------------------------------------------- */

/* `auto` begins on select(). Specs may set the order of things by the
 * simulated poller. */
static const struct ml_poll_ops *poller_named(struct ml_loop *loop,
                                              const char *name)
{
    loop->automatic = name == NULL || strcmp(name, "auto") == 0;
    return loop->automatic ? &ml_poll_select : ml_poll_find(name);
}

static int poller_open(struct ml_loop *loop)
{
    int err = loop->ops->open(&loop->poll, &loop->vm->alloc, loop->seed);
    if (err != 0) {
        return err;
    }
    err = ml_mailbox_open(&loop->mailbox, &loop->mailfd);
    if (err == 0) {
        err = loop->ops->set(loop->poll, loop->mailfd, 0, ML_POLL_READ);
        if (err == -ERANGE && loop->automatic) {
            err = ml_loop_move(loop, ml_poll_best());
        }
        if (err != 0) {
            ml_mailbox_close(loop->mailbox);
        }
    }
    if (err != 0) {
        loop->ops->close(loop->poll);
    }
    return err;
}

static void loop_init(struct ml_loop *loop, struct ml_vm *vm,
                      const struct ml_loop_config *config)
{
    memset(loop, 0, sizeof *loop);
    loop->vm = vm;
    loop->flags = config->flags;
    loop->seed = config->seed;
    loop->grace = config->grace;
    loop->limit = ML_TIME_NEVER;
    loop->doom = ML_TIME_NEVER;
    loop->sites.alloc = vm->alloc;
    ml_list_init(&loop->ready);
    ml_list_init(&loop->batch);
    ml_list_init(&loop->due);
    ml_list_init(&loop->earlier);
    ml_list_init(&loop->live);
    ml_list_init(&loop->kills);
    ml_list_init(&loop->spreads);
    ml_list_init(&loop->completions);
    ml_list_init(&loop->catchers);
    ml_timers_init(&loop->timers, &vm->alloc);
    ml_watches_init(&loop->watches);
    if ((config->flags & ML_VIRTUAL_TIME) != 0) {
        ml_clock_virtual(&loop->clock);
    } else {
        ml_clock_real(&loop->clock);
    }
}

int ml_loop_open(struct ml_loop **out, lua_State *L,
                 const struct ml_loop_config *config)
{
    struct ml_vm *vm = ml_vm_open(L);
    int failures = ml_failures_table(L);
    struct ml_loop *loop = ml_alloc_resize(&vm->alloc, NULL, 0, sizeof *loop);
    int err = -ENOMEM;
    if (loop != NULL) {
        loop_init(loop, vm, config);
        ml_failures_open(&loop->failures, failures);
        loop->ops = poller_named(loop, config->poller);
        err = loop->ops != NULL ? poller_open(loop) : -EINVAL;
    }
    if (err != 0) {
        luaL_unref(L, LUA_REGISTRYINDEX, failures);
        ml_alloc_free(&vm->alloc, loop, sizeof *loop);
        return err;
    }
    loop->L = vm->main;
    loop->serial = ++vm->serial;
    ml_list_init(&loop->link);
    ml_list_append(&vm->loops, &loop->link);
    *out = loop;
    return 0;
}

/* Who closes the state from inside (`os.exit(0, true)` under the stock
 * interpreter) is never returned to, be it a task or a handler of a kill: so that
 * kill is over, and no group waits for such a member. */
static void leave_closers(struct ml_loop *loop)
{
    loop->killing = false;
    ml_list_each (item, &loop->live) {
        struct ml_task *task = ml_container_of(item, struct ml_task, live);
        if (task->state == ML_TASK_RUNNING ||
            (task->state == ML_TASK_DYING &&
             !ml_list_linked(ml_task_link(task)))) {
            ml_group_remove(task);
        }
    }
}

void ml_loop_close(struct ml_loop *loop)
{
    struct ml_vm *vm = loop->vm;
    loop->running = true; /* what is called from here cannot get in again */
    leave_closers(loop);
    ml_loop_kill_all(loop, loop->L);
    ml_failures_flush(loop, ML_TIME_NEVER);
    ml_loop_kill_all(loop, loop->L); /* what was spawned by who heard of them */
    ml_catchers_close(loop);
    ml_failures_close(loop, loop->L);
    ml_completions_abandon(loop);
    ml_mailbox_close(loop->mailbox);
    ml_offload_close(loop->offload);
    ml_watches_term(&loop->watches, &vm->alloc);
    ml_timers_term(&loop->timers);
    loop->ops->close(loop->poll);
    ml_list_unlink(&loop->link);
    if (ml_list_empty(&vm->loops)) {
        ml_spares_drop(vm->main, vm, 0);
    }
    ml_alloc_free(&vm->alloc, loop->tasks,
                  loop->nbuckets * sizeof(struct ml_task *));
    ml_alloc_free(&vm->alloc, loop, sizeof *loop);
}

/* ---- pollers --------------------------------------------------------------- */

int ml_loop_move(struct ml_loop *loop, const struct ml_poll_ops *ops)
{
    struct ml_poll *poll = NULL;
    int err = ops->open(&poll, &loop->vm->alloc, loop->seed);
    if (err == 0) {
        err = ops->set(poll, loop->mailfd, 0, ML_POLL_READ);
        if (err != 0) {
            ops->close(poll);
        }
    }
    if (err != 0) {
        return err;
    }
    ml_watches_move(loop, ops, poll);
    loop->ops->close(loop->poll);
    loop->ops = ops;
    loop->poll = poll;
    return 0;
}

int ml_loop_pollfd(struct ml_loop *loop)
{
    if (loop->automatic && loop->ops == &ml_poll_select) {
        int err = ml_loop_move(loop, ml_poll_best());
        if (err != 0) {
            return err;
        }
    }
    return loop->ops->pollfd(loop->poll);
}

/* ---- running and ending ------------------------------------------------------ */

static int loop_rounds(struct ml_loop *loop, int mode)
{
    for (;;) {
        int state = ml_round(loop, mode);
        bool stopped = ml_mailbox_stopped(loop->mailbox); /* asked once */
        if (state != 1 || mode != ML_RUN_DEFAULT || stopped) {
            return state;
        }
    }
}

int ml_loop_run(struct ml_loop *loop, lua_State *L, int mode)
{
    struct ml_vm *vm = loop->vm;
    if (loop->running || vm->loop != NULL || vm->task != NULL) {
        return -EBUSY;
    }
    if (lua_checkstack(L, ML_LOOP_STACK) == 0) {
        return -ENOMEM;
    }
    int top = lua_gettop(L);
    loop->running = true;
    loop->L = L;
    vm->loop = loop;
    int state = loop_rounds(loop, mode);
    assert(lua_gettop(L) == top && "rounds leave the stack as it was");
    (void)top; /* with assertions off */
    vm->loop = NULL;
    loop->L = vm->main;
    loop->running = false;
    return state;
}

void ml_loop_limit(struct ml_loop *loop, int64_t delta)
{
    loop->limit = ml_time_add(ml_loop_now(loop), delta);
}

void ml_loop_exit(struct ml_loop *loop)
{
    loop->exiting = true;
    loop->ending = true;
    ml_list_each (item, &loop->live) {
        struct ml_task *task = ml_container_of(item, struct ml_task, live);
        if (task->state == ML_TASK_RUNNING) {
            task->doomed = true;
        }
    }
}

void ml_loop_cancel_all(struct ml_loop *loop, const char *reason)
{
    loop->ending = true;
    if (loop->doom == ML_TIME_NEVER) {
        loop->doom = ml_time_add(ml_loop_now(loop), loop->grace);
    }
    /* Tasks that never ran are killed by it, those in groups of others too: not
     * while the list is walked. */
    assert(!loop->killing && "nothing of Lua runs here");
    loop->killing = true;
    ml_list_each (item, &loop->live) {
        struct ml_task *task = ml_container_of(item, struct ml_task, live);
        if (ml_task_cancel(task, loop->L, LUA_NOREF, reason, loop->grace) !=
            0) {
            ml_task_kill_uncancelled(task);
        }
    }
    loop->killing = false;
    ml_kill_continue(loop, loop->L);
}

/* The youngest task that can be killed: not one that is being killed, or that
 * this is called from. */
static struct ml_task *youngest_victim(struct ml_loop *loop)
{
    struct ml_list *item = loop->live.prev;
    for (; item != &loop->live; item = item->prev) {
        struct ml_task *task = ml_container_of(item, struct ml_task, live);
        if (task->state == ML_TASK_READY || task->state == ML_TASK_WAITING) {
            return task;
        }
    }
    return NULL;
}

void ml_loop_kill_all(struct ml_loop *loop, lua_State *L)
{
    struct ml_task *task;
    while ((task = youngest_victim(loop)) != NULL) {
        ml_task_kill(task, L);
    }
    ml_kill_continue(loop, L); /* what a finalizer's kill was put off for */
}
