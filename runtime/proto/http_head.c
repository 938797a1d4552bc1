#include "proto/http_head.h"

#include "proto/http_byte.h"

#include <string.h>

/* A line may be read in by and by; how much of it is there. */
struct line {
    const char *text;
    size_t length; /* without its end */
};

void ml_http_head_init(struct ml_http_head *head)
{
    memset(head, 0, sizeof *head);
    head->length = -1;
}

/* ---- first lines ---------------------------------------------------------- */

static struct ml_http_part part_of(const char *bytes, const char *from,
                                   size_t length)
{
    return (struct ml_http_part){(uint32_t)(from - bytes), (uint32_t)length};
}

/* "HTTP/1.1" and no other (RFC 9112, 2.3). */
static int read_version(struct ml_http_head *head, const char *text, size_t n)
{
    enum {
        LENGTH = 8
    };
    if (n != LENGTH || memcmp(text, "HTTP/", 5) != 0 ||
        !ml_http_is(text[5], ML_HTTP_DIGIT) || text[6] != '.' ||
        !ml_http_is(text[7], ML_HTTP_DIGIT)) {
        return -ML_HTTP_BAD_VERSION;
    }
    if (text[5] != '1' || text[7] > '1') {
        return -ML_HTTP_OTHER_VERSION;
    }
    head->minor = (uint8_t)(text[7] - '0');
    return 0;
}

/* method SP target SP version (RFC 9112, 3) */
static int read_request_line(struct ml_http_head *head, const char *bytes,
                             struct line line)
{
    size_t method = ml_http_span(line.text, line.length, ML_HTTP_TOKEN);
    if (method == 0) {
        return -ML_HTTP_BAD_METHOD;
    }
    if (method == line.length || line.text[method] != ' ') {
        return method == line.length ? -ML_HTTP_BAD_LINE : -ML_HTTP_BAD_METHOD;
    }
    const char *target = line.text + method + 1;
    size_t rest = line.length - method - 1;
    const char *space = memchr(target, ' ', rest);
    if (space == NULL || space == target) {
        return -ML_HTTP_BAD_LINE;
    }
    head->method = part_of(bytes, line.text, method);
    head->target = part_of(bytes, target, (size_t)(space - target));
    int err =
        read_version(head, space + 1, rest - (size_t)(space + 1 - target));
    return err != 0 ? err : ml_http_target_read(head, bytes);
}

/* version SP status [SP reason] (RFC 9112, 4; some servers leave out the space
 * before a reason that is empty) */
static int read_status_line(struct ml_http_head *head, const char *bytes,
                            struct line line)
{
    enum {
        STATUS = 9,        /* where it begins */
        REASON = 9 + 3 + 1 /* where that begins */
    };
    const char *text = line.text;
    if (line.length < STATUS + 3 || text[STATUS - 1] != ' ') {
        return -ML_HTTP_BAD_LINE;
    }
    int err = read_version(head, text, STATUS - 1);
    if (err != 0) {
        return err;
    }
    if (ml_http_span(text + STATUS, 3, ML_HTTP_DIGIT) != 3 ||
        text[STATUS] == '0' ||
        (line.length > STATUS + 3 && text[STATUS + 3] != ' ')) {
        return -ML_HTTP_BAD_STATUS;
    }
    head->status = (text[STATUS] - '0') * 100 + (text[STATUS + 1] - '0') * 10 +
                   (text[STATUS + 2] - '0');
    if (line.length > REASON) {
        head->reason = part_of(bytes, text + REASON, line.length - REASON);
    }
    return ml_http_is_value(text, line.length) ? 0 : -ML_HTTP_BAD_LINE;
}

/* ---- fields --------------------------------------------------------------- */

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* The field of a line that was checked, whose name has so many bytes. */
static struct ml_http_field field_of(const char *line, size_t n, size_t name)
{
    size_t from = name + 1;
    while (from < n && is_blank(line[from])) {
        from++;
    }
    while (n > from && is_blank(line[n - 1])) {
        n--;
    }
    return (struct ml_http_field){line, line + from, name, n - from};
}

int ml_http_field_read(const char *line, size_t n, struct ml_http_field *field)
{
    if (is_blank(line[0])) {
        return -ML_HTTP_FOLDED;
    }
    size_t name = ml_http_span(line, n, ML_HTTP_TOKEN);
    if (name == 0 || name == n || line[name] != ':') {
        return -ML_HTTP_BAD_NAME;
    }
    size_t from = name + 1;
    if (!ml_http_is_value(line + from, n - from)) {
        return -ML_HTTP_BAD_VALUE;
    }
    *field = field_of(line, n, name);
    return 0;
}

