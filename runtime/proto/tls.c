#include "proto/tls.h"

#include "proto/tls_fault.h"

#include "base/errno.h"
#include "net/io.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum {
    AGAIN = 1,              /* nothing came of it, but there is more to read */
    RECORD = 16 * 1024,     /* bytes that a record holds at most */
    WRITE_MAX = 64 * 1024,  /* taken at a time, so that others get to run */
    UNSENT_MAX = 64 * 1024, /* answers that wait while the peer reads none */
    DRAIN = 4 * 1024
};

/* ---- around each call of OpenSSL ---------------------------------------- */

static const struct ml_tls_library *ssl_enter(struct ml_tls *t)
{
    const struct ml_tls_library *lib = t->context->library;
    lib->ERR_clear_error_(); /* what others left there is not ours */
    ml_tls_bio_enter(&t->wire);
    t->wire.dry = false;
    return lib;
}

/* What became of a call that did not succeed: ML_TLS_READ, AGAIN, -errno, or 0
 * when the peer has announced its end. */
static int ssl_outcome(struct ml_tls *t, int result)
{
    switch (t->context->library->SSL_get_error_(t->ssl, result)) {
    case SSL_ERROR_WANT_READ:
        return t->wire.dry ? ML_TLS_READ : AGAIN;
    case SSL_ERROR_ZERO_RETURN:
        t->ended = true;
        return 0;
    case SSL_ERROR_SYSCALL:
        return ml_tls_fault_wire(t);
    default:
        return ml_tls_fault_protocol(t);
    }
}

int ml_tls_flush(struct ml_tls *t)
{
    int err = ml_tls_bio_flush(&t->wire);
    return err == -EAGAIN ? ML_TLS_WRITE : err;
}

/* ---- the handshake ------------------------------------------------------ */

static int handshake_step(struct ml_tls *t)
{
    const struct ml_tls_library *lib = ssl_enter(t);
    int result = lib->SSL_do_handshake_(t->ssl);
    ml_tls_bio_leave();
    if (result == 1) {
        t->shaken = true;
        return 0;
    }
    int why = ssl_outcome(t, result);
    return why != 0 ? why : ml_tls_fault_early(t);
}

/* What it sends is gathered: a server's tickets, for one, are two messages. */
static int handshake_make(struct ml_tls *t)
{
    int why = t->shaken ? 0 : AGAIN;
    t->wire.idle = 0;
    t->wire.gathers = true;
    while (why == AGAIN) {
        why = handshake_step(t);
    }
    t->wire.gathers = false;
    return why;
}

/* Keeps the session when there is one to be resumed. In TLS 1.3 the server
 * sends it after the handshake. */
static void keep_session(struct ml_tls *t)
{
    struct ml_tls_context *c = t->context;
    if (t->kept || t->server || t->key[0] == '\0') {
        return;
    }
    const SSL_SESSION *now = c->library->SSL_get_session_(t->ssl);
    if (now == NULL || c->library->SSL_SESSION_is_resumable_(now) == 0) {
        return;
    }
    SSL_SESSION *session = c->library->SSL_get1_session_(t->ssl);
    t->kept = ml_tls_session_keep(&c->sessions, &c->alloc, c->library, t->key,
                                  session);
    if (!t->kept) {
        c->library->SSL_SESSION_free_(session);
    }
}

/* A peer that has gone may have said why: so what it has sent is read, though
 * nothing can be written any more. One that cannot be reached, or whom there is
 * no memory to write to, may be waiting for what was not sent: not even to wait
 * for more is of use then. 0, or -errno. */
static int unreachable(const struct ml_tls *t)
{
    int err = t->wire.write_error;
    bool gone = err == EPIPE || err == ECONNRESET || err == ECONNABORTED;
    return gone ? 0 : -err;
}

int ml_tls_handshake(struct ml_tls *t)
{
    if (t->error != 0) {
        return -t->error;
    }
    if (t->done) {
        return 0;
    }
    int why = handshake_make(t);
    int unsent = ml_tls_flush(t);
    if (why == 0 || why == ML_TLS_READ) {
        if (unsent == ML_TLS_WRITE) {
            return ML_TLS_WRITE;
        }
        why = unreachable(t) != 0 ? unreachable(t) : why;
    }
    t->done = why == 0;
    if (t->done) {
        keep_session(t);
    }
    return why;
}

