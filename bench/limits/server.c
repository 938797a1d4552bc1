/* server.c - the frame of the limit programs for the network. */
#include "server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    PEERS = 20480, /* by descriptor */
    EVENTS = 256
};

static struct peer peers[PEERS];

long server_read(int fd, void *bytes, size_t n)
{
    ssize_t got = read(fd, bytes, n);
    return got < 0 && errno == EAGAIN ? -2 : got;
}

static bool rest_keep(struct peer *peer, const char *bytes, size_t n)
{
    peer->rest = malloc(n);
    if (peer->rest == NULL) {
        return false;
    }
    memcpy(peer->rest, bytes, n);
    peer->length = n;
    peer->done = 0;
    return true;
}

bool server_write(int fd, struct peer *peer, const char *bytes, size_t n)
{
    ssize_t put = send(fd, bytes, n, MSG_NOSIGNAL);
    if (put == (ssize_t)n) {
        return true;
    }
    if (put < 0 && errno != EAGAIN) {
        return false;
    }
    size_t done = put > 0 ? (size_t)put : 0;
    return rest_keep(peer, bytes + done, n - done);
}

/* Writes what an earlier answer left. False if the peer is gone. */
static bool rest_write(int fd, struct peer *peer)
{
    size_t left = peer->length - peer->done;
    ssize_t put = send(fd, peer->rest + peer->done, left, MSG_NOSIGNAL);
    if (put < 0) {
        return errno == EAGAIN;
    }
    peer->done += (size_t)put;
    if (peer->done == peer->length) {
        free(peer->rest);
        peer->rest = NULL;
    }
    return true;
}

static void peer_close(int fd, struct peer *peer)
{
    free(peer->rest);
    memset(peer, 0, sizeof *peer);
    (void)close(fd); /* which takes it out of epoll, and cannot matter */
}

static void peer_event(int fd, uint32_t events)
{
    struct peer *peer = &peers[fd];
    bool alive = true;
    peer->hung = peer->hung || (events & (EPOLLRDHUP | EPOLLHUP)) != 0;
    if (peer->rest != NULL) {
        alive = rest_write(fd, peer);
    } else if ((events & ~(uint32_t)EPOLLOUT) == 0) {
        return; /* room to write, and nothing to be written */
    }
    if (alive && peer->rest == NULL) {
        alive = server_talk(fd, peer);
    }
    if (!alive) {
        peer_close(fd, peer);
    }
}

static void peer_accept(int epoll, int fd)
{
    int on = 1;
    struct epoll_event event = {
        .events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.fd = fd};
    if (fd >= PEERS ||
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0 ||
        epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) != 0) {
        (void)close(fd); /* a client sees it, and the run fails */
        return;
    }
    peers[fd].open = true;
    peer_event(fd, EPOLLIN); /* attempt first: its request is here, perhaps */
}

static void listener_event(int epoll, int listener)
{
    int fd;
    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
        peer_accept(epoll, fd);
    }
}

static int listener_open(int port)
{
    int on = 1;
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (fd < 0 ||
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
        bind(fd, (struct sockaddr *)&address, sizeof address) != 0 ||
        listen(fd, SOMAXCONN) != 0) {
        perror("listen");
        exit(1); /* NOLINT(concurrency-mt-unsafe): there is one thread */
    }
    if (port == 0 &&
        getsockname(fd, (struct sockaddr *)&address, &length) == 0) {
        printf("%d\n", ntohs(address.sin_port));
        (void)fflush(stdout);
    }
    return fd;
}

/* Waits, and serves those that have something. */
static void server_round(int epoll, int listener)
{
    struct epoll_event events[EVENTS];
    int n = epoll_wait(epoll, events, EVENTS, -1);
    for (int i = 0; i < n; i++) {
        int fd = events[i].data.fd;
        if (fd == listener) {
            listener_event(epoll, listener);
        } else if (peers[fd].open) {
            peer_event(fd, events[i].events);
        }
    }
}

int server_run(char **argv)
{
    int port = argv[1] != NULL ? (int)strtol(argv[1], NULL, 10) : 0;
    int listener = listener_open(port);
    int epoll = epoll_create1(0);
    struct epoll_event first = {.events = EPOLLIN, .data.fd = listener};
    if (epoll < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &first) != 0) {
        perror("epoll");
        return 1;
    }
    for (;;) {
        server_round(epoll, listener);
    }
}
