#include "traffic.h"

#include "link.h"
#include "secure.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    EVENTS = 1024,
    ROOM = 1 << 18
};

struct traffic_conn {
    struct link link;
    bool connected;
    bool shut;         /* its own direction has ended */
    enum load_end end; /* how it will end, if it does */
    long id;           /* of this connection, among all ever opened */
    long asked;        /* requests */
    long answered;
    uint64_t sent;  /* bytes */
    int64_t *times; /* when requests were asked: a ring of `depth` */
    struct answers answers;
};

static void traffic_fail(struct traffic *t, const char *what, int error)
{
    if (!t->failed) {
        /* There is one thread. NOLINTBEGIN(concurrency-mt-unsafe) */
        (void)snprintf(t->result->failure, sizeof t->result->failure, "%s%s%s",
                       what, error != 0 ? ": " : "",
                       error != 0 ? strerror(error) : "");
        /* NOLINTEND(concurrency-mt-unsafe) */
    }
    t->failed = true;
    t->result->errors++;
}

/* The kinds of end that were asked for, in turns. */
static enum load_end next_end(const struct traffic *t)
{
    unsigned kind = (unsigned)t->dialled % END_KINDS;
    while ((t->options->ends & 1U << kind) == 0) {
        kind = (kind + 1) % END_KINDS;
    }
    return (enum load_end)kind;
}

static void conn_open(struct traffic *t, struct traffic_conn *conn)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLET,
                                .data.ptr = conn};
    int64_t *times = conn->times;
    memset(conn, 0, sizeof *conn);
    conn->times = times;
    conn->end = next_end(t);
    conn->id = t->dialled++;
    if (!link_open(&conn->link, t->options, t->secure, conn->id) ||
        epoll_ctl(t->epoll, EPOLL_CTL_ADD, conn->link.fd, &event) != 0) {
        traffic_fail(t, "connect", errno);
    }
}

/* Ends a connection that has done what it was for, and opens another while
 * there is something to be asked. */
static void conn_end(struct traffic *t, struct traffic_conn *conn)
{
    t->cut += conn->asked - conn->answered;
    link_close(&conn->link, conn->end == END_RST || conn->end == END_CUT);
    if (t->budget > 0) {
        conn_open(t, conn);
    }
}

/* Notes as many more requests as may be under way. */
static void conn_ask(struct traffic *t, struct traffic_conn *conn)
{
    long life = t->options->life > 0 ? t->options->life : LONG_MAX;
    int64_t now = 0;
    while (t->budget > 0 && conn->asked < life &&
           conn->asked - conn->answered < t->options->depth) {
        now = now != 0 ? now : load_now();
        conn->times[conn->asked % t->options->depth] = now;
        conn->asked++;
        t->asked++;
        t->budget--;
    }
}

/* Sends what was asked and is not out. */
static bool conn_send(struct traffic *t, struct traffic_conn *conn)
{
    uint64_t due = (uint64_t)conn->asked * t->request->size;
    while (conn->sent < due) {
        const char *bytes = request_bytes(t->request, conn->id, conn->sent);
        ssize_t n = link_send(&conn->link, bytes, due - conn->sent);
        if (n < 0) {
            return errno == EAGAIN;
        }
        conn->sent += (uint64_t)n;
    }
    return true;
}

/* What some connections do once their last request is out. */
static void conn_sent_all(struct traffic *t, struct traffic_conn *conn)
{
    if (conn->end == END_CUT) {
        conn_end(t, conn);
    } else if (conn->end == END_HALF && !conn->shut) {
        conn->shut = true;
        t->ending++;
        (void)shutdown(conn->link.fd, SHUT_WR);
    }
}

static void conn_fill(struct traffic *t, struct traffic_conn *conn)
{
    conn_ask(t, conn);
    if (!conn_send(t, conn)) {
        traffic_fail(t, "send", errno);
        return;
    }
    if (conn->asked == t->options->life &&
        conn->sent == (uint64_t)conn->asked * t->request->size) {
        conn_sent_all(t, conn);
    }
}

static void conn_note(struct traffic *t, struct traffic_conn *conn, long ended)
{
    int64_t now = load_now();
    t->answered += ended;
    for (; ended > 0; ended--, conn->answered++) {
        int64_t asked = conn->times[conn->answered % t->options->depth];
        if (t->latency != NULL) {
            histogram_add(t->latency, now - asked);
        }
    }
}

/* The server's end is right only where ours has come before it. */
static void conn_ended(struct traffic *t, struct traffic_conn *conn, int error)
{
    if (error != 0 || !conn->shut || conn->answered < conn->asked) {
        traffic_fail(t, error != 0 ? "recv" : "the server closed", error);
        return;
    }
    t->ending--;
    conn_end(t, conn);
}

