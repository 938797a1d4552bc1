/* http_framing.c - where a message ends, who is asked, and whether the
 * connection goes on (RFC 9112, 6 and 9; RFC 9110, 7.2, 8.6, 10.1.1). */
#include "proto/http_byte.h"
#include "proto/http_head.h"

#include <stdint.h>
#include <string.h>

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* ---- lists ---------------------------------------------------------------- */

/* Takes the next element off a list, without blanks around it; false when
 * there is none. An empty one is one. */
static bool list_next(struct ml_http_field *list, const char **element,
                      size_t *length)
{
    if (list->value == NULL) {
        return false;
    }
    const char *comma = memchr(list->value, ',', list->value_length);
    size_t n =
        comma != NULL ? (size_t)(comma - list->value) : list->value_length;
    *element = list->value;
    *length = n;
    list->value_length -= comma != NULL ? n + 1 : n;
    list->value = comma != NULL ? comma + 1 : NULL;
    while (*length > 0 && is_blank((*element)[*length - 1])) {
        --*length;
    }
    while (*length > 0 && is_blank((*element)[0])) {
        ++*element;
        --*length;
    }
    return true;
}

/* ---- fields that are noted ------------------------------------------------ */

typedef int field_reader(struct ml_http_head *head, const char *bytes,
                         const struct ml_http_field *field);

/* A target in absolute form comes before it (RFC 9112, 3.2.2). */
static int read_host(struct ml_http_head *head, const char *bytes,
                     const struct ml_http_field *field)
{
    if (head->has_host) {
        return -ML_HTTP_HOST_TWICE;
    }
    head->has_host = true;
    if (!ml_http_host_valid(field->value, field->value_length)) {
        return -ML_HTTP_BAD_HOST;
    }
    if (head->form == ML_HTTP_ORIGIN || head->form == ML_HTTP_ASTERISK) {
        head->host = (struct ml_http_part){(uint32_t)(field->value - bytes),
                                           (uint32_t)field->value_length};
    }
    return 0;
}

/* The same length twice is refused as well: it was never meant. */
static int read_length(struct ml_http_head *head, const char *bytes,
                       const struct ml_http_field *field)
{
    (void)bytes;
    if (head->length >= 0) {
        return -ML_HTTP_LENGTH_TWICE;
    }
    int64_t length = 0;
    for (size_t i = 0; i < field->value_length; i++) {
        char c = field->value[i];
        if (!ml_http_is(c, ML_HTTP_DIGIT) ||
            length > (INT64_MAX - (c - '0')) / 10) {
            return -ML_HTTP_BAD_LENGTH;
        }
        length = length * 10 + (c - '0');
    }
    if (field->value_length == 0) {
        return -ML_HTTP_BAD_LENGTH;
    }
    head->length = length;
    return 0;
}

/* Chunks come last, and once. */
static int read_coding(struct ml_http_head *head, const char *bytes,
                       const struct ml_http_field *field)
{
    struct ml_http_field list = *field;
    const char *element;
    size_t n;
    (void)bytes;
    head->has_coding = true;
    while (list_next(&list, &element, &n)) {
        if (head->chunked || n == 0) {
            return -ML_HTTP_BAD_CODING;
        }
        if (ml_http_same(element, n, "chunked")) {
            head->chunked = true;
        } else {
            head->other_coding = true;
        }
    }
    return 0;
}

static int read_connection(struct ml_http_head *head, const char *bytes,
                           const struct ml_http_field *field)
{
    struct ml_http_field list = *field;
    const char *element;
    size_t n;
    (void)bytes;
    while (list_next(&list, &element, &n)) {
        head->close |= ml_http_same(element, n, "close");
        head->keep |= ml_http_same(element, n, "keep-alive");
        head->upgrade |= ml_http_same(element, n, "upgrade");
    }
    return 0;
}

