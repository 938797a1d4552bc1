#include "proto/websocket.h"

#include "base/random.h"

#include <errno.h>
#include <string.h>

int ml_wslay_open(struct ml_wslay *wslay, const char **missing)
{
    static const struct ml_symbol symbols[] = {
#define ROW(name) ML_LIBRARY_ROW(struct ml_wslay, name)
        ML_WSLAY_FUNCTIONS(ROW)
#undef ROW
            {NULL, 0}};
    return ml_library_open(ML_WEBSOCKET_LIBRARY, symbols, wslay, missing);
}

/* ---- what wslay calls --------------------------------------------------------
 *
 * They copy between buffers, so nothing blocks and nothing raises in them. */

/* -1: there is nothing to read. */
static ssize_t give_bytes(uint8_t *buf, size_t len, int flags, void *user_data)
{
    struct ml_websocket *w = user_data;
    (void)flags;
    if (w->left == 0) {
        return -1;
    }
    size_t n = w->left < len ? w->left : len;
    memcpy(buf, w->in, n);
    w->in += n;
    w->left -= n;
    w->unparsed += n;
    return (ssize_t)n;
}

static ssize_t take_bytes(const uint8_t *data, size_t len, int flags,
                          void *user_data)
{
    struct ml_websocket *w = user_data;
    (void)flags;
    memcpy(w->out, data, len);
    w->out += len;
    return (ssize_t)len;
}

/* A new key for each frame, and one that nobody can foretell: section 5.3. */
static int give_key(uint8_t *buf, size_t len, void *user_data)
{
    struct ml_websocket *w = user_data;
    memcpy(buf, w->keys[--w->keys_left], len);
    return 0;
}

/* ---- memory ------------------------------------------------------------------ */

void ml_websocket_init(struct ml_websocket *w, const struct ml_wslay *wslay,
                       const struct ml_alloc *alloc, bool client)
{
    memset(w, 0, sizeof *w);
    w->wslay = wslay;
    w->alloc = alloc;
    w->client = client;
    ml_buffer_init(&w->message);
}

static void frames_close(struct ml_websocket *w)
{
    if (w->frames != NULL) {
        w->wslay->wslay_frame_context_free_(w->frames);
        w->frames = NULL;
    }
}

static int frames_open(struct ml_websocket *w)
{
    static const struct wslay_frame_callbacks callbacks = {
        take_bytes, give_bytes, give_key};
    if (w->frames == NULL &&
        w->wslay->wslay_frame_context_init_(&w->frames, &callbacks, w) != 0) {
        w->frames = NULL;
        return -ENOMEM;
    }
    return 0;
}

void ml_websocket_term(struct ml_websocket *w)
{
    frames_close(w);
    ml_buffer_term(&w->message, w->alloc);
    w->over = true;
    w->left = 0;
}

void ml_websocket_rest(struct ml_websocket *w)
{
    if (w->unparsed == 0) {
        frames_close(w);
    }
    ml_buffer_trim(&w->message, w->alloc, 0);
}

/* ---- reading ----------------------------------------------------------------- */

/* Results of looking at the next piece, beside -errno. */
enum {
    HUNGRY = 0, /* there is none */
    FOUND = 1,  /* it made an event */
    MORE = 2    /* it did not */
};

/* The peer broke a rule. */
static int fault(struct ml_websocket *w, struct ml_websocket_event *event,
                 unsigned code, const char *text)
{
    w->over = true;
    *event = (struct ml_websocket_event){.fault = text, .code = code};
    return FOUND;
}

static int found(struct ml_websocket_event *event, enum ml_websocket_kind kind,
                 const void *bytes, size_t length)
{
    *event = (struct ml_websocket_event){
        .kind = kind, .bytes = bytes, .length = length};
    return FOUND;
}

/* Section 7.4: what may be the code of a Close. Those between 1000 and 2999 are
 * given out by the IANA, and 1004 to 1006 are never sent. */
static bool code_valid(unsigned code)
{
    return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) ||
           (code >= 3000 && code <= 4999);
}

static int found_close(struct ml_websocket *w, struct ml_websocket_event *event,
                       const uint8_t *bytes, size_t n)
{
    struct ml_utf8 utf8 = {0};
    unsigned code = ML_WEBSOCKET_NO_STATUS;
    size_t skip = n < 2 ? n : 2;
    if (n >= 2) {
        code = (unsigned)bytes[0] << 8 | bytes[1];
    }
    if (n == 1 || (n >= 2 && !code_valid(code))) {
        return fault(w, event, ML_WEBSOCKET_PROTOCOL,
                     "a Close has no valid code");
    }
    if (!ml_utf8_check(&utf8, bytes + skip, n - skip) ||
        !ml_utf8_complete(&utf8)) {
        return fault(w, event, ML_WEBSOCKET_BAD_TEXT,
                     "the reason of a Close is not UTF-8");
    }
    w->over = true;
    (void)found(event, ML_WEBSOCKET_CLOSE, bytes + skip, n - skip);
    event->code = code;
    return FOUND;
}

