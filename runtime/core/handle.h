/* handle.h - a task's handle, which is also the box of its outcome.
 *
 * A handle is a capability: whoever holds it may wait for, cancel and kill the
 * task at any age. It points to nothing: it knows its task by loop and id, so
 * it may outlive task and loop. While the task lives the handle is found by
 * the task's slot in a weak table; when it ends, the handle gets the outcome,
 * and who waits has pinned it on a stack. */
#ifndef ML_CORE_HANDLE_H
#define ML_CORE_HANDLE_H

#include "core/vm.h"

#include <lua.h>
#include <stdbool.h>
#include <stdint.h>

enum ml_outcome {
    ML_ALIVE,
    ML_DONE,
    ML_FAILED,
    ML_CANCELLED
};

struct ml_handle {
    struct ml_vm *vm;
    int64_t id;
    union {
        int64_t due; /* FAILED: when to report it, if nobody takes it */
        int count;   /* DONE: the number of results */
    };
    uint32_t serial;    /* of its loop */
    int16_t error;      /* FAILED with no value to be had: the code */
    uint8_t outcome;    /* enum ml_outcome */
    bool table : 1;     /* the value is a table of `count` values */
    bool observed : 1;  /* somebody took the failure */
    bool reported : 1;  /* it was reported, for nobody had */
    bool described : 1; /* it has more than a value */
};

/* What hangs on a handle. */
enum ml_handle_field {
    ML_HANDLE_VALUE = 1, /* results, error value, or reason */
    ML_HANDLE_NAME,
    ML_HANDLE_TRACEBACK, /* FAILED: where the error was raised */
    ML_HANDLE_SPAWNED    /* FAILED: where the task was spawned */
};

/* Pushes what hangs on the handle at `index`, or nil. Does not raise. */
void ml_handle_get(lua_State *L, int index, enum ml_handle_field field);

/* Hangs the value on top on the handle at `index`, and takes it off. May raise
 * a memory error, but not for the value. */
void ml_handle_set(lua_State *L, int index, enum ml_handle_field field);

/* Makes the metatable. Called once for a state; may raise. */
void ml_handle_init(lua_State *L, struct ml_vm *vm);

/* Pushes the handle of a living task, the one that there is or a new one. May
 * raise a memory error. */
struct ml_handle *ml_handle_push(lua_State *L, struct ml_task *task);

/* Pushes the handle of a living task if it has one, else pushes nothing and
 * returns NULL. Does not raise. */
struct ml_handle *ml_handle_find(lua_State *L, struct ml_task *task);

/* Names the living task of the handle at `index` by the string on top, which
 * it pops; a named handle lives as long as its task. May raise. */
void ml_handle_setname(lua_State *L, int index);

/* Lets the task's slot forget the handle. Does not raise. */
void ml_handle_release(lua_State *L, struct ml_task *task);

/* The handle at `index`, or NULL if something else is there. */
struct ml_handle *ml_handle_test(lua_State *L, struct ml_vm *vm, int index);

/* The same where it must be one. */
static inline struct ml_handle *ml_handle_at(lua_State *L, int index)
{
    return (struct ml_handle *)lua_touserdata(L, index);
}

/* The living task of a handle, or NULL. */
struct ml_task *ml_handle_task(const struct ml_handle *handle);

/* Stores what the task returned, the `count` values on top of L, in its handle
 * if it has one, which the task's slot then forgets. Needs four slots of the
 * stack. May raise a memory error. */
void ml_handle_done(lua_State *L, struct ml_task *task, int count);

/* Pushes the answer of `wait`: true and the results, or nil and the error;
 * marks a failure as observed. Returns the number of values. `index` is the
 * handle's. May raise a memory error. */
int ml_handle_answer(lua_State *L, int index);

/* Pushes what `join` gives: the results, their number being returned, or
 * raises the error value of the task, or ECANCELED. */
int ml_handle_join(lua_State *L, int index);

/* The status as scripts see it. */
const char *ml_handle_status(const struct ml_handle *handle);

#endif
