/* http.c - the limit for HTTP/1.1 keep-alive: finds where heads end and answers
 * fixed bytes, however many requests a read brought.
 *
 *   http PORT
 *
 * Nothing of a head is kept: of one that came in part, only how much of its
 * end, "\r\n\r\n", has been seen. So it serves GET, and is no HTTP server. */
#include "server.h"

#include <stdlib.h>
#include <string.h>

#define ANSWER                                        \
    "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n" \
    "Content-Length: 13\r\n\r\nhello, world\n"

enum {
    LENGTH = sizeof ANSWER - 1,
    SIZE = 16384,
    SHORTEST = 4 /* "\r\n\r\n": so that any number of heads has its answers */
};

static char buffer[SIZE];
static char answers[(SIZE / SHORTEST + 1) * LENGTH];

/* How many bytes of the end of a head have been seen, with one more. */
static unsigned end_step(unsigned seen, char c)
{
    if (c == "\r\n\r\n"[seen]) {
        return seen + 1;
    }
    return c == '\r';
}

/* Where the end of a head may go on, or begin: line ends are looked for as fast
 * as memchr runs. */
static const char *next_place(unsigned seen, const char *bytes, const char *end)
{
    if (seen > 0 || bytes == end) {
        return bytes;
    }
    bytes = memchr(bytes, '\r', (size_t)(end - bytes));
    return bytes != NULL ? bytes : end;
}

/* Counts the heads that end in `n` bytes. */
static size_t count_heads(struct peer *peer, const char *bytes, size_t n)
{
    const char *end = bytes + n;
    unsigned seen = peer->seen;
    size_t heads = 0;
    while ((bytes = next_place(seen, bytes, end)) < end) {
        seen = end_step(seen, *bytes++);
        if (seen == 4) {
            heads++;
            seen = 0;
        }
    }
    peer->seen = seen;
    return heads;
}

static bool answer(int fd, struct peer *peer, size_t heads)
{
    return heads == 0 || server_write(fd, peer, answers, heads * LENGTH);
}

bool server_talk(int fd, struct peer *peer)
{
    for (;;) {
        long n = server_read(fd, buffer, SIZE);
        if (n <= 0) {
            return n == -2;
        }
        if (!answer(fd, peer, count_heads(peer, buffer, (size_t)n))) {
            return false;
        }
        if (peer->rest != NULL || (n < SIZE && !peer->hung)) {
            return true;
        }
    }
}

int main(int argc, char **argv)
{
    (void)argc;
    for (size_t at = 0; at + LENGTH <= sizeof answers; at += LENGTH) {
        memcpy(answers + at, ANSWER, LENGTH);
    }
    return server_run(argv);
}
