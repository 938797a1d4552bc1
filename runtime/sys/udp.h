/* udp.h - datagram sockets, for the two files that they are made of. */
#ifndef ML_SYS_UDP_H
#define ML_SYS_UDP_H

#include "core/park.h"
#include "sys/descriptor.h"

#include <miniloop.h>
#include <sys/types.h>

struct ml_udp {
    struct ml_descriptor d; /* first, see sys/descriptor.h */
    int family;             /* of its own address */
    struct ml_queue naming; /* who waits for the address of a name: to be told
                               when the socket is closed meanwhile */
};

/* The socket at argument 1; raises if it is something else. */
struct ml_udp *ml_udp_check(lua_State *L);

/* Bounds the call, in its first attempt, by its argument `n`: the timeout. */
void ml_udp_bound(lua_State *L, ml_call *call, int n);

/* What an attempt returns that got -errno: it waits for the direction `event`
 * if it would block. */
int ml_udp_wait(const struct ml_udp *u, ml_call *call, ssize_t err, int event);

/* Adds sendto, connect and send to the table of methods on top. */
void ml_udp_send_open(lua_State *L, struct ml_vm *vm);

#endif
