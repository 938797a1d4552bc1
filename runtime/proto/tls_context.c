#include "proto/tls_context.h"

#include "base/errno.h"
#include "proto/tls_bio.h"
#include "proto/tls_fault.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Of TLS 1.2, what has forward secrecy and authenticated encryption; all of
 * TLS 1.3 is of that kind (RFC 9325, section 4.2). */
static const char *const CIPHERS =
    "ECDHE+AESGCM:ECDHE+CHACHA20:DHE+AESGCM:DHE+CHACHA20";

/* How keys are agreed on, the best first; the first list where OpenSSL knows
 * all of it. Not by Diffie and Hellman's own groups, which cost a server a
 * hundred times what they cost whoever only asks for them. */
static const char *const GROUPS[] = {"X25519MLKEM768:X25519:P-256:P-384:P-521",
                                     "X25519:P-256:P-384:P-521", NULL};

static int fail_because(struct ml_tls_context *c, const char *why)
{
    (void)snprintf(c->reason, sizeof c->reason, "%s", why);
    return -ML_ETLS_CONTEXT;
}

/* ---- what OpenSSL calls back for ---------------------------------------- */

/* The server's choice among what the client offers, RFC 7301, section 3.2. */
/* NOLINTNEXTLINE(readability-function-size): OpenSSL says what it takes */
static int choose_protocol(SSL *ssl, const unsigned char **out,
                           unsigned char *length, const unsigned char *offered,
                           unsigned offered_length, void *context)
{
    const struct ml_tls_context *c = context;
    unsigned char *chosen = NULL;
    (void)ssl;
    if (c->alpn == NULL) {
        return SSL_TLSEXT_ERR_NOACK;
    }
    int found = c->library->SSL_select_next_proto_(&chosen, length, c->alpn,
                                                   (unsigned)c->alpn_length,
                                                   offered, offered_length);
    *out = chosen;
    return found == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK
                                           : SSL_TLSEXT_ERR_ALERT_FATAL;
}

/* Of a name that is not known the certificate is the context's own. */
/* NOLINTNEXTLINE(readability-non-const-parameter): OpenSSL says what it is */
static int choose_certificate(SSL *ssl, int *alert, void *context)
{
    const struct ml_tls_context *c = context;
    const char *name =
        c->library->SSL_get_servername_(ssl, TLSEXT_NAMETYPE_host_name);
    SSL_CTX *found = name != NULL ? ml_tls_name_find(c->names, name) : NULL;
    (void)alert;
    if (found == NULL) {
        return SSL_TLSEXT_ERR_NOACK;
    }
    (void)c->library->SSL_set_SSL_CTX_(ssl, found);
    return SSL_TLSEXT_ERR_OK;
}

/* ---- its life ----------------------------------------------------------- */

static bool ssl_groups(const struct ml_tls_library *lib, SSL_CTX *ssl)
{
    for (const char *const *list = GROUPS; *list != NULL; list++) {
        if (lib->SSL_CTX_ctrl_(ssl, SSL_CTRL_SET_GROUPS_LIST, 0,
                               (void *)(uintptr_t)*list) == 1) {
            return true;
        }
    }
    return false;
}

