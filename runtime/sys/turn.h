/* turn.h - one task at a time, first come first served.
 *
 * A call takes the turn in its attempt and keeps it over its waits. The turn
 * is handed over, not let go: whoever waits longest has it at once, so nobody
 * gets in between. While a call has a turn, its call.data points to it, and
 * from there to the others that it has, the last one first; hence a system call
 * that takes one has ml_turn_withdraw as its `withdraw`, and a task that is
 * killed, also one that was just given the turn, hands it on. (Who takes two
 * takes them in an order in which no two calls can wait for each other.) */
#ifndef ML_SYS_TURN_H
#define ML_SYS_TURN_H

#include "core/call.h"

#include <miniloop.h>
#include <stdbool.h>

struct ml_turn {
    struct ml_task *holder; /* NULL: nobody, and then nobody waits */
    struct ml_turn *also;   /* another one that the holder has, or NULL */
    struct ml_queue queue;
    bool begun; /* the holder knows that it has it */
};

void ml_turn_init(struct ml_turn *turn);

/* Of a turn that somebody holds, see ml_turn_take. */
int ml_turn_queue(struct ml_turn *turn, ml_call *call);

/* 1 when the call gets the turn, 0 when it has had it since an earlier attempt;
 * ML_WAIT when it has declared to wait for it; -ENOMEM. */
static inline int ml_turn_take(struct ml_turn *turn, ml_call *call)
{
    if (turn->holder != NULL) {
        return ml_turn_queue(turn, call);
    }
    turn->holder = call->task;
    turn->begun = true;
    turn->also = call->data;
    call->data = turn;
    return 1;
}

/* Hands on the turns that the call has; harmless if it has none. */
void ml_turn_withdraw(ml_call *call);

/* Takes the turn from its holder, and wakes it and all who wait, to find that
 * there is nothing left to take turns at. Must not use Lua. */
void ml_turn_void(struct ml_turn *turn);

#endif
