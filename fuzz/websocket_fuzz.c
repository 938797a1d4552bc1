/* Bytes of a WebSocket's peer: whatever they are, they make the same messages in
 * one piece and in many, and what is sent comes back as it was. */
#include "fuzz.h"
#include "proto/websocket.h"

enum {
    LIMIT = 1000 /* bytes of a message, so that inputs can reach it */
};

static struct ml_wslay wslay;

int LLVMFuzzerInitialize(int *argc, char ***argv);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    FUZZ_CHECK(ml_wslay_open(&wslay, NULL) == 0);
    return 0;
}

static void open_one(struct ml_websocket *w, bool client)
{
    ml_websocket_init(w, &wslay, &fuzz_alloc, client);
    w->maxmessage = LIMIT;
    w->maxframe = LIMIT;
    w->packing = true;
}

/* A sum of all that came, so that two ways to read the same can be compared. */
static uint64_t add(uint64_t sum, const void *bytes, size_t n)
{
    const uint8_t *at = bytes;
    for (size_t i = 0; i < n; i++) {
        sum = (sum ^ at[i]) * UINT64_C(0x100000001b3);
    }
    return sum;
}

static uint64_t add_event(uint64_t sum, const struct ml_websocket_event *event)
{
    unsigned kind = event->fault != NULL ? 100 : (unsigned)event->kind;
    FUZZ_CHECK(event->length <= (event->packed ? 2 * LIMIT : LIMIT));
    sum = add(sum, &event->packed, sizeof event->packed);
    sum = add(sum, &kind, sizeof kind);
    sum = add(sum, &event->code, sizeof event->code);
    return add(sum, event->bytes, event->length);
}

/* Reads the bytes in pieces of at most `step`. */
static uint64_t read_all(bool client, const char *bytes, size_t n, size_t step)
{
    struct ml_websocket w;
    struct ml_websocket_event event;
    uint64_t sum = UINT64_C(0xcbf29ce484222325);

    open_one(&w, client);
    while (n > 0) {
        size_t part = n < step ? n : step;
        char *copy = fuzz_copy(bytes, part);
        ml_websocket_feed(&w, copy, part);
        while (ml_websocket_next(&w, &event) == 1) {
            sum = add_event(sum, &event);
        }
        free(copy);
        if ((n & 3) == 0) {
            ml_websocket_rest(&w);
        }
        bytes += part;
        n -= part;
    }
    ml_websocket_term(&w);
    return sum;
}

/* What one end sends is what the other gets. */
static void check_echo(bool client, const char *bytes, size_t n)
{
    struct ml_websocket from, to;
    struct ml_websocket_event event;
    struct ml_websocket_frame frame = {
        .kind = ML_WEBSOCKET_BINARY, .last = true, .bytes = bytes, .length = n};
    char *out = malloc(n + ML_WEBSOCKET_HEAD_MAX);

    FUZZ_CHECK(out != NULL);
    open_one(&from, client);
    open_one(&to, !client);
    ptrdiff_t length = ml_websocket_write(&from, &frame, out);
    FUZZ_CHECK(length >= (ptrdiff_t)n + 2);
    ml_websocket_feed(&to, out, (size_t)length);
    FUZZ_CHECK(ml_websocket_next(&to, &event) == 1);
    FUZZ_CHECK(event.fault == NULL
                   ? event.length == n && memcmp(event.bytes, bytes, n) == 0
                   : n > LIMIT);
    ml_websocket_term(&from);
    ml_websocket_term(&to);
    free(out);
}

/* The first byte says whose bytes they are, and how small the pieces are. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input in = {data, data + size};
    uint8_t how = fuzz_byte(&in);
    bool client = (how & 1) != 0;
    size_t n;
    const char *bytes = fuzz_bytes(&in, SIZE_MAX, &n);

    if (n > 0) {
        uint64_t sum = read_all(client, bytes, n, n);
        FUZZ_CHECK(sum == read_all(client, bytes, n, 1));
        FUZZ_CHECK(sum == read_all(client, bytes, n, (how >> 1) + 1));
        check_echo(client, bytes, n);
    }
    return 0;
}