/* ---- reading ------------------------------------------------------------ */

typedef int read_fn(SSL *ssl, void *buf, size_t n, size_t *got);

/* Reads, or looks, until there are data: 1; or as ssl_outcome. */
static int read_record(struct ml_tls *t, read_fn *read, void *buf, size_t n,
                       size_t *got)
{
    int why = AGAIN;
    while (why == AGAIN) {
        (void)ssl_enter(t);
        int result = read(t->ssl, buf, n, got);
        ml_tls_bio_leave();
        if (result == 1) {
            t->wire.idle = 0;
            return 1;
        }
        why = ssl_outcome(t, result);
    }
    *got = 0;
    return why;
}

/* A failure of the descriptor's, which it will not tell again, though nobody has
 * been told yet. */
static void note_failure(struct ml_tls *t, int why)
{
    bool fails = why < 0 && why != ML_TLS_READ && why != ML_TLS_WRITE;
    if (fails && t->error == 0 && !t->cut) {
        t->seen = -why;
    }
}

/* As many records as fit and are there already. The bytes; or if there are
 * none, as ssl_outcome. */
static ssize_t read_records(struct ml_tls *t, char *buf, size_t n)
{
    const struct ml_tls_library *lib = t->context->library;
    size_t total = 0;
    int why = 1;
    while (why == 1 && total < n) {
        size_t got = 0;
        why = read_record(t, lib->SSL_read_ex_, buf + total, n - total, &got);
        total += got;
        if (lib->SSL_has_pending_(t->ssl) == 0) {
            break;
        }
    }
    if (total == 0) {
        return why;
    }
    note_failure(t, why);
    return (ssize_t)total;
}

/* Whether what is held is a whole record, or the beginning of one, or no data,
 * only a look can tell; what it finds is told again by the next read. */
static void look_ahead(struct ml_tls *t)
{
    char byte = 0;
    size_t got = 0;
    t->wire.idle = 0;
    note_failure(
        t, read_record(t, t->context->library->SSL_peek_ex_, &byte, 1, &got));
}

/* What is read makes us answer. A peer that takes none of the answers is not
 * read from; else they might wait for our next write, which is too late. */
static int send_answers(struct ml_tls *t)
{
    if (ml_buffer_length(&t->wire.out) == 0) {
        return 0;
    }
    int why = ml_tls_flush(t);
    bool many = ml_buffer_length(&t->wire.out) > UNSENT_MAX;
    return why == ML_TLS_WRITE && many ? why : 0;
}

/* 0, or -errno: what a look has found. */
static int take_failure(struct ml_tls *t)
{
    int seen = t->seen;
    t->seen = 0;
    return -seen;
}

ssize_t ml_tls_read(struct ml_tls *t, char *buf, size_t n)
{
    const struct ml_tls_library *lib = t->context->library;
    int why = take_failure(t);
    if (why == 0) {
        why = ml_tls_handshake(t);
    }
    if (why == 0) {
        why = send_answers(t);
    }
    if (why != 0) {
        return why;
    }
    if (t->deaf || t->ended) {
        return 0;
    }
    t->wire.idle = 0;
    ssize_t total = read_records(t, buf, n);
    if (total == (ssize_t)n && lib->SSL_pending_(t->ssl) == 0 &&
        lib->SSL_has_pending_(t->ssl) != 0) {
        look_ahead(t);
    }
    keep_session(t);
    return total == ML_TLS_READ && unreachable(t) != 0 ? unreachable(t) : total;
}

bool ml_tls_pending(const struct ml_tls *t)
{
    return t->error != 0 || t->seen != 0 || t->ended || t->cut || t->deaf ||
           (t->done && t->context->library->SSL_pending_(t->ssl) > 0);
}

