/* failure.h - tasks that died of an error, until somebody takes it.
 *
 * A task that died and that nobody waits for is reported: at once if it has no
 * handle, and a second later, or at the end of the run, if it has one. */
#ifndef ML_CORE_FAILURE_H
#define ML_CORE_FAILURE_H

#include "core/handle.h"

#include <lua.h>
#include <miniloop.h>
#include <stddef.h>

struct ml_loop;

/* Called with each report; `L` is a thread that may be used. */
typedef void (*ml_failure_fn)(struct ml_loop *loop, lua_State *L,
                              const ml_failure *failure, void *ud);

struct ml_failures {
    int ref;                 /* registry: a table, first .. last -> handle */
    lua_Integer first, last; /* empty when last < first */
    size_t untaken;          /* reported, and taken by nobody since */
    ml_failure_fn report;    /* or NULL */
    void *ud;
};

/* How long a failure may wait to be taken. */
#define ML_FAILURE_PATIENCE INT64_C(1000000000)

/* Makes the table first: that may raise, and nothing must be open by then. */
int ml_failures_table(lua_State *L);
void ml_failures_open(struct ml_failures *failures, int table);
void ml_failures_close(struct ml_loop *loop, lua_State *L);

/* Reports the failure whose handle is on top of L, and pops it. */
void ml_failures_report(struct ml_loop *loop, lua_State *L);

/* Keeps the failure whose handle is on top of L, and pops it; it is due at
 * handle->due. May raise a memory error. */
void ml_failures_add(struct ml_loop *loop, lua_State *L);

/* Reports what is due at `now` and was not taken; all of it if `now` is
 * ML_TIME_NEVER. */
void ml_failures_flush(struct ml_loop *loop, int64_t now);

/* When the next one is due, ML_TIME_NEVER if none. */
int64_t ml_failures_next(struct ml_loop *loop);

/* The error value at `index` as text, which it pushes; NULL, and pushes nil, for
 * nil. May raise a memory error. */
const char *ml_failure_text(lua_State *L, int index);

/* Somebody took the failure of this handle. */
void ml_failures_taken(struct ml_handle *handle);

/* Reports an error that belongs to no handle: of a to-be-closed variable that
 * was closed by a kill ("close"), or of a task whose end there was no memory to
 * note ("failed"). The error value is on top of `co`. */
void ml_failures_stray(struct ml_task *task, lua_State *co, lua_State *L,
                       const char *kind);

/* Reports an error that ends no task: one that it has caught for good
 * ("failed"), or that of a finalizer which ran in it ("finalizer"); or an end
 * that is no failure of the task's own ("killed", with nil for both). It does not
 * count as one that nobody took. The error value and the traceback are on top of
 * L, which it takes off. */
void ml_failures_mention(struct ml_task *task, lua_State *L, const char *kind);

/* Reports that the task can never be woken ("deadlock"), or what it does at the
 * moment ("task"). L has LUA_MINSTACK free slots. */
void ml_failures_stuck(struct ml_task *task, lua_State *L);
void ml_failures_show(struct ml_task *task, lua_State *L);

#endif
