/* request.h - system-call requests as values.
 *
 * `syscall.sleep(10)` makes one: immutable, with its arguments checked. It can
 * be kept, printed, yielded many times. Friendly functions do without. */
#ifndef ML_CORE_REQUEST_H
#define ML_CORE_REQUEST_H

#include "core/vm.h"

#include <miniloop.h>

struct ml_request {
    const ml_syscall *def;
    int nargs;    /* its user values */
    bool integer; /* of a number that is its only argument: what it is */
    lua_Number number;
};

/* Makes the table `syscall` and the metatable of requests. Called once for a
 * state; may raise. */
void ml_request_init(lua_State *L, struct ml_vm *vm);

/* Pushes the table `syscall`. */
void ml_request_pushtable(lua_State *L, const struct ml_vm *vm);

/* Adds the constructor of `def` to the table. As ml_syscall_add. */
int ml_request_add(lua_State *L, struct ml_vm *vm, const ml_syscall *def);

/* Pushes the function that makes the call at once. May raise. */
void ml_request_pushdirect(lua_State *L, struct ml_vm *vm,
                           const ml_syscall *def);

/* The request at `index`, or NULL if something else is there. */
const struct ml_request *ml_request_test(lua_State *L, struct ml_vm *vm,
                                         int index);

/* Says that a request is being made, by whatever way: see vm->idle. */
void ml_request_made(struct ml_vm *vm);

/* Performs the request at index 1, which is the whole stack of the running C
 * function. Returns, or yields, as a C function does. */
int ml_request_perform(lua_State *L, struct ml_vm *vm);

#endif
