/* http_head.c - heads of a server's answers: the lines that are ours, and the
 * script's fields (RFC 9112, 4). */
#include "lib/http.h"
#include "proto/http_status.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

enum {
    SKIPPED = 256 * 1024, /* bytes of a request that are read for nothing */
    OWN_FIELDS = 256      /* room for ours, without the type */
};

/* ---- text ----------------------------------------------------------------------- */

/* Where there is room. */
static inline char *put(char *at, const char *text)
{
    return stpcpy(at, text);
}

static char *put_number(char *at, uint64_t n)
{
    char digits[24];
    char *first = digits + sizeof digits;
    do {
        *--first = (char)('0' + n % 10);
        n /= 10;
    } while (n > 0);
    size_t length = (size_t)(digits + sizeof digits - first);
    memcpy(at, first, length);
    return at + length;
}

static char *put_status(char *at, int status)
{
    at = put(at, "HTTP/1.1 ");
    at = put_number(at, (uint64_t)status);
    *at++ = ' ';
    at = put(at, ml_http_reason(status));
    return put(at, "\r\n");
}

/* RFC 9110, 5.6.7. strftime would speak the locale's language. */
static void format_date(struct ml_http_date *date, time_t now)
{
    static const char days[] = "SunMonTueWedThuFriSat";
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    struct tm tm;
    if (gmtime_r(&now, &tm) == NULL) {
        return;
    }
    (void)snprintf(date->text, sizeof date->text,
                   "Date: %.3s, %02d %.3s %04d %02d:%02d:%02d GMT\r\n",
                   days + (size_t)tm.tm_wday * 3, tm.tm_mday % 100,
                   months + (size_t)tm.tm_mon * 3, (tm.tm_year + 1900) % 10000,
                   tm.tm_hour % 100, tm.tm_min % 100, tm.tm_sec % 100);
    date->second = now;
}

static char *put_date(char *at, struct ml_http_date *date)
{
    time_t now = time(NULL);
    if (now != date->second) {
        format_date(date, now);
    }
    return put(at, date->text);
}

/* ---- what is said of the connection ------------------------------------------------ */

/* Whether the rest of the request, which is not broken, can be read for nothing,
 * to get at the next one. Who waits to be asked for it may send it, or may not:
 * nobody can tell (RFC 9110, 10.1.1). */
static bool may_skip(const struct ml_http_incoming *in)
{
    if (in->expects) {
        return false;
    }
    return in->framing != ML_HTTP_LENGTH || in->left <= SKIPPED;
}

static void settle(struct ml_http_wire *w, const struct ml_http_noted *noted)
{
    w->persistent = w->persistent && !w->retired && !noted->close &&
                    may_skip(&w->in) && w->reply.framing != ML_HTTP_TO_CLOSE;
}

static char *put_connection(char *at, const struct ml_http_wire *w)
{
    if (!w->persistent) {
        return put(at, "Connection: close\r\n");
    }
    return w->head.minor == 0 ? put(at, "Connection: keep-alive\r\n") : at;
}

/* ---- heads -------------------------------------------------------------------------- */

/* Where the body that follows ends. */
static char *put_framing(char *at, const struct ml_http_wire *w)
{
    switch (w->reply.framing) {
    case ML_HTTP_LENGTH:
        at = put(at, "Content-Length: ");
        at = put_number(at, (uint64_t)w->reply.left);
        return put(at, "\r\n");
    case ML_HTTP_CHUNKED:
        return put(at, "Transfer-Encoding: chunked\r\n");
    case ML_HTTP_NO_BODY:
    case ML_HTTP_TO_CLOSE:
    default:
        return at;
    }
}

static char *put_type(char *at, const char *type)
{
    at = put(at, "Content-Type: ");
    at = put(at, type);
    return put(at, "\r\n");
}

/* The lines that are ours. */
static void append_own(struct ml_http_wire *w,
                       const struct ml_http_head_parts *parts)
{
    char *from = ml_buffer_tail(&w->out);
    char *at = put_status(from, parts->status);
    if (!parts->noted.date) {
        at = put_date(at, w->date);
    }
    if (!parts->noted.length) {
        at = put_framing(at, w);
    }
    if (!parts->noted.close && !parts->noted.upgrade) {
        at = put_connection(at, w);
    }
    if (!parts->noted.type && parts->type != NULL) {
        at = put_type(at, parts->type);
    }
    ml_buffer_produced(&w->out, (size_t)(at - from));
}

int ml_http_head_append(lua_State *L, struct ml_http_wire *w,
                        const struct ml_http_head_parts *parts)
{
    size_t type = parts->type != NULL ? strlen(parts->type) : 0;
    int err = ml_buffer_reserve(
        &w->out, &w->vm->alloc,
        OWN_FIELDS + type + parts->noted.bytes + parts->behind, SIZE_MAX);
    if (err != 0) {
        return err;
    }
    w->reply.begun = true;
    w->reply.status = parts->status;
    settle(w, &parts->noted);
    append_own(w, parts);
    if (parts->noted.bytes > 0) {
        err = ml_http_fields_append(L, parts->fields, &w->out, &w->vm->alloc);
    }
    return err != 0 ? err : ml_buffer_append(&w->out, &w->vm->alloc, "\r\n", 2);
}
