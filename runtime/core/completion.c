/* completion.c - a call's end that comes from outside.
 *
 * A completion has two sides. The call's side ends with the call; the other
 * side is a promise to call ml_complete once, from any thread, however late.
 * When both are through, the data are released, on the loop's thread. If the
 * loop is closed first, the data are released then, and the empty shell waits
 * for the promise. */
#include "core/loop.h"
#include "core/mailbox.h"
#include "core/offload.h"

#include <stdlib.h>

struct ml_completion {
    struct ml_letter letter; /* first: it is what the mailbox hands back */
    struct ml_list link;     /* in loop->completions */
    struct ml_mailbox *box;  /* a reference */
    ml_call *call;           /* NULL once the call has ended */
    void *data;
    void (*release)(void *data); /* NULL once it was called */
    bool came;
};

static void completion_release(struct ml_completion *c)
{
    void (*release)(void *data) = c->release;
    c->release = NULL;
    if (release != NULL) {
        release(c->data);
    }
}

static void completion_free(struct ml_completion *c)
{
    completion_release(c);
    ml_list_unlink(&c->link);
    ml_mailbox_unref(c->box);
    free(c);
}

static void completion_open(struct ml_letter *letter, ml_loop *loop)
{
    struct ml_completion *c = (struct ml_completion *)(void *)letter;
    c->came = true;
    if (c->call == NULL) {
        completion_free(c);
        return;
    }
    struct ml_task *task = c->call->task;
    loop->later--; /* not NULL: a call does not outlive its loop */
    if (task->state == ML_TASK_WAITING) {
        ml_call_wake(c->call, ML_WOKE_READY);
    }
}

/* Makes the call wait for it, in the place of an earlier one. */
static void completion_bind(struct ml_completion *c, ml_call *call)
{
    ml_completion_drop(call);
    c->call = call;
    call->completion = c;
    ml_call_owner(call)->loop->later++;
}

/* An instant call is over when its attempt is, and does not wait: it starts what
 * ends by itself. */
ml_completion *ml_call_later(ml_call *call, void *data,
                             void (*release)(void *data))
{
    struct ml_loop *loop = ml_call_owner(call)->loop;
    struct ml_completion *c = calloc(1, sizeof *c);
    if (c == NULL) {
        return NULL;
    }
    c->letter.open = completion_open;
    c->box = loop->mailbox;
    ml_mailbox_ref(c->box);
    c->data = data;
    c->release = release;
    ml_list_init(&c->link);
    ml_list_append(&loop->completions, &c->link);
    if ((call->def->flags & ML_SYSCALL_INSTANT) == 0) {
        completion_bind(c, call);
    }
    call->data = data;
    return c;
}

bool ml_call_completed(const ml_call *call)
{
    return call->completion != NULL && call->completion->came;
}

void ml_complete(ml_completion *completion)
{
    ml_mailbox_put(completion->box, &completion->letter);
}

void ml_completion_drop(ml_call *call)
{
    struct ml_completion *c = call->completion;
    if (c == NULL) {
        return;
    }
    call->completion = NULL;
    c->call = NULL;
    if (c->came) {
        completion_free(c);
    } else {
        ml_call_owner(call)->loop->later--;
    }
}

void ml_completion_cancel(ml_completion *completion)
{
    if (completion->call != NULL) {
        ml_completion_drop(completion->call);
    }
    completion->release = NULL;
    completion_free(completion);
}

size_t ml_completions_awaited(const ml_loop *loop)
{
    size_t n = 0;
    ml_list_each (item, &loop->completions) {
        const struct ml_completion *c =
            ml_container_of(item, struct ml_completion, link);
        n += c->call != NULL && !c->came ? 1 : 0;
    }
    return n;
}

void ml_completions_abandon(ml_loop *loop)
{
    struct ml_list *item;
    while ((item = ml_list_shift(&loop->completions)) != NULL) {
        completion_release(ml_container_of(item, struct ml_completion, link));
    }
}