/* A piece of a control frame; wslay has seen to it that none is longer than it
 * may be, or has fragments. */
static int take_control(struct ml_websocket *w,
                        const struct wslay_frame_iocb *piece,
                        struct ml_websocket_event *event)
{
    size_t length = (size_t)w->got;
    memcpy(w->control + length - piece->data_length, piece->data,
           piece->data_length);
    if (w->inside) {
        return MORE;
    }
    return piece->opcode == ML_WEBSOCKET_CLOSE
               ? found_close(w, event, w->control, length)
               : found(event, (enum ml_websocket_kind)piece->opcode, w->control,
                       length);
}

/* The message has ended, and is these bytes. */
static int found_message(struct ml_websocket *w,
                         struct ml_websocket_event *event, const void *bytes,
                         size_t length)
{
    enum ml_websocket_kind kind = w->kind;
    w->kind = ML_WEBSOCKET_CONTINUATION;
    w->told = true;
    if (kind == ML_WEBSOCKET_TEXT && !ml_utf8_complete(&w->utf8)) {
        return fault(w, event, ML_WEBSOCKET_BAD_TEXT, "a text is not UTF-8");
    }
    (void)found(event, kind, bytes, length);
    event->packed = w->packed;
    return FOUND;
}

/* A piece of a text or of binary data. One that is a whole message goes on as
 * it is, without a copy. */
static int take_data(struct ml_websocket *w,
                     const struct wslay_frame_iocb *piece,
                     struct ml_websocket_event *event)
{
    bool last = !w->inside && piece->fin != 0;
    if (w->kind == ML_WEBSOCKET_TEXT && !w->packed &&
        !ml_utf8_check(&w->utf8, piece->data, piece->data_length)) {
        return fault(w, event, ML_WEBSOCKET_BAD_TEXT, "a text is not UTF-8");
    }
    if (last && ml_buffer_length(&w->message) == 0) {
        return found_message(w, event, piece->data, piece->data_length);
    }
    int err = ml_buffer_append(&w->message, w->alloc, piece->data,
                               piece->data_length);
    if (err != 0) {
        w->over = true;
        return -ENOMEM;
    }
    return last ? found_message(w, event, ml_buffer_bytes(&w->message),
                                ml_buffer_length(&w->message))
                : MORE;
}

/* RSV1 is on the first frame of a packed message, and nowhere else: RFC 7692,
 * section 6. */
static bool bits_valid(const struct ml_websocket *w,
                       const struct wslay_frame_iocb *head)
{
    return head->rsv == WSLAY_RSV_NONE ||
           (head->rsv == WSLAY_RSV1_BIT && w->packing &&
            (head->opcode == ML_WEBSOCKET_TEXT ||
             head->opcode == ML_WEBSOCKET_BINARY));
}

/* What is wrong about the head of a frame, or NULL. */
static const char *head_fault(const struct ml_websocket *w,
                              const struct wslay_frame_iocb *head)
{
    if (!bits_valid(w, head)) {
        return "a frame has bits set that are reserved";
    }
    if ((head->mask != 0) == w->client) {
        return w->client ? "a frame of the server is masked"
                         : "a frame of the client is not masked";
    }
    switch (head->opcode) {
    case ML_WEBSOCKET_CONTINUATION:
        return w->kind != ML_WEBSOCKET_CONTINUATION
                   ? NULL
                   : "a frame continues no message";
    case ML_WEBSOCKET_TEXT:
    case ML_WEBSOCKET_BINARY:
        return w->kind == ML_WEBSOCKET_CONTINUATION
                   ? NULL
                   : "a message begins inside another one";
    case ML_WEBSOCKET_CLOSE:
    case ML_WEBSOCKET_PING:
    case ML_WEBSOCKET_PONG:
        return NULL;
    default:
        return "a frame has an opcode that is reserved";
    }
}

/* What a packed message may have on the way, so that no message is too big for
 * the only reason that it does not pack well. Its own size is looked at while it
 * is unpacked. */
static size_t packed_max(size_t max)
{
    size_t more = max / 8 + 64;
    return max < SIZE_MAX - more ? max + more : max;
}

