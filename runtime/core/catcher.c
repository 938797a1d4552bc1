#include "core/catcher.h"

#include "core/loop.h"
#include "core/mailbox.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

struct name {
    const char *name;
    int number;
};

static const struct name names[] = {
    {"HUP", SIGHUP},     {"INT", SIGINT},   {"QUIT", SIGQUIT},
    {"TERM", SIGTERM},   {"USR1", SIGUSR1}, {"USR2", SIGUSR2},
    {"CHLD", SIGCHLD},   {"CONT", SIGCONT}, {"PIPE", SIGPIPE},
    {"ALRM", SIGALRM},   {"TSTP", SIGTSTP}, {"TTIN", SIGTTIN},
    {"TTOU", SIGTTOU},   {"URG", SIGURG},
#ifdef SIGWINCH
    {"WINCH", SIGWINCH},
#endif
#ifdef SIGIO
    {"IO", SIGIO},
#endif
};

enum {
    NAMES = sizeof names / sizeof *names
};

/* Handlers have no argument of ours: what they need is here, for each signal.
 * A mailbox is set before its handler is, and taken away after it. */
static struct {
    struct sigaction before;
    struct ml_mailbox *volatile box;
    struct ml_loop *loop; /* who catches it, NULL: nobody */
    volatile sig_atomic_t arrived;
    int users;
} caught[NAMES];

int ml_signal_index(const char *name)
{
    for (int i = 0; i < NAMES; i++) {
        if (strcmp(names[i].name, name) == 0) {
            return i;
        }
    }
    return -1;
}

const char *ml_signal_name(int index)
{
    return index < NAMES ? names[index].name : NULL;
}

static void on_signal(int number)
{
    int saved = errno;
    for (int i = 0; i < NAMES; i++) {
        struct ml_mailbox *box = caught[i].box;
        if (names[i].number == number && box != NULL) {
            caught[i].arrived = 1;
            ml_mailbox_signal(box);
        }
    }
    errno = saved;
}

static void signal_use(int i, struct ml_loop *loop)
{
    if (caught[i].users++ > 0) {
        return;
    }
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    (void)sigfillset(&action.sa_mask);
    caught[i].loop = loop;
    caught[i].arrived = 0;
    caught[i].box = loop->mailbox;
    /* Cannot fail: the numbers are valid and may all be caught. */
    (void)sigaction(names[i].number, &action, &caught[i].before);
}

static void signal_unuse(int i)
{
    if (--caught[i].users > 0) {
        return;
    }
    (void)sigaction(names[i].number, &caught[i].before, NULL);
    caught[i].box = NULL;
    caught[i].loop = NULL;
}

void ml_catcher_init(struct ml_catcher *catcher, struct ml_loop *loop)
{
    memset(catcher, 0, sizeof *catcher);
    catcher->loop = loop;
    ml_list_init(&catcher->link);
    ml_queue_init(&catcher->waiters);
}

static bool in_mask(uint64_t mask, int i)
{
    return (mask >> i & 1U) != 0;
}

int ml_catcher_add(struct ml_catcher *catcher, uint64_t mask)
{
    struct ml_loop *loop = catcher->loop;
    uint64_t fresh = mask & ~catcher->mask;
    if ((loop->flags & ML_SIGNALS) == 0) {
        return -ENOTSUP;
    }
    for (int i = 0; i < NAMES; i++) {
        if (in_mask(fresh, i) && caught[i].users > 0 &&
            caught[i].loop != loop) {
            return -EBUSY;
        }
    }
    for (int i = 0; i < NAMES; i++) {
        if (in_mask(fresh, i)) {
            signal_use(i, loop);
        }
    }
    catcher->mask |= fresh;
    if (!ml_list_linked(&catcher->link)) {
        ml_list_append(&loop->catchers, &catcher->link);
    }
    return 0;
}

void ml_catcher_close(struct ml_catcher *catcher)
{
    for (int i = 0; i < NAMES; i++) {
        if (in_mask(catcher->mask, i)) {
            signal_unuse(i);
        }
    }
    catcher->mask = 0;
    catcher->pending = 0;
    ml_list_unlink(&catcher->link);
    ml_queue_refuse_all(&catcher->waiters, EBADF);
}

void ml_catchers_close(struct ml_loop *loop)
{
    while (!ml_list_empty(&loop->catchers)) {
        ml_catcher_close(
            ml_container_of(loop->catchers.next, struct ml_catcher, link));
    }
}

int ml_catcher_first(const struct ml_catcher *catcher, uint64_t mask)
{
    for (int i = 0; i < NAMES; i++) {
        if (in_mask(catcher->pending & mask, i)) {
            return i;
        }
    }
    return -1;
}

void ml_catcher_take(struct ml_catcher *catcher, int index)
{
    catcher->pending &= ~(UINT64_C(1) << index);
}

void ml_catchers_deliver(struct ml_loop *loop)
{
    uint64_t arrived = 0;
    for (int i = 0; i < NAMES; i++) {
        if (caught[i].loop == loop && caught[i].arrived != 0) {
            caught[i].arrived = 0;
            arrived |= UINT64_C(1) << i;
        }
    }
    ml_list_each (item, &loop->catchers) {
        struct ml_catcher *catcher =
            ml_container_of(item, struct ml_catcher, link);
        uint64_t mine = arrived & catcher->mask;
        catcher->pending |= mine;
        if (mine != 0) {
            ml_queue_wake_all(&catcher->waiters);
        }
    }
}

bool ml_catchers_awaited(const struct ml_loop *loop)
{
    ml_list_each (item, &loop->catchers) {
        if (!ml_list_empty(&ml_container_of(item, struct ml_catcher, link)
                                ->waiters.waits)) {
            return true;
        }
    }
    return false;
}
