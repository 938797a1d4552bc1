/* idle.h - connections that do nothing, having had one answer each. */
#ifndef BENCH_LOAD_IDLE_H
#define BENCH_LOAD_IDLE_H

#include "load.h"
#include "request.h"

struct idle {
    int *fds; /* owned */
    long count;
};

/* Opens options->idle connections, and has each answered once. False, with
 * result->failure, if one fails. To be closed in any case. */
bool idle_open(struct idle *idle, const struct load_options *options,
               const struct request *request, struct load_result *result);

/* Counts those that the server has ended as errors. */
void idle_check(const struct idle *idle, struct load_result *result);

void idle_close(struct idle *idle);

#endif
