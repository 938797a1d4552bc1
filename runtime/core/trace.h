/* trace.h - hooks at the few points of a task's life, for tools.
 *
 * A hook must not raise, must not run Lua on the task and must not block. With
 * no hooks set, a point costs one load and one branch. */
#ifndef ML_CORE_TRACE_H
#define ML_CORE_TRACE_H

struct ml_task;

struct ml_trace {
    void *ud;
    void (*spawn)(void *ud, const struct ml_task *task);
    void (*step)(void *ud, const struct ml_task *task);  /* is resumed */
    void (*wait)(void *ud, const struct ml_task *task);  /* was parked */
    void (*ready)(void *ud, const struct ml_task *task); /* may run */
    void (*end)(void *ud, const struct ml_task *task);
};

#define ml_trace(loop, point, task)                                  \
    do {                                                             \
        if ((loop)->trace != NULL && (loop)->trace->point != NULL) { \
            (loop)->trace->point((loop)->trace->ud, (task));         \
        }                                                            \
    } while (0)

#endif
