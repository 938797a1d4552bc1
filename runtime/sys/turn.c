#include "sys/turn.h"

#include "core/call.h"
#include "core/task.h"

void ml_turn_init(struct ml_turn *turn)
{
    turn->holder = NULL;
    turn->begun = false;
    ml_queue_init(&turn->queue);
}

static void turn_set(struct ml_turn *turn, struct ml_task *task)
{
    turn->holder = task;
    turn->begun = false;
    task->call.data = turn;
}

int ml_turn_take(struct ml_turn *turn, ml_call *call)
{
    struct ml_task *task = ml_call_owner(call);
    if (turn->holder == NULL) {
        turn_set(turn, task);
    }
    if (turn->holder == task) {
        int first = turn->begun ? 0 : 1;
        turn->begun = true;
        return first;
    }
    int err = ml_declare_queue(call, &turn->queue);
    return err != 0 ? err : ML_WAIT;
}

void ml_turn_withdraw(ml_call *call)
{
    struct ml_turn *turn = call->data;
    if (turn == NULL) {
        return;
    }
    call->data = NULL;
    turn->holder = NULL;
    ml_call *next = ml_queue_first(&turn->queue);
    if (next != NULL) {
        turn_set(turn, next->task);
        ml_call_wake(next, ML_WOKE_READY);
    }
}

void ml_turn_void(struct ml_turn *turn)
{
    struct ml_task *holder = turn->holder;
    if (holder != NULL) {
        turn->holder = NULL;
        holder->call.data = NULL;
        if (holder->state == ML_TASK_WAITING) {
            ml_park_wake(holder, ML_WOKE_READY);
        }
    }
    ml_queue_wake_all(&turn->queue);
}
