/* stream.h - streams: bytes in order, over a socket, a pipe, a terminal, a file.
 *
 * A stream is a userdata that begins with a struct ml_descriptor. Reading and
 * writing go on apart, each by one task at a time: a second reader or writer
 * waits for its turn (sys/turn.h). Bytes are tried for first, and waited for
 * only if there are none.
 *
 * What was read from the system and not yet given to the script stays in `in`.
 * A read takes bytes out of it when all that it was asked for is there, and
 * not before: so one that is cut short, by whatever, loses none. */
#ifndef ML_SYS_STREAM_H
#define ML_SYS_STREAM_H

#include "base/buffer.h"
#include "core/arg.h"
#include "core/call.h"
#include "net/address.h"
#include "sys/descriptor.h"
#include "sys/transport.h"
#include "sys/turn.h"

#include <errno.h>
#include <miniloop.h>
#include <sys/types.h>

/* The name of the metatable. */
extern const char ml_stream_type[];

/* One direction. */
struct ml_stream_side {
    struct ml_turn turn;
    double timeout; /* seconds that a wait for bytes may last; HUGE_VAL */
};

struct ml_stream {
    struct ml_descriptor d; /* first, see sys/descriptor.h */
    struct ml_stream_side reader, writer;

    struct ml_transport *transport; /* owned; NULL: the descriptor itself */
    struct ml_buffer in; /* allocates nothing while the stream is idle */
    size_t maxline;      /* a longer line is EMSGSIZE */
    int error;           /* of a read, a positive code; told again and again */
    bool ended;          /* the end of the stream was read */

    bool tcp;    /* a short read means that there is no more */
    bool asks;   /* whether it is ready is asked before each read and write:
                    the open file is perhaps not ours alone, and others may
                    have made it blocking */
    int restore; /* the descriptor that was made non-blocking for the stream
                    and is made blocking again in the end; -1: none */

    /* How far the read that has the turn has come. */
    struct {
        int format;     /* formats that are done */
        size_t taken;   /* bytes of `in` that belong to those */
        size_t scanned; /* bytes behind those without an end of line */
    } read;

    /* How far the write that has the turn has come. */
    struct {
        int piece;   /* arguments that are out */
        size_t skip; /* bytes of the next one that are out */
        size_t sum;  /* of the changes that buffers among them had seen */
    } write;

    /* The peer, as it was when the connection began: a socket that was reset
     * cannot tell any more. Of a Unix socket it is not kept. */
    union {
        struct sockaddr base;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } peer;
    socklen_t peerlen; /* 0: not known */
};

/* ---- for whoever opens descriptors ---------------------------------------- */

/* Pushes a new, closed stream. Make it first, then open the descriptor, then
 * let the stream adopt it: so a memory error leaks nothing. Needs
 * ml_sys_stream_open. May raise. */
struct ml_stream *ml_stream_new(lua_State *L, struct ml_vm *vm);

/* Opens a closed stream on a descriptor, which it owns from now on and which
 * must be non-blocking. `socket` must be true exactly for sockets. (Of a TCP
 * socket `tcp` may be set besides: it saves reads that would find nothing.) */
void ml_stream_adopt(struct ml_stream *s, int fd, bool socket);

/* Gives the stream a transport, which it owns from now on, in the place of the
 * descriptor; bytes that it holds already were not read through it. No call may
 * be at work on the stream. */
void ml_stream_carry(struct ml_stream *s, struct ml_transport *transport);

/* Notes who the peer is, for errors that come when the socket has forgotten.
 * To be called after ml_stream_adopt by those who know it anyway; without it
 * the socket is asked. */
void ml_stream_setpeer(struct ml_stream *s, const struct ml_address *peer);

/* How long a line may be, as the option "maxline" of what ml_option_check let
 * through at `arg` says, or as it is without. Raises if it is no length. */
size_t ml_stream_option_maxline(lua_State *L, int arg);

/* Raises that the value at `arg` is no stream. */
struct ml_stream *ml_stream_mismatch(lua_State *L, int arg);

/* The stream at `arg`, open or closed; raises if it is something else. */
static inline struct ml_stream *ml_stream_check(lua_State *L, int arg)
{
    void *s =
        ml_descriptor_test(L, arg, ml_stream_type, sizeof(struct ml_stream));
    return s != NULL ? (struct ml_stream *)s : ml_stream_mismatch(L, arg);
}

/* ---- for the parts of the stream itself ----------------------------------- */

/* The stream that a call is about: its first argument. */
static inline struct ml_stream *ml_stream_self(lua_State *L,
                                               const ml_call *call)
{
    return (struct ml_stream *)lua_touserdata(L, call->base + 1);
}

/* Lets a declared wait end at the call's deadline, if it has one. ML_WAIT;
 * -ETIMEDOUT when time was up. */
