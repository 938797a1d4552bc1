/* task.h - a task: a coroutine with an id, and what it is doing.
 *
 * ready -> running -> waiting -> ready ... -> ended. Only ml_task_step resumes
 * a task; only ml_task_end ends one. */
#ifndef ML_CORE_TASK_H
#define ML_CORE_TASK_H

#include "base/list.h"
#include "base/timer.h"
#include "core/call.h"
#include "core/park.h"
#include "core/vm.h"

struct ml_loop;
struct ml_catcher;
struct ml_group;
struct ml_handle;
struct ml_own;
struct ml_scope;
struct ml_site;

enum ml_task_state {
    ML_TASK_READY,
    ML_TASK_RUNNING,
    ML_TASK_WAITING,
    ML_TASK_DYING /* killed: its to-be-closed variables are being closed */
};

/* A timer of the loop that knows what to do. */
struct ml_alarm {
    struct ml_timer timer; /* its tag says whose it is */
};

enum ml_alarm_kind {
    ML_ALARM_PARK, /* a parked task's */
    ML_ALARM_SCOPE
};

static inline void ml_alarm_init(struct ml_alarm *alarm,
                                 enum ml_alarm_kind kind)
{
    ml_timer_init(&alarm->timer);
    alarm->timer.tag = kind == ML_ALARM_SCOPE ? 1U : 0U;
}

static inline enum ml_alarm_kind ml_alarm_kind(const struct ml_alarm *alarm)
{
    return alarm->timer.tag != 0 ? ML_ALARM_SCOPE : ML_ALARM_PARK;
}

/* What a step touches comes first and fits into two lines of the cache; a
 * parked task is little more than this and its coroutine, so each field
 * counts. */
struct ml_task {
    /* The single wait of the common case. While the task is not parked, its
     * link is the task's own: see ml_task_link. */
    struct ml_wait wait;
    struct ml_shell shell; /* the coroutine of its body */
    int budget;            /* left for calls that succeed at once */
    uint16_t depth;        /* coroutines from shell.co to leaf, 0: the same */
    uint8_t state : 3;     /* enum ml_task_state */
    bool doomed : 1;       /* killed while it runs: dies as it gives way */
    bool alert : 1;        /* a scope of its was cancelled, maybe unheard */
    bool started : 1;      /* it has run */
    bool uncancelled : 1;  /* it is killed for want of memory to cancel it */
    bool exposed : 1;      /* its thread value was given to Lua */
    bool named : 1;        /* its handle has a name and is pinned */
    bool warned : 1;       /* a call of its gave nil and an error */
    bool rethrown : 1;     /* a block raised an error again, maybe unheard */
    bool blames : 1;       /* a group of its raised a failure */
    bool localized : 1;    /* it has locals: what it spawns inherits them */
    bool failed : 1;       /* it died of an error */
    bool keeps : 1;        /* something is closed when it ends: vm->let_go */
    bool handled : 1;      /* a handle was made: somebody may take a failure */
    bool strict : 1;       /* its failure is its group's */
    bool traced : 1;       /* the traceback of an error of its was kept */
    struct ml_call call;
    struct ml_loop *loop;
    lua_State *leaf; /* the innermost coroutine that it is inside of */

    struct ml_wait *waits; /* what its call declared: &wait or a block */
    int nwaits, maxwaits;
    struct ml_alarm alarm; /* the deadline of what it is parked on */
    int64_t since;         /* when it began to wait, as the loop knew it */
    unsigned locks;        /* mutexes that it has */
    struct ml_queue ends;  /* who waits for its end */

    int64_t id;
    struct ml_list live;    /* in loop->live, by age */
    struct ml_task *hashed; /* next of the same bucket in loop->tasks */
    struct ml_list member;  /* in group->members */
    struct ml_group *group; /* the block that it ends with; NULL: the loop */
    struct ml_scope *scope; /* the innermost block that it runs in, or NULL */
    struct ml_own *own;     /* of itself as a whole, once it was cancelled */
    struct ml_catcher *catcher; /* of syscall.signal, or NULL */
    const struct ml_site *site; /* where it was spawned */
};

/* What links a task that is READY into loop->ready or loop->batch, one that
 * waits for a time alone, which has come, into loop->due, and one that is DYING
 * into loop->kills. */
static inline struct ml_list *ml_task_link(struct ml_task *task)
{
    return &task->wait.link;
}

static inline struct ml_task *ml_task_of_link(struct ml_list *link)
{
    return ml_container_of(link, struct ml_task, wait.link);
}

/* Spawns a task from the function and `nargs` arguments on top of L, which it
 * takes off. May raise a memory error, and loses nothing then. */
struct ml_task *ml_task_spawn(struct ml_loop *loop, lua_State *L, int nargs);

/* The same where it takes nothing that could raise: NULL, and nothing has
 * changed, where it would. */
struct ml_task *ml_task_spawn_plainly(struct ml_loop *loop, lua_State *L,
                                      int nargs);

/* The living task of that id, or NULL. */
struct ml_task *ml_task_find(struct ml_loop *loop, int64_t id);

/* Runs a ready task until it waits, gives way or ends (round, step 2). */
void ml_task_step(struct ml_task *task);

/* Puts a task at the end of the ready queue. */
void ml_task_ready(struct ml_task *task);

/* Kills a task that does not run; its to-be-closed variables run on it. If it
 * does run, it is doomed: it ends as soon as control comes back to the
 * runtime. `L` is any thread that is running. */
void ml_task_kill(struct ml_task *task, lua_State *L);

/* Suspends the task that L runs in, which was doomed, for good. To be called as
 * `return` value where a C function may yield (ml_vm_suspendable). */
int ml_task_depart(lua_State *L);

/* Called from a debug hook of L, which runs in the task: kills it there, in the
 * midst of whatever it computes, and no pcall of its sees it. False where Lua
 * cannot suspend it. The hook must return at once after it. */
bool ml_task_halt(lua_State *L, struct ml_task *task);

/* Pushes the task's table of locals. May raise a memory error. */
void ml_task_locals(lua_State *L, struct ml_task *task);

/* Ends a task whose coroutine has ended or was closed: its outcome goes to its
 * handle, who waits for it is woken, and it is gone. The only end of a task. */
void ml_task_end(struct ml_task *task, lua_State *L);

/* The coroutine that the task is inside of `depth` levels deep; 0 is its own.
 * Each is at index 1 in the frame of the resume that the one before is inside
 * of; a chain is never long, for Lua limits nested C calls. */
lua_State *ml_task_coroutine(const struct ml_task *task, int depth);

/* The status as scripts see it: "ready", "running", "waiting", or "cancelled"
 * while it is being killed. */
const char *ml_task_status(const struct ml_task *task);

/* The task whose alarm this is. */
struct ml_task *ml_task_of_alarm(struct ml_alarm *alarm);

/* Pushes a traceback of the task, of its innermost coroutine first. May raise
 * a memory error. */
void ml_task_traceback(lua_State *L, struct ml_task *task);

#endif
