/* secure.h - TLS 1.3 with one suite and one group, so that all servers have the
 * same to do. Where OpenSSL's headers are missing there is none. */
#ifndef BENCH_LOAD_SECURE_H
#define BENCH_LOAD_SECURE_H

#include "load.h"

#include <sys/types.h>

struct secure;      /* what all connections have in common */
struct secure_link; /* one of them */

/* Makes ready for connections to a server whose certificate is, or is signed by
 * that in the file options->ca. With options->resume each connection but the
 * first ones goes on with the session of one before it. NULL if that cannot
 * be. To be ended by secure_end. */
struct secure *secure_begin(const struct load_options *options);

/* How many of the connections that have ended had been resumed. */
long secure_resumed(const struct secure *secure);

void secure_end(struct secure *secure);

/* TLS over a socket that does not block, and stays the caller's. NULL without
 * memory. */
struct secure_link *secure_link_new(struct secure *secure, int fd);

/* As send and recv: see link.h. */
ssize_t secure_send(struct secure_link *link, const char *bytes, size_t n);
ssize_t secure_recv(struct secure_link *link, char *bytes, size_t n);

/* Ends it; if `gently`, the server is told so. */
void secure_link_end(struct secure_link *link, bool gently);

#endif
