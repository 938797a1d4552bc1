#include "sys/stream.h"

#include "core/arg.h"
#include "core/call.h"
#include "core/loop.h"
#include "core/task.h"
#include "net/io.h"
#include "net/socket.h"
#include "sys/option.h"

#include <errno.h>
#include <math.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

enum {
    MAXLINE = 1 << 20, /* until the script says otherwise */
    KEEP = 16 * 1024   /* memory that an empty buffer keeps until it waits */
};

/* ---- the object ----------------------------------------------------------- */

const char ml_stream_type[] = "miniloop.stream";

static bool stream_held(const struct ml_descriptor *d)
{
    return ml_stream_holds((const struct ml_stream *)d);
}

/* Of a transport, what comes to the descriptor need not be data. */
static int stream_look(struct ml_descriptor *d)
{
    struct ml_stream *s = (struct ml_stream *)d;
    if (s->transport == NULL) {
        return -1;
    }
    return stream_held(d) ? 1 : s->transport->ops->look(s->transport);
}

/* Whoever reads, writes, or waits for a turn finds a closed stream. */
static void stream_closing(struct ml_descriptor *d)
{
    struct ml_stream *s = (struct ml_stream *)d;
    if (s->transport != NULL) {
        s->transport->ops->close(s->transport);
        s->transport = NULL;
    }
    if (s->restore >= 0) {
        (void)ml_io_nonblock(s->restore, false); /* nobody is left to be told */
    }
    ml_turn_void(&s->reader.turn);
    ml_turn_void(&s->writer.turn);
    ml_buffer_term(&s->in, &d->vm->alloc);
}

static void side_init(struct ml_stream_side *side)
{
    ml_turn_init(&side->turn);
    side->timeout = HUGE_VAL;
}

struct ml_stream *ml_stream_new(lua_State *L, struct ml_vm *vm)
{
    struct ml_stream *s =
        (struct ml_stream *)ml_descriptor_new(L, vm, sizeof *s, ml_stream_type);
    s->d.held = stream_held;
    s->d.look = stream_look;
    s->d.closing = stream_closing;
    s->maxline = MAXLINE;
    s->restore = -1;
    side_init(&s->reader);
    side_init(&s->writer);
    ml_buffer_init(&s->in);
    return s;
}

void ml_stream_adopt(struct ml_stream *s, int fd, bool socket)
{
    ml_descriptor_open(&s->d, fd, socket);
}

void ml_stream_carry(struct ml_stream *s, struct ml_transport *transport)
{
    s->transport = transport;
}

void ml_stream_setpeer(struct ml_stream *s, const struct ml_address *peer)
{
    if (peer->len <= sizeof s->peer && ml_address_port(peer) >= 0) {
        memcpy(&s->peer, &peer->storage, peer->len);
        s->peerlen = peer->len;
    }
}

size_t ml_stream_option_maxline(lua_State *L, int arg)
{
    int n = ml_option_integer(L, arg, "maxline", MAXLINE);
    if (n == 0) {
        (void)ml_option_refuse(L, arg, "maxline", "at least 1");
    }
    return (size_t)n;
}

struct ml_stream *ml_stream_mismatch(lua_State *L, int arg)
{
    ml_arg_mismatch(L, arg, ml_stream_type);
}

/* ---- errors --------------------------------------------------------------- */

int ml_stream_peer(const struct ml_stream *s, struct ml_address *peer)
{
    if (s->peerlen > 0) {
        ml_address_set(peer, &s->peer.base, s->peerlen);
        return 0;
    }
    return ml_socket_peer(s->d.fd, peer);
}

/* A Unix socket without a name, such as that of most clients, says nothing. */
static const char *peer_text(const struct ml_stream *s, char *text, size_t size)
{
    struct ml_address peer;
    if (!s->d.socket || ml_stream_peer(s, &peer) != 0) {
        return NULL;
    }
    (void)ml_address_format(&peer, text, size);
    return strcmp(text, "unix:") != 0 ? text : NULL;
}

