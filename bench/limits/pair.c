/* pair.c - the limit of an echo and its clients in one process: TCP over
 * loopback, edge-triggered epoll, no read that cannot succeed.
 *
 *   pair N PAIRS    until N messages have come back */
#include "limit.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    SIZE = 64,
    EVENTS = 128
};

/* One end of a connection. */
struct end {
    int fd;
    long left; /* messages that a client has still to send; an echo's: -1 */
};

static void send_message(const struct end *end, const char *bytes)
{
    limit_check(send(end->fd, bytes, SIZE, MSG_NOSIGNAL) == SIZE, "no send");
}

/* The number of messages that have come back. */
static long serve(struct end *end)
{
    char bytes[SIZE];
    limit_check(read(end->fd, bytes, SIZE) == SIZE, "no message");
    if (end->left < 0) {
        send_message(end, bytes);
        return 0;
    }
    if (--end->left > 0) {
        send_message(end, bytes);
    }
    return 1;
}

static void watch(int epoll, struct end *end, int fd, long left)
{
    int on = 1;
    struct epoll_event event = {.events = EPOLLIN | EPOLLET,
                                .data = {.ptr = end}};
    *end = (struct end){fd, left};
    limit_check(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) == 0 &&
                    fcntl(fd, F_SETFL, O_NONBLOCK) == 0 &&
                    epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0,
                "cannot watch");
}

static int listen_anywhere(struct sockaddr_in *address)
{
    socklen_t size = sizeof *address;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    memset(address, 0, sizeof *address);
    address->sin_family = AF_INET;
    address->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    limit_check(
        fd >= 0 && bind(fd, (struct sockaddr *)address, sizeof *address) == 0 &&
            listen(fd, EVENTS) == 0 &&
            getsockname(fd, (struct sockaddr *)address, &size) == 0,
        "cannot listen");
    return fd;
}

static void connect_pair(int epoll, int listener, struct end *ends,
                         const struct sockaddr_in *address, long messages)
{
    int client = socket(AF_INET, SOCK_STREAM, 0);
    limit_check(client >= 0 && connect(client, (const struct sockaddr *)address,
                                       sizeof *address) == 0,
                "cannot connect");
    int server = accept(listener, NULL, NULL);
    limit_check(server >= 0, "cannot accept");
    watch(epoll, &ends[0], client, messages);
    watch(epoll, &ends[1], server, -1);
}

int main(int argc, char **argv)
{
    long n = limit_number(argv, 1);
    long count = limit_number(argv, 2);
    static const char message[SIZE] = {'m'};
    struct sockaddr_in address;
    struct epoll_event events[EVENTS];
    struct end *ends = limit_memory(count * 2, sizeof *ends);
    int epoll = epoll_create1(0);
    int listener = listen_anywhere(&address);
    long back = 0;

    (void)argc;
    for (long i = 0; i < count; i++) {
        connect_pair(epoll, listener, &ends[2 * i], &address, n / count);
        send_message(&ends[2 * i], message);
    }
    while (back < n / count * count) {
        int ready = epoll_wait(epoll, events, EVENTS, -1);
        for (int i = 0; i < ready; i++) {
            back += serve(events[i].data.ptr);
        }
    }
    (void)printf("count=%ld\n", back);
    free(ends);
    return 0;
}
