/* tls_source.c - certificates, keys and lists of revoked ones, out of PEM. */
#include "proto/tls_context.h"

#include "base/errno.h"
#include "proto/tls_fault.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* ---- what went wrong ---------------------------------------------------- */

/* Takes the reason from OpenSSL, whose last error is the outermost. */
static int fail(struct ml_tls_context *c)
{
    unsigned long error = c->library->ERR_peek_last_error_();
    const char *text = c->library->ERR_reason_error_string_(error);
    if (ml_tls_fault_memory(c->library)) {
        return -ENOMEM;
    }
    (void)snprintf(c->reason, sizeof c->reason, "%s",
                   text != NULL ? text : "unknown error");
    return -ML_ETLS_CONTEXT;
}

static int fail_because(struct ml_tls_context *c, const char *why)
{
    (void)snprintf(c->reason, sizeof c->reason, "%s", why);
    return -ML_ETLS_CONTEXT;
}

/* ---- PEM ---------------------------------------------------------------- */

static bool is_text(const char *source)
{
    return strstr(source, "-----BEGIN ") != NULL;
}

/* Opens a source to read from. 0 or -errno. */
static int source_open(struct ml_tls_context *c, const char *source, BIO **out)
{
    const struct ml_tls_library *lib = c->library;
    lib->ERR_clear_error_();
    if (is_text(source)) {
        size_t length = strlen(source);
        *out = length <= INT_MAX ? lib->BIO_new_mem_buf_(source, (int)length)
                                 : NULL;
        return *out != NULL ? 0 : -ENOMEM;
    }
    errno = 0;
    *out = lib->BIO_new_file_(source, "r");
    if (*out != NULL) {
        return 0;
    }
    return errno != 0 ? -errno : fail(c);
}

/* The end of a source is told like a fault in it: no line that begins one. */
static bool at_end(const struct ml_tls_library *lib)
{
    unsigned long error = lib->ERR_peek_last_error_();
    return ERR_GET_LIB(error) == ERR_LIB_PEM &&
           ERR_GET_REASON(error) == PEM_R_NO_START_LINE;
}

/* Without one of its own OpenSSL would ask at the terminal. */
static int give_password(char *buf, int size, int writing, void *password)
{
    (void)writing;
    size_t length = password != NULL ? strlen(password) : 0;
    if (length > (size_t)size) {
        return -1;
    }
    for (size_t i = 0; i < length; i++) {
        buf[i] = ((const char *)password)[i]; /* without a final zero */
    }
    return password != NULL ? (int)length : -1;
}

/* ---- who we are --------------------------------------------------------- */

/* Those that lead from our certificate to a root. */
static int read_chain(struct ml_tls_context *c, SSL_CTX *ssl, BIO *bio)
{
    const struct ml_tls_library *lib = c->library;
    X509 *next = NULL;
    while ((next = lib->PEM_read_bio_X509_(bio, NULL, NULL, NULL)) != NULL) {
        if (lib->SSL_CTX_ctrl_(ssl, SSL_CTRL_CHAIN_CERT, 0, next) != 1) {
            lib->X509_free_(next);
            return fail(c);
        }
    }
    return at_end(lib) ? 0 : fail(c);
}

static int read_cert(struct ml_tls_context *c, SSL_CTX *ssl, BIO *bio)
{
    const struct ml_tls_library *lib = c->library;
    X509 *own = lib->PEM_read_bio_X509_(bio, NULL, NULL, NULL);
    if (own == NULL) {
        return at_end(lib) ? fail_because(c, "there is no certificate in it")
                           : fail(c);
    }
    int good = lib->SSL_CTX_use_certificate_(ssl, own);
    lib->X509_free_(own);
    if (good != 1) {
        return fail(c);
    }
    int err = read_chain(c, ssl, bio);
    lib->ERR_clear_error_();
    return err;
}

/* Keys are decoded by another part of OpenSSL, which says less. */
static bool no_key(const struct ml_tls_library *lib)
{
    unsigned long error = lib->ERR_peek_last_error_();
    return at_end(lib) || (ERR_GET_LIB(error) == ERR_LIB_OSSL_DECODER &&
                           ERR_GET_REASON(error) == ERR_R_UNSUPPORTED);
}

static int read_key(struct ml_tls_context *c, SSL_CTX *ssl, BIO *bio,
                    const char *password)
{
    const struct ml_tls_library *lib = c->library;
    EVP_PKEY *key = lib->PEM_read_bio_PrivateKey_(bio, NULL, give_password,
                                                  (void *)(uintptr_t)password);
    if (key == NULL) {
        return no_key(lib) ? fail_because(c, "there is no private key in it")
                           : fail(c);
    }
    int good = lib->SSL_CTX_use_PrivateKey_(ssl, key);
    lib->EVP_PKEY_free_(key);
    return good == 1 ? 0 : fail(c);
}