/* A line that was checked has a colon, and no CR but at its end. */
bool ml_http_field_next(const struct ml_http_head *head, const char *bytes,
                        size_t *at, struct ml_http_field *field)
{
    const char *line = bytes + *at;
    const char *end = memchr(line, '\r', head->line - *at);
    if (end == NULL || end == line) {
        return false;
    }
    size_t n = (size_t)(end - line);
    const char *colon = memchr(line, ':', n);
    *at += n + 2;
    if (colon == NULL) {
        return false;
    }
    *field = field_of(line, n, (size_t)(colon - line));
    return true;
}

static int read_field(struct ml_http_head *head, const char *bytes,
                      struct line line, const struct ml_http_limits *limits)
{
    struct ml_http_field field;
    if (++head->fields > limits->fields) {
        return -ML_HTTP_FIELDS_MANY;
    }
    int err = ml_http_field_read(line.text, line.length, &field);
    return err != 0 ? err : ml_http_framing_note(head, bytes, &field);
}

/* ---- lines ---------------------------------------------------------------- */

/* Of a line that is not whole: refuses what no further byte makes good. */
static int check_partial(const struct ml_http_head *head, const char *text,
                         size_t n, const struct ml_http_limits *limits)
{
    const char *cr = memchr(text, '\r', n);
    if (cr != NULL && cr + 1 < text + n) {
        return -ML_HTTP_BARE;
    }
    if (!head->begun && n > 0 && cr != text &&
        !ml_http_is(text[0], ML_HTTP_TOKEN)) {
        return -ML_HTTP_BAD_LINE;
    }
    if (!head->begun && n > limits->line + 1) { /* the CR may be there */
        return -ML_HTTP_LINE_LONG;
    }
    return head->line + n > limits->head ? -ML_HTTP_HEAD_LONG : 0;
}

/* Finds the line that is next: 1; 0 if more is needed; a fault, negated. */
static int line_find(struct ml_http_head *head, const char *bytes, size_t n,
                     const struct ml_http_limits *limits, struct line *line)
{
    const char *text = bytes + head->line;
    size_t there = n - head->line;
    const char *end = there > head->scanned ? memchr(text + head->scanned, '\n',
                                                     there - head->scanned)
                                            : NULL;
    if (end == NULL) {
        head->scanned = (uint32_t)there;
        return check_partial(head, text, there, limits);
    }
    if (end == text || end[-1] != '\r') {
        return -ML_HTTP_BARE;
    }
    *line = (struct line){text, (size_t)(end - text) - 1};
    if (!head->begun && line->length > limits->line) {
        return -ML_HTTP_LINE_LONG;
    }
    if ((size_t)(end + 1 - bytes) > limits->head) {
        return -ML_HTTP_HEAD_LONG;
    }
    head->line = (uint32_t)(end + 1 - bytes);
    head->scanned = 0;
    return 1;
}

/* Before the first line an empty one may be ignored (RFC 9112, 2.2). */
static bool is_prelude(const struct ml_http_head *head, struct line line)
{
    return line.length == 0 && head->line == 2;
}

typedef int first_line_reader(struct ml_http_head *head, const char *bytes,
                              struct line line);

static int read_line(struct ml_http_head *head, const char *bytes,
                     struct line line, const struct ml_http_limits *limits,
                     first_line_reader *read_first)
{
    if (head->begun) {
        return read_field(head, bytes, line, limits);
    }
    if (is_prelude(head, line)) {
        return 0;
    }
    head->begun = true;
    head->first = head->line;
    return read_first(head, bytes, line);
}

/* 1 when the head is whole, 0 when more is needed, or a fault, negated. */
static int read_lines(struct ml_http_head *head, const char *bytes, size_t n,
                      const struct ml_http_limits *limits,
                      first_line_reader *read_first)
{
    for (;;) {
        struct line line = {NULL, 0};
        int err = line_find(head, bytes, n, limits, &line);
        if (err <= 0) {
            return err;
        }
        if (head->begun && line.length == 0) {
            return 1;
        }
        err = read_line(head, bytes, line, limits, read_first);
        if (err != 0) {
            return err;
        }
    }
}

long ml_http_head_request(struct ml_http_head *head, const char *bytes,
                          size_t n, const struct ml_http_limits *limits)
{
    int done = read_lines(head, bytes, n, limits, read_request_line);
    if (done <= 0) {
        return done;
    }
    int err = ml_http_framing_request(head);
    return err != 0 ? err : (long)head->line;
}

long ml_http_head_response(struct ml_http_head *head, const char *bytes,
                           size_t n, const struct ml_http_limits *limits,
                           const char *method)
{
    int done = read_lines(head, bytes, n, limits, read_status_line);
    if (done <= 0) {
        return done;
    }
    int err = ml_http_framing_response(head, method);
    return err != 0 ? err : (long)head->line;
}
