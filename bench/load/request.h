/* request.h - what is sent, and whether what comes back is right.
 *
 * What a connection sends is a stream of bytes with a long period, begun at
 * another place by each: so an answer that is late, doubled, cut or another
 * connection's is seen. */
#ifndef BENCH_LOAD_REQUEST_H
#define BENCH_LOAD_REQUEST_H

#include "load.h"

enum {
    REQUEST_HEAD = 1024 /* the longest head of an answer that is understood */
};

struct request {
    char *bytes;   /* the period, and a whole burst of requests behind it */
    size_t period; /* bytes */
    size_t size;   /* of a request */
    bool http;
    const char *body; /* what an answer over HTTP has to hold */
    size_t body_size;
    char *loaded; /* that, if it came from a file; owned */
};

/* Where a connection is in the answers. All zero at first. */
struct answers {
    uint64_t bytes;          /* that were right */
    size_t held;             /* of a head that has not ended */
    size_t left;             /* of a body */
    char head[REQUEST_HEAD]; /* of those held */
};

/* Makes the bytes. False if there is no memory, or no file of the answer. */
bool request_init(struct request *request, const struct load_options *options);
void request_term(struct request *request);

/* What the connection `id` sends from byte `at` on, a burst at least. */
const char *request_bytes(const struct request *request, long id, uint64_t at);

/* Takes bytes that the connection `id` got: how many answers they ended, or -1
 * if they are wrong. */
long request_check(const struct request *request, struct answers *answers,
                   long id, const char *bytes, size_t n);

#endif
