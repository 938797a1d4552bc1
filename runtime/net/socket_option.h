#ifndef ML_NET_SOCKET_OPTION_H
#define ML_NET_SOCKET_OPTION_H

#include "net/address.h"

#include <stdbool.h>

/*
 * Options of sockets, by the names that scripts use. The table of them is in
 * socket_option.c; one more option is one more line there.
 */

enum ml_socket_option_kind {
    ML_SOCKET_OPTION_FLAG,  /* 0 or 1 */
    ML_SOCKET_OPTION_NUMBER /* from 0; "linger", in seconds, has -1 for off */
};

/*
 * Sets an option by name. 0; -ENOENT if there is no such option; -ERANGE if no
 * socket takes the value; -ENOPROTOOPT if this system or this kind of socket
 * does not have it; else -errno.
 */
int ml_socket_setoption(int fd, const char *name, long value);

/* Reads it back as the system has it (Linux doubles buffer sizes). As above. */
int ml_socket_getoption(int fd, const char *name, long *value);

/* Which of the two kinds an option is, or -ENOENT. */
int ml_socket_option_kind(const char *name);

/* All names, sorted, ended by NULL; a constant. */
const char *const *ml_socket_option_names(void);

/*
 * TCP_NODELAY; 0 or -errno. On a socket that is not TCP it fails, which does no
 * harm: who wants it for every stream ignores the result.
 */
int ml_socket_nodelay(int fd, bool on);

/*
 * Joins or leaves a multicast group on the interface of that index (0: the
 * system chooses); 0 or -errno.
 */
int ml_socket_multicast(int fd, const struct ml_address *group, unsigned index,
                        bool join);

#endif
