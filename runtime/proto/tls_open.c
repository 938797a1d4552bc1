/* tls_open.c - the beginning of a connection, before a byte is sent. */
#include "proto/tls.h"

#include "base/errno.h"
#include "proto/tls_fault.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

static int verify_mode(const struct ml_tls *t, enum ml_tls_verify verify)
{
    if (!t->server) {
        return verify == ML_TLS_VERIFY_NONE ? SSL_VERIFY_NONE : SSL_VERIFY_PEER;
    }
    switch (verify) {
    case ML_TLS_VERIFY_OPTIONAL:
        return SSL_VERIFY_PEER;
    case ML_TLS_VERIFY_REQUIRED:
        return SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
    case ML_TLS_VERIFY_DEFAULT:
    case ML_TLS_VERIFY_NONE:
    default:
        return SSL_VERIFY_NONE;
    }
}

/* Whom the certificate must name, and who is asked for: an address in numbers
 * is looked for in it, but cannot be asked for (RFC 6066, section 3). */
static int open_name(struct ml_tls *t, const char *name)
{
    const struct ml_tls_library *lib = t->context->library;
    X509_VERIFY_PARAM *param = lib->SSL_get0_param_(t->ssl);
    if (lib->X509_VERIFY_PARAM_set1_ip_asc_(param, name) == 1) {
        return 0;
    }
    lib->X509_VERIFY_PARAM_set_hostflags_(param,
                                          X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    if (lib->X509_VERIFY_PARAM_set1_host_(param, name, 0) == 1 &&
        lib->SSL_ctrl_(t->ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME,
                       TLSEXT_NAMETYPE_host_name,
                       (void *)(uintptr_t)name) == 1) {
        return 0;
    }
    if (ml_tls_fault_memory(lib)) {
        return -ENOMEM;
    }
    (void)snprintf(t->reason, sizeof t->reason, "the name is no host name");
    return -ML_ETLS_CONTEXT;
}

static int open_alpn(struct ml_tls *t, const struct ml_tls_use *use)
{
    const unsigned char *names = use->alpn;
    size_t length = use->alpn_length;
    if (names == NULL) {
        names = t->context->alpn;
        length = t->context->alpn_length;
    }
    /* It is the one function that answers 0 when all is well. */
    return names == NULL || t->context->library->SSL_set_alpn_protos_(
                                t->ssl, names, (unsigned)length) == 0
               ? 0
               : -ENOMEM;
}

/* A session under these words has been checked as they say. */
static void open_session(struct ml_tls *t, const struct ml_tls_use *use)
{
    struct ml_tls_context *c = t->context;
    int length =
        snprintf(t->key, sizeof t->key, "%s %s %d",
                 t->verified ? "verified" : "any", use->name, use->port);
    assert((size_t)length < sizeof t->key && "OpenSSL took the name");
    (void)length; /* with assertions off */
    SSL_SESSION *session =
        ml_tls_session_find(&c->sessions, c->library, t->key);
    if (session != NULL) {
        (void)c->library->SSL_set_session_(t->ssl, session); /* or anew */
    }
}

static int open_client(struct ml_tls *t, const struct ml_tls_use *use)
{
    const struct ml_tls_library *lib = t->context->library;
    int err = t->verified ? ml_tls_context_root(t->context) : 0;
    if (err == 0 && use->name != NULL) {
        err = open_name(t, use->name);
    }
    if (err == 0) {
        err = open_alpn(t, use);
    }
    if (err == 0 && use->name != NULL) {
        open_session(t, use);
    }
    lib->SSL_set_connect_state_(t->ssl);
    return err;
}

/* Sessions of one context are none of another's. Nor does one that was begun
 * with less asked of the client pass where more is: to resume it shows no
 * certificate, and none is asked for. */
static void open_mark(struct ml_tls *t, int mode)
{
    unsigned char mark[ML_TLS_MARK_SIZE + 1];
    memcpy(mark, t->context->mark, ML_TLS_MARK_SIZE);
    mark[ML_TLS_MARK_SIZE] = (unsigned char)mode;
    int marked = t->context->library->SSL_set_session_id_context_(
        t->ssl, mark, (unsigned)sizeof mark);
    assert(marked == 1 && "it is no longer than OpenSSL allows");
    (void)marked; /* with assertions off */
}

static int open_ssl(struct ml_tls *t)
{
    const struct ml_tls_library *lib = t->context->library;
    BIO *bio = ml_tls_bio_new(t->context->method, lib);
    t->ssl = lib->SSL_new_(t->context->ssl);
    if (bio == NULL || t->ssl == NULL) {
        (void)lib->BIO_free_(bio);
        return -ENOMEM;
    }
    lib->SSL_set_bio_(t->ssl, bio, bio);
    lib->SSL_set_read_ahead_(t->ssl, 1);
    return 0;
}

int ml_tls_open(struct ml_tls *t, struct ml_tls_context *context, int fd,
                bool socket, const struct ml_tls_use *use)
{
    const struct ml_tls_library *lib = context->library;
    enum ml_tls_verify verify =
        use->verify != ML_TLS_VERIFY_DEFAULT ? use->verify : context->verify;
    memset(t, 0, sizeof *t);
    t->context = ml_tls_context_ref(context);
    t->wire.library = lib;
    t->wire.alloc = &context->alloc;
    t->wire.fd = fd;
    t->wire.socket = socket;
    t->server = use->server;
    lib->ERR_clear_error_();
    int err = open_ssl(t);
    if (err != 0) {
        return err;
    }
    int mode = verify_mode(t, verify);
    t->verified = mode != SSL_VERIFY_NONE;
    lib->SSL_set_verify_(t->ssl, mode, NULL);
    if (!t->server) {
        return open_client(t, use);
    }
    open_mark(t, mode);
    lib->SSL_set_accept_state_(t->ssl);
    return 0;
}

int ml_tls_feed(struct ml_tls *t, const char *bytes, size_t n)
{
    return ml_buffer_append(&t->wire.in, t->wire.alloc, bytes, n);
}
