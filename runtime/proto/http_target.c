/* http_target.c - what a request asks for (RFC 9112, 3.2). */
#include "proto/http_byte.h"
#include "proto/http_head.h"

#include <string.h>

enum {
    PORT_MAX = 65535
};

/* ---- hosts ---------------------------------------------------------------- */

/* *DIGIT; an empty one stands for the scheme's. */
static bool port_valid(const char *bytes, size_t n)
{
    unsigned long port = 0;
    for (size_t i = 0; i < n; i++) {
        if (!ml_http_is(bytes[i], ML_HTTP_DIGIT)) {
            return false;
        }
        port = port * 10 + (unsigned)(bytes[i] - '0');
        if (port > PORT_MAX) {
            return false;
        }
    }
    return true;
}

/* How many bytes are the host itself; 0 if they are none. */
static size_t host_length(const char *bytes, size_t n)
{
    if (bytes[0] != '[') {
        return ml_http_span(bytes, n, ML_HTTP_HOST);
    }
    size_t i = 1;
    while (i < n && (ml_http_is(bytes[i], ML_HTTP_HEX) || bytes[i] == ':' ||
                     bytes[i] == '.')) {
        i++;
    }
    return i > 2 && i < n && bytes[i] == ']' ? i + 1 : 0;
}

bool ml_http_host_valid(const char *bytes, size_t n)
{
    if (n == 0) {
        return true;
    }
    size_t host = host_length(bytes, n);
    return host == n || (host > 0 && bytes[host] == ':' &&
                         port_valid(bytes + host + 1, n - host - 1));
}

/* ---- paths ---------------------------------------------------------------- */

/* Percents in a path must be codes, and not that of NUL, which would end it for
 * whoever opens a file by it. */
static bool path_codes_valid(const char *path, size_t n)
{
    const char *end = path + n;
    for (const char *p = path; (p = memchr(p, '%', (size_t)(end - p))) != NULL;
         p += 3) {
        if (end - p < 3 || !ml_http_is(p[1], ML_HTTP_HEX) ||
            !ml_http_is(p[2], ML_HTTP_HEX) || (p[1] == '0' && p[2] == '0')) {
            return false;
        }
    }
    return true;
}

/* path ["?" query], from `at` to the end of the target */
static int read_path(struct ml_http_head *head, const char *bytes, uint32_t at)
{
    const char *path = bytes + at;
    size_t n = head->target.at + head->target.length - at;
    size_t length = ml_http_span(path, n, ML_HTTP_PATH);
    if (!path_codes_valid(path, length)) {
        return -ML_HTTP_BAD_TARGET;
    }
    head->path = (struct ml_http_part){at, (uint32_t)length};
    if (length == n) {
        return 0;
    }
    const char *query = path + length + 1;
    n -= length + 1;
    if (path[length] != '?' || ml_http_span(query, n, ML_HTTP_QUERY) != n) {
        return -ML_HTTP_BAD_TARGET;
    }
    head->query = (struct ml_http_part){at + (uint32_t)length + 1, (uint32_t)n};
    return 0;
}

/* ---- forms ---------------------------------------------------------------- */

static bool method_is(const struct ml_http_head *head, const char *bytes,
                      const char *name)
{
    return head->method.length == strlen(name) &&
           memcmp(bytes + head->method.at, name, head->method.length) == 0;
}

/* "host:port", both of them. */
static int read_authority(struct ml_http_head *head, const char *bytes)
{
    const char *text = bytes + head->target.at;
    size_t n = head->target.length;
    size_t host = host_length(text, n);
    if (host == 0 || host + 1 >= n || !ml_http_host_valid(text, n)) {
        return -ML_HTTP_BAD_TARGET;
    }
    head->form = ML_HTTP_AUTHORITY;
    head->host = head->target;
    return 0;
}

/* The length of "http://" or "https://", or 0. */
static uint32_t scheme_length(const char *text, size_t n)
{
    enum {
        HTTP = 7,
        HTTPS = 8
    };
    if (n > HTTPS && ml_http_same(text, HTTPS, "https://")) {
        return HTTPS;
    }
    return n > HTTP && ml_http_same(text, HTTP, "http://") ? HTTP : 0;
}

/* Who is named as a user there is no user, but means to deceive one (RFC 9110,
 * 4.2.4); "@" is no byte of hosts. */
static int read_absolute(struct ml_http_head *head, const char *bytes)
{
    const char *text = bytes + head->target.at;
    uint32_t n = head->target.length;
    uint32_t scheme = scheme_length(text, n);
    uint32_t end = scheme;
    while (end < n && text[end] != '/' && text[end] != '?') {
        end++;
    }
    if (scheme == 0 || end == scheme || text[scheme] == ':' ||
        !ml_http_host_valid(text + scheme, end - scheme)) {
        return -ML_HTTP_BAD_TARGET;
    }
    head->form = ML_HTTP_ABSOLUTE;
    head->host = (struct ml_http_part){head->target.at + scheme, end - scheme};
    return read_path(head, bytes, head->target.at + end);
}

int ml_http_target_read(struct ml_http_head *head, const char *bytes)
{
    const char *text = bytes + head->target.at;
    if (method_is(head, bytes, "CONNECT")) {
        return read_authority(head, bytes);
    }
    if (text[0] == '/') {
        return read_path(head, bytes, head->target.at);
    }
    if (text[0] == '*' && head->target.length == 1 &&
        method_is(head, bytes, "OPTIONS")) {
        head->form = ML_HTTP_ASTERISK;
        head->path = head->target;
        return 0;
    }
    return read_absolute(head, bytes);
}
