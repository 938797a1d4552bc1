#ifndef ML_NET_RESOLVE_H
#define ML_NET_RESOLVE_H

#include "net/address.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * Names to addresses, by the system's own resolver.
 *
 * ml_resolve() blocks for as long as that resolver likes: it is meant for a
 * worker thread. Calls share nothing, so any number may run at once, and one
 * whose answer nobody wants any more only has to have its result freed.
 */

/*
 * An answer. It comes from malloc, not from a loop's allocator, because that
 * one must not be called by another thread. ml_resolution_free() ends it, on
 * any thread.
 */
struct ml_resolution {
    int error;    /* 0, or a positive code of base/errno.h (EAI_NONAME, ...) */
    size_t count; /* 0 if there is an error, at least 1 if not */
    struct ml_address addresses[]; /* in the order in which to try them */
};

/*
 * Looks up `host` ("" or NULL: the wildcard address if `passive`, else
 * loopback) and `service` (a number or a name) for sockets of `family`
 * (AF_UNSPEC for all) and `socktype`. The addresses are sorted as RFC 6724
 * asks, which the system does, then interleaved by family as RFC 8305 asks in
 * section 4.
 *
 * Returns NULL only when out of memory; every other failure is in `error`.
 */
struct ml_resolution *ml_resolve(const char *host, const char *service,
                                 int family, int socktype, bool passive);

/*
 * Reorders the addresses so that families alternate for as long as there are
 * several left, beginning with that of the first; within a family the order
 * stays. ml_resolve() has done it already.
 */
void ml_resolution_interleave(struct ml_resolution *resolution);

/* Takes NULL too. */
void ml_resolution_free(struct ml_resolution *resolution);

#endif
