/* scope.h - cancellation: of a task, and of the blocks that it runs in.
 *
 * A task runs inside of scopes: innermost its timeout, shield and group
 * blocks, outermost itself as a whole. To cancel a scope raises ECANCELED in
 * the task, at its suspension point or at the next call that may block, once;
 * and it cancels the members of the groups in it, each as a whole.
 *
 * Clean-up may then block, for a grace time. When that is over every further
 * blocking call gives way and raises again, and a task that was cancelled as a
 * whole is killed when as long again has passed. A shield holds off whatever
 * comes from outside of it.
 *
 * The memory of a block's scope is a userdata on the stack of its coroutine;
 * a task's own scope is made when somebody cancels it. */
#ifndef ML_CORE_SCOPE_H
#define ML_CORE_SCOPE_H

#include "base/list.h"
#include "core/park.h"
#include "core/task.h"

#include <lua.h>
#include <stdbool.h>
#include <stdint.h>

enum ml_scope_kind {
    ML_SCOPE_TASK,
    ML_SCOPE_TIMEOUT,
    ML_SCOPE_SHIELD,
    ML_SCOPE_GROUP
};

enum ml_scope_stage {
    ML_SCOPE_OPEN,  /* nobody cancelled it */
    ML_SCOPE_ASKED, /* to be raised at the next chance */
    ML_SCOPE_GRACE, /* raised; clean-up may block */
    ML_SCOPE_OVER   /* the grace is over: raised again at every call */
};

struct ml_scope {
    struct ml_task *task;   /* who runs inside of it; NULL once it is left */
    struct ml_scope *outer; /* the next block of the same task, or NULL */
    lua_State *L;           /* the coroutine in which the block was entered */
    struct ml_alarm alarm;  /* a timeout's deadline; then the grace */
    int64_t grace;          /* ns */
    const char *why;        /* the reason if it is the runtime's, or NULL */
    int reason;             /* registry reference, if a script gave one */
    bool
        lent; /* the reason is that of the group's scope, which outlives this */
    int error;     /* registry reference: what is raised, once it was */
    uint8_t kind;  /* enum ml_scope_kind */
    uint8_t stage; /* enum ml_scope_stage */
    uint8_t told;  /* calls that raised it after the grace, up to a limit */
};

/* The task as a whole, once it was cancelled. */
struct ml_own {
    struct ml_scope scope; /* first: it is a scope */
    struct ml_list spread; /* in loop->spreads, while a cancel spreads */
};

/* Tasks that end before the block does. */
struct ml_group {
    struct ml_scope scope; /* first: a group is a scope */
    struct ml_list members;
    struct ml_queue idle; /* the owner, waiting for the last one to end */
    int failures;         /* registry reference until the block is left: a list
                             of handles */
    const struct ml_scope *reached; /* whose cancellation, its own or one around
                                       it, came here: who joins never runs */
    bool failed;                    /* a member's error is to be raised */
    bool broken;                    /* no: the block's own, which came before */
};

/* Enters a block: `scope` is zeroed memory that outlives it. */
void ml_scope_enter(struct ml_scope *scope, lua_State *L, struct ml_task *task,
                    enum ml_scope_kind kind);

/* Leaves the task's innermost block. */
void ml_scope_leave(struct ml_scope *scope, lua_State *L);

/* Arms the deadline of a timeout block. 0; -ENOMEM. */
int ml_scope_arm(struct ml_scope *scope, int64_t deadline);

/* Cancels a scope. `reason` is a registry reference that becomes the scope's,
 * or LUA_NOREF; `why` a static text in its place, or NULL. Of two requests the
 * shorter grace (ns) counts, and the first reason. Does not raise. */
void ml_scope_cancel(struct ml_scope *scope, lua_State *L, int reason,
                     const char *why, int64_t grace);

/* Cancels a task as a whole. One that has not run yet ends at once. The reason
 * is as for ml_scope_cancel. 0; -ENOMEM. Does not raise. */
int ml_task_cancel(struct ml_task *task, lua_State *L, int reason,
                   const char *why, int64_t grace);

/* The scope whose cancellation is to be raised in the task now, or NULL. */
struct ml_scope *ml_scope_pending(struct ml_task *task);

/* Pushes why the scope was cancelled, nil if nobody said. May raise a memory
 * error. */
void ml_scope_push_reason(lua_State *L, const struct ml_scope *scope);

/* Says that the scope's cancellation is being delivered, and pushes its error
 * value, always the same. May raise a memory error. */
void ml_scope_deliver(lua_State *L, struct ml_scope *scope);

/* Raises the scope's cancellation. Never returns. */
int ml_scope_raise(lua_State *L, struct ml_scope *scope);

/* True if the value at `index` is what the scope raised. */
bool ml_scope_raised(lua_State *L, int index, const struct ml_scope *scope);

/* True if the value at `index` is the cancellation of the task as a whole, or
 * of any block that it is in. */
bool ml_scope_is_own(lua_State *L, int index, const struct ml_task *task);
bool ml_scope_is_any(lua_State *L, int index, const struct ml_task *task);

/* Its timer has run out. */
void ml_scope_expire(struct ml_alarm *alarm, lua_State *L);

/* The task ends: its scopes, whose memory is about to go, are left. */
void ml_scopes_abandon(struct ml_task *task, lua_State *L);

/* The group that a task spawned by `task` starts in, or NULL. */
struct ml_group *ml_group_current(const struct ml_task *task);

/* True if the owner waits for the members to end. */
static inline bool ml_group_awaited(const struct ml_group *group)
{
    return !ml_list_empty(&group->idle.waits);
}

/* The task on whose behalf this is called has died of an error, and its handle
 * is on top of L: the group takes the failure, and is cancelled. The first one
 * is what the group raises. May raise a memory error. */
void ml_group_fail(lua_State *L, struct ml_task *task);

/* A task joins, or has ended. */
void ml_group_add(struct ml_group *group, struct ml_task *task);
void ml_group_remove(struct ml_task *task);

/* Ends a task that has joined a group which was cancelled before. */
void ml_group_admit(struct ml_task *task, lua_State *L);

#endif
