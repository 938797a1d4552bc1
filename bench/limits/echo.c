/* echo.c - the limit for TCP echo: what the kernel charges, and next to nothing.
 *
 *   echo PORT [BYTES]    BYTES are read at a time, 65536 unless given
 *
 * A read that was short has emptied the socket: it is not tried again before
 * the next event, unless the peer has hung up, for which there is none. */
#include "server.h"

#include <stdlib.h>

enum {
    ROOM = 1 << 20
};

static char buffer[ROOM];
static size_t size = 65536;

bool server_talk(int fd, struct peer *peer)
{
    for (;;) {
        long n = server_read(fd, buffer, size);
        if (n <= 0) {
            return n == -2;
        }
        if (!server_write(fd, peer, buffer, (size_t)n)) {
            return false;
        }
        if (peer->rest != NULL || ((size_t)n < size && !peer->hung)) {
            return true;
        }
    }
}

int main(int argc, char **argv)
{
    long bytes = argc > 2 ? strtol(argv[2], NULL, 10) : 65536;
    size = bytes > 0 && bytes <= ROOM ? (size_t)bytes : ROOM;
    return server_run(argv);
}
