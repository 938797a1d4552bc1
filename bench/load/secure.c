#include "secure.h"

#include <errno.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdlib.h>

struct secure {
    SSL_CTX *context;
    bool resume;
    SSL_SESSION *session; /* the last that a server gave; NULL: none */
    long resumed;
};

struct secure_link {
    struct secure *secure;
    SSL *ssl;
};

/* In TLS 1.3 a session comes when the handshake is over. */
static int session_keep(SSL *ssl, SSL_SESSION *session)
{
    struct secure *s = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
    SSL_SESSION_free(s->session);
    s->session = session;
    return 1; /* it is ours now */
}

static bool context_prepare(SSL_CTX *context, const struct load_options *o)
{
    char groups[] = "X25519"; /* OpenSSL's macro takes the const away */
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE |
                                  SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                  SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_read_ahead(context, 1);
    return SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION) == 1 &&
           SSL_CTX_set_ciphersuites(context, "TLS_AES_256_GCM_SHA384") == 1 &&
           SSL_CTX_set1_groups_list(context, groups) == 1 &&
           SSL_CTX_load_verify_file(context, o->ca) == 1;
}

struct secure *secure_begin(const struct load_options *options)
{
    struct secure *s = calloc(1, sizeof *s);
    if (s == NULL) {
        return NULL;
    }
    s->resume = options->resume;
    s->context = SSL_CTX_new(TLS_client_method());
    if (s->context == NULL || !context_prepare(s->context, options)) {
        ERR_print_errors_fp(stderr);
        secure_end(s);
        return NULL;
    }
    (void)SSL_CTX_set_app_data(s->context, s);
    if (s->resume) {
        SSL_CTX_set_session_cache_mode(
            s->context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
        SSL_CTX_sess_set_new_cb(s->context, session_keep);
    }
    return s;
}

long secure_resumed(const struct secure *secure)
{
    return secure->resumed;
}

void secure_end(struct secure *secure)
{
    if (secure != NULL) {
        SSL_SESSION_free(secure->session);
        SSL_CTX_free(secure->context);
        free(secure);
    }
}

struct secure_link *secure_link_new(struct secure *secure, int fd)
{
    struct secure_link *link = calloc(1, sizeof *link);
    if (link == NULL) {
        return NULL;
    }
    link->secure = secure;
    link->ssl = SSL_new(secure->context);
    if (link->ssl == NULL || SSL_set_fd(link->ssl, fd) != 1) {
        SSL_free(link->ssl);
        free(link);
        return NULL;
    }
    if (secure->session != NULL) {
        (void)SSL_set_session(link->ssl, secure->session);
    }
    SSL_set_connect_state(link->ssl);
    return link;
}

/* What a call that gave no bytes says, in the words of sockets. */
static ssize_t link_outcome(struct secure_link *link, int result)
{
    int error = errno;
    switch (SSL_get_error(link->ssl, result)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
        errno = EAGAIN;
        return -1;
    case SSL_ERROR_ZERO_RETURN:
        return 0;
    case SSL_ERROR_SYSCALL:
        errno = error != 0 ? error : ECONNRESET;
        return -1;
    default:
        ERR_print_errors_fp(stderr);
        errno = EPROTO;
        return -1;
    }
}

static int int_of(size_t n)
{
    return n < INT_MAX ? (int)n : INT_MAX;
}

ssize_t secure_send(struct secure_link *link, const char *bytes, size_t n)
{
    ERR_clear_error();
    int put = SSL_write(link->ssl, bytes, int_of(n));
    return put > 0 ? put : link_outcome(link, put);
}

ssize_t secure_recv(struct secure_link *link, char *bytes, size_t n)
{
    ERR_clear_error();
    int got = SSL_read(link->ssl, bytes, int_of(n));
    return got > 0 ? got : link_outcome(link, got);
}

void secure_link_end(struct secure_link *link, bool gently)
{
    link->secure->resumed += SSL_session_reused(link->ssl);
    if (gently && SSL_is_init_finished(link->ssl)) {
        ERR_clear_error();
        (void)SSL_shutdown(link->ssl); /* the answer is not waited for */
    }
    SSL_free(link->ssl);
    free(link);
}
