#include "edges.h"

#include <errno.h>
#include <pthread.h>
#include <stddef.h>

enum {
    EDGES = 4096 /* descriptors above are left alone */
};

int __real_epoll_ctl(int epfd, int op, int fd, struct epoll_event *event);

/* By descriptor; of one that several pollers watch the last. */
static struct edge {
    int epfd; /* 0: none */
    struct epoll_event event;
} edges[EDGES];

static int highest = -1;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

void fault_edges_note(int epfd, int op, int fd, const struct epoll_event *event)
{
    if (fd < 0 || fd >= EDGES) {
        return;
    }
    (void)pthread_mutex_lock(&lock);
    edges[fd].epfd = op == EPOLL_CTL_DEL ? 0 : epfd;
    if (op != EPOLL_CTL_DEL) {
        edges[fd].event = *event;
    }
    highest = fd > highest ? fd : highest;
    (void)pthread_mutex_unlock(&lock);
}

void fault_edges_move(int from, int to)
{
    (void)pthread_mutex_lock(&lock);
    for (int fd = 0; fd <= highest; fd++) {
        if (edges[fd].epfd == from) {
            edges[fd].epfd = to;
        }
    }
    (void)pthread_mutex_unlock(&lock);
}

void fault_edges_renew(int fd)
{
    int saved = errno;
    if (fd < 0 || fd >= EDGES) {
        return;
    }
    (void)pthread_mutex_lock(&lock);
    struct edge *edge = &edges[fd];
    if (edge->epfd != 0 && (edge->event.events & EPOLLET) != 0) {
        /* Fails if the number was closed since, and then nobody asks. */
        (void)__real_epoll_ctl(edge->epfd, EPOLL_CTL_MOD, fd, &edge->event);
    }
    (void)pthread_mutex_unlock(&lock);
    errno = saved;
}

/* True if the registration is still there. */
static int is_held(int epfd, int fd)
{
    return edges[fd].epfd == epfd &&
           __real_epoll_ctl(epfd, EPOLL_CTL_MOD, fd, &edges[fd].event) == 0;
}

int fault_edges_spurious(int epfd, uint64_t pick, struct epoll_event *event)
{
    int saved = errno;
    int found = 0;
    (void)pthread_mutex_lock(&lock);
    for (int i = 0; i <= highest && found == 0; i++) {
        int fd = (int)((pick + (uint64_t)i) % ((uint64_t)highest + 1));
        if (is_held(epfd, fd)) {
            const uint32_t asked = EPOLLIN | EPOLLOUT;
            *event = edges[fd].event;
            event->events &= asked;
            found = 1;
        }
    }
    (void)pthread_mutex_unlock(&lock);
    errno = saved;
    return found;
}
