/* event.h - what syscall.wait needs of an event. */
#ifndef ML_SYS_EVENT_H
#define ML_SYS_EVENT_H

#include <lua.h>
#include <miniloop.h>
#include <stdbool.h>

/* True if there is an event at `index`. */
bool ml_event_test(lua_State *L, int index);

/* The call that waits for an event. */
const ml_syscall *ml_event_syscall(void);

#endif
