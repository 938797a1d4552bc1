/* link.h - how the bytes of a connection go: as they are, or by TLS. */
#ifndef BENCH_LOAD_LINK_H
#define BENCH_LOAD_LINK_H

#include "load.h"

#include <sys/types.h>

struct secure;
struct secure_link;

struct link {
    int fd;                  /* -1: none */
    struct secure_link *tls; /* NULL: none */
};

/* Opens the n-th connection, by TLS if there is `secure`. False with errno. */
bool link_open(struct link *link, const struct load_options *options,
               struct secure *secure, long n);

/* As send and recv do. With TLS both make the handshake first, and EAGAIN may
 * mean either direction; a short read says nothing. */
ssize_t link_send(struct link *link, const char *bytes, size_t n);
ssize_t link_recv(struct link *link, char *bytes, size_t n);

/* Closes it, if it is open; with `reset` so that the peer gets one. */
void link_close(struct link *link, bool reset);

#endif
