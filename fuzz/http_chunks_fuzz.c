/* Bodies in chunks: the same in one piece and as they come. */
#include "fuzz.h"
#include "proto/http_chunks.h"

static const struct ml_http_limits limits = {100, 300, 5};

/* What a body was: its bytes as a sum, and how it ended. */
struct body {
    uint64_t sum;
    size_t length, trailers;
    int result; /* 1: ended; 0: more is needed; or a fault, negated */
};

static void add(struct body *body, const char *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        body->sum = (body->sum ^ (uint8_t)bytes[i]) * UINT64_C(0x100000001b3);
    }
    body->length += n;
}

/* Takes all pieces of the bytes; how many bytes they are. */
static size_t take(struct ml_http_chunks *chunks, const char *bytes, size_t n,
                   struct body *body)
{
    size_t taken = 0;

    while (body->result == 0) {
        struct ml_http_piece piece;
        int err = ml_http_chunks_next(chunks, bytes + taken, n - taken, &limits,
                                      &piece);
        if (err != 0) {
            body->result = err;
            break;
        }
        if (piece.kind == ML_HTTP_MORE) {
            break;
        }
        FUZZ_CHECK(piece.take <= n - taken);
        FUZZ_CHECK(piece.take > 0 || piece.kind == ML_HTTP_END);
        if (piece.kind == ML_HTTP_DATA) {
            add(body, piece.data, piece.take);
        }
        body->trailers += piece.kind == ML_HTTP_TRAILER;
        body->result = piece.kind == ML_HTTP_END;
        taken += piece.take;
    }
    return taken;
}

/* The bytes come in pieces of at most `step`. */
static struct body read_all(const char *bytes, size_t n, size_t step)
{
    struct ml_http_chunks chunks;
    struct body body = {0};
    size_t from = 0;

    ml_http_chunks_init(&chunks);
    for (size_t to = 0; to < n && body.result == 0;) {
        to = n - to < step ? n : to + step;
        char *copy = fuzz_copy(bytes + from, to - from);
        from += take(&chunks, copy, to - from, &body);
        free(copy);
    }
    return body;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input in = {data, data + size};
    size_t step = fuzz_byte(&in) + 1U;
    size_t n;
    const char *bytes = fuzz_bytes(&in, SIZE_MAX, &n);
    struct body whole = read_all(bytes, n, SIZE_MAX);
    struct body slow = read_all(bytes, n, step);

    /* Of two faults, another may be seen first when they come slowly. */
    FUZZ_CHECK(whole.result == slow.result ||
               (whole.result < 0 && slow.result < 0));
    FUZZ_CHECK(whole.result < 0 ||
               (whole.sum == slow.sum && whole.length == slow.length &&
                whole.trailers == slow.trailers));
    FUZZ_CHECK(whole.length <= n && whole.trailers <= limits.fields);
    return 0;
}
