/* http.h - HTTP/1.1 as Lua sees it: wires, and the messages that come by them.
 *
 * A wire is one end of a connection: a stream, the message that is being read
 * from it, and what is on its way out. All bytes that were read ahead are in the
 * stream itself; who is given that misses none. The server and the client are
 * written in Lua on top of it, see lua/miniloop/http. */
#ifndef ML_LIB_HTTP_H
#define ML_LIB_HTTP_H

#include "base/buffer.h"
#include "proto/http_chunks.h"
#include "proto/http_head.h"
#include "sys/stream.h"

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

/* The names of the metatables. */
#define ML_HTTP_WIRE_TYPE    "miniloop.http.wire"
#define ML_HTTP_MESSAGE_TYPE "miniloop.http.message"

/* Seconds, and a rate. */
struct ml_http_times {
    double first; /* until the first byte of a connection's first message */
    double idle;  /* until that of the next one */
    double head;  /* from the first byte to the end of the head */
    double body;  /* that is waited for a body, without what its bytes earn */
    double rate;  /* bytes of the body that earn a second */
    double write; /* that the peer may take nothing of what is written */
};

/* The line of the field Date, made once a second. */
struct ml_http_date {
    time_t second;
    char text[64];
};

/* The body of a message that comes in. */
struct ml_http_incoming {
    enum ml_http_framing framing; /* ML_HTTP_NO_BODY when all of it was read */
    int64_t left;                 /* of ML_HTTP_LENGTH */
    int64_t received;
    int64_t waited; /* ns that were spent waiting for it */
    int64_t since;  /* when the wait in progress began; -1: none */
    struct ml_http_chunks chunks;
    bool broken;  /* it was not as it should be: the stream is of no more use */
    bool expects; /* the peer waits for a 100 before it sends any */
};

/* A message that goes out. */
struct ml_http_outgoing {
    enum ml_http_framing framing;
    int64_t left;  /* of ML_HTTP_LENGTH */
    size_t sent;   /* of what the call in progress has besides `out` */
    bool begun;    /* its head is in `out`, or gone */
    bool over;     /* all of it is */
    bool midway;   /* a piece of its body is going out, or was cut off */
    bool silent;   /* its body is not sent: it answers HEAD */
    int status;    /* 0: none yet */
    int64_t bytes; /* of the body, that were given to be sent */
};

struct ml_http_wire {
    const void *kind; /* &ml_http_wire_kind: tells it from other userdata */
    struct ml_vm *vm;
    struct ml_stream *stream; /* user value 1 of the wire; 2: trailers */
    struct ml_http_date *date;
    struct ml_http_limits limits;
    struct ml_http_times times;
    int64_t body, upload;     /* bytes of a body, read at once and by pieces */
    struct ml_http_head head; /* the one that is read, or was read last */
    struct ml_http_incoming in;
    struct ml_http_outgoing reply;
    struct ml_buffer out;   /* bytes to be sent, before those of a call's own */
    struct ml_buffer aside; /* those that are looked at: see http_supply.c */
    uint64_t serial;        /* counts messages, from when one is waited for */
    bool stuck;      /* an answer did not fit while a request is waited for */
    bool waiting;    /* for the first byte of a message */
    bool parting;    /* for the peer's end, after the last answer */
    bool asked;      /* a head has begun: its time is running */
    bool persistent; /* another message may follow */
    bool retired;    /* none is to follow */
    bool upgraded;   /* the stream belongs to somebody else */
};

/* A message whose head was read; the bytes of the head follow the struct. User
 * values: the wire, and a table of what was made of it. */
struct ml_http_message {
    const void *kind; /* &ml_http_message_kind */
    struct ml_http_head head;
    uint64_t serial; /* the wire's, when it was read */
    uint32_t length;
};

static inline const char *ml_http_message_bytes(const struct ml_http_message *m)
{
    return (const char *)(m + 1);
}

/* Only their addresses matter. To compare one is all that a check of an argument
 * costs; to compare metatables by their names costs ten times that, for each
 * call of each request. */
extern const char ml_http_wire_kind, ml_http_message_kind;

/* The wire, or the message, at `index`; NULL if it is something else. */
struct ml_http_wire *ml_http_wire_at(lua_State *L, int index);
struct ml_http_message *ml_http_message_at(lua_State *L, int index);

/* ---- http_wire.c ----------------------------------------------------------- */

/* The wire at `arg`; raises if it is something else. */
struct ml_http_wire *ml_http_wire_check(lua_State *L, int arg);

/* The wire that a call is about. */
struct ml_http_wire *ml_http_wire_self(lua_State *L, const ml_call *call);

/* Pushes nil and the error of a fault, with its status. Returns 2. */
int ml_http_fail(lua_State *L, const struct ml_http_wire *w, int fault,
                 const char *op);

/* The same of a code (a positive errno). */
int ml_http_fail_code(lua_State *L, const struct ml_http_wire *w, int code,
                      int status, const char *op);

