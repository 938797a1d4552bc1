/* mailbox.h - what other threads may do to a loop: post, hold, wake, stop.
 *
 * The only lock of the runtime is here. The mailbox is counted: completions
 * that other threads hold keep it alive after its loop is closed. */
#ifndef ML_CORE_MAILBOX_H
#define ML_CORE_MAILBOX_H

#include <miniloop.h>
#include <stdbool.h>

struct ml_mailbox;

/* A letter: `open(letter, loop)` runs on the loop's thread, with `loop` NULL
 * if the loop was closed before. It owns the letter. */
struct ml_letter {
    struct ml_letter *next;
    void (*open)(struct ml_letter *letter, ml_loop *loop);
};

/* A new mailbox, with one reference; *fd is readable while it holds something.
 * 0; -ENOMEM, -EMFILE, -ENFILE. */
int ml_mailbox_open(struct ml_mailbox **out, int *fd);

void ml_mailbox_ref(struct ml_mailbox *box);
void ml_mailbox_unref(struct ml_mailbox *box);

/* Closes its descriptor, and opens what it holds with a NULL loop; what comes
 * later is opened so at once, on the sender's thread. Then unrefs. */
void ml_mailbox_close(struct ml_mailbox *box);

/* Puts a letter in and wakes the loop. Any thread. */
void ml_mailbox_put(struct ml_mailbox *box, struct ml_letter *letter);

/* Opens all letters, when there are some or the descriptor is readable. The
 * loop's thread. */
void ml_mailbox_open_all(struct ml_mailbox *box, ml_loop *loop);

/* True if it has letters or was woken: looked at before the loop waits. */
bool ml_mailbox_pending(struct ml_mailbox *box);

/* Has `attend(loop)` called on the loop's thread after each ml_mailbox_signal;
 * NULL: no more. */
void ml_mailbox_attend(struct ml_mailbox *box, void (*attend)(ml_loop *loop));

/* Wakes the loop from a signal handler on the loop's thread: takes no lock. */
void ml_mailbox_signal(struct ml_mailbox *box);

void ml_mailbox_wake(struct ml_mailbox *box);
void ml_mailbox_hold(struct ml_mailbox *box, int by);
bool ml_mailbox_held(struct ml_mailbox *box);
void ml_mailbox_stop(struct ml_mailbox *box);

/* True once after each ml_mailbox_stop. */
bool ml_mailbox_stopped(struct ml_mailbox *box);

#endif
