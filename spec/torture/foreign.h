#ifndef TORTURE_FOREIGN_H
#define TORTURE_FOREIGN_H

#include <stdbool.h>

/* Whether the call is made by a Lua module that the system's packages hold, such
 * as LuaSocket: what that loses when there is no memory is no fault of ours. It
 * takes some microseconds. */
bool fault_is_foreign(void);

#endif