/* Reads until a read is short, or, by TLS, there is no more. False when the connection has ended. */
static bool conn_receive(struct traffic *t, struct traffic_conn *conn)
{
    static char buffer[ROOM];
    ssize_t n;
    do {
        n = link_recv(&conn->link, buffer, ROOM);
        if (n < 0 && errno == EAGAIN) {
            return true;
        }
        if (n <= 0) {
            conn_ended(t, conn, n < 0 ? errno : 0);
            return false;
        }
        long ended = request_check(t->request, &conn->answers, conn->id, buffer,
                                   (size_t)n);
        if (ended < 0 || conn->answered + ended > conn->asked) {
            traffic_fail(t, "a wrong answer", 0);
            return false;
        }
        if (ended > 0) {
            conn_note(t, conn, ended);
        }
    } while (n == ROOM || conn->shut || conn->link.tls != NULL);
    return true;
}

static void conn_event(struct traffic *t, struct traffic_conn *conn,
                       uint32_t events)
{
    if (!conn->connected) {
        int error = 0;
        socklen_t length = sizeof error;
        (void)getsockopt(conn->link.fd, SOL_SOCKET, SO_ERROR, &error, &length);
        if (error != 0) {
            traffic_fail(t, "connect", error);
            return;
        }
        conn->connected = (events & EPOLLOUT) != 0;
    } else if ((events & ~(uint32_t)EPOLLOUT) != 0 && !conn_receive(t, conn)) {
        return;
    }
    if (conn->answered == t->options->life && t->options->life > 0) {
        if (!conn->shut) { /* else it goes on to the server's end */
            conn_end(t, conn);
        }
        return;
    }
    conn_fill(t, conn);
}

/* ---- all of them ---------------------------------------------------------- */

bool traffic_begin(struct traffic *t, const struct load_options *options,
                   const struct request *request, struct load_result *result)
{
    size_t n = (size_t)options->connections;
    size_t depth = (size_t)options->depth;
    *t = (struct traffic){.options = options,
                          .request = request,
                          .result = result,
                          .epoll = epoll_create1(EPOLL_CLOEXEC)};
    t->deadline = load_now() + (int64_t)(options->deadline * 1e9);
    t->conns = calloc(n, sizeof *t->conns);
    t->times = calloc(n * depth, sizeof *t->times);
    t->secure = options->secure ? secure_begin(options) : NULL;
    if (t->conns == NULL || t->times == NULL || t->epoll < 0 ||
        (options->secure && t->secure == NULL)) {
        traffic_fail(t, "no memory, or no TLS", 0);
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        t->conns[i].link.fd = -1;
        t->conns[i].times = t->times + i * depth;
    }
    for (size_t i = 0; i < n && !t->failed; i++) {
        conn_open(t, &t->conns[i]);
    }
    return !t->failed;
}

/* Has those ask that have nothing under way, and would not be told to. */
static void traffic_start(struct traffic *t)
{
    for (long i = 0; i < t->options->connections && !t->failed; i++) {
        struct traffic_conn *conn = &t->conns[i];
        if (conn->link.fd < 0) {
            conn_open(t, conn);
        } else if (conn->connected) {
            conn_fill(t, conn);
        }
    }
}

static void traffic_round(struct traffic *t)
{
    static struct epoll_event events[EVENTS];
    int n = epoll_wait(t->epoll, events, EVENTS, 50);
    for (int i = 0; i < n && !t->failed; i++) {
        conn_event(t, events[i].data.ptr, events[i].events);
    }
    if (!t->failed && load_now() > t->deadline) {
        traffic_fail(t, "time is up", 0);
    }
}

bool traffic_run(struct traffic *t, long requests, double seconds)
{
    int64_t stop = load_now() + (int64_t)(seconds * 1e9);
    t->budget = requests > 0 ? requests : LONG_MAX;
    traffic_start(t);
    while (!t->failed && (t->budget > 0 || t->answered + t->cut < t->asked ||
                          t->ending > 0)) {
        traffic_round(t);
        if (requests == 0 && load_now() >= stop) {
            t->budget = 0;
        }
    }
    return !t->failed;
}

void traffic_end(struct traffic *t)
{
    for (long i = 0; t->conns != NULL && i < t->options->connections; i++) {
        if (t->conns[i].link.fd >= 0) {
            link_close(&t->conns[i].link, false);
        }
    }
    if (t->epoll >= 0) {
        (void)close(t->epoll);
    }
    secure_end(t->secure);
    free(t->conns);
    free(t->times);
}
