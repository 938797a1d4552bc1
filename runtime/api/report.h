/* report.h - failures as people read them, on standard error. */
#ifndef ML_API_REPORT_H
#define ML_API_REPORT_H

#include <lua.h>
#include <miniloop.h>

#if defined(__GNUC__)
#    define ML_FORMATS __attribute__((format(printf, 1, 2)))
#else
#    define ML_FORMATS
#endif

struct ml_loop;

/* Writes a report. Matches ml_failure_fn. */
void ml_report_failure(struct ml_loop *loop, lua_State *L,
                       const ml_failure *failure, void *ud);

/* Writes a line: "miniloop: ...". */
ML_FORMATS void ml_report_error(const char *format, ...);

#endif