int ml_stream_bounded(ml_call *call);

/* Begins or continues an attempt of a call whose first argument is a stream:
 * 1 when the call has got its turn, 0 when it still has it; ML_WAIT when it
 * must wait for it; -EBADF if the stream is closed, -ETIMEDOUT, -ENOMEM. */
static inline int ml_stream_begin(struct ml_stream *s,
                                  struct ml_stream_side *side, ml_call *call)
{
    if (s->d.fd < 0) {
        return -EBADF;
    }
    int turn = ml_turn_take(&side->turn, call);
    return turn == ML_WAIT ? ml_stream_bounded(call) : turn;
}

/* True if the stream has something for a reader that no poller knows of. */
static inline bool ml_stream_holds(const struct ml_stream *s)
{
    return s->in.end != s->in.start || s->ended || s->error != 0 ||
           (s->transport != NULL && s->transport->ops->pending(s->transport));
}

/* Of an attempt that has not ended well, or a stream that holds something. */
int ml_stream_end_held(lua_State *L, struct ml_stream *s, ml_call *call, int n);

/* Ends an attempt with what it will return: hands the turn on unless that is
 * ML_WAIT, and makes of -errno the answer `nil, err`, pushed on L. If the
 * stream holds something now, those who wait for its descriptor are resumed. */
static inline int ml_stream_end(lua_State *L, struct ml_stream *s,
                                ml_call *call, int n)
{
    if (n < 0 || ml_stream_holds(s)) {
        return ml_stream_end_held(L, s, call, n);
    }
    ml_turn_withdraw(call);
    return n;
}

/* Declares a wait after an attempt of the side that would block, for which it
 * answered `why`: -EAGAIN or ML_TRANSPORT_OTHER. Each wait may last as long as
 * the side's timeout says, unless the call has a deadline of its own. ML_WAIT;
 * -ETIMEDOUT when time was up, -ENOMEM, -EBADF. */
int ml_stream_wait(struct ml_stream *s, struct ml_stream_side *side,
                   ml_call *call, ssize_t why);

/* Says that bytes came or went: the next wait begins a new timeout. */
void ml_stream_progress(ml_call *call);

/* Bounds the whole call, also while it waits for its turn. */
void ml_stream_bound(ml_call *call, double seconds);

/* Lets the other tasks run after much work without a wait. ML_WAIT. */
int ml_stream_pause(ml_call *call);

/* Reads into `buf`: the number of bytes, 0 at the end of the stream, or -errno
 * (none yet: ml_transport_blocks). The end and errors are remembered and told
 * again. */
ssize_t ml_stream_get(struct ml_stream *s, void *buf, size_t n);

/* True if a read is known to find nothing now, and the call may wait: it can do
 * so without trying. Not for a wait of no time, which is to try once. */
bool ml_stream_drained(const struct ml_stream *s, const ml_call *call);

/* After a read that gave less than it was asked for: true if the next may be
 * waited for, that is, if the poller will tell also of what was left behind. */
bool ml_stream_rests(const struct ml_stream *s);

/* Writes pieces: the number of bytes, or -errno (nothing fits:
 * ml_transport_blocks). */
ssize_t ml_stream_put(struct ml_stream *s, struct iovec *pieces, size_t n);

/* Sends what the transport has taken and not sent: 0, or the same. */
ssize_t ml_stream_flush(struct ml_stream *s);

/* How many bytes that is. */
size_t ml_stream_unsent(const struct ml_stream *s);

/* The peer's address: as it was noted, or as the socket knows it. 0; -errno. */
int ml_stream_peer(const struct ml_stream *s, struct ml_address *peer);

/* Takes bytes out of `in`. Making a string of them may have run finalizers,
 * which may have closed the stream: then there is nothing left to take. */
void ml_stream_take(struct ml_stream *s, size_t n);

/* ml_syscall.describe of a call that reads, and of one that writes. */
void ml_stream_describe_read(const ml_call *call, char *text, size_t size);
void ml_stream_describe_write(const ml_call *call, char *text, size_t size);

/* Pushes nil and an error that names the peer, if it is known. Returns 2. */
int ml_stream_fail(lua_State *L, const struct ml_stream *s, int code,
                   const char *op);

/* Add recv and recvinto; read and lines; write and writesome; copy; sendfile to
 * the table of methods on top. May raise. */
void ml_stream_recv_open(lua_State *L, struct ml_vm *vm);
void ml_stream_read_open(lua_State *L, struct ml_vm *vm);
void ml_stream_write_open(lua_State *L, struct ml_vm *vm);
void ml_stream_copy_open(lua_State *L, struct ml_vm *vm);
void ml_stream_sendfile_open(lua_State *L, struct ml_vm *vm);

#endif
