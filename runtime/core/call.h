/* call.h - one system call in flight.
 *
 * There is one way in. A friendly function, a request that is yielded, and a
 * host's C function all come to ml_call_enter or ml_call_yielded; the call is
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

/* What a task has for calls that succeed at once, before it gives way to the
 * others, and what one costs that might have waited: so there are 100 of them.
 * A yield of a request that never waits costs 1. */
enum {
    ML_CALL_BUDGET = 10000,
    ML_CALL_COST = 100
};

/* Flags of ml_syscall beside the public ones. */
enum {
    /* A cancellation does not end the call; it is attempted again, and sees to
     * it. */
    ML_CALL_UNYIELDING = 0x100,
    /* Of a call that never waits: yielded by a task that has no call left, it
     * is made first, and its answer waits for the next turn. For whom it means
     * may be gone by then, and nobody misses the answer if the task is killed. */
    ML_CALL_PROMPT = 0x200,
    /* Of one that may wait: before its task gives way it is attempted with
     * ML_WOKE_LOOK, to note whom it means, and to take nothing. */
    ML_CALL_LOOKS = 0x400,
    /* Of a step of a loop, which has no place for `nil, err`: where the call
     * fails without its attempt (what it waits for is gone, there is no memory
     * to wait), the error is raised. What an attempt returns is its own. */
    ML_CALL_RAISES = 0x800
};

struct ml_call {
    const ml_syscall *def; /* NULL: no call is in flight */
    uint8_t woke;          /* enum ml_woke */
    bool begun;    /* was attempted: only then is there something to withdraw */
    int16_t error; /* with ML_WOKE_ERROR: a positive code */
    int base;      /* stack index before the arguments */
    struct ml_task *task; /* whose it is, if by itself or as one of a choice */
    /* Where the id of the task is that this call waits for (the target of a
     * wait, the owner of a mutex), so that a cycle can be seen; or NULL. */
    const int64_t *blocker;
    int64_t deadline; /* fails with ETIMEDOUT; ML_TIME_NEVER: none */
    int64_t alarm;    /* attempted again then; ML_TIME_NEVER: none */
    void *data;       /* the call's own */
    int64_t number;   /* the call's own */
    int64_t target;   /* the call's own: the id of whom it waits for */
    struct ml_completion *completion; /* the call's half of it, or NULL */
    int nargs;
};

/* Attempts a call. */
static inline int ml_call_attempt(lua_State *L, ml_call *call)
{
    call->begun = true;
    return call->def->attempt(L, call);
}

/* When the call is to be attempted again, or fails; ML_TIME_NEVER. */
static inline int64_t ml_call_alarm(const ml_call *call)
{
    return call->deadline < call->alarm ? call->deadline : call->alarm;
}

/* Tells a call, whose definition this is, that it ends without answers. */
static inline void ml_call_undo(ml_call *call, const ml_syscall *def)
{
    if (call->begun && def->withdraw != NULL) {
        def->withdraw(call);
    }
}

/* Makes the system call `def` with the whole stack of the running C function
 * as its arguments. Returns as a C function does, or yields. */
int ml_call_enter(lua_State *L, struct ml_vm *vm, const ml_syscall *def);

/* The same without argument checks, the arguments being those above `base`:
 * of a request, which was checked when it was made. */
int ml_call_start(lua_State *L, struct ml_vm *vm, const ml_syscall *def,
                  int base);

/* The same for a request that is yielded, at index 1 below its arguments. */
int ml_call_yielded(lua_State *L, struct ml_vm *vm, const ml_syscall *def);

/* Puts the running task behind the others that are ready. Returns, or yields,
 * as a C function does, with no results. */
int ml_call_yield(lua_State *L, struct ml_vm *vm);

/* True if the task must not go on: it was killed while it ran, or is to be
 * told that it was cancelled. */
bool ml_call_barred(struct ml_task *task);

/* Stops the task for which that is true: returns as a C function does, yields
 * for good, or raises. */
int ml_call_bar(lua_State *L, struct ml_task *task);

/* The running task, if the call in progress may block; raises if not. */
struct ml_task *ml_call_task(lua_State *L, struct ml_vm *vm, const char *name);

/* Gives the call's resources back, without an answer to it. Harmless if none
 * is in flight. */
void ml_call_withdraw(struct ml_task *task);

/* Writes what a call waits for: "sleep", "wait for task 3". */
void ml_call_text(const ml_call *call, char *text, size_t size);

/* The task of a call. */
static inline struct ml_task *ml_call_owner(const ml_call *call)
{
    return call->task;
}

/* True if the call is one of several in a choice. */
bool ml_call_chosen(const ml_call *call);

/* Prepares a call, whose arguments are the `nargs` values above `base`. */
void ml_call_init(ml_call *call, struct ml_task *task, const ml_syscall *def,
                  int base, int nargs);

/* Sets the call's deadline: `seconds` from now. */
void ml_call_bound(ml_call *call, double seconds);

/* A deadline `seconds` from now, ML_TIME_NEVER for ever. */
int64_t ml_call_time(ml_call *call, double seconds);

#endif
