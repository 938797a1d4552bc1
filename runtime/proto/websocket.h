/* websocket.h - the messages of a WebSocket connection, RFC 6455: bytes in,
 * messages out; messages in, frames out. It reads and writes nothing itself, nor does it pack
 * or unpack: of RFC 7692 (permessage-deflate) it knows the bit that says so.
 *
 * Frames are cut and put together by wslay, by its functions for frames
 * (wslay_frame_*). The rules above them are here, and not those of its event
 * functions, which (1.1.1) take a Close with one byte of payload, refuse the
 * codes 1012 to 1014, misread a reason that comes in two pieces, queue as many
 * Pongs as a peer cares to ask for, and hold 8 kB for each idle connection. */
#ifndef ML_PROTO_WEBSOCKET_H
#define ML_PROTO_WEBSOCKET_H

#include "base/alloc.h"
#include "base/buffer.h"
#include "base/library.h"
#include "proto/utf8.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <wslay/wslay.h>

#define ML_WSLAY_FUNCTIONS(X)   \
    X(wslay_frame_context_init) \
    X(wslay_frame_context_free) X(wslay_frame_recv) X(wslay_frame_send)

/* The functions of wslay, once it is open. */
struct ml_wslay {
    ML_WSLAY_FUNCTIONS(ML_LIBRARY_FIELD)
};

/* Opens wslay, as ml_library_open. */
int ml_wslay_open(struct ml_wslay *wslay, const char **missing);

/* The opcodes of frames, section 5.2. */
enum ml_websocket_kind {
    ML_WEBSOCKET_CONTINUATION = 0,
    ML_WEBSOCKET_TEXT = 1,
    ML_WEBSOCKET_BINARY = 2,
    ML_WEBSOCKET_CLOSE = 8,
    ML_WEBSOCKET_PING = 9,
    ML_WEBSOCKET_PONG = 10
};

/* The codes of section 7.4.1 that this part gives or takes a special care of. */
enum {
    ML_WEBSOCKET_PROTOCOL = 1002,
    ML_WEBSOCKET_NO_STATUS = 1005, /* of a Close that has no code */
    ML_WEBSOCKET_BAD_TEXT = 1007,
    ML_WEBSOCKET_TOO_BIG = 1009,
    ML_WEBSOCKET_INTERNAL = 1011
};

enum {
    ML_WEBSOCKET_CONTROL_MAX = 125, /* bytes of a Close, Ping or Pong */
    ML_WEBSOCKET_HEAD_MAX = 14,     /* bytes of a frame before its payload */
    ML_WEBSOCKET_KEYS = 16          /* keys for masking that are kept ready */
};

/* What has come. */
struct ml_websocket_event {
    /* A whole message, or a control frame; unless the peer has broken a rule,
     * then `fault` says which, and `code` is what to close the connection with. */
    enum ml_websocket_kind kind;
    const char *fault;
    const char *bytes; /* good until the next call; of a Close: the reason */
    size_t length;
    unsigned code; /* of a Close, and of a fault */
    bool packed; /* a message that is to be unpacked, and then to be checked */
};

/* One connection. Embedded; the struct must not move. */
struct ml_websocket {
    const struct ml_wslay *wslay;
    const struct ml_alloc *alloc;
    bool client;       /* who masks what it sends, and takes nothing masked */
    size_t maxmessage; /* bytes; more are a fault with ML_WEBSOCKET_TOO_BIG */
    size_t maxframe;   /* the same of a frame's payload */
    bool packing;      /* RFC 7692 was agreed on: messages may be packed */

    /* wslay's part. NULL while no frame is under way and the connection is
     * idle, for it is 4 kB large. */
    wslay_frame_context_ptr frames;
    const char *in; /* what was fed and not read yet */
    size_t left;
    uint64_t unparsed; /* bytes that wslay was given of frames not yet ended */
    char *out;         /* where the frame under way is written */
    uint8_t keys[ML_WEBSOCKET_KEYS][4];
    unsigned keys_left;

    /* The frame that is being read. */
    bool inside;  /* there is one, whose head was read */
    uint64_t got; /* bytes of its payload */
    uint8_t control[ML_WEBSOCKET_CONTROL_MAX];

    /* The message that is being read. */
    enum ml_websocket_kind kind; /* CONTINUATION: none is */
    bool packed;                 /* its first frame had RSV1 */
    struct ml_utf8 utf8;
    struct ml_buffer message;
    bool told; /* its bytes were an event: they go with the next call */

    bool over; /* a Close has come, or a fault: nothing is read any more */
};

/* Makes a connection whose limits are to be set by the caller; takes no memory
 * yet. `wslay` and `alloc` must live as long. */
void ml_websocket_init(struct ml_websocket *w, const struct ml_wslay *wslay,
                       const struct ml_alloc *alloc, bool client);

/* Frees what it has; may be called again. */
void ml_websocket_term(struct ml_websocket *w);

/* Gives it bytes to read, which must stay where they are until ml_websocket_next
 * has returned 0; not before it has done so for those given before. */
void ml_websocket_feed(struct ml_websocket *w, const char *bytes, size_t n);

/* The next event: 1. 0: it needs more bytes, or will never have any more events.
 * -ENOMEM: likewise, for then a message was lost. */
int ml_websocket_next(struct ml_websocket *w, struct ml_websocket_event *event);

/* Nothing is read any more: what a message was unpacked to was bad. */
void ml_websocket_stop(struct ml_websocket *w);

/* Gives back the memory that an idle connection need not have. */
void ml_websocket_rest(struct ml_websocket *w);

/* What is to be sent. */
struct ml_websocket_frame {
    enum ml_websocket_kind kind;
    bool last;   /* FIN: the message ends with it */
    bool packed; /* RSV1: the first frame of a message that was packed */
    const char
        *bytes; /* of a control frame, ML_WEBSOCKET_CONTROL_MAX at most */
    size_t length;
};

/* Writes a frame to `out`, which has room for ML_WEBSOCKET_HEAD_MAX bytes more
 * than its payload. Gives its length, or -ENOMEM, or another -errno: there is no
 * random key for masking. */
ptrdiff_t ml_websocket_write(struct ml_websocket *w,
                             const struct ml_websocket_frame *frame, char *out);

#endif