int ml_stream_fail(lua_State *L, const struct ml_stream *s, int code,
                   const char *op)
{
    char text[ML_ADDRESS_TEXT_SIZE];
    const char *reason =
        s->transport != NULL ? s->transport->ops->reason(s->transport) : NULL;
    return ml_fail(L, code, op, peer_text(s, text, sizeof text), reason);
}

/* ---- attempts ------------------------------------------------------------- */

static int64_t call_now(const ml_call *call)
{
    return ml_loop_now(ml_call_owner(call)->loop);
}

/* The call's number is its deadline, 0 while there is none: so a deadline at
 * the very beginning of a virtual clock is told by a time before it. */
void ml_stream_bound(ml_call *call, double seconds)
{
    int64_t deadline = ml_call_time(call, seconds);
    call->number = deadline != 0 ? deadline : -1;
}

void ml_stream_progress(ml_call *call)
{
    call->number = 0;
}

/* Waits at most until the deadline. The core has deadlines of its own, but
 * what it then answers would not name the peer. */
int ml_stream_bounded(ml_call *call)
{
    if (call->number != 0 && call->number != ML_TIME_NEVER) {
        if (call->number <= call_now(call)) {
            return -ETIMEDOUT;
        }
        call->alarm = call->number;
    }
    return ML_WAIT;
}

int ml_stream_end_held(lua_State *L, struct ml_stream *s, ml_call *call, int n)
{
    if (ml_stream_holds(s) && s->d.fd >= 0) {
        ml_descriptor_readable(&s->d);
    }
    if (n == ML_WAIT) {
        return n;
    }
    ml_turn_withdraw(call);
    return n < 0 ? ml_stream_fail(L, s, -n, call->def->name) : n;
}

/* The direction that a side waits for. */
static unsigned wait_direction(const struct ml_stream *s,
                               const struct ml_stream_side *side, ssize_t why)
{
    bool own = why == -EAGAIN;
    return (side == &s->reader) == own ? ML_READ : ML_WRITE;
}

/* What the running loop knows of the descriptor; NULL: nothing. */
static struct ml_watch *stream_watch(const struct ml_stream *s)
{
    const struct ml_loop *loop = s->d.vm->loop;
    return loop != NULL ? ml_watch_find(&loop->watches, s->d.fd) : NULL;
}

static int wait_declare(struct ml_stream *s, ml_call *call, unsigned direction)
{
    const struct ml_watch *watch = stream_watch(s);
    if (watch != NULL && (watch->interest & ML_POLL_EDGE) != 0) {
        return ml_declare_own(call, s->d.fd, direction); /* owned already */
    }
    int err = ml_watch_own(call->task->loop, s->d.fd);
    if (err != 0) {
        return err;
    }
    return s->d.shared || s->asks
               ? ml_declare_fd(call, s->d.fd, direction, false)
               : ml_declare_own(call, s->d.fd, direction);
}

size_t ml_stream_unsent(const struct ml_stream *s)
{
    return s->transport != NULL ? s->transport->ops->unsent(s->transport) : 0;
}

/* A reader also sends what the transport has taken, as the peer makes room: if
 * nobody writes any more, nobody else will. */
static int side_declare(struct ml_stream *s, const struct ml_stream_side *side,
                        ml_call *call, ssize_t why)
{
    unsigned direction = wait_direction(s, side, why);
    int err = wait_declare(s, call, direction);
    if (err == 0 && side == &s->reader && direction == ML_READ &&
        ml_stream_unsent(s) > 0) {
        err = wait_declare(s, call, ML_WRITE);
    }
    return err;
}

int ml_stream_wait(struct ml_stream *s, struct ml_stream_side *side,
                   ml_call *call, ssize_t why)
{
    int err = side_declare(s, side, call, why);
    if (err != 0) {
        return err;
    }
    if (call->number == 0) {
        ml_stream_bound(call, side->timeout);
    }
    ml_buffer_trim(&s->in, &s->d.vm->alloc, 0);
    return ml_stream_bounded(call);
}

int ml_stream_pause(ml_call *call)
{
    call->alarm = call_now(call);
    return ML_WAIT;
}

