#include "core/watch.h"

#include "core/loop.h"
#include "net/io.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

void ml_watches_init(struct ml_watches *watches)
{
    memset(watches, 0, sizeof *watches);
    ml_list_init(&watches->dirty);
}

void ml_watches_term(struct ml_watches *watches, const struct ml_alloc *alloc)
{
    for (int fd = 0; fd < watches->capacity; fd++) {
        ml_alloc_free(alloc, watches->slots[fd], sizeof(struct ml_watch));
    }
    ml_alloc_free(alloc, watches->slots,
                  (size_t)watches->capacity * sizeof(struct ml_watch *));
    ml_watches_init(watches);
}

static int slots_grow(struct ml_watches *watches, const struct ml_alloc *alloc,
                      int fd)
{
    int room = watches->capacity > 0 ? watches->capacity : 32;
    while (room <= fd) {
        room *= 2;
    }
    struct ml_watch **slots =
        ml_alloc_resize(alloc, watches->slots,
                        (size_t)watches->capacity * sizeof(struct ml_watch *),
                        (size_t)room * sizeof(struct ml_watch *));
    if (slots == NULL) {
        return -ENOMEM;
    }
    for (int i = watches->capacity; i < room; i++) {
        slots[i] = NULL;
    }
    watches->slots = slots;
    watches->capacity = room;
    return 0;
}

static struct ml_watch *watch_find(const struct ml_watches *watches, int fd)
{
    return fd >= 0 && fd < watches->capacity ? watches->slots[fd] : NULL;
}

static struct ml_watch *watch_new(const struct ml_alloc *alloc, int fd)
{
    struct ml_watch *watch = ml_alloc_resize(alloc, NULL, 0, sizeof *watch);
    if (watch != NULL) {
        memset(watch, 0, sizeof *watch);
        ml_list_init(&watch->dirty);
        ml_queue_init(&watch->readers);
        ml_queue_init(&watch->writers);
        watch->fd = fd;
    }
    return watch;
}

struct ml_watch *ml_watch_get(struct ml_loop *loop, int fd)
{
    struct ml_watches *watches = &loop->watches;
    const struct ml_alloc *alloc = &loop->vm->alloc;
    struct ml_watch *watch = watch_find(watches, fd);
    if (watch != NULL) {
        return watch;
    }
    if (fd >= watches->capacity && slots_grow(watches, alloc, fd) != 0) {
        return NULL;
    }
    watches->slots[fd] = watch_new(alloc, fd);
    return watches->slots[fd];
}

int ml_watch_own(struct ml_loop *loop, int fd)
{
    struct ml_watch *watch = ml_watch_get(loop, fd);
    if (watch == NULL) {
        return -ENOMEM;
    }
    if (!watch->owned) {
        watch->owned = true;
        watch->doubtful = true;
    }
    return 0;
}

void ml_watch_touch(struct ml_loop *loop, struct ml_watch *watch)
{
    if (!ml_list_linked(&watch->dirty)) {
        ml_list_append(&loop->watches.dirty, &watch->dirty);
    }
}

/* Who waits now, as a set of directions. */
static unsigned watch_wanted(const struct ml_watch *watch)
{
    return (ml_list_empty(&watch->readers.waits) ? 0U : ML_POLL_READ) |
           (ml_list_empty(&watch->writers.waits) ? 0U : ML_POLL_WRITE);
}

static void watch_count(struct ml_watches *watches, struct ml_watch *watch,
                        unsigned interest)
{
    watches->registered += (interest != 0) - (watch->interest != 0);
    watch->interest = (uint8_t)interest;
}

static void watch_refuse(struct ml_watch *watch, int error)
{
    ml_queue_refuse_all(&watch->readers, error);
    ml_queue_refuse_all(&watch->writers, error);
}

static void watch_free(struct ml_loop *loop, struct ml_watch *watch)
{
    ml_list_unlink(&watch->dirty);
    loop->watches.slots[watch->fd] = NULL;
    ml_alloc_free(&loop->vm->alloc, watch, sizeof *watch);
}

/* Tells the poller; a descriptor that select() cannot hold makes `auto` move
 * to the scalable poller first. */
static int watch_set(struct ml_loop *loop, struct ml_watch *watch,
                     unsigned interest)
{
    int err = loop->ops->set(loop->poll, watch->fd, watch->interest, interest);
    if (err == -ERANGE && loop->automatic &&
        ml_loop_move(loop, ml_poll_best()) == 0) {
        err = loop->ops->set(loop->poll, watch->fd, watch->interest, interest);
    }
    if (err == 0) {
        watch_count(&loop->watches, watch, interest);
    }
    return err;
}

