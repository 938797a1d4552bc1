/* round.h - one round of a loop, in eight steps: see ARCHITECTURE.md. */
#ifndef ML_CORE_ROUND_H
#define ML_CORE_ROUND_H

#include "core/loop.h"

/* Steps all tasks that are ready, looks at descriptors and clock once, waiting
 * for them unless `mode` is ML_RUN_NOWAIT, and wakes whom that concerns. 1 while
 * the run goes on; else its result, as that of ml_run. */
int ml_round(struct ml_loop *loop, int mode);

/* Nanoseconds until the loop has something to do by itself, ML_TIME_NEVER if
 * nothing is planned. */
int64_t ml_round_timeout(struct ml_loop *loop);

#endif
