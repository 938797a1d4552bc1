#include "core/spare.h"

#include "core/loop.h"
#include "core/task.h"

/* So many are kept in any case, and no more where memory is limited, for no
 * collector finds them. Of more than there are tasks, one in so many goes at a
 * time. */
enum {
    KEEP = 256,
    DECAY = 64
};

struct ml_task *ml_spare_take(struct ml_vm *vm)
{
    struct ml_task *task = vm->spares;
    vm->spares = task->hashed;
    vm->nspares--;
    return task;
}

static void task_free(struct ml_task *task, lua_State *L, struct ml_vm *vm)
{
    ml_vm_release(L, vm, task->shell);
    ml_alloc_free(&vm->alloc, task, sizeof *task);
}

/* Whether Lua was given the thread value is known by the runtime's own
 * coroutine.running alone. */
static bool is_known(const struct ml_task *task, const struct ml_vm *vm)
{
    return !vm->globals || task->exposed || lua_gethook(task->shell.co) != NULL;
}

void ml_spare_give(struct ml_task *task, lua_State *L)
{
    struct ml_vm *vm = task->loop->vm;
    if (is_known(task, vm) || (vm->cap != NULL && vm->nspares >= KEEP)) {
        task_free(task, L, vm);
        return;
    }
    lua_settop(task->shell.co, 0);
    task->hashed = vm->spares;
    vm->spares = task;
    vm->nspares++;
}

void ml_spares_drop(lua_State *L, struct ml_vm *vm, int keep)
{
    while (vm->nspares > keep) {
        task_free(ml_spare_take(vm), L, vm);
    }
}

void ml_spares_decay(lua_State *L, struct ml_vm *vm)
{
    int used = vm->nthreads - vm->nspares;
    if (vm->nspares > KEEP && vm->nspares > used) {
        ml_spares_drop(L, vm, vm->nspares - vm->nspares / DECAY);
    }
}
