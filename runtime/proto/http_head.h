/* http_head.h - the head of a message of HTTP/1.1: a request line or a status
 * line, and header fields (RFC 9112, 2 to 6).
 *
 * The bytes come as they come, and are fed from the start of the message each
 * time, more of them than before; what was looked at is not looked at again. A
 * line is checked as soon as it is whole, so what is malformed is refused early.
 *
 * It is strict where messages could be split or smuggled: two parties on the way
 * that read a message differently are how that is done. So nothing is repaired.
 *
 * Of the fields only those are noted that say where the message ends and who is
 * asked. The others are found again, already checked, by ml_http_field_next: a
 * head has a fixed size, and most of them are never asked for their fields. */
#ifndef ML_PROTO_HTTP_HEAD_H
#define ML_PROTO_HTTP_HEAD_H

#include "proto/http_fault.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ml_http_limits {
    uint32_t line;   /* bytes of the request line or the status line */
    uint32_t head;   /* bytes of the whole head; the same of trailers */
    uint32_t fields; /* their number */
};

/* Bytes of the message, counted from its start; length 0: there are none. */
struct ml_http_part {
    uint32_t at, length;
};

/* Of a request, RFC 9112, 3.2. */
enum ml_http_form {
    ML_HTTP_ORIGIN,    /* "/path?query" */
    ML_HTTP_ABSOLUTE,  /* "http://host/path?query" */
    ML_HTTP_AUTHORITY, /* "host:port", of CONNECT */
    ML_HTTP_ASTERISK   /* "*", of OPTIONS */
};

/* Where the body ends. */
enum ml_http_framing {
    ML_HTTP_NO_BODY,
    ML_HTTP_LENGTH,  /* after `length` bytes */
    ML_HTTP_CHUNKED, /* see proto/http_chunks.h */
    ML_HTTP_TO_CLOSE /* with the connection; of responses alone */
};

struct ml_http_head {
    /* How far it was read. */
    uint32_t line;    /* where the line begins that is not whole yet */
    uint32_t scanned; /* bytes of it without an end */
    uint32_t fields;  /* lines behind the first */
    bool begun;       /* the first line is done */

    /* What it says. */
    struct ml_http_part method, target;
    struct ml_http_part path, query; /* "/" is implied by an empty path */
    struct ml_http_part host; /* with the port: of the target or the Host */
    struct ml_http_part reason;
    uint32_t first; /* where the fields begin */
    int status;     /* of a response */
    enum ml_http_form form;
    enum ml_http_framing framing;
    int64_t length; /* with ML_HTTP_LENGTH, or as a field says; -1: none does */
    uint8_t minor;  /* of the version: 0 or 1 */

    /* What fields say. */
    bool has_host, has_coding;
    bool chunked;              /* the last coding */
    bool other_coding;         /* one before that */
    bool close, keep, upgrade; /* options of Connection */
    bool expects;              /* 100-continue */
    bool other_expect;
    bool persistent; /* the connection may be used again, RFC 9112, 9.3 */
};

/* Makes a head of which nothing was read. */
void ml_http_head_init(struct ml_http_head *head);

/* Reads on: `bytes` are the first `n` of the message. The length of the head
 * when it is whole, 0 when more is needed, or a fault, negated. */
long ml_http_head_request(struct ml_http_head *head, const char *bytes,
                          size_t n, const struct ml_http_limits *limits);

/* The same of a response. Where its body ends depends on the request that it
 * answers: whether that was HEAD, or CONNECT. */
long ml_http_head_response(struct ml_http_head *head, const char *bytes,
                           size_t n, const struct ml_http_limits *limits,
                           const char *method);

/* A field of a head that was checked, or a trailer. */
struct ml_http_field {
    const char *name, *value;
    size_t name_length, value_length;
};

/* Where the next field begins is *at, head->first to begin with; false behind
 * the last one. `bytes` are those of the head, which is whole. */
bool ml_http_field_next(const struct ml_http_head *head, const char *bytes,
                        size_t *at, struct ml_http_field *field);

/* Checks a line without its end: 0 and its field, or a fault, negated. */
int ml_http_field_read(const char *line, size_t n, struct ml_http_field *field);

/* ---- for the parts of the parser itself ---------------------------------- */

/* http_target.c: reads head->target. 0, or a fault, negated. */
int ml_http_target_read(struct ml_http_head *head, const char *bytes);

/* True if it is a host, with a port or without (RFC 9110, 7.2); an empty one
 * is, too. */
bool ml_http_host_valid(const char *bytes, size_t n);

/* http_framing.c: notes what a field says, and at last decides. 0, or a fault,
 * negated. */
int ml_http_framing_note(struct ml_http_head *head, const char *bytes,
                         const struct ml_http_field *field);
int ml_http_framing_request(struct ml_http_head *head);
int ml_http_framing_response(struct ml_http_head *head, const char *method);

#endif
