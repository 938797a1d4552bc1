#include "core/watch.h"

#include "core/loop.h"
#include "net/io.h"

#include <assert.h>
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

/* Room is taken for numbers up to the highest, and so for none that is not open:
 * any can be asked for. */
bool ml_watch_possible(const struct ml_loop *loop, int fd)
{
    if (fd < loop->watches.capacity) {
        return fd >= 0;
    }
    int found = ml_io_events(fd, 0);
    return found < 0 || (found & POLLNVAL) == 0;
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
    struct ml_watch *watch = ml_watch_find(watches, fd);
    if (watch != NULL) {
        return watch;
    }
    if (fd >= watches->capacity && slots_grow(watches, alloc, fd) != 0) {
        return NULL;
    }
    watches->slots[fd] = watch_new(alloc, fd);
    return watches->slots[fd];
}

/* ---- who waits, and for what ------------------------------------------------ */

static void watch_touch(struct ml_loop *loop, struct ml_watch *watch)
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

/* Those who wait for it as a raw number, if any, go on sharing it. */
int ml_watch_own(struct ml_loop *loop, int fd)
{
    struct ml_watch *watch = ml_watch_get(loop, fd);
    if (watch == NULL) {
        return -ENOMEM;
    }
    if (!watch->owned) {
        watch->owned = true;
        watch->doubtful = true;
        watch->shared = watch_wanted(watch) != 0;
        watch->ended = false;
    }
    return 0;
}

/* Should it still be owned, its last owner was closed behind our back. */
void ml_watch_adopt(struct ml_loop *loop, int fd)
{
    struct ml_watch *watch = ml_watch_find(&loop->watches, fd);
    if (watch != NULL && watch->owned) {
        watch->owned = false;
        watch->drained = 0;
        watch_touch(loop, watch);
    }
}

static void watch_share(struct ml_loop *loop, struct ml_watch *watch)
{
    if (!watch->shared) {
        watch->shared = true;
        watch_touch(loop, watch);
    }
}

void ml_watch_share(struct ml_loop *loop, int fd)
{
    struct ml_watch *watch = ml_watch_find(&loop->watches, fd);
    if (watch != NULL) {
        watch_share(loop, watch);
    }
}

/* The steady case, a wait for what the poller holds already, changes nothing. */
void ml_watch_join(struct ml_loop *loop, const struct ml_wait *wait)
{
    struct ml_watch *watch = ml_watch_of(wait);
    if (!wait->own) {
        watch_share(loop, watch);
    }
    if ((wait->events & ~watch->interest) != 0 || watch->doubtful ||
        !watch->owned) {
        watch_touch(loop, watch);
    }
}

/* What is owned keeps its registration. */
void ml_watch_leave(struct ml_loop *loop, const struct ml_wait *wait)
{
    struct ml_watch *watch = ml_watch_of(wait);
    if (!watch->owned) {
        watch_touch(loop, watch);
    }
}

/* ---- what the poller knows ------------------------------------------------- */

static void watch_count(struct ml_watches *watches, struct ml_watch *watch,
                        unsigned interest)
{
    watches->registered += (interest != 0) - (watch->interest != 0);
    watch->interest = (uint8_t)interest;
    watch->drained = 0; /* the poller tells again what is ready */
}

/* Interest in `directions`, with an edge if the watch may have one. */
static unsigned with_edge(const struct ml_watch *watch, unsigned directions,
                          const struct ml_poll_ops *ops)
{
    bool edge = directions != 0 && ops->edge && watch->owned && !watch->shared;
    return edge ? directions | ML_POLL_EDGE : directions;
}

/* The interest that the poller is to hold. What is owned keeps what it has; but
 * one that gets its edge only now begins anew: of before, when it was a raw
 * number, it may have an interest that it has no use for. */
