/* bind.h - what net.listen and net.udp have in common: from an address that a
 * script gave to a bound socket. */
#ifndef ML_SYS_BIND_H
#define ML_SYS_BIND_H

#include "net/io.h"
#include "net/socket.h"

#include <miniloop.h>
#include <stdbool.h>

/* A way to bind. */
struct ml_bind {
    const char *op; /* for errors */
    int socktype;
    enum ml_io_kind kind; /* what an inherited descriptor must be */
    const char *mismatch; /* the reason, if it is something else */
    /* A socket that is bound, or -errno; net/socket.h has two such. */
    int (*open)(const struct ml_address *address,
                const struct ml_listen_options *options);
};

/* The options of such a call at `arg`, which may be nil; raises if one is of
 * the wrong type. (ml_option_check keeps out those that a call has not.) */
struct ml_listen_options ml_bind_options(lua_State *L, int arg);

/* What came of it. */
struct ml_bound {
    int fd;
    bool inherited; /* somebody else has bound it */
};

/* An attempt of a call whose first argument is an address: binds to the first
 * of its addresses that can be had. 0: `out` has an open descriptor, for the
 * caller to take at once; anything else is what the attempt is to return. The
 * second argument is the options; the call's `withdraw` must be
 * ml_lookup_withdraw. */
int ml_bind_attempt(lua_State *L, ml_call *call, const struct ml_bind *bind,
                    struct ml_bound *out);

#endif
