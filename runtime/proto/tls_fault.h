/* tls_fault.h - what went wrong on a connection, as codes of base/errno.h and
 * in words, which go to its `reason`. */
#ifndef ML_PROTO_TLS_FAULT_H
#define ML_PROTO_TLS_FAULT_H

#include "proto/tls.h"

/* OpenSSL could not read: what the descriptor said. -errno. */
int ml_tls_fault_wire(struct ml_tls *t);

/* OpenSSL has an error in its queue. It is the end of the connection. -errno. */
int ml_tls_fault_protocol(struct ml_tls *t);

/* The peer announced its end before the handshake was done. -errno. */
int ml_tls_fault_early(struct ml_tls *t);

/* Whether OpenSSL failed for want of memory: the first of its errors, which is
 * the innermost, or the last one says so. Without any error there was none for
 * that either. */
bool ml_tls_fault_memory(const struct ml_tls_library *library);

#endif
