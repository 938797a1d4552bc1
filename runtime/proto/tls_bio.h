/* tls_bio.h - how OpenSSL gets at the descriptor of a connection.
 *
 * Bytes are read from the descriptor. Those to be written are tried at once,
 * and what does not fit waits in the wire's `out`: so OpenSSL never has a write
 * of its own unfinished, which would forbid it to answer what it reads (a key
 * update, say), and would have to be taken up again with the very same bytes,
 * though the task that wrote them may be dead. */
#ifndef ML_PROTO_TLS_BIO_H
#define ML_PROTO_TLS_BIO_H

#include "base/alloc.h"
#include "base/buffer.h"
#include "proto/tls_library.h"

#include <stdbool.h>

struct ml_tls_wire {
    const struct ml_tls_library *library;
    const struct ml_alloc *alloc;
    int fd; /* the stream's, which closes it */
    bool socket;
    struct ml_buffer in;  /* to be read before the descriptor is */
    struct ml_buffer out; /* what the descriptor did not take */
    int read_error;       /* of the descriptor, a positive code */
    int write_error;      /* the same; what is written after it is lost */
    bool gathers;         /* what is written waits for ml_tls_bio_flush */
    bool hung;            /* the descriptor gave the end of the stream */
    bool dry;             /* the last read would have blocked */
    size_t idle;          /* bytes read since there were data among them */
};

/* A way to make BIOs; to be freed. NULL: no memory. */
BIO_METHOD *ml_tls_bio_method(const struct ml_tls_library *library);

/* A new BIO. NULL: no memory. It may be used only between the following two,
 * with the wire given there. */
BIO *ml_tls_bio_new(BIO_METHOD *method, const struct ml_tls_library *library);

/* Around each call of OpenSSL that may read or write. */
void ml_tls_bio_enter(struct ml_tls_wire *wire);
void ml_tls_bio_leave(void);

/* Sends what waits. 0 when nothing is left, -EAGAIN; or -errno, also that of an
 * earlier write. */
int ml_tls_bio_flush(struct ml_tls_wire *wire);

#endif
