#ifndef ML_NET_SENDFILE_H
#define ML_NET_SENDFILE_H

#include <stdint.h>
#include <sys/types.h>

/*
 * Sends at most `count` bytes of a file, from `offset` on, into a socket: how
 * many, 0 at the end of the file, or -errno (-EAGAIN: nothing fits). The file's
 * own position stays where it is. Where the system can, the bytes go there
 * without a copy of ours.
 */
ssize_t ml_sendfile(int socket, int file, int64_t offset, size_t count);

#endif
