/* tasks.h - the table of a loop's living tasks: by id, and by age. */
#ifndef ML_CORE_TASKS_H
#define ML_CORE_TASKS_H

struct ml_loop;
struct ml_task;

/* Makes room for one more task. 0; -ENOMEM. */
int ml_tasks_reserve(struct ml_loop *loop);

/* Adds a task, the youngest, for which there is room. */
void ml_tasks_add(struct ml_loop *loop, struct ml_task *task);

/* Takes a task out. */
void ml_tasks_remove(struct ml_loop *loop, struct ml_task *task);

#endif
