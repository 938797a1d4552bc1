/* loop.h - one event loop: its tasks, its clock, its poller; opened, run, ended. */
#ifndef ML_CORE_LOOP_H
#define ML_CORE_LOOP_H

#include "base/clock.h"
#include "base/list.h"
#include "base/timer.h"
#include "core/failure.h"
#include "core/site.h"
#include "core/task.h"
#include "core/vm.h"
#include "core/watch.h"
#include "poll/poll.h"

#include <miniloop.h>

struct ml_mailbox;
struct ml_offload;
struct ml_state;
struct ml_trace;

/* How a loop is made: what is left of ml_options when the state is settled. */
struct ml_loop_config {
    const char *poller; /* NULL: auto */
    uint64_t seed;
    int64_t grace;
    unsigned flags; /* ML_FOREVER and so on */
};

/* Descriptors that one look at the poller reports at most. */
enum {
    ML_LOOP_EVENTS = 128
};

/* Stack slots that a loop uses on the thread that runs it. */
enum {
    ML_LOOP_STACK = 40
};

struct ml_loop {
    struct ml_list link; /* in vm->loops */
    struct ml_vm *vm;
    uint32_t serial; /* tells the loops of a state apart, for ever */
    lua_State *L;    /* the thread that the loop runs on */
    unsigned flags;

    struct ml_clock clock;
    int64_t now;  /* as of this round; what expires is measured by it */
    int64_t read; /* what the clock said last */
    struct ml_timers timers;
    struct {
        int64_t since; /* when the millisecond began that they are counted in */
        unsigned rung; /* alarms that rang in it */
    } crowd;

    const struct ml_poll_ops *ops;
    struct ml_poll *poll;
    bool automatic; /* may move to a scalable poller */
    uint64_t seed;
    struct ml_watches watches;
    int64_t polled; /* when descriptors were last looked at */
    struct ml_poll_event events[ML_LOOP_EVENTS];

    struct ml_list ready; /* tasks to step in the next round */
    struct ml_list batch; /* tasks still to step in this one */
    struct ml_list
        earlier;          /* what got ready in this round, while the poller and
                             the clock are asked */
    struct ml_list due;   /* parked tasks whose alarm had passed when it was
                             set, by its time: they need no timer */
    struct ml_list live;  /* all tasks, oldest first */
    struct ml_list kills; /* tasks to kill, in order */
    struct ml_list
        spreads; /* tasks that a cancellation has still to go on in */
    struct ml_task **tasks; /* by id, chained */
    size_t nbuckets, ntasks;
    int64_t last_id, last_sleep;
    int64_t grace; /* ns, for cancelled tasks */

    struct ml_sites sites;
    struct ml_failures failures;
    struct ml_mailbox *mailbox;
    int mailfd;                 /* readable when the mailbox holds something */
    struct ml_offload *offload; /* NULL until the first job */
    const struct ml_trace *trace;
    struct ml_list completions; /* all that are not released */
    size_t later;               /* completions that calls still wait for */

    void (*on_failure)(ml_loop *loop, const ml_failure *failure, void *ud);
    void *ud;               /* the host's */
    struct ml_state *state; /* the Lua state of its own, or NULL */

    int64_t principal; /* id whose death ends the others; 0: none */
    bool running;
    bool killing;  /* a kill is being carried out: others queue up */
    bool exiting;  /* os.exit was called: all are killed */
    bool ending;   /* all were cancelled: the run ends with the last of them,
                        whatever else would hold it open */
    bool limited;  /* the time limit was reached */
    int64_t limit; /* when all are cancelled; ML_TIME_NEVER */
    int64_t doom;  /* when what is left is killed; ML_TIME_NEVER */
    struct ml_list catchers; /* who catches signals */
};

/* Opens a loop on L's state. 0; -EINVAL, -ENOMEM, -errno of the poller. May
 * raise a memory error when the state's runtime is opened for the first time;
 * so call it protected. */
int ml_loop_open(struct ml_loop **out, lua_State *L,
                 const struct ml_loop_config *config);

/* Kills all tasks, youngest first, and frees the loop. It must not run. */
void ml_loop_close(struct ml_loop *loop);

/* Runs rounds until `mode` (ML_RUN_...) is satisfied; as ml_run. */
int ml_loop_run(struct ml_loop *loop, lua_State *L, int mode);

/* Reads the clock. */
static inline int64_t ml_loop_now(struct ml_loop *loop)
{
    loop->read = loop->clock.now(&loop->clock);
    return loop->read;
}

/* Cancels all tasks `delta` nanoseconds from now. That is nothing to wait for: a
 * loop with a limit has its deadlocks nevertheless. */
void ml_loop_limit(struct ml_loop *loop, int64_t delta);

/* Ends all tasks, from inside of one or anywhere: a task that runs is doomed,
 * the others are killed when it has ended, and the run with them. */
void ml_loop_exit(struct ml_loop *loop);

/* Cancels all tasks, gives them the loop's grace time, and kills what is left
 * then. `reason` is a static text. */
void ml_loop_cancel_all(struct ml_loop *loop, const char *reason);

/* Kills all tasks, youngest first. */
void ml_loop_kill_all(struct ml_loop *loop, lua_State *L);

/* Moves everything to another poller. 0, or -errno and nothing has changed. */
int ml_loop_move(struct ml_loop *loop, const struct ml_poll_ops *ops);

/* The loop's pollable descriptor, or -errno; as ml_pollfd. */
int ml_loop_pollfd(struct ml_loop *loop);

#endif