/* How we talk. */
static int ssl_prepare(const struct ml_tls_context *c, SSL_CTX *ssl)
{
    const struct ml_tls_library *lib = c->library;
    (void)lib->SSL_CTX_set_options_(
        ssl, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                 SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
    (void)lib->SSL_CTX_ctrl_(ssl, SSL_CTRL_CLEAR_MODE, SSL_MODE_AUTO_RETRY,
                             NULL);
    (void)lib->SSL_CTX_ctrl_(ssl, SSL_CTRL_MODE, SSL_MODE_RELEASE_BUFFERS,
                             NULL);
    (void)lib->SSL_CTX_ctrl_(ssl, SSL_CTRL_SET_SESS_CACHE_MODE,
                             SSL_SESS_CACHE_OFF, NULL);
    if (lib->SSL_CTX_ctrl_(ssl, SSL_CTRL_SET_MIN_PROTO_VERSION, TLS1_2_VERSION,
                           NULL) != 1 ||
        lib->SSL_CTX_set_cipher_list_(ssl, CIPHERS) != 1 ||
        !ssl_groups(lib, ssl)) {
        return -ENOMEM;
    }
    return 0;
}

static int context_prepare(struct ml_tls_context *c)
{
    const struct ml_tls_library *lib = c->library;
    c->ssl = lib->SSL_CTX_new_(lib->TLS_method_());
    c->method = ml_tls_bio_method(lib);
    if (c->ssl == NULL || c->method == NULL ||
        lib->RAND_bytes_(c->mark, sizeof c->mark) != 1) {
        return -ENOMEM;
    }
    lib->SSL_CTX_set_alpn_select_cb_(c->ssl, choose_protocol, c);
    (void)lib->SSL_CTX_callback_ctrl_(c->ssl, SSL_CTRL_SET_TLSEXT_SERVERNAME_CB,
                                      (void (*)(void))choose_certificate);
    (void)lib->SSL_CTX_ctrl_(c->ssl, SSL_CTRL_SET_TLSEXT_SERVERNAME_ARG, 0, c);
    return ssl_prepare(c, c->ssl);
}

int ml_tls_context_new(struct ml_tls_context **out,
                       const struct ml_tls_library *library,
                       const struct ml_alloc *alloc)
{
    struct ml_tls_context *c = ml_alloc_new(alloc, sizeof *c);
    *out = c;
    if (c == NULL) {
        return -ENOMEM;
    }
    memset(c, 0, sizeof *c);
    c->library = library;
    c->alloc = *alloc;
    c->refs = 1;
    library->ERR_clear_error_();
    int err = context_prepare(c);
    if (err != 0) {
        ml_tls_context_unref(c);
        *out = NULL;
    }
    return err;
}

struct ml_tls_context *ml_tls_context_ref(struct ml_tls_context *c)
{
    c->refs++;
    return c;
}

void ml_tls_context_unref(struct ml_tls_context *c)
{
    if (c == NULL || --c->refs > 0) {
        return;
    }
    struct ml_alloc alloc = c->alloc;
    ml_tls_session_term(&c->sessions, &alloc, c->library);
    ml_tls_name_free(c->names, &alloc, c->library);
    c->library->SSL_CTX_free_(c->ssl);
    c->library->BIO_meth_free_(c->method);
    ml_alloc_free(&alloc, c->alpn, c->alpn_length);
    ml_alloc_free(&alloc, c, sizeof *c);
}

/* ---- settings ----------------------------------------------------------- */

int ml_tls_context_alpn(struct ml_tls_context *c, const unsigned char *names,
                        size_t length)
{
    unsigned char *copy = ml_alloc_new(&c->alloc, length);
    if (copy == NULL) {
        return -ENOMEM;
    }
    memcpy(copy, names, length);
    ml_alloc_free(&c->alloc, c->alpn, c->alpn_length);
    c->alpn = copy;
    c->alpn_length = length;
    return 0;
}

int ml_tls_context_min(struct ml_tls_context *c, int version)
{
    long set = c->library->SSL_CTX_ctrl_(c->ssl, SSL_CTRL_SET_MIN_PROTO_VERSION,
                                         version, NULL);
    return set == 1 ? 0 : fail_because(c, "the version is not to be had");
}

int ml_tls_context_ciphers(struct ml_tls_context *c, const char *list)
{
    c->library->ERR_clear_error_();
    if (c->library->SSL_CTX_set_cipher_list_(c->ssl, list) == 1) {
        return 0;
    }
    return ml_tls_fault_memory(c->library)
               ? -ENOMEM
               : fail_because(c, "no cipher matches");
}

int ml_tls_context_tickets(struct ml_tls_context *c, bool on)
{
    if (on) {
        return 0;
    }
    /* The option alone is of TLS 1.2: in 1.3 there would still be tickets, for
     * a cache of sessions that we do not have. */
    (void)c->library->SSL_CTX_set_options_(c->ssl, SSL_OP_NO_TICKET);
    return c->library->SSL_CTX_set_num_tickets_(c->ssl, 0) == 1 ? 0 : -ENOMEM;
}

/* Makes the SSL_CTX of a name. A connection that goes over to it takes little
 * of it beside the certificate: what it would lose is set here again. */
static SSL_CTX *name_ssl(struct ml_tls_context *c)
{
    const struct ml_tls_library *lib = c->library;
    SSL_CTX *ssl = lib->SSL_CTX_new_(lib->TLS_method_());
    if (ssl != NULL) {
        lib->SSL_CTX_set1_cert_store_(ssl,
                                      lib->SSL_CTX_get_cert_store_(c->ssl));
        lib->SSL_CTX_set_alpn_select_cb_(ssl, choose_protocol, c);
    }
    return ssl;
}

int ml_tls_context_name(struct ml_tls_context *c, const char *name,
                        struct ml_tls_identity *identity)
{
    SSL_CTX *ssl = name_ssl(c);
    if (ssl == NULL) {
        return -ENOMEM;
    }
    int err = ml_tls_source_identity(c, ssl, identity);
    if (err == 0) {
        err = ml_tls_name_add(&c->names, &c->alloc, name, ssl);
        if (err == -ML_ETLS_CONTEXT) {
            err = fail_because(c, "it is no name that clients can ask for");
        }
    }
    if (err != 0) {
        c->library->SSL_CTX_free_(ssl);
    }
    return err;
}
