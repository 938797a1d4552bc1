/* call.h - one system call in flight.
 *
 * There is one way in. A friendly function, a request that is yielded, and a
 * host's C function all come to ml_call_enter or ml_call_request; the call is
 * attempted at once, and only if it must wait does its task yield. On a wake
 * the task is resumed, in the frame of the same C function and with the same
 * stack, and the call is attempted again: so whatever an attempt raises
 * belongs to its task, and no state of the loop is ever in a frame that an
 * error unwinds. */
#ifndef ML_CORE_CALL_H
#define ML_CORE_CALL_H

#include "base/clock.h"
#include "core/park.h"
#include "core/vm.h"

#include <miniloop.h>

/* Calls of one task that succeed at once before it gives way to the others. */
enum {
    ML_CALL_BUDGET = 100
};

struct ml_call {
    struct ml_task *task;  /* whose it is */
    const ml_syscall *def; /* NULL: no call is in flight */
    int64_t deadline;      /* fails with ETIMEDOUT; ML_TIME_NEVER: none */
    int64_t alarm;         /* attempted again then; ML_TIME_NEVER: none */
    void *data;            /* the call's own */
    int64_t number;        /* the call's own */
    struct ml_completion *completion; /* the call's half of it, or NULL */
    int base;                         /* stack index before the arguments */
    int nargs;
    int error;    /* with ML_WOKE_ERROR: a positive code */
    uint8_t woke; /* enum ml_woke */
};

/* Makes the system call `def` with the whole stack of the running C function
 * as its arguments. Returns as a C function does, or yields. */
int ml_call_enter(lua_State *L, struct ml_vm *vm, const ml_syscall *def);

/* The same without argument checks, the arguments being those above `base`:
 * of a request, which was checked when it was made. */
int ml_call_start(lua_State *L, struct ml_vm *vm, const ml_syscall *def,
                  int base);

/* Puts the running task behind the others that are ready. Returns, or yields,
 * as a C function does, with no results. */
int ml_call_yield(lua_State *L, struct ml_vm *vm);

/* The running task, if the call in progress may block; raises if not. */
struct ml_task *ml_call_task(lua_State *L, struct ml_vm *vm, const char *name);

/* Gives the call's resources back, without an answer to it. Harmless if none
 * is in flight. */
void ml_call_withdraw(struct ml_task *task);

/* Writes what the task's call waits for: "sleep", "wait (task 3)". */
void ml_call_describe(const struct ml_task *task, char *text, size_t size);

/* The task of a call. */
struct ml_task *ml_call_owner(const ml_call *call);

/* Sets the call's deadline: `seconds` from now. */
void ml_call_bound(ml_call *call, double seconds);

/* A deadline `seconds` from now, ML_TIME_NEVER for ever. */
int64_t ml_call_time(ml_call *call, double seconds);

/* Gives way to the ready tasks, then continues with `k`. For C functions that
 * run in a task that may suspend. */
int ml_call_give_way(lua_State *L, struct ml_task *task, lua_KContext ctx,
                     lua_KFunction k);

#endif
