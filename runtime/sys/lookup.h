/* lookup.h - from an endpoint to addresses, without blocking the loop.
 *
 * What is numeric is known at once; a name is looked up by a worker thread. A
 * call that ends meanwhile only lets go of the look-up: the late answer is
 * freed with it. */
#ifndef ML_SYS_LOOKUP_H
#define ML_SYS_LOOKUP_H

#include "net/endpoint.h"
#include "net/resolve.h"

#include <miniloop.h>
#include <stdbool.h>
#include <stddef.h>

/* What the addresses are for. */
struct ml_lookup_use {
    int family;   /* AF_UNSPEC: any */
    int socktype; /* SOCK_STREAM or SOCK_DGRAM */
    bool passive; /* to bind to: no host means every interface */
};

struct ml_lookup;

/* A look-up that is not begun, with one reference; NULL: no memory. It comes
 * from malloc, because a worker has a part in it. */
struct ml_lookup *ml_lookup_new(const struct ml_endpoint *endpoint,
                                struct ml_lookup_use use);

/* One whose answer is there already: `count` addresses, for the caller to fill
 * in at *addresses. NULL: no memory. */
struct ml_lookup *ml_lookup_list(size_t count, struct ml_address **addresses);

/* To be called in each attempt of the one call that it serves: 0 when the
 * answer is there, ML_WAIT while a worker is at it, or -errno (EAI_... too, see
 * base/errno.h). It leaves the call's data pointing to the look-up. */
int ml_lookup_attempt(struct ml_lookup *lookup, ml_call *call);

/* The addresses, at least one, in the order in which to try them. */
const struct ml_resolution *ml_lookup_answer(const struct ml_lookup *lookup);

/* What is looked up. Of a list: a host and a service
 * without names. */
const struct ml_endpoint *ml_lookup_endpoint(const struct ml_lookup *lookup);

/* Lets go of it; NULL is harmless. */
void ml_lookup_unref(struct ml_lookup *lookup);

/* For calls whose data is the look-up, or NULL: lets go of it, as `withdraw`
 * and before an answer. */
void ml_lookup_withdraw(ml_call *call);

#endif
