#ifndef ML_NET_NEWBORN_H
#define ML_NET_NEWBORN_H

#include <sys/socket.h>

/*
 * Descriptors that are non-blocking and close-on-exec from birth.
 *
 * Only for the files of this layer. Where the system can make a descriptor with
 * both flags in one call (newborn_flags.c: Linux, the BSDs, illumos), a fork on
 * another thread cannot leak it into a new program. Elsewhere
 * (newborn_fcntl.c: macOS) the flags follow a moment later.
 */

/* Exactly one of the two files has a body; ML_NO_SOCK_FLAGS tries the other. */
#if defined(SOCK_NONBLOCK) && defined(SOCK_CLOEXEC) && \
    !defined(ML_NO_SOCK_FLAGS)
#    define ML_NEWBORN_FLAGS 1
#else
#    define ML_NEWBORN_FLAGS 0
#endif

/* As socket, accept and socketpair; a descriptor or 0, or -errno. */
int ml_newborn_socket(int family, int type, int protocol);
int ml_newborn_accept(int fd, struct sockaddr *peer, socklen_t *len);
int ml_newborn_pair(int family, int type, int fds[2]);

#endif
