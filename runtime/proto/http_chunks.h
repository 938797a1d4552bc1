/* http_chunks.h - a body in chunks, with trailers behind it (RFC 9112, 7.1).
 *
 * Sizes are bare hexadecimal numbers; blanks, signs, prefixes, and what does not
 * fit are refused. Extensions are checked for their bytes and passed over. */
#ifndef ML_PROTO_HTTP_CHUNKS_H
#define ML_PROTO_HTTP_CHUNKS_H

#include "proto/http_head.h"

struct ml_http_chunks {
    uint64_t left;    /* bytes of the chunk that are still to come */
    uint32_t scanned; /* bytes of the line without an end */
    uint32_t extra;   /* bytes of extensions, of trailers */
    uint32_t fields;  /* trailers */
    uint8_t state;    /* which part is next */
};

enum ml_http_piece_kind {
    ML_HTTP_MORE,    /* more bytes are needed; none are taken */
    ML_HTTP_SKIP,    /* nothing of the body */
    ML_HTTP_DATA,    /* bytes of the body */
    ML_HTTP_TRAILER, /* a field */
    ML_HTTP_END      /* the body is over */
};

struct ml_http_piece {
    enum ml_http_piece_kind kind;
    size_t take;      /* bytes that it is: feed those behind them next */
    const char *data; /* ML_HTTP_DATA: `take` bytes */
    struct ml_http_field field;
};

/* Makes one of which nothing was read. */
void ml_http_chunks_init(struct ml_http_chunks *chunks);

/* Reads the next piece of what begins with `bytes`: 0, or a fault, negated. */
int ml_http_chunks_next(struct ml_http_chunks *chunks, const char *bytes,
                        size_t n, const struct ml_http_limits *limits,
                        struct ml_http_piece *piece);

#endif
