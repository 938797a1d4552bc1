/* offload.h - calls that something outside of the loop completes: another
 * thread of the host, or a worker of the loop's own pool. */
#ifndef ML_CORE_OFFLOAD_H
#define ML_CORE_OFFLOAD_H

#include <miniloop.h>

struct ml_offload;

/* The call has ended, or was withdrawn: it lets go of its completion. */
void ml_completion_drop(ml_call *call);

/* Takes back a completion that nobody was told of; its data stay the caller's. */
void ml_completion_cancel(ml_completion *completion);

/* How many completions calls of the loop still wait for, by looking. */
size_t ml_completions_awaited(const ml_loop *loop);

/* Releases the data of all completions that did not come; the loop closes. */
void ml_completions_abandon(ml_loop *loop);

/* Tells the workers to end; one that is busy ends when its job does, which
 * nobody waits for. NULL is harmless. */
void ml_offload_close(struct ml_offload *pool);

#endif