static int read_expect(struct ml_http_head *head, const char *bytes,
                       const struct ml_http_field *field)
{
    (void)bytes;
    if (ml_http_same(field->value, field->value_length, "100-continue")) {
        head->expects = true;
    } else {
        head->other_expect = true;
    }
    return 0;
}

/* No two have names of the same length. */
static const struct {
    size_t length;
    const char *name;
    field_reader *read;
} noted[] = {
    {4, "host", read_host},
    {6, "expect", read_expect},
    {10, "connection", read_connection},
    {14, "content-length", read_length},
    {17, "transfer-encoding", read_coding},
};

int ml_http_framing_note(struct ml_http_head *head, const char *bytes,
                         const struct ml_http_field *field)
{
    for (size_t i = 0; i < sizeof noted / sizeof *noted; i++) {
        if (noted[i].length == field->name_length &&
            ml_http_same(field->name, field->name_length, noted[i].name)) {
            return noted[i].read(head, bytes, field);
        }
    }
    return 0;
}

/* ---- the decision --------------------------------------------------------- */

static void decide_persistence(struct ml_http_head *head)
{
    head->persistent = !head->close && (head->minor == 1 || head->keep);
}

/* What is wrong with codings, in requests and responses alike. */
static int check_coding(const struct ml_http_head *head)
{
    if (head->minor == 0) {
        return -ML_HTTP_OLD_CODING;
    }
    return head->length >= 0 ? -ML_HTTP_LENGTH_AND_CODING : 0;
}

static int decide_request_body(struct ml_http_head *head)
{
    if (!head->has_coding) {
        head->framing = head->length > 0 ? ML_HTTP_LENGTH : ML_HTTP_NO_BODY;
        return 0;
    }
    int err = check_coding(head);
    if (err != 0) {
        return err;
    }
    if (!head->chunked) {
        return -ML_HTTP_BAD_CODING;
    }
    head->framing = ML_HTTP_CHUNKED;
    return head->other_coding ? -ML_HTTP_OTHER_CODING : 0;
}

int ml_http_framing_request(struct ml_http_head *head)
{
    decide_persistence(head);
    if (head->minor == 1 && !head->has_host) {
        return -ML_HTTP_HOST_MISSING;
    }
    int err = decide_request_body(head);
    if (err != 0) {
        return err;
    }
    /* An older client does not know that it may expect (RFC 9110, 10.1.1). */
    head->expects &= head->minor == 1 && head->framing != ML_HTTP_NO_BODY;
    return head->other_expect && head->minor == 1 ? -ML_HTTP_OTHER_EXPECT : 0;
}

static bool never_has_body(const struct ml_http_head *head, const char *method)
{
    enum {
        OK = 200,
        NO_CONTENT = 204,
        MULTIPLE_CHOICES = 300,
        NOT_MODIFIED = 304
    };
    bool tunnel = strcmp(method, "CONNECT") == 0 && head->status >= OK &&
                  head->status < MULTIPLE_CHOICES;
    return tunnel || strcmp(method, "HEAD") == 0 || head->status < OK ||
           head->status == NO_CONTENT || head->status == NOT_MODIFIED;
}

static int decide_coded_response(struct ml_http_head *head)
{
    int err = check_coding(head);
    if (err == 0 && head->other_coding) {
        err = -ML_HTTP_OTHER_CODING;
    }
    head->framing = ML_HTTP_CHUNKED;
    return err;
}

/* RFC 9112, 6.3. */
int ml_http_framing_response(struct ml_http_head *head, const char *method)
{
    decide_persistence(head);
    head->framing = ML_HTTP_NO_BODY;
    if (never_has_body(head, method)) {
        return 0;
    }
    if (head->has_coding) {
        return decide_coded_response(head);
    }
    if (head->length < 0) {
        head->framing = ML_HTTP_TO_CLOSE;
        head->persistent = false;
    } else if (head->length > 0) {
        head->framing = ML_HTTP_LENGTH;
    }
    return 0;
}
