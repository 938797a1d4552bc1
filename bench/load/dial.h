/* dial.h - sockets of the client. */
#ifndef BENCH_LOAD_DIAL_H
#define BENCH_LOAD_DIAL_H

#include "load.h"

/* A socket that is being connected, or is connected if `blocking`; -1 with
 * errno. The n-th comes from another address of the loopback network than its
 * neighbours: one alone has 28,000 ports, and each is kept for a while after
 * its connection's end. */
int dial_open(const struct load_options *options, long n, bool blocking);

/* Closes it so that the peer gets a reset. */
void dial_reset(int fd);

#endif
