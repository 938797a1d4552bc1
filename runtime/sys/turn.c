#include "sys/turn.h"

#include "core/call.h"
#include "core/task.h"

void ml_turn_init(struct ml_turn *turn)
{
    turn->holder = NULL;
    turn->also = NULL;
    turn->begun = false;
    ml_queue_init(&turn->queue);
}

static void turn_set(struct ml_turn *turn, struct ml_task *task)
{
    turn->holder = task;
    turn->begun = false;
    turn->also = task->call.data;
    task->call.data = turn;
}

int ml_turn_queue(struct ml_turn *turn, ml_call *call)
{
    if (turn->holder == call->task) {
        int first = turn->begun ? 0 : 1;
        turn->begun = true;
        return first;
    }
    int err = ml_declare_queue(call, &turn->queue);
    return err != 0 ? err : ML_WAIT;
}

/* To whoever waits longest. */
static void turn_pass(struct ml_turn *turn)
{
    turn->holder = NULL;
    turn->also = NULL;
    ml_call *next = ml_queue_first(&turn->queue);
    if (next != NULL) {
        turn_set(turn, next->task);
        ml_call_wake(next, ML_WOKE_READY);
    }
}

void ml_turn_withdraw(ml_call *call)
{
    struct ml_turn *turn = call->data;
    call->data = NULL;
    while (turn != NULL) {
        struct ml_turn *also = turn->also;
        turn_pass(turn);
        turn = also;
    }
}

/* Takes it out of what the call has. */
static void turn_leave(struct ml_turn *turn, ml_call *call)
{
    struct ml_turn *last = call->data;
    if (last == turn) {
        call->data = turn->also;
        return;
    }
    while (last->also != turn) {
        last = last->also;
    }
    last->also = turn->also;
}

void ml_turn_void(struct ml_turn *turn)
{
    struct ml_task *holder = turn->holder;
    if (holder != NULL) {
        turn_leave(turn, &holder->call);
        turn->holder = NULL;
        turn->also = NULL;
        if (holder->state == ML_TASK_WAITING) {
            ml_park_wake(holder, ML_WOKE_READY);
        }
    }
    ml_queue_wake_all(&turn->queue);
}
