/* tls.h - one TLS connection (RFC 8446, RFC 5246) over a descriptor.
 *
 * It never waits. What would block says for what; the handshake is made by
 * whatever comes first, also reading and writing. Two tasks may read and write
 * at the same time, and none of the calls has to be repeated as it was. */
#ifndef ML_PROTO_TLS_H
#define ML_PROTO_TLS_H

#include "proto/tls_bio.h"
#include "proto/tls_context.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <sys/uio.h>

/* What calls answer besides counts and -errno: the descriptor is to be waited
 * for, in that direction. */
enum {
    ML_TLS_READ = -0x7ff1,
    ML_TLS_WRITE = -0x7ff2
};

struct ml_tls {
    struct ml_tls_context *context; /* a reference */
    SSL *ssl;
    struct ml_tls_wire wire;
    bool server;
    bool verified; /* the peer's certificate must hold */
    bool shaken;   /* the handshake is made */
    bool done;     /* and our part of it is sent */
    bool ended;    /* the peer has said that nothing more will come */
    bool said;     /* we have */
    bool deaf;     /* we do not want to read any more */
    bool kept;     /* the session was kept, to be resumed */
    bool cut;      /* reading ended without a word of the peer */
    int seen;      /* a look found that reading fails, by this positive code,
                      which the next read tells; or 0 */
    int error;     /* of the protocol, a positive code: the end of both ways */
    char reason[ML_TLS_REASON_SIZE];
    char key[ML_TLS_SESSION_KEY_SIZE]; /* of sessions; "": none */
};

/* How a connection is to be. */
struct ml_tls_use {
    bool server;
    enum ml_tls_verify verify; /* default: what the context says */
    const char *name;          /* of the server; NULL: none is asked for */
    int port;                  /* of the server; sessions are kept by it */
    const unsigned char *alpn; /* of a client; NULL: what the context says */
    size_t alpn_length;
};

/* Makes `t` a connection over `fd`, which stays the caller's. `alloc` must
 * outlive it. 0; -ENOMEM; -ML_ETLS_CONTEXT, and `t->reason` says why: then only
 * ml_tls_close is allowed. */
int ml_tls_open(struct ml_tls *t, struct ml_tls_context *context, int fd,
                bool socket, const struct ml_tls_use *use);

/* Gives it bytes that were read from the descriptor before. 0; -ENOMEM. */
int ml_tls_feed(struct ml_tls *t, const char *bytes, size_t n);

/* 0 when the handshake is done; ML_TLS_READ, ML_TLS_WRITE; -errno. */
int ml_tls_handshake(struct ml_tls *t);

/* At most `n` bytes; 0 at the end that the peer has announced; or as before. */
ssize_t ml_tls_read(struct ml_tls *t, char *buf, size_t n);

/* How many bytes it took, though some may wait to be sent; or as before. */
ssize_t ml_tls_write(struct ml_tls *t, const struct iovec *pieces, size_t n);

/* Sends what waits: 0 when nothing is left; or as before. */
int ml_tls_flush(struct ml_tls *t);

/* Says that nothing more will come. As ml_tls_flush. */
int ml_tls_finish(struct ml_tls *t);

/* True if a read would not block though the descriptor has nothing to read. */
bool ml_tls_pending(const struct ml_tls *t);

/* The same, found out by reading ahead: what the descriptor has may be no data. 1;
 * 0, only if the descriptor has nothing more; ML_TLS_WRITE: the handshake that
 * data come behind has to be sent first. */
int ml_tls_look(struct ml_tls *t);

/* Says to the peer what can be said without waiting, and frees all but `t`. */
void ml_tls_close(struct ml_tls *t);

#endif
