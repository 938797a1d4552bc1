/* report.h - failures as people read them, on standard error. */
#ifndef ML_API_REPORT_H
#define ML_API_REPORT_H

#include <lua.h>
#include <miniloop.h>

struct ml_loop;

/* Writes a report. Matches ml_failure_fn. */
void ml_report_failure(struct ml_loop *loop, lua_State *L,
                       const ml_failure *failure, void *ud);

#endif