static void describe(const struct ml_stream *s, char *text, size_t size)
{
    (void)snprintf(text, size, "(fd %d)", s->d.fd);
}

/* A call that has no turn waits for it. */
void ml_stream_describe_read(const ml_call *call, char *text, size_t size)
{
    if (call->data != NULL) {
        describe(ml_container_of(call->data, struct ml_stream, reader.turn),
                 text, size);
    } else {
        (void)snprintf(text, size, "(another task reads)");
    }
}

void ml_stream_describe_write(const ml_call *call, char *text, size_t size)
{
    if (call->data != NULL) {
        describe(ml_container_of(call->data, struct ml_stream, writer.turn),
                 text, size);
    } else {
        (void)snprintf(text, size, "(another task writes)");
    }
}

/* ---- bytes ---------------------------------------------------------------- */

/* True if a call that waits now may do so for some time. */
static bool wait_lasts(const struct ml_stream_side *side, const ml_call *call)
{
    if (call->number == 0) {
        return side->timeout > 0;
    }
    return call->number == ML_TIME_NEVER || call->number > call_now(call);
}

bool ml_stream_rests(const struct ml_stream *s)
{
    const struct ml_watch *watch = stream_watch(s);
    return watch == NULL || (watch->interest & ML_POLL_EDGE) == 0 ||
           (watch->drained & ML_POLL_READ) != 0;
}

bool ml_stream_drained(const struct ml_stream *s, const ml_call *call)
{
    const struct ml_watch *watch = stream_watch(s);
    return watch != NULL && (watch->drained & ML_POLL_READ) != 0 &&
           s->error == 0 && !s->ended && s->transport == NULL &&
           wait_lasts(&s->reader, call);
}

/* Notes what a read of at most `n` bytes says of the next one. */
static void note_read(const struct ml_stream *s, ssize_t got, size_t n)
{
    bool fewer = got > 0 && (size_t)got < n && s->tcp;
    if (fewer || got == -EAGAIN) {
        struct ml_watch *watch = stream_watch(s);
        if (watch != NULL && (got < 0 || !watch->ended)) {
            ml_watch_drained(watch, ML_POLL_READ);
        }
    }
}

/* False if reading, or writing a little, might block. */
static bool stream_ready(const struct ml_stream *s, short events)
{
    return !s->asks || ml_io_events(s->d.fd, events) > 0;
}

static ssize_t stream_read(struct ml_stream *s, void *buf, size_t n)
{
    if (s->transport != NULL) {
        return s->transport->ops->read(s->transport, buf, n);
    }
    ssize_t got =
        stream_ready(s, POLLIN) ? ml_io_read(s->d.fd, buf, n) : -EAGAIN;
    note_read(s, got, n);
    return got;
}

ssize_t ml_stream_get(struct ml_stream *s, void *buf, size_t n)
{
    if (s->error != 0) {
        return -s->error;
    }
    if (s->ended) {
        return 0;
    }
    ssize_t got = stream_read(s, buf, n);
    if (got == 0) {
        s->ended = true;
    } else if (got < 0 && !ml_transport_blocks(got)) {
        s->error = (int)-got;
    }
    return got;
}

void ml_stream_take(struct ml_stream *s, size_t n)
{
    if (s->d.fd >= 0) {
        ml_buffer_consume(&s->in, n);
        ml_buffer_trim(&s->in, &s->d.vm->alloc, KEEP);
    }
}

ssize_t ml_stream_put(struct ml_stream *s, struct iovec *pieces, size_t n)
{
    if (s->transport != NULL) {
        return s->transport->ops->write(s->transport, pieces, n);
    }
    if (!stream_ready(s, POLLOUT)) {
        return -EAGAIN;
    }
    return n == 1 ? ml_io_write(s->d.fd, pieces->iov_base, pieces->iov_len,
                                s->d.socket)
                  : ml_io_writev(s->d.fd, pieces, n, s->d.socket);
}

ssize_t ml_stream_flush(struct ml_stream *s)
{
    return s->transport != NULL
               ? s->transport->ops->write(s->transport, NULL, 0)
               : 0;
}
