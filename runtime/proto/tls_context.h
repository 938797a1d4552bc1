/* tls_context.h - what TLS connections have in common: who we are, whom we
 * trust, and how we talk.
 *
 * A context is made, told all there is to it, and then used by any number of
 * connections, as a client or as a server; each of them holds a reference. */
#ifndef ML_PROTO_TLS_CONTEXT_H
#define ML_PROTO_TLS_CONTEXT_H

#include "base/alloc.h"
#include "proto/tls_library.h"
#include "proto/tls_session.h"

#include <stdbool.h>
#include <stddef.h>

enum {
    ML_TLS_REASON_SIZE = 160,
    ML_TLS_MARK_SIZE = 16
};

/* What is asked of the peer's certificate. */
enum ml_tls_verify {
    ML_TLS_VERIFY_DEFAULT,  /* required of servers, nothing of clients */
    ML_TLS_VERIFY_NONE,     /* nothing */
    ML_TLS_VERIFY_OPTIONAL, /* if there is one it must hold */
    ML_TLS_VERIFY_REQUIRED
};

/* A certificate of its own for a name that clients ask for. */
struct ml_tls_name {
    struct ml_tls_name *next;
    SSL_CTX *ssl;  /* has the certificate and the key, and is else as ours */
    size_t length; /* of the name, without a final zero */
    char name[];   /* in lower case; "*.b" is any label before ".b" */
};

struct ml_tls_context {
    const struct ml_tls_library *library; /* outlives it */
    struct ml_alloc alloc;
    unsigned refs;
    SSL_CTX *ssl;
    BIO_METHOD *method; /* of the connections, see proto/tls.c */
    enum ml_tls_verify verify;
    bool trusts;         /* was told whom to trust */
    bool rooted;         /* trusts whom the system trusts */
    bool identified;     /* has a certificate of its own */
    unsigned char *alpn; /* protocols as they are sent, or NULL */
    size_t alpn_length;
    struct ml_tls_name *names;
    struct ml_tls_sessions sessions;      /* of clients */
    unsigned char mark[ML_TLS_MARK_SIZE]; /* of the sessions of servers */
    /* Why the last function failed, if its code does not say it all. */
    char reason[ML_TLS_REASON_SIZE];
};

/* A certificate and its key: names of PEM files, or PEM text. `key` may be
 * NULL: it is in `cert`. `password` of the key may be NULL. */
struct ml_tls_identity {
    const char *cert, *key, *password;
    const char *where; /* which of them was read last, for errors */
};

/* Makes one, with one reference. 0; -ENOMEM, or -ML_ETLS_CONTEXT. */
int ml_tls_context_new(struct ml_tls_context **out,
                       const struct ml_tls_library *library,
                       const struct ml_alloc *alloc);

struct ml_tls_context *ml_tls_context_ref(struct ml_tls_context *c);

/* Lets a reference go; the last frees it. NULL is allowed. */
void ml_tls_context_unref(struct ml_tls_context *c);

/* All of the following give 0; -ENOMEM; -errno of a file; or -ML_ETLS_CONTEXT,
 * and `reason` says why. After a failure the context must not be used. */

/* Sets what it shows to peers. */
int ml_tls_context_identify(struct ml_tls_context *c,
                            struct ml_tls_identity *identity);

/* Sets what it shows, as a server, to those who ask for `name`. */
int ml_tls_context_name(struct ml_tls_context *c, const char *name,
                        struct ml_tls_identity *identity);

/* Adds a root of trust: a PEM file, PEM text, a directory as c_rehash makes, or
 * "system". Without any, the system's are trusted. */
int ml_tls_context_trust(struct ml_tls_context *c, const char *source);

/* Adds a list of revoked certificates (CRL), a PEM file or text. From then on
 * one is needed for each authority in a peer's chain. */
int ml_tls_context_revoke(struct ml_tls_context *c, const char *source);

/* Sets the protocols that are offered, or chosen from, the best first: each
 * one as a byte of length and a name (RFC 7301, section 3.1). */
int ml_tls_context_alpn(struct ml_tls_context *c, const unsigned char *names,
                        size_t length);

/* Sets the lowest version, TLS1_2_VERSION or TLS1_3_VERSION; the ciphers of
 * TLS 1.2, in OpenSSL's words; whether servers give tickets for resumption. */
int ml_tls_context_min(struct ml_tls_context *c, int version);
int ml_tls_context_ciphers(struct ml_tls_context *c, const char *list);
int ml_tls_context_tickets(struct ml_tls_context *c, bool on);

/* Sees to it that a client of the context trusts somebody. */
int ml_tls_context_root(struct ml_tls_context *c);

/* ---- for the parts of the context itself ---------------------------------- */

/* Sets a certificate and its key; as ml_tls_context_identify. */
int ml_tls_source_identity(struct ml_tls_context *c, SSL_CTX *ssl,
                           struct ml_tls_identity *identity);

/* The certificate that clients get who have asked for a name; NULL: the context's
 * own. */
SSL_CTX *ml_tls_name_find(const struct ml_tls_name *names, const char *asked);

/* Adds a name to the list. 0; -ENOMEM; -ML_ETLS_CONTEXT for one that cannot be
 * asked for. */
int ml_tls_name_add(struct ml_tls_name **names, const struct ml_alloc *alloc,
                    const char *name, SSL_CTX *ssl);

/* Frees the list and what it holds. */
void ml_tls_name_free(struct ml_tls_name *names, const struct ml_alloc *alloc,
                      const struct ml_tls_library *library);

#endif