static int load_cert(struct ml_tls_context *c, SSL_CTX *ssl, const char *source)
{
    BIO *bio = NULL;
    int err = source_open(c, source, &bio);
    if (err == 0) {
        err = read_cert(c, ssl, bio);
        (void)c->library->BIO_free_(bio);
    }
    return err;
}

/* Also sees that it is the certificate's. */
static int load_key(struct ml_tls_context *c, SSL_CTX *ssl, const char *source,
                    const char *password)
{
    BIO *bio = NULL;
    int err = source_open(c, source, &bio);
    if (err == 0) {
        err = read_key(c, ssl, bio, password);
        (void)c->library->BIO_free_(bio);
    }
    return err;
}

int ml_tls_source_identity(struct ml_tls_context *c, SSL_CTX *ssl,
                           struct ml_tls_identity *identity)
{
    identity->where = identity->cert;
    int err = load_cert(c, ssl, identity->cert);
    if (err != 0) {
        return err;
    }
    identity->where = identity->key != NULL ? identity->key : identity->cert;
    return load_key(c, ssl, identity->where, identity->password);
}

int ml_tls_context_identify(struct ml_tls_context *c,
                            struct ml_tls_identity *identity)
{
    c->identified = true;
    return ml_tls_source_identity(c, c->ssl, identity);
}

/* ---- whom we trust ------------------------------------------------------ */

/* Each one is trusted, and named to clients that are to show a certificate. */
static int read_roots(struct ml_tls_context *c, BIO *bio)
{
    const struct ml_tls_library *lib = c->library;
    X509_STORE *store = lib->SSL_CTX_get_cert_store_(c->ssl);
    X509 *root = NULL;
    int count = 0;
    while ((root = lib->PEM_read_bio_X509_(bio, NULL, NULL, NULL)) != NULL) {
        bool good = lib->X509_STORE_add_cert_(store, root) == 1 &&
                    lib->SSL_CTX_add_client_CA_(c->ssl, root) == 1;
        lib->X509_free_(root);
        if (!good) {
            return fail(c);
        }
        count++;
    }
    if (!at_end(lib)) {
        return fail(c);
    }
    return count > 0 ? 0 : fail_because(c, "there is no certificate in it");
}

static int trust_file(struct ml_tls_context *c, const char *source)
{
    BIO *bio = NULL;
    int err = source_open(c, source, &bio);
    if (err == 0) {
        err = read_roots(c, bio);
        (void)c->library->BIO_free_(bio);
        c->library->ERR_clear_error_();
    }
    return err;
}

static int trust_system(struct ml_tls_context *c)
{
    c->library->ERR_clear_error_();
    return c->library->SSL_CTX_set_default_verify_paths_(c->ssl) == 1 ? 0
                                                                      : fail(c);
}

int ml_tls_context_trust(struct ml_tls_context *c, const char *source)
{
    struct stat st;
    c->trusts = true;
    if (strcmp(source, "system") == 0) {
        return trust_system(c);
    }
    if (!is_text(source) && stat(source, &st) == 0 && S_ISDIR(st.st_mode)) {
        c->library->ERR_clear_error_();
        return c->library->SSL_CTX_load_verify_dir_(c->ssl, source) == 1
                   ? 0
                   : fail(c);
    }
    return trust_file(c, source);
}

int ml_tls_context_root(struct ml_tls_context *c)
{
    if (c->trusts || c->rooted) {
        return 0;
    }
    c->rooted = true;
    return trust_system(c);
}

/* ---- what was revoked --------------------------------------------------- */

static int read_lists(struct ml_tls_context *c, BIO *bio)
{
    const struct ml_tls_library *lib = c->library;
    X509_STORE *store = lib->SSL_CTX_get_cert_store_(c->ssl);
    X509_CRL *list = NULL;
    int count = 0;
    while ((list = lib->PEM_read_bio_X509_CRL_(bio, NULL, NULL, NULL)) !=
           NULL) {
        int good = lib->X509_STORE_add_crl_(store, list);
        lib->X509_CRL_free_(list);
        if (good != 1) {
            return fail(c);
        }
        count++;
    }
    if (!at_end(lib)) {
        return fail(c);
    }
    return count > 0 ? 0 : fail_because(c, "there is no CRL in it");
}

int ml_tls_context_revoke(struct ml_tls_context *c, const char *source)
{
    BIO *bio = NULL;
    int err = source_open(c, source, &bio);
    if (err != 0) {
        return err;
    }
    err = read_lists(c, bio);
    (void)c->library->BIO_free_(bio);
    c->library->ERR_clear_error_();
    (void)c->library->X509_VERIFY_PARAM_set_flags_(
        c->library->SSL_CTX_get0_param_(c->ssl),
        X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
    return err;
}
