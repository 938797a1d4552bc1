/* tls_info.h - what became of a handshake. */
#ifndef ML_PROTO_TLS_INFO_H
#define ML_PROTO_TLS_INFO_H

#include "proto/tls.h"

#include <stdint.h>

/* All of these only once the handshake is done. The texts live as long as the
 * connection; NULL: there is none. */
const char *ml_tls_info_version(const struct ml_tls *t); /* "TLSv1.3" */
const char *ml_tls_info_cipher(const struct ml_tls *t);
const char *ml_tls_info_name(const struct ml_tls *t); /* asked for by SNI */
const char *ml_tls_info_alpn(const struct ml_tls *t, size_t *length);
bool ml_tls_info_resumed(const struct ml_tls *t);

/* The peer's certificate, which lives as long as the connection; or NULL. */
X509 *ml_tls_info_peer(const struct ml_tls *t);

/* What a certificate says, as bytes that are written to memory. */
enum ml_tls_field {
    ML_TLS_SUBJECT, /* "CN=example.com,O=Example", RFC 2253 */
    ML_TLS_ISSUER,
    ML_TLS_SERIAL /* in hexadecimal digits */
};

/* A new BIO with the text of a field, to be freed, and where it is; NULL: no
 * memory. */
BIO *ml_tls_info_text(const struct ml_tls_library *library, X509 *cert,
                      enum ml_tls_field field, const char **text,
                      size_t *length);

/* Seconds since 1970 from which on, or up to which, it holds. */
int64_t ml_tls_info_from(const struct ml_tls_library *library, X509 *cert);
int64_t ml_tls_info_till(const struct ml_tls_library *library, X509 *cert);

/* Its SHA-256, 32 bytes. False: no memory. */
bool ml_tls_info_digest(const struct ml_tls_library *library, X509 *cert,
                        unsigned char digest[32]);

/* Whom it names: a list to be freed by GENERAL_NAMES_free, or NULL; and one of
 * its host names ("" if it is a name of another kind). */
GENERAL_NAMES *ml_tls_info_names(const struct ml_tls_library *library,
                                 X509 *cert, int *count);
const char *ml_tls_info_host(const struct ml_tls_library *library,
                             const GENERAL_NAMES *names, int i, size_t *length);

#endif
