/* mutex.h - what conditions need of a mutex. */
#ifndef ML_SYS_MUTEX_H
#define ML_SYS_MUTEX_H

#include "core/call.h"

struct ml_mutex;

/* The mutex at `index`, or NULL. */
struct ml_mutex *ml_mutex_test(lua_State *L, int index);

/* Whether the task has it. */
bool ml_mutex_held(const struct ml_mutex *mutex, const struct ml_task *task);

/* Takes it if it is free. */
bool ml_mutex_take(struct ml_mutex *mutex, struct ml_task *task);

/* Hands it from its owner to who has waited longest. */
void ml_mutex_pass(struct ml_mutex *mutex, struct ml_task *owner);

/* Declares that the call waits for it. 0; -ENOMEM. */
int ml_mutex_await(struct ml_mutex *mutex, ml_call *call);

/* The call that locks: syscall.acquire of a mutex. */
const ml_syscall *ml_mutex_syscall(void);

#endif