/* ---- http_supply.c ---------------------------------------------------------- */

/* Bytes that are looked at, and how many of them are used up. */
struct ml_http_supply {
    const char *bytes;
    size_t n;
    size_t used;
};

/* Makes something of bytes, one at least: how many values it has pushed, which
 * are the answers of the call; or ML_HTTP_NEEDS_MORE. May raise. */
typedef int ml_http_take(lua_State *L, ml_call *call, struct ml_http_wire *w,
                         struct ml_http_supply *supply);

enum {
    ML_HTTP_NEEDS_MORE = -1 /* it takes more bytes than there are */
};

/* Who takes bytes, and where they may be read to. */
struct ml_http_intake {
    ml_http_take *take;
    char *chunk;
    size_t size;
};

/* Has it take what the stream holds, which keeps what is not used up. As `take`;
 * ML_HTTP_NEEDS_MORE if it holds nothing. */
int ml_http_take_held(lua_State *L, ml_call *call, struct ml_http_wire *w,
                      ml_http_take *take);

/* Reads, without waiting, and has it take that, where it is if nothing is held;
 * the stream keeps what is not used up. As `take`; or ML_HTTP_NEEDS_MORE and in *why
 * what reading has come to: above 0 bytes, 0 the end, or what would block
 * (ml_transport_blocks), -errno. */
int ml_http_take_fresh(lua_State *L, ml_call *call, struct ml_http_wire *w,
                       const struct ml_http_intake *intake, ssize_t *why);

/* ---- http_message.c --------------------------------------------------------- */

/* Pushes the message whose head is w->head, `bytes` being its `n` bytes. The
 * wire is at `wire`. May raise. */
void ml_http_message_push(lua_State *L, int wire, struct ml_http_wire *w,
                          const char *bytes, size_t n);

/* Pushes a new table for so many fields, which are found by their names in any
 * case. */
void ml_http_headers_new(lua_State *L, int count);

/* Adds a field to that on top; of one that is there already it makes a list. */
void ml_http_headers_add(lua_State *L, const struct ml_http_field *field);

/* ---- http_fields.c ---------------------------------------------------------- */

/* What was said by fields that the server would set itself. */
struct ml_http_noted {
    bool type, length, date, coding, close, upgrade;
    int64_t length_value;
    size_t bytes; /* that their lines have */
};

/* Looks through the table of fields at `index`: NULL, and *noted, or why they
 * cannot be sent, pushed on L. */
const char *ml_http_fields_refusal(lua_State *L, int index,
                                   struct ml_http_noted *noted);

/* The same of fields that are to be sent behind a body. */
const char *ml_http_trailers_refusal(lua_State *L, int index);

/* Appends them, each with the end of its line; they were not refused. 0;
 * -ENOMEM. */
int ml_http_fields_append(lua_State *L, int index, struct ml_buffer *out,
                          const struct ml_alloc *alloc);

/* ---- http_head.c -------------------------------------------------------------- */

/* What the head of an answer has of the script's. */
struct ml_http_head_parts {
    int status;
    int fields;       /* their index */
    const char *type; /* where no field tells one; or NULL */
    size_t behind;    /* bytes that are appended behind it: for room */
    struct ml_http_noted noted;
};

/* Appends a head to what goes out, of an answer whose framing is known. 0;
 * -ENOMEM, and what is there of it must not be followed by anything. */
int ml_http_head_append(lua_State *L, struct ml_http_wire *w,
                        const struct ml_http_head_parts *parts);

/* ---- http_send.c -------------------------------------------------------------- */

/* Sends what is in w->out, without waiting: 0 when nothing is left; what would
 * block (ml_transport_blocks), or -errno. */
ssize_t ml_http_send_out(struct ml_http_wire *w);

/* Goes on from what ml_http_send_out answered below 0: declares the wait if
 * there is one. ML_WAIT; -errno. */
int ml_http_wait_to_send(struct ml_http_wire *w, ml_call *call, ssize_t why);

/* Sends w->out, and behind it the bytes of a call of its own and a tail, of
 * which w->reply.sent are gone. As an attempt: 0 when all are, ML_WAIT,
 * -errno. */
int ml_http_send_all(struct ml_http_wire *w, ml_call *call, const char *bytes,
                     size_t n, const char *tail);

/* ---- families ------------------------------------------------------------------ */

/* Each adds to the table of functions, or of the wire's methods, on top. */
void ml_http_message_open(lua_State *L, struct ml_vm *vm);
void ml_http_fields_open(lua_State *L, struct ml_vm *vm);
void ml_http_file_open(lua_State *L, struct ml_vm *vm);
void ml_http_receive_open(lua_State *L, struct ml_vm *vm);
void ml_http_body_open(lua_State *L, struct ml_vm *vm);
void ml_http_reply_open(lua_State *L, struct ml_vm *vm);
void ml_http_pieces_open(lua_State *L, struct ml_vm *vm);
void ml_http_send_open(lua_State *L, struct ml_vm *vm);

#endif