static bool too_big(const struct ml_websocket *w,
                    const struct wslay_frame_iocb *head)
{
    bool packed = head->rsv != 0 ||
                  (head->opcode == ML_WEBSOCKET_CONTINUATION && w->packed);
    size_t maxframe = packed ? packed_max(w->maxframe) : w->maxframe;
    size_t maxmessage = packed ? packed_max(w->maxmessage) : w->maxmessage;
    return !wslay_is_ctrl_frame(head->opcode) &&
           (head->payload_length > maxframe ||
            head->payload_length > maxmessage - ml_buffer_length(&w->message));
}

/* The head of a frame was read. MORE: it may go on. */
static int begin_frame(struct ml_websocket *w,
                       const struct wslay_frame_iocb *head,
                       struct ml_websocket_event *event)
{
    const char *wrong = head_fault(w, head);
    if (wrong != NULL) {
        return fault(w, event, ML_WEBSOCKET_PROTOCOL, wrong);
    }
    if (too_big(w, head)) {
        return fault(w, event, ML_WEBSOCKET_TOO_BIG,
                     "a message is longer than the limit");
    }
    w->inside = true;
    w->got = 0;
    if (head->opcode == ML_WEBSOCKET_TEXT ||
        head->opcode == ML_WEBSOCKET_BINARY) {
        w->kind = (enum ml_websocket_kind)head->opcode;
        w->packed = head->rsv != 0;
        w->utf8 = (struct ml_utf8){0};
    }
    return MORE;
}

static void end_frame(struct ml_websocket *w,
                      const struct wslay_frame_iocb *frame)
{
    size_t head = frame->payload_length > UINT16_MAX ? 10
                  : frame->payload_length > 125      ? 4
                                                     : 2;
    w->inside = false;
    w->unparsed -= head + (frame->mask != 0 ? 4U : 0U) + frame->payload_length;
}

static int read_piece(struct ml_websocket *w, struct ml_websocket_event *event)
{
    struct wslay_frame_iocb piece;
    memset(&piece, 0, sizeof piece);
    ssize_t n = w->wslay->wslay_frame_recv_(w->frames, &piece);
    if (n == WSLAY_ERR_WANT_READ) {
        return HUNGRY;
    }
    if (n < 0) {
        return fault(w, event, ML_WEBSOCKET_PROTOCOL,
                     "the head of a frame is malformed");
    }
    int begun = w->inside ? MORE : begin_frame(w, &piece, event);
    if (begun != MORE) {
        return begun;
    }
    w->got += (uint64_t)n;
    if (w->got == piece.payload_length) {
        end_frame(w, &piece);
    }
    return wslay_is_ctrl_frame(piece.opcode) ? take_control(w, &piece, event)
                                             : take_data(w, &piece, event);
}

void ml_websocket_feed(struct ml_websocket *w, const char *bytes, size_t n)
{
    w->in = bytes;
    w->left = n;
}

void ml_websocket_stop(struct ml_websocket *w)
{
    w->over = true;
}

int ml_websocket_next(struct ml_websocket *w, struct ml_websocket_event *event)
{
    if (w->told) {
        ml_buffer_consume(&w->message, ml_buffer_length(&w->message));
        w->told = false;
    }
    if (w->over) {
        w->left = 0;
        return 0;
    }
    int result = frames_open(w);
    if (result == 0) {
        do {
            result = read_piece(w, event);
        } while (result == MORE);
    }
    return result;
}

/* ---- writing ----------------------------------------------------------------- */

static int keys_ready(struct ml_websocket *w)
{
    if (!w->client || w->keys_left > 0) {
        return 0;
    }
    int err = ml_random_bytes(w->keys, sizeof w->keys);
    if (err == 0) {
        w->keys_left = ML_WEBSOCKET_KEYS;
    }
    return err;
}

ptrdiff_t ml_websocket_write(struct ml_websocket *w,
                             const struct ml_websocket_frame *frame, char *out)
{
    struct wslay_frame_iocb iocb = {.fin = frame->last,
                                    .rsv = frame->packed ? WSLAY_RSV1_BIT
                                                         : WSLAY_RSV_NONE,
                                    .opcode = (uint8_t)frame->kind,
                                    .payload_length = frame->length,
                                    .mask = w->client,
                                    .data = (const uint8_t *)frame->bytes,
                                    .data_length = frame->length};
    int err = keys_ready(w);
    err = err == 0 ? frames_open(w) : err;
    if (err != 0) {
        return err;
    }
    w->out = out;
    (void)w->wslay->wslay_frame_send_(w->frames, &iocb); /* takes all of it */
    return w->out - out;
}
