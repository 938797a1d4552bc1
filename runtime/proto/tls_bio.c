#include "proto/tls_bio.h"

#include "net/io.h"

#include <errno.h>
#include <string.h>

enum {
    /* What may be read and have no data in it. A peer that sends more of that
     * kind keeps us busy for nothing; the largest handshake is smaller. */
    IDLE_MAX = 256 * 1024
};

/* The wire of the call in progress. OpenSSL keeps a pointer for each BIO, and
 * tells it by a function; but functions of OpenSSL are known through the wire
 * alone. So this is an argument that takes another way, no state: it is NULL
 * outside of calls, and each thread has its own. */
static _Thread_local struct ml_tls_wire *current;

void ml_tls_bio_enter(struct ml_tls_wire *wire)
{
    current = wire;
}

void ml_tls_bio_leave(void)
{
    current = NULL;
}

/* ---- reading ------------------------------------------------------------ */

static ssize_t wire_read(struct ml_tls_wire *w, char *buf, size_t n)
{
    size_t held = ml_buffer_length(&w->in);
    if (held == 0) {
        return ml_io_read(w->fd, buf, n);
    }
    n = n < held ? n : held;
    memcpy(buf, ml_buffer_bytes(&w->in), n);
    ml_buffer_consume(&w->in, n);
    ml_buffer_trim(&w->in, w->alloc, 0);
    return (ssize_t)n;
}

/* That OpenSSL is to ask again is a flag of the BIO. */
static int bio_read(BIO *bio, char *buf, int n)
{
    struct ml_tls_wire *w = current;
    w->library->BIO_clear_flags_(bio, BIO_FLAGS_RWS | BIO_FLAGS_SHOULD_RETRY);
    if (n <= 0 || w->idle > IDLE_MAX) {
        w->read_error = EPROTO;
        return -1;
    }
    ssize_t got = wire_read(w, buf, (size_t)n);
    w->dry = got == -EAGAIN;
    if (w->dry) {
        w->library->BIO_set_flags_(bio,
                                   BIO_FLAGS_READ | BIO_FLAGS_SHOULD_RETRY);
        return -1;
    }
    w->hung = got == 0;
    w->read_error = got < 0 ? (int)-got : 0;
    w->idle += got > 0 ? (size_t)got : 0;
    return got >= 0 ? (int)got : -1;
}

/* ---- writing ------------------------------------------------------------ */

/* How much the descriptor takes now; all, once it takes nothing any more. That
 * it takes a part does not mean that it is full, and nobody might come back: a
 * close tells the peer of the end now or never. */
static size_t wire_write(struct ml_tls_wire *w, const char *bytes, size_t n)
{
    size_t done = 0;
    while (done < n && w->write_error == 0) {
        ssize_t put = ml_io_write(w->fd, bytes + done, n - done, w->socket);
        if (put == 0 || put == -EAGAIN) {
            return done;
        }
        w->write_error = put < 0 ? (int)-put : 0;
        done += put > 0 ? (size_t)put : 0;
    }
    return n;
}

/* Always takes all, for what is read may still be of interest when nothing can
 * be written: it tells why. */
static int bio_write(BIO *bio, const char *bytes, int n)
{
    struct ml_tls_wire *w = current;
    size_t length = n > 0 ? (size_t)n : 0;
    bool waits = w->gathers || ml_buffer_length(&w->out) > 0;
    size_t put = waits ? 0 : wire_write(w, bytes, length);
    w->library->BIO_clear_flags_(bio, BIO_FLAGS_RWS | BIO_FLAGS_SHOULD_RETRY);
    if (put < length &&
        ml_buffer_append(&w->out, w->alloc, bytes + put, length - put) != 0) {
        w->write_error = ENOMEM;
    }
    return n;
}

int ml_tls_bio_flush(struct ml_tls_wire *w)
{
    size_t left = ml_buffer_length(&w->out);
    if (left > 0) {
        ml_buffer_consume(&w->out,
                          wire_write(w, ml_buffer_bytes(&w->out), left));
        ml_buffer_trim(&w->out, w->alloc, 0);
    }
    if (w->write_error != 0) {
        return -w->write_error;
    }
    return ml_buffer_length(&w->out) == 0 ? 0 : -EAGAIN;
}

/* ---- the BIO ------------------------------------------------------------ */

static long bio_ctrl(BIO *bio, int command, long number, void *pointer)
{
    (void)bio;
    (void)number;
    (void)pointer;
    return command == BIO_CTRL_FLUSH ? 1 : 0;
}

/* (BIO_get_new_index would use up one of 127 numbers each time.) */
BIO_METHOD *ml_tls_bio_method(const struct ml_tls_library *library)
{
    BIO_METHOD *method =
        library->BIO_meth_new_(BIO_TYPE_SOURCE_SINK, "miniloop");
    if (method != NULL) {
        (void)library->BIO_meth_set_read_(method, bio_read);
        (void)library->BIO_meth_set_write_(method, bio_write);
        (void)library->BIO_meth_set_ctrl_(method, bio_ctrl);
    }
    return method;
}

BIO *ml_tls_bio_new(BIO_METHOD *method, const struct ml_tls_library *library)
{
    BIO *bio = library->BIO_new_(method);
    if (bio != NULL) {
        library->BIO_set_init_(bio, 1);
    }
    return bio;
}
