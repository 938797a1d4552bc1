#include "request.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char http_body[] =
    "hello, world\n"; /* the answer of all servers */
/* About what a browser says of itself. */
static const char http_fields[] =
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:115.0) Gecko/20100101 "
    "Firefox/115.0\r\n"
    "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
    "\r\n"
    "Accept-Language: en-US,en;q=0.5\r\n"
    "Accept-Encoding: gzip, deflate\r\n"
    "Connection: keep-alive\r\n"
    "Cookie: session=8f14e45fceea167a5a36dedd4bea2543; theme=dark\r\n"
    "Cache-Control: max-age=0\r\n";

enum {
    ECHO_PERIOD = 65521, /* a prime: no size fits it */
    ECHO_STRIDE = 4099,  /* between the first bytes of two connections */
    TEXT_MAX = 4096      /* bytes of a request over HTTP */
};

static bool request_echo(struct request *request, size_t burst)
{
    request->period = ECHO_PERIOD;
    request->bytes = malloc(ECHO_PERIOD + burst);
    if (request->bytes == NULL) {
        return false;
    }
    uint32_t noise = 1;
    for (size_t i = 0; i < ECHO_PERIOD; i++) {
        noise = noise * 1664525 + 1013904223;
        request->bytes[i] = (char)(noise >> 24);
    }
    for (size_t i = 0; i < burst; i++) {
        request->bytes[ECHO_PERIOD + i] = request->bytes[i % ECHO_PERIOD];
    }
    return true;
}

/* Reads the whole of a file, which has at most FILE_SIZE bytes. */
static bool body_read(struct request *request, const char *path)
{
    enum {
        FILE_SIZE = 64 << 20
    };
    FILE *file = fopen(path, "rbe");
    request->loaded = file != NULL ? malloc(FILE_SIZE) : NULL;
    if (request->loaded != NULL) {
        request->body = request->loaded;
        request->body_size = fread(request->loaded, 1, FILE_SIZE, file);
    }
    if (file != NULL) {
        (void)fclose(file); /* nothing was written to it */
    }
    return request->loaded != NULL && request->body_size > 0;
}

static bool request_http(struct request *request,
                         const struct load_options *options)
{
    char text[TEXT_MAX];
    size_t depth = (size_t)options->depth;
    int n = snprintf(text, sizeof text,
                     "GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\n%s\r\n",
                     options->path, options->browser ? http_fields : "");
    if (n >= TEXT_MAX ||
        (options->body != NULL && !body_read(request, options->body))) {
        return false;
    }
    request->size = (size_t)n;
    request->period = request->size;
    request->bytes = malloc((depth + 1) * request->size);
    for (size_t i = 0; request->bytes != NULL && i <= depth; i++) {
        memcpy(request->bytes + i * request->size, text, request->size);
    }
    return request->bytes != NULL;
}

bool request_init(struct request *request, const struct load_options *options)
{
    size_t depth = (size_t)options->depth;
    *request = (struct request){.http = options->http,
                                .size = (size_t)options->size,
                                .body = http_body,
                                .body_size = sizeof http_body - 1};
    return options->http ? request_http(request, options)
                         : request_echo(request, depth * request->size);
}

void request_term(struct request *request)
{
    free(request->bytes);
    free(request->loaded);
}

const char *request_bytes(const struct request *request, long id, uint64_t at)
{
    uint64_t first = request->http ? 0 : (uint64_t)id * ECHO_STRIDE;
    return request->bytes + (first + at) % request->period;
}

static long check_echo(const struct request *request, struct answers *answers,
                       long id, const char *bytes, size_t n)
{
    uint64_t before = answers->bytes / request->size;
    while (n > 0) {
        size_t part = n < request->size ? n : request->size;
        const char *wanted = request_bytes(request, id, answers->bytes);
        if (memcmp(bytes, wanted, part) != 0) {
            return -1;
        }
        answers->bytes += part;
        bytes += part;
        n -= part;
    }
    return (long)(answers->bytes / request->size - before);
}

/* The value of Content-Length, -1 without one. The head ends in a NUL. */
static long head_length(const char *head)
{
    const char *line = strstr(head, "\r\n");
    while (line != NULL) {
        line += 2;
        if (strncasecmp(line, "content-length:", 15) == 0) {
            return strtol(line + 15, NULL, 10);
        }
        line = strstr(line, "\r\n");
    }
    return -1;
}

/* Takes bytes of a head, up to its end if that is in them: how many, or -1 if
 * the head is too long or is not that of the answer. */
static long head_take(const struct request *request, struct answers *answers,
                      const char *bytes, size_t n)
{
    size_t before = answers->held;
    size_t room = REQUEST_HEAD - 1 - before;
    size_t part = n < room ? n : room;
    memcpy(answers->head + before, bytes, part);
    answers->head[before + part] = '\0';
    char *end = strstr(answers->head, "\r\n\r\n");
    if (end == NULL) {
        answers->held += part;
        return part == n ? (long)n : -1;
    }
    end[2] = '\0';
    if (strncmp(answers->head, "HTTP/1.1 200 ", 13) != 0 ||
        head_length(answers->head) != (long)request->body_size) {
        return -1;
    }
    answers->held = 0;
    answers->left = request->body_size;
    return end + 4 - answers->head - (long)before;
}

/* Takes bytes of a body: how many, or -1. */
static long body_take(const struct request *request, struct answers *answers,
                      const char *bytes, size_t n)
{
    size_t part = n < answers->left ? n : answers->left;
    size_t done = request->body_size - answers->left;
    if (memcmp(request->body + done, bytes, part) != 0) {
        return -1;
    }
    answers->left -= part;
    return (long)part;
}

static long check_http(const struct request *request, struct answers *answers,
                       const char *bytes, size_t n)
{
    long ended = 0;
    while (n > 0) {
        bool body = answers->left > 0;
        long took = body ? body_take(request, answers, bytes, n)
                         : head_take(request, answers, bytes, n);
        if (took < 0) {
            return -1;
        }
        answers->bytes += (uint64_t)took;
        ended += body && answers->left == 0;
        bytes += took;
        n -= (size_t)took;
    }
    return ended;
}

long request_check(const struct request *request, struct answers *answers,
                   long id, const char *bytes, size_t n)
{
    return request->http ? check_http(request, answers, bytes, n)
                         : check_echo(request, answers, id, bytes, n);
}
