#include "proto/http_chunks.h"

#include "proto/http_byte.h"

#include <string.h>

enum {
    SIZE_LINE = 256,      /* bytes of a line with a size, with its end */
    EXTRA_MAX = 16 * 1024 /* bytes of all extensions of a body */
};

enum state {
    AT_SIZE,
    AT_DATA,
    AT_DATA_END,
    AT_TRAILER,
    AT_END
};

void ml_http_chunks_init(struct ml_http_chunks *chunks)
{
    memset(chunks, 0, sizeof *chunks);
}

/* ---- lines ---------------------------------------------------------------- */

/* The length of the line, which *take is with its end; -1 if it is not whole
 * (*take is 0 then); or -ML_HTTP_BARE, which is below that. */
static long line_length(struct ml_http_chunks *chunks, const char *bytes,
                        size_t n, size_t *take)
{
    const char *end = n > chunks->scanned ? memchr(bytes + chunks->scanned,
                                                   '\n', n - chunks->scanned)
                                          : NULL;
    *take = 0;
    if (end == NULL) {
        const char *cr = memchr(bytes, '\r', n);
        chunks->scanned = (uint32_t)n;
        return cr != NULL && cr + 1 < bytes + n ? -ML_HTTP_BARE : -1;
    }
    chunks->scanned = 0;
    if (end == bytes || end[-1] != '\r') {
        return -ML_HTTP_BARE;
    }
    *take = (size_t)(end + 1 - bytes);
    return end - bytes - 1;
}

/* ---- sizes ---------------------------------------------------------------- */

static unsigned hex_digit(char c)
{
    return c <= '9' ? (unsigned)(c - '0') : ((unsigned)c & 0x0fU) + 9;
}

/* The size at the start of a line; how many digits it has, or 0. */
static size_t size_read(const char *line, size_t n, uint64_t *size)
{
    size_t digits = ml_http_span(line, n, ML_HTTP_HEX);
    *size = 0;
    for (size_t i = 0; i < digits; i++) {
        if (*size > (uint64_t)INT64_MAX >> 4) {
            return 0;
        }
        *size = *size << 4 | hex_digit(line[i]);
    }
    return digits;
}

/* How long the value of an extension is: a token, or text in quotes; 0 if it is
 * neither. */
static size_t value_length(const char *text, size_t n)
{
    if (n == 0 || text[0] != '"') {
        return ml_http_span(text, n, ML_HTTP_TOKEN);
    }
    for (size_t i = 1; i < n; i++) {
        if (text[i] == '"') {
            return i + 1;
        }
        i += text[i] == '\\' ? 1 : 0;
    }
    return 0;
}

/* How long an extension is, ";" name [ "=" value ], without the blanks that are
 * bad there; 0 if it is none. */
static size_t extension_length(const char *text, size_t n)
{
    size_t name = ml_http_span(text + 1, n - 1, ML_HTTP_TOKEN);
    if (text[0] != ';' || name == 0) {
        return 0;
    }
    size_t at = 1 + name;
    if (at == n || text[at] != '=') {
        return at;
    }
    size_t value = value_length(text + at + 1, n - at - 1);
    return value > 0 ? at + 1 + value : 0;
}

static bool extensions_valid(const char *text, size_t n)
{
    bool valid = ml_http_is_value(text, n);
    while (valid && n > 0) {
        size_t length = extension_length(text, n);
        valid = length > 0;
        text += length;
        n -= length;
    }
    return valid;
}

static int size_line(struct ml_http_chunks *chunks, const char *line, size_t n)
{
    uint64_t size = 0;
    size_t digits = size_read(line, n, &size);
    if (digits == 0 || !extensions_valid(line + digits, n - digits)) {
        return -ML_HTTP_BAD_CHUNK;
    }
    chunks->extra += (uint32_t)(n - digits);
    if (chunks->extra > EXTRA_MAX) {
        return -ML_HTTP_CHUNK_LONG;
    }
    chunks->left = size;
    chunks->state = size > 0 ? AT_DATA : AT_TRAILER;
    chunks->extra = size > 0 ? chunks->extra : 0; /* of trailers from here on */
    return 0;
}

