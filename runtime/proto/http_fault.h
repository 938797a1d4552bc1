/* http_fault.h - what is wrong with a message, and the status that says so. */
#ifndef ML_PROTO_HTTP_FAULT_H
#define ML_PROTO_HTTP_FAULT_H

/* Functions of the parser return them negated. */
enum ml_http_fault {
    ML_HTTP_SOUND,         /* nothing is */
    ML_HTTP_BAD_LINE,      /* RFC 9112, 3 and 4 */
    ML_HTTP_BAD_METHOD,    /* RFC 9110, 9.1 */
    ML_HTTP_BAD_TARGET,    /* RFC 9112, 3.2 */
    ML_HTTP_BAD_VERSION,   /* RFC 9112, 2.3 */
    ML_HTTP_OTHER_VERSION, /* RFC 9110, 15.6.6 */
    ML_HTTP_BAD_STATUS,    /* RFC 9112, 4 */
    ML_HTTP_LINE_LONG,     /* RFC 9112, 3 */
    ML_HTTP_HEAD_LONG,     /* RFC 6585, 5 */
    ML_HTTP_FIELDS_MANY,   /* RFC 6585, 5 */
    ML_HTTP_BARE,          /* RFC 9112, 2.2: CR without LF, or LF without CR */
    ML_HTTP_FOLDED,        /* RFC 9112, 5.2 */
    ML_HTTP_BAD_NAME,      /* RFC 9112, 5.1 */
    ML_HTTP_BAD_VALUE,     /* RFC 9110, 5.5 */
    ML_HTTP_HOST_MISSING,  /* RFC 9112, 3.2 */
    ML_HTTP_HOST_TWICE,    /* the same */
    ML_HTTP_BAD_HOST,      /* the same */
    ML_HTTP_BAD_LENGTH,    /* RFC 9110, 8.6 */
    ML_HTTP_LENGTH_TWICE,  /* RFC 9112, 6.3 */
    ML_HTTP_LENGTH_AND_CODING, /* RFC 9112, 6.1 */
    ML_HTTP_BAD_CODING,        /* RFC 9112, 6.1 */
    ML_HTTP_OTHER_CODING,      /* the same */
    ML_HTTP_OLD_CODING,        /* the same: of HTTP/1.0 */
    ML_HTTP_OTHER_EXPECT,      /* RFC 9110, 10.1.1 */
    ML_HTTP_BAD_CHUNK,         /* RFC 9112, 7.1 */
    ML_HTTP_CHUNK_LONG,        /* RFC 9112, 7.1.1: of extensions */
    ML_HTTP_BAD_TRAILER,       /* RFC 9110, 6.5.1 */
    ML_HTTP_BODY_LONG,         /* RFC 9110, 15.5.14 */
    ML_HTTP_CUT,               /* RFC 9112, 8 */
    ML_HTTP_FAULTS
};

/* The status of the answer to a request that has the fault, such as 400. */
int ml_http_fault_status(int fault);

/* What it is, as part of a sentence: "a line does not end with CRLF". */
const char *ml_http_fault_text(int fault);

#endif
