/* cancel.h - cancellation of a task: told once, then given a time, then killed.
 *
 * A cancelled task gets the error ECANCELED raised at its suspension point, or
 * at the next call that may block; its clean-up may block. When the grace time
 * is over every further blocking call gives way and raises it again, and when
 * as long again has passed the task is killed. */
#ifndef ML_CORE_CANCEL_H
#define ML_CORE_CANCEL_H

#include "core/task.h"

#include <lua.h>
#include <stdbool.h>
#include <stdint.h>

enum ml_cancel_stage {
    ML_CANCEL_ASKED, /* to be raised at the next chance */
    ML_CANCEL_GRACE, /* raised; clean-up may block */
    ML_CANCEL_OVER   /* the grace is over: raised again at every call */
};

struct ml_cancel {
    struct ml_task *task;
    struct ml_alarm alarm;
    int64_t grace; /* ns */
    int error;     /* registry reference: the error value, or LUA_NOREF */
    enum ml_cancel_stage stage;
};

/* Cancels a task. The reason is the value at `reason` on L (0: none). A task
 * that has not run yet ends at once. `grace` in nanoseconds; of two requests
 * the shorter counts. 0; -ENOMEM. Does not raise. */
int ml_task_cancel(struct ml_task *task, lua_State *L, int reason,
                   int64_t grace);

/* As ml_task_cancel, with a text for a reason. */
int ml_cancel_text(struct ml_task *task, lua_State *L, const char *reason,
                   int64_t grace);

/* True if a cancellation is to be raised in the task now. */
bool ml_cancel_pending(const struct ml_task *task);

/* Raises the task's cancellation on L. Never returns. */
int ml_cancel_raise(lua_State *L, struct ml_task *task);

/* True if the value at `index` is the error of the task's own cancellation. */
bool ml_cancel_is_own(lua_State *L, int index, const struct ml_task *task);

/* Its timer has run out. */
void ml_cancel_expire(struct ml_alarm *alarm, lua_State *L);

/* Frees what the task has of it. Does not raise. */
void ml_cancel_free(struct ml_task *task, lua_State *L);

#endif
