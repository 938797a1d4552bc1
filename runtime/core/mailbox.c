#include "core/mailbox.h"

#include "core/catcher.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

struct ml_mailbox {
    pthread_mutex_t lock; /* guards everything below */
    struct ml_letter *first, **last;
    int refs;
    int holds;
    int pipe[2]; /* a byte is in it while something is to be looked at; -1 */
    atomic_bool woken; /* the same; read without the lock, once a round */
    bool stopped;

    /* Of signal handlers, which cannot take the lock. A byte of theirs is in
     * the pipe only while `signalled` is true. */
    atomic_bool signalled;
    void (*attend)(ml_loop *loop);
};

static int pipe_open(int fds[2])
{
    if (pipe(fds) != 0) {
        return -errno;
    }
    for (int i = 0; i < 2; i++) {
        /* Neither can fail on a descriptor that was just made. */
        (void)fcntl(fds[i], F_SETFD, FD_CLOEXEC);
        (void)fcntl(fds[i], F_SETFL, O_NONBLOCK);
    }
    return 0;
}

int ml_mailbox_open(struct ml_mailbox **out, int *fd)
{
    struct ml_mailbox *box = calloc(1, sizeof *box);
    if (box == NULL) {
        return -ENOMEM;
    }
    int err = pipe_open(box->pipe);
    if (err == 0) {
        err = -pthread_mutex_init(&box->lock, NULL);
        if (err != 0) {
            (void)close(box->pipe[0]);
            (void)close(box->pipe[1]);
        }
    }
    if (err != 0) {
        free(box);
        return err;
    }
    box->last = &box->first;
    box->refs = 1;
    *fd = box->pipe[0];
    *out = box;
    return 0;
}

/* The lock cannot fail: it is not recursive, and nobody holds it for long. */
static void box_lock(struct ml_mailbox *box)
{
    (void)pthread_mutex_lock(&box->lock);
}

static void box_unlock(struct ml_mailbox *box)
{
    (void)pthread_mutex_unlock(&box->lock);
}

void ml_mailbox_ref(struct ml_mailbox *box)
{
    box_lock(box);
    box->refs++;
    box_unlock(box);
}

void ml_mailbox_unref(struct ml_mailbox *box)
{
    box_lock(box);
    int left = --box->refs;
    box_unlock(box);
    if (left == 0) {
        (void)pthread_mutex_destroy(&box->lock);
        free(box);
    }
}

/* With the lock held. One byte in the pipe is enough: a full pipe, or a signal
 * that interrupts, cannot lose it, for then a byte is there or is retried. */
static void box_ring(struct ml_mailbox *box)
{
    if (!box->woken && box->pipe[1] >= 0) {
        box->woken = true;
        while (write(box->pipe[1], "", 1) < 0 && errno == EINTR) {
        }
    }
}

static void pipe_empty(int fd)
{
    char bytes[16]; /* what does not fit rings again */
    while (read(fd, bytes, sizeof bytes) < 0 && errno == EINTR) {
    }
}

/* With the lock held. True if a signal handler rang. Its flag is cleared before
 * the pipe is emptied: one that comes between sets it again. What it writes on
 * another thread may come later still: so the pipe is emptied whoever rang, or
 * it would be ready for ever. */
static bool box_hush(struct ml_mailbox *box)
{
    bool signalled = atomic_exchange(&box->signalled, false);
    if (box->pipe[0] >= 0) {
        pipe_empty(box->pipe[0]);
    }
    box->woken = false;
    return signalled;
}

void ml_mailbox_put(struct ml_mailbox *box, struct ml_letter *letter)
{
    box_lock(box);
    bool closed = box->pipe[1] < 0;
    if (!closed) {
        letter->next = NULL;
        *box->last = letter;
        box->last = &letter->next;
        box_ring(box);
    }
    box_unlock(box);
    if (closed) {
        letter->open(letter, NULL);
    }
}

/* Empties the box and gives what was in it. */
static struct ml_letter *box_take(struct ml_mailbox *box, bool *signalled)
{
    box_lock(box);
    struct ml_letter *letters = box->first;
    box->first = NULL;
    box->last = &box->first;
    *signalled = box_hush(box);
    box_unlock(box);
    return letters;
}

void ml_mailbox_open_all(struct ml_mailbox *box, ml_loop *loop)
{
    bool signalled = false;
    struct ml_letter *letter = box_take(box, &signalled);
    if (signalled && loop != NULL) {
        ml_catchers_deliver(loop);
        if (box->attend != NULL) {
            box->attend(loop);
        }
    }
    while (letter != NULL) {
        struct ml_letter *next = letter->next; /* opening may free it */
        letter->open(letter, loop);
        letter = next;
    }
}

void ml_mailbox_close(struct ml_mailbox *box)
{
    box_lock(box);
    (void)close(box->pipe[0]);
    (void)close(box->pipe[1]);
    box->pipe[0] = -1;
    box->pipe[1] = -1;
    box_unlock(box);
    ml_mailbox_open_all(box, NULL);
    ml_mailbox_unref(box);
}

bool ml_mailbox_pending(struct ml_mailbox *box)
{
    return atomic_load_explicit(&box->woken, memory_order_relaxed) ||
           atomic_load_explicit(&box->signalled, memory_order_relaxed);
}

void ml_mailbox_attend(struct ml_mailbox *box, void (*attend)(ml_loop *loop))
{
    box->attend = attend;
}

/* A pipe that is full wakes the loop as well. */
void ml_mailbox_signal(struct ml_mailbox *box)
{
    box->signalled = true;
    if (write(box->pipe[1], "", 1) < 0) {
        return;
    }
}

void ml_mailbox_wake(struct ml_mailbox *box)
{
    box_lock(box);
    box_ring(box);
    box_unlock(box);
}

void ml_mailbox_hold(struct ml_mailbox *box, int by)
{
    box_lock(box);
    box->holds += by;
    box_ring(box);
    box_unlock(box);
}

bool ml_mailbox_held(struct ml_mailbox *box)
{
    box_lock(box);
    bool held = box->holds > 0;
    box_unlock(box);
    return held;
}

void ml_mailbox_stop(struct ml_mailbox *box)
{
    box_lock(box);
    box->stopped = true;
    box_ring(box);
    box_unlock(box);
}

bool ml_mailbox_stopped(struct ml_mailbox *box)
{
    box_lock(box);
    bool stopped = box->stopped;
    box->stopped = false;
    box_unlock(box);
    return stopped;
}
