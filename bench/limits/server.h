/* server.h - what the limit programs for the network share: one thread, one
 * epoll, every connection registered once and edge-triggered.
 *
 * A program defines server_talk and calls server_run. */
#ifndef BENCH_LIMITS_SERVER_H
#define BENCH_LIMITS_SERVER_H

#include <stdbool.h>
#include <stddef.h>

/* What a connection may hold between two events; indexed by its descriptor. */
struct peer {
    char *rest;    /* an answer that did not fit, owned; NULL: none */
    size_t length; /* of the rest */
    size_t done;   /* bytes of the rest that are out */
    unsigned seen; /* for the protocol; 0 at first */
    bool open;
    bool hung; /* the peer ended its direction: read on until the end */
};

/* Reads and answers what has come, until a read is short or an answer does not
 * fit. False when the connection is to be closed. */
bool server_talk(int fd, struct peer *peer);

/* Reads up to `n` bytes: their count, 0 at the end, -1 for an error, and
 * -2 when there are none yet. */
long server_read(int fd, void *bytes, size_t n);

/* Writes; keeps what does not fit in peer->rest. False if the peer is gone. */
bool server_write(int fd, struct peer *peer, const char *bytes, size_t n);

/* Listens on the port of 127.0.0.1 that the program's first argument is (0: a
 * free one, which it prints), and serves until it is killed. Returns an exit
 * status. */
int server_run(char **argv);

#endif