static void watch_flush(struct ml_loop *loop, struct ml_watch *watch)
{
    unsigned wanted = watch_wanted(watch);
    unsigned interest = watch->owned ? watch->interest | wanted : wanted;
    /* A raw number may have come to mean another file since the last flush,
     * so it is set anew for each wait. */
    bool doubtful = (watch->doubtful || !watch->owned) && wanted != 0;
    if (interest != watch->interest || doubtful) {
        int err = watch_set(loop, watch, interest);
        watch->doubtful = err != 0;
        if (err != 0) {
            watch_refuse(watch, -err);
            wanted = 0;
        }
    }
    if (wanted == 0 && !watch->owned) {
        watch_count(&loop->watches, watch, 0);
        watch_free(loop, watch);
    }
}

void ml_watches_flush(struct ml_loop *loop)
{
    struct ml_list *item;
    while ((item = ml_list_shift(&loop->watches.dirty)) != NULL) {
        watch_flush(loop, ml_container_of(item, struct ml_watch, dirty));
    }
}

void ml_watch_forget(struct ml_loop *loop, int fd)
{
    struct ml_watch *watch = watch_find(&loop->watches, fd);
    if (watch == NULL) {
        return;
    }
    watch_refuse(watch, EBADF);
    if (watch->interest != 0) {
        /* A failure would mean that the poller does not hold it. */
        (void)loop->ops->set(loop->poll, fd, watch->interest, 0);
        watch_count(&loop->watches, watch, 0);
    }
    watch_free(loop, watch);
}

void ml_watch_readable(struct ml_loop *loop, int fd)
{
    struct ml_watch *watch = watch_find(&loop->watches, fd);
    if (watch != NULL) {
        ml_queue_wake_all(&watch->readers);
    }
}

/* What poll(2) says of the descriptor now, in our directions. */
static unsigned ready_now(int fd)
{
    int found = ml_io_events(fd, POLLIN | POLLOUT);
    if (found <= 0) {
        return 0;
    }
    bool trouble = (found & (POLLERR | POLLHUP | POLLNVAL)) != 0;
    return ((found & POLLIN) != 0 || trouble ? ML_POLL_READ : 0U) |
           ((found & POLLOUT) != 0 || trouble ? ML_POLL_WRITE : 0U);
}

/* True if one of the waiters asked for certainty. Somebody who waits for a raw
 * descriptor is told that reading would not block, and nobody will try again
 * for him: so a spurious event must not reach him. All who wait are resumed
 * together, so it has to be found out before the first of them reads. */
static bool queue_verifies(const struct ml_queue *queue)
{
    ml_list_each (item, &queue->waits) {
        if (ml_container_of(item, struct ml_wait, link)->verify) {
            return true;
        }
    }
    return false;
}

/* An interest without a waiter has done its time. */
static void watch_idle(struct ml_loop *loop, struct ml_watch *watch,
                       unsigned events)
{
    unsigned vain = events & watch->interest & ~watch_wanted(watch);
    if (vain != 0 && watch_set(loop, watch, watch->interest & ~vain) != 0) {
        watch_count(&loop->watches, watch, 0); /* the poller lost it */
    }
}

void ml_watches_ready(struct ml_loop *loop, int fd, unsigned events)
{
    struct ml_watch *watch = watch_find(&loop->watches, fd);
    if (watch == NULL || watch->interest == 0) {
        /* The number was closed behind our back while a copy keeps the file
         * open: epoll goes on reporting it and cannot be told to stop. A new
         * poller that holds only what we know is the way out. */
        (void)ml_loop_move(loop, loop->ops);
        return;
    }
    if ((events & ML_POLL_BAD) != 0) {
        (void)watch_set(loop, watch, 0);
        watch_refuse(watch, EBADF);
        return;
    }
    watch_idle(loop, watch, events);
    if (queue_verifies(&watch->readers) || queue_verifies(&watch->writers)) {
        events &= ready_now(fd);
    }
    if ((events & ML_POLL_READ) != 0) {
        ml_queue_wake_all(&watch->readers);
    }
    if ((events & ML_POLL_WRITE) != 0) {
        ml_queue_wake_all(&watch->writers);
    }
}

static void watch_move(struct ml_loop *loop, struct ml_watch *watch,
                       const struct ml_poll_ops *ops, struct ml_poll *poll)
{
    int err = ops->set(poll, watch->fd, 0, watch->interest);
    if (err != 0) {
        watch_count(&loop->watches, watch, 0);
        watch_refuse(watch, -err);
    }
}

void ml_watches_move(struct ml_loop *loop, const struct ml_poll_ops *ops,
                     struct ml_poll *poll)
{
    for (int fd = 0; fd < loop->watches.capacity; fd++) {
        struct ml_watch *watch = loop->watches.slots[fd];
        if (watch != NULL && watch->interest != 0) {
            watch_move(loop, watch, ops, poll);
        }
    }
}