int ml_tls_look(struct ml_tls *t)
{
    int why = ml_tls_handshake(t);
    note_failure(t, why);
    if (why == 0 && !ml_tls_pending(t)) {
        look_ahead(t);
    }
    if (ml_tls_pending(t)) {
        return 1;
    }
    return why == ML_TLS_WRITE ? why : 0;
}

/* ---- writing ------------------------------------------------------------ */

/* What goes into the next record: the rest of the pieces behind `skip` bytes,
 * small ones put together in `room`. */
static struct iovec next_record(const struct iovec *pieces, size_t n,
                                size_t skip, char room[RECORD])
{
    size_t i = 0;
    for (; i < n && skip >= pieces[i].iov_len; i++) {
        skip -= pieces[i].iov_len;
    }
    struct iovec record = {room, 0};
    for (; i < n && record.iov_len < RECORD; i++, skip = 0) {
        char *from = (char *)pieces[i].iov_base + skip;
        size_t left = pieces[i].iov_len - skip;
        if (record.iov_len == 0 && (left >= RECORD || i + 1 == n)) {
            return (struct iovec){from, left < RECORD ? left : RECORD};
        }
        size_t fits = RECORD - record.iov_len;
        fits = left < fits ? left : fits;
        memcpy(room + record.iov_len, from, fits);
        record.iov_len += fits;
    }
    return record;
}

/* 0, or -errno. */
static int write_record(struct ml_tls *t, const struct iovec *record)
{
    size_t put = 0;
    const struct ml_tls_library *lib = ssl_enter(t);
    int result =
        lib->SSL_write_ex_(t->ssl, record->iov_base, record->iov_len, &put);
    ml_tls_bio_leave();
    if (result == 1) {
        return -t->wire.write_error;
    }
    int why = ssl_outcome(t, result);
    return why < 0 && why != ML_TLS_READ ? why : -EIO;
}

ssize_t ml_tls_write(struct ml_tls *t, const struct iovec *pieces, size_t n)
{
    char room[RECORD];
    size_t total = 0;
    int why = ml_tls_handshake(t);
    if (why == 0) {
        why = t->said ? -EPIPE : ml_tls_flush(t);
    }
    while (why == 0 && total < WRITE_MAX &&
           ml_buffer_length(&t->wire.out) == 0) {
        struct iovec record = next_record(pieces, n, total, room);
        if (record.iov_len == 0) {
            break;
        }
        why = write_record(t, &record);
        total += why == 0 ? record.iov_len : 0;
    }
    return total > 0 ? (ssize_t)total : why;
}

/* ---- the end ------------------------------------------------------------ */

/* After a fault of the protocol nothing may be said any more; OpenSSL has sent
 * the alert. */
static void say_end(struct ml_tls *t)
{
    if (t->shaken && !t->said && t->error == 0) {
        const struct ml_tls_library *lib = ssl_enter(t);
        (void)lib->SSL_shutdown_(t->ssl); /* the answer is read, if at all */
        ml_tls_bio_leave();
        t->said = true;
    }
}

int ml_tls_finish(struct ml_tls *t)
{
    int why = ml_tls_handshake(t);
    if (why == 0 && !t->said) {
        why = ml_tls_flush(t);
        if (why == 0) {
            say_end(t);
        }
    }
    return why != 0 ? why : ml_tls_flush(t);
}

/* A socket that is closed with bytes unread resets the connection, and what we
 * wrote last may be lost with it. Tickets for resumption that nobody read for
 * want of data are such bytes. */
static void drain(const struct ml_tls *t)
{
    char bytes[DRAIN];
    if (t->wire.socket && !t->wire.hung && t->wire.read_error == 0) {
        (void)ml_io_read(t->wire.fd, bytes, sizeof bytes);
    }
}

void ml_tls_close(struct ml_tls *t)
{
    const struct ml_tls_library *lib = t->context->library;
    if (t->ssl != NULL) {
        say_end(t);
        (void)ml_tls_bio_flush(&t->wire); /* what cannot be sent now is lost */
        drain(t);
        lib->SSL_free_(t->ssl);
    }
    ml_buffer_term(&t->wire.in, t->wire.alloc);
    ml_buffer_term(&t->wire.out, t->wire.alloc);
    ml_tls_context_unref(t->context);
}
