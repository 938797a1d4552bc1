#include "core/tasks.h"

#include "core/loop.h"
#include "core/task.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

enum {
    BUCKETS_MIN = 256
};

static struct ml_task **bucket_of(const struct ml_loop *loop, int64_t id)
{
    return &loop->tasks[(size_t)id & (loop->nbuckets - 1)];
}

struct ml_task *ml_task_find(struct ml_loop *loop, int64_t id)
{
    if (loop->nbuckets == 0) {
        return NULL;
    }
    struct ml_task *task = *bucket_of(loop, id);
    while (task != NULL && task->id != id) {
        task = task->hashed;
    }
    return task;
}

/* Gives the table `n` buckets, a power of 2, and fills them from the list. */
static int table_resize(struct ml_loop *loop, size_t n)
{
    assert((n & (n - 1)) == 0 && "buckets are found by a mask");
    struct ml_task **tasks =
        ml_alloc_resize(&loop->vm->alloc, loop->tasks,
                        loop->nbuckets * sizeof(struct ml_task *),
                        n * sizeof(struct ml_task *));
    if (tasks == NULL) {
        return -ENOMEM;
    }
    memset(tasks, 0, n * sizeof(struct ml_task *));
    loop->tasks = tasks;
    loop->nbuckets = n;
    ml_list_each (item, &loop->live) {
        struct ml_task *task = ml_container_of(item, struct ml_task, live);
        struct ml_task **bucket = bucket_of(loop, task->id);
        task->hashed = *bucket;
        *bucket = task;
    }
    return 0;
}

int ml_tasks_reserve(struct ml_loop *loop)
{
    if (loop->ntasks < loop->nbuckets) {
        return 0;
    }
    return table_resize(loop,
                        loop->nbuckets > 0 ? loop->nbuckets * 2 : BUCKETS_MIN);
}

void ml_tasks_add(struct ml_loop *loop, struct ml_task *task)
{
    struct ml_task **bucket = bucket_of(loop, task->id);
    task->hashed = *bucket;
    *bucket = task;
    ml_list_append(&loop->live, &task->live);
    loop->ntasks++;
}

void ml_tasks_remove(struct ml_loop *loop, struct ml_task *task)
{
    struct ml_task **at = bucket_of(loop, task->id);
    while (*at != task) {
        at = &(*at)->hashed;
    }
    *at = task->hashed;
    ml_list_unlink(&task->live);
    loop->ntasks--;
    if (loop->nbuckets > BUCKETS_MIN && loop->ntasks < loop->nbuckets / 8) {
        /* A shrinking that fails leaves the table as it was. */
        (void)table_resize(loop, loop->nbuckets / 4);
    }
}
