/* check.h - whether the loop's structures agree with each other: for specs.
 *
 * The core keeps each fact in as few places as it can, but some it keeps in
 * two: a task is in a queue and the queue in its wait, its timer in the heap
 * and its place in the timer. This walks over all of it and compares. */
#ifndef ML_CORE_CHECK_H
#define ML_CORE_CHECK_H

struct ml_loop;

/* Checks the loop's tasks, queues, groups, timers and descriptors against each
 * other. May be called at any time when no change is under way: between
 * rounds, and from what a task runs. Runs nothing of Lua and allocates nothing.
 * 0; or -EINVAL, and *what says what is wrong. */
int ml_check(struct ml_loop *loop, const char **what);

#endif
