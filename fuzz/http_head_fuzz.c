/* The heads of HTTP's requests and responses: read at once, and as they come,
 * they are the same; no byte beyond is looked at; and what is found of them lies
 * inside. */
#include "fuzz.h"
#include "proto/http_head.h"

/* So low that short inputs reach them. */
static const struct ml_http_limits limits = {100, 300, 8};

typedef long read_fn(struct ml_http_head *head, const char *bytes, size_t n);

static long read_request(struct ml_http_head *head, const char *bytes, size_t n)
{
    return ml_http_head_request(head, bytes, n, &limits);
}

static long read_response(struct ml_http_head *head, const char *bytes,
                          size_t n)
{
    return ml_http_head_response(head, bytes, n, &limits, "GET");
}

static long read_answer_to_head(struct ml_http_head *head, const char *bytes,
                                size_t n)
{
    return ml_http_head_response(head, bytes, n, &limits, "HEAD");
}

static void check_part(struct ml_http_part part, long length)
{
    FUZZ_CHECK((long)part.at + (long)part.length <= length);
}

/* All fields of a head that was read are found again, and are fields. */
static void check_fields(const struct ml_http_head *head, const char *bytes,
                         long length)
{
    struct ml_http_field field;
    size_t at = head->first;
    uint32_t count = 0;

    while (ml_http_field_next(head, bytes, &at, &field)) {
        count++;
        FUZZ_CHECK(field.name >= bytes && field.name_length > 0);
        FUZZ_CHECK(field.value + field.value_length <= bytes + length);
        FUZZ_CHECK(memchr(field.value, '\n', field.value_length) == NULL);
        FUZZ_CHECK(memchr(field.value, '\r', field.value_length) == NULL);
        FUZZ_CHECK(memchr(field.value, '\0', field.value_length) == NULL);
    }
    FUZZ_CHECK(count <= limits.fields);
}

static void check_head(const struct ml_http_head *head, const char *bytes,
                       long length)
{
    FUZZ_CHECK(length <= (long)limits.head);
    FUZZ_CHECK(memcmp(bytes + length - 2, "\r\n", 2) == 0);
    check_part(head->method, length);
    check_part(head->target, length);
    check_part(head->path, length);
    check_part(head->query, length);
    check_part(head->host, length);
    check_part(head->reason, length);
    FUZZ_CHECK(head->framing != ML_HTTP_LENGTH || head->length >= 0);
    check_fields(head, bytes, length);
}

/* As bytes come: the first answer that is not "more". */
static long read_slowly(read_fn *read, struct ml_http_head *head,
                        const char *bytes, size_t n, size_t step)
{
    long found = 0;

    ml_http_head_init(head);
    for (size_t have = step; found == 0; have += step) {
        have = have < n ? have : n;
        char *copy = fuzz_copy(bytes, have);
        found = read(head, copy, have);
        free(copy);
        if (have == n) {
            break;
        }
    }
    return found;
}

/* Of two faults in one head, another may be seen first when it comes slowly. */
static long verdict(long found)
{
    return found < 0 ? -1 : found;
}

static void check_read(read_fn *read, const char *bytes, size_t n, size_t step)
{
    struct ml_http_head whole;
    struct ml_http_head slow;
    char *copy = fuzz_copy(bytes, n);

    ml_http_head_init(&whole);
    long found = read(&whole, copy, n);
    FUZZ_CHECK(found <= (long)n);
    FUZZ_CHECK(verdict(read_slowly(read, &slow, bytes, n, step)) ==
               verdict(found));
    if (found > 0) {
        FUZZ_CHECK(slow.framing == whole.framing);
        FUZZ_CHECK(slow.length == whole.length);
        FUZZ_CHECK(slow.persistent == whole.persistent);
        check_head(&whole, copy, found);
    }
    free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static read_fn *const reads[] = {read_request, read_response,
                                     read_answer_to_head};
    struct fuzz_input in = {data, data + size};
    uint8_t how = fuzz_byte(&in);
    size_t n;
    const char *bytes = fuzz_bytes(&in, SIZE_MAX, &n);

    check_read(reads[how % 3], bytes, n, how / 3 + 1U);
    return 0;
}