static int read_size(struct ml_http_chunks *chunks, const char *bytes, size_t n,
                     struct ml_http_piece *piece)
{
    long length = line_length(chunks, bytes, n, &piece->take);
    if (length < -1) {
        return -ML_HTTP_BAD_CHUNK; /* its end is no line's */
    }
    if ((length < 0 ? n : piece->take) > SIZE_LINE) {
        return -ML_HTTP_CHUNK_LONG;
    }
    if (length < 0) {
        return n > 0 && !ml_http_is(bytes[0], ML_HTTP_HEX) ? -ML_HTTP_BAD_CHUNK
                                                           : 0;
    }
    piece->kind = ML_HTTP_SKIP;
    return size_line(chunks, bytes, (size_t)length);
}

/* ---- data ----------------------------------------------------------------- */

static void read_data(struct ml_http_chunks *chunks, const char *bytes,
                      size_t n, struct ml_http_piece *piece)
{
    if (n == 0) {
        return;
    }
    piece->take = n < chunks->left ? n : (size_t)chunks->left;
    piece->kind = ML_HTTP_DATA;
    piece->data = bytes;
    chunks->left -= piece->take;
    chunks->state = chunks->left > 0 ? AT_DATA : AT_DATA_END;
}

static int read_data_end(struct ml_http_chunks *chunks, const char *bytes,
                         size_t n, struct ml_http_piece *piece)
{
    if ((n > 0 && bytes[0] != '\r') || (n > 1 && bytes[1] != '\n')) {
        return -ML_HTTP_BAD_CHUNK;
    }
    if (n > 1) {
        piece->kind = ML_HTTP_SKIP;
        piece->take = 2;
        chunks->state = AT_SIZE;
    }
    return 0;
}

/* ---- trailers ------------------------------------------------------------- */

/* Fields that say where the message ends, or whom it is for, come too late. */
static bool is_misplaced(const struct ml_http_field *field)
{
    static const char *const names[] = {"content-length", "transfer-encoding",
                                        "host", "trailer"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (ml_http_same(field->name, field->name_length, names[i])) {
            return true;
        }
    }
    return false;
}

static int trailer_line(struct ml_http_chunks *chunks, const char *line,
                        size_t n, const struct ml_http_limits *limits,
                        struct ml_http_piece *piece)
{
    if (++chunks->fields > limits->fields) {
        return -ML_HTTP_FIELDS_MANY;
    }
    int err = ml_http_field_read(line, n, &piece->field);
    if (err != 0) {
        return err;
    }
    piece->kind = ML_HTTP_TRAILER;
    return is_misplaced(&piece->field) ? -ML_HTTP_BAD_TRAILER : 0;
}

static int read_trailer(struct ml_http_chunks *chunks, const char *bytes,
                        size_t n, const struct ml_http_limits *limits,
                        struct ml_http_piece *piece)
{
    long length = line_length(chunks, bytes, n, &piece->take);
    if (length < -1) {
        return (int)length;
    }
    /* Lines count with their ends: so one that is not whole yet is never longer
     * than it will be. */
    if (chunks->extra + (length < 0 ? n : piece->take) > limits->head) {
        return -ML_HTTP_HEAD_LONG;
    }
    if (length < 0) {
        return 0;
    }
    chunks->extra += (uint32_t)piece->take;
    if (length == 0) {
        chunks->state = AT_END;
        piece->kind = ML_HTTP_END;
        return 0;
    }
    return trailer_line(chunks, bytes, (size_t)length, limits, piece);
}

int ml_http_chunks_next(struct ml_http_chunks *chunks, const char *bytes,
                        size_t n, const struct ml_http_limits *limits,
                        struct ml_http_piece *piece)
{
    memset(piece, 0, sizeof *piece);
    switch ((enum state)chunks->state) {
    case AT_SIZE:
        return read_size(chunks, bytes, n, piece);
    case AT_DATA:
        read_data(chunks, bytes, n, piece);
        return 0;
    case AT_DATA_END:
        return read_data_end(chunks, bytes, n, piece);
    case AT_TRAILER:
        return read_trailer(chunks, bytes, n, limits, piece);
    case AT_END:
    default:
        piece->kind = ML_HTTP_END;
        return 0;
    }
}
