/* http_status.h - the status codes of RFC 9110, 15, and their texts. */
#ifndef ML_PROTO_HTTP_STATUS_H
#define ML_PROTO_HTTP_STATUS_H

#include <stdbool.h>

/* The reason phrase of a status, "Unknown" if it has none. */
const char *ml_http_reason(int status);

/* True if messages with the status never have a body (RFC 9112, 6.3). */
static inline bool ml_http_bodiless(int status)
{
    return status < 200 || status == 204 || status == 304;
}

#endif
