#include "core/cycle.h"

#include "core/error.h"
#include "core/loop.h"
#include "core/scope.h"
#include "core/task.h"

#include <errno.h>

/* What a walk follows: groups within groups, and members of them in all, so
 * that a wait costs no more for a group that is large. */
enum {
    DEPTH_MAX = 16,
    MEMBERS_MAX = 256
};

/* A group whose owner waits for its members, and the one that was followed. */
struct branch {
    struct ml_group *group;
    struct ml_list *member;
};

/* A way through the tasks, from the target on, that may lead to `self`. */
struct walk {
    const struct ml_task *self;
    struct branch branches[DEPTH_MAX];
    int depth;
    int members; /* that were followed */
};

/* Whom a parked task waits for, if it waits for one task alone; or NULL. */
static const struct ml_task *blocked_by(const struct ml_task *task)
{
    return task->state == ML_TASK_WAITING && task->call.blocker != NULL
               ? ml_task_find(task->loop, *task->call.blocker)
               : NULL;
}

/* Nobody can be waiting for it, or it is easy to see that somebody may. */
static bool is_needed(const struct ml_task *task)
{
    return task->locks > 0 || !ml_list_empty(&task->ends.waits) ||
           (task->group != NULL && ml_group_awaited(task->group));
}

/* The group whose members the task waits for, or NULL. */
static struct ml_group *joining(const struct ml_task *task)
{
    struct ml_scope *scope = task->scope;
    bool joins = scope != NULL && scope->kind == ML_SCOPE_GROUP &&
                 ml_group_awaited((const struct ml_group *)scope);
    return joins ? (struct ml_group *)scope : NULL;
}

/* The next member of the innermost branch that has one, or NULL. */
static const struct ml_task *walk_branch(struct walk *walk)
{
    while (walk->depth > 0 && walk->members++ < MEMBERS_MAX) {
        struct branch *branch = &walk->branches[walk->depth - 1];
        branch->member = branch->member->next;
        if (branch->member != &branch->group->members) {
            return ml_container_of(branch->member, struct ml_task, member);
        }
        walk->depth--;
    }
    return NULL;
}

/* Where the walk goes from `task`, which is not NULL; NULL: nowhere more. */
static const struct ml_task *walk_step(struct walk *walk,
                                       const struct ml_task *task)
{
    const struct ml_task *next = blocked_by(task);
    struct ml_group *group = joining(task);
    if (group != NULL && walk->depth < DEPTH_MAX) {
        walk->branches[walk->depth++] = (struct branch){group, &group->members};
    }
    return next != NULL ? next : walk_branch(walk);
}

/* There may be a cycle that is not closed by `self`, for the wait of a condition
 * takes its mutex again in any case, and so does a group with its members: so
 * the walk is no longer than there are tasks. */
static bool closes_cycle(struct walk *walk, const struct ml_task *target)
{
    size_t left = walk->self->loop->ntasks;
    if (target != walk->self && !is_needed(walk->self)) {
        return false;
    }
    while (target != NULL && target != walk->self && left > 0) {
        target = walk_step(walk, target);
        left--;
    }
    return target == walk->self;
}

/* Pushes "task 1 waits for task 2, which waits for task 1". */
static void push_cycle(lua_State *L, const struct walk *walk,
                       const struct ml_task *target)
{
    luaL_Buffer b;
    const struct branch *branch = walk->branches;
    luaL_buffinit(L, &b);
    lua_pushfstring(L, "task %I", (LUAI_UACINT)walk->self->id);
    luaL_addvalue(&b);
    while (target != NULL && target != walk->self) {
        lua_pushfstring(L, " waits for task %I, which",
                        (LUAI_UACINT)target->id);
        luaL_addvalue(&b);
        target =
            joining(target) == NULL
                ? blocked_by(target)
                : ml_container_of((branch++)->member, struct ml_task, member);
    }
    lua_pushfstring(L, " waits for task %I", (LUAI_UACINT)walk->self->id);
    luaL_addvalue(&b);
    luaL_pushresult(&b);
}

int ml_cycle_refuse(lua_State *L, const ml_call *call,
                    const struct ml_task *target)
{
    struct walk walk = {.self = call->task};
    /* Another arm of a choice may wake it; but who waits for himself, never. */
    bool open = ml_call_chosen(call) && target != call->task;
    if (open || !closes_cycle(&walk, target)) {
        return 0;
    }
    int n = ml_error_fail(L, EDEADLK, call->def->name);
    lua_pushliteral(L, "reason");
    push_cycle(L, &walk, target);
    lua_rawset(L, -3);
    return n;
}
