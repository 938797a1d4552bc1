/* tls_session.h - the sessions that clients keep, to be resumed.
 *
 * A resumed session shows no certificate again: so one is kept under all that
 * was checked when it began, and is used by nobody who asks for more. */
#ifndef ML_PROTO_TLS_SESSION_H
#define ML_PROTO_TLS_SESSION_H

#include "base/alloc.h"
#include "proto/tls_library.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    ML_TLS_SESSIONS_MAX = 64,
    ML_TLS_SESSION_KEY_SIZE = 288
};

struct ml_tls_session {
    SSL_SESSION *session; /* owned; NULL: the slot is free */
    uint64_t used;        /* when, by the table's count */
    char key[ML_TLS_SESSION_KEY_SIZE];
};

/* A table that forgets what was not used for the longest time. */
struct ml_tls_sessions {
    struct ml_tls_session *slots; /* NULL until one is kept */
    uint64_t count;               /* of uses */
};

/* Keeps a session, whose reference it takes over, in place of the one that has
 * the key. False if there is no memory: the reference is the caller's. */
bool ml_tls_session_keep(struct ml_tls_sessions *table,
                         const struct ml_alloc *alloc,
                         const struct ml_tls_library *library, const char *key,
                         SSL_SESSION *session);

/* The session under that key, which stays the table's; NULL: none. */
SSL_SESSION *ml_tls_session_find(struct ml_tls_sessions *table,
                                 const struct ml_tls_library *library,
                                 const char *key);

void ml_tls_session_term(struct ml_tls_sessions *table,
                         const struct ml_alloc *alloc,
                         const struct ml_tls_library *library);

#endif