static unsigned watch_due(const struct ml_loop *loop,
                          const struct ml_watch *watch)
{
    unsigned wanted = watch_wanted(watch);
    unsigned held = watch->interest & ~(unsigned)ML_POLL_EDGE;
    unsigned due =
        with_edge(watch, watch->owned ? held | wanted : wanted, loop->ops);
    if ((due & ML_POLL_EDGE) == 0 || (watch->interest & ML_POLL_EDGE) != 0) {
        return due;
    }
    return wanted != 0 ? wanted | ML_POLL_EDGE : watch->interest;
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

static int watch_set(struct ml_loop *loop, struct ml_watch *watch,
                     unsigned interest)
{
    int err = loop->ops->set(loop->poll, watch->fd, watch->interest, interest);
    if (err == 0) {
        watch_count(&loop->watches, watch, interest);
    }
    return err;
}

/* The poller's to hold no more: to take interest back cannot fail, and leaves
 * nothing of a change that has failed. */
static void watch_withdraw(struct ml_loop *loop, struct ml_watch *watch)
{
    (void)loop->ops->set(loop->poll, watch->fd, watch->interest, 0);
    watch_count(&loop->watches, watch, 0);
}

/* Tells the poller what is due; a descriptor that select() cannot hold makes
 * `auto` move to the scalable poller first. */
static int watch_tell(struct ml_loop *loop, struct ml_watch *watch)
{
    int err = watch_set(loop, watch, watch_due(loop, watch));
    if (err == -ERANGE && loop->automatic &&
        ml_loop_move(loop, ml_poll_best()) == 0) {
        err = watch_set(loop, watch, watch_due(loop, watch));
    }
    return err;
}

static void watch_drop(struct ml_loop *loop, struct ml_watch *watch)
{
    if (watch->interest != 0) {
        watch_withdraw(loop, watch);
    }
    watch_free(loop, watch);
}

static void watch_flush(struct ml_loop *loop, struct ml_watch *watch)
{
    unsigned wanted = watch_wanted(watch);
    /* A raw number may have come to mean another file since the last flush,
     * so it is set anew for each wait. */
    bool doubtful = (watch->doubtful || !watch->owned) && wanted != 0;
    if (watch_due(loop, watch) != watch->interest || doubtful) {
        int err = watch_tell(loop, watch);
        watch->doubtful = err != 0;
        if (err != 0) {
            watch_refuse(watch, -err);
            wanted = 0;
        }
    }
    if (wanted == 0 && !watch->owned) {
        watch_drop(loop, watch);
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
    struct ml_watch *watch = ml_watch_find(&loop->watches, fd);
    if (watch == NULL) {
        return;
    }
    watch_refuse(watch, EBADF);
    watch_drop(loop, watch);
}

void ml_watch_wake(struct ml_loop *loop, int fd, unsigned events)
{
    struct ml_watch *watch = ml_watch_find(&loop->watches, fd);
    if (watch != NULL && (events & ML_POLL_READ) != 0) {
        ml_queue_wake_all(&watch->readers);
    }
    if (watch != NULL && (events & ML_POLL_WRITE) != 0) {
        ml_queue_wake_all(&watch->writers);
    }
}

/* What is true of the events, by what poll(2) says of the descriptor now. */
static unsigned events_verified(int fd, unsigned events)
{
    int found = ml_io_events(fd, POLLIN | POLLOUT);
    if (found <= 0) {
        return 0;
    }
    bool trouble = (found & (POLLERR | POLLHUP)) != 0;
    unsigned ready = ((found & POLLIN) != 0 || trouble ? ML_POLL_READ : 0U) |
                     ((found & POLLOUT) != 0 || trouble ? ML_POLL_WRITE : 0U);
    return (found & POLLNVAL) != 0 ? ML_POLL_BAD
                                   : events & (ready | ML_POLL_HUP);
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

/* An interest without a waiter has done its time. An edge comes but once, and
 * may be for the next attempt; but a socket that is written to may tell of every
 * bit of room that its peer makes. */
static void watch_idle(struct ml_loop *loop, struct ml_watch *watch,
                       unsigned events)
{
    unsigned interest = watch->interest;
    unsigned vain = events & interest & ~watch_wanted(watch);
    if ((interest & ML_POLL_EDGE) != 0 && (events & ML_POLL_READ) != 0) {
        return;
    }
    interest =
        with_edge(watch, interest & ~vain & ~(unsigned)ML_POLL_EDGE, loop->ops);
    if (vain != 0 && watch_set(loop, watch, interest) != 0) {
        watch_withdraw(loop, watch);
        watch_touch(loop, watch); /* what is waited for is set anew */
    }
}

void ml_watches_ready(struct ml_loop *loop, int fd, unsigned events)
{
    assert(ml_watch_find(&loop->watches, fd) != NULL &&
           "pollers report what they were asked for");
    struct ml_watch *watch = loop->watches.slots[fd];
    assert(watch->interest != 0 && "and still are");
    if (watch->shared &&
        (queue_verifies(&watch->readers) || queue_verifies(&watch->writers))) {
        events = events_verified(fd, events);
    }
    if ((events & ML_POLL_BAD) != 0) {
        watch_withdraw(loop, watch);
        watch_refuse(watch, EBADF);
        return;
    }
    watch->drained &= (uint8_t)~events;
    watch->ended |= (events & ML_POLL_HUP) != 0;
    watch_idle(loop, watch, events);
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
    unsigned directions = watch->interest & ~(unsigned)ML_POLL_EDGE;
    unsigned interest = with_edge(watch, directions, ops);
    int err = ops->set(poll, watch->fd, 0, interest);
    watch_count(&loop->watches, watch, err == 0 ? interest : 0);
    if (err != 0) {
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
