#include "proto/tls_info.h"

#include <time.h>

const char *ml_tls_info_version(const struct ml_tls *t)
{
    return t->context->library->SSL_get_version_(t->ssl);
}

const char *ml_tls_info_cipher(const struct ml_tls *t)
{
    const struct ml_tls_library *lib = t->context->library;
    return lib->SSL_CIPHER_get_name_(lib->SSL_get_current_cipher_(t->ssl));
}

const char *ml_tls_info_name(const struct ml_tls *t)
{
    return t->context->library->SSL_get_servername_(t->ssl,
                                                    TLSEXT_NAMETYPE_host_name);
}

const char *ml_tls_info_alpn(const struct ml_tls *t, size_t *length)
{
    const unsigned char *name = NULL;
    unsigned n = 0;
    t->context->library->SSL_get0_alpn_selected_(t->ssl, &name, &n);
    *length = n;
    return (const char *)name;
}

bool ml_tls_info_resumed(const struct ml_tls *t)
{
    return t->context->library->SSL_session_reused_(t->ssl) != 0;
}

X509 *ml_tls_info_peer(const struct ml_tls *t)
{
    return t->context->library->SSL_get0_peer_certificate_(t->ssl);
}

/* ---- certificates ------------------------------------------------------- */

static bool print_field(const struct ml_tls_library *lib, BIO *bio, X509 *cert,
                        enum ml_tls_field field)
{
    if (field == ML_TLS_SERIAL) {
        return lib->i2a_ASN1_INTEGER_(bio,
                                      lib->X509_get0_serialNumber_(cert)) >= 0;
    }
    const X509_NAME *name = field == ML_TLS_SUBJECT
                                ? lib->X509_get_subject_name_(cert)
                                : lib->X509_get_issuer_name_(cert);
    return lib->X509_NAME_print_ex_(
               bio, name, 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB) >= 0;
}

BIO *ml_tls_info_text(const struct ml_tls_library *library, X509 *cert,
                      enum ml_tls_field field, const char **text,
                      size_t *length)
{
    char *bytes = NULL;
    BIO *bio = library->BIO_new_(library->BIO_s_mem_());
    if (bio == NULL || !print_field(library, bio, cert, field)) {
        (void)library->BIO_free_(bio);
        return NULL;
    }
    long n = library->BIO_ctrl_(bio, BIO_CTRL_INFO, 0, &bytes);
    *text = bytes != NULL ? bytes : "";
    *length = n > 0 ? (size_t)n : 0;
    return bio;
}

/* Days from 1970 to the first of March of the year `y`, in the calendar of
 * today. */
static int64_t days_to_march(int64_t y)
{
    return 365 * y + y / 4 - y / 100 + y / 400 - 719468;
}

/* The number of seconds that a time in UTC means. There is no portable function
 * for it. A year begins in March here, so that a leap day is its last. */
static int64_t seconds_of(const ASN1_TIME *time,
                          const struct ml_tls_library *lib)
{
    struct tm tm = {0};
    if (lib->ASN1_TIME_to_tm_(time, &tm) != 1) {
        return 0;
    }
    int64_t month = (tm.tm_mon + 10) % 12;
    int64_t year = (int64_t)tm.tm_year + 1900 - (tm.tm_mon < 2 ? 1 : 0);
    int64_t day = days_to_march(year) + (153 * month + 2) / 5 + tm.tm_mday - 1;
    return ((day * 24 + tm.tm_hour) * 60 + tm.tm_min) * 60 + tm.tm_sec;
}

int64_t ml_tls_info_from(const struct ml_tls_library *library, X509 *cert)
{
    return seconds_of(library->X509_get0_notBefore_(cert), library);
}

int64_t ml_tls_info_till(const struct ml_tls_library *library, X509 *cert)
{
    return seconds_of(library->X509_get0_notAfter_(cert), library);
}

bool ml_tls_info_digest(const struct ml_tls_library *library, X509 *cert,
                        unsigned char digest[32])
{
    unsigned length = 0;
    return library->X509_digest_(cert, library->EVP_sha256_(), digest,
                                 &length) == 1 &&
           length == 32;
}

GENERAL_NAMES *ml_tls_info_names(const struct ml_tls_library *library,
                                 X509 *cert, int *count)
{
    GENERAL_NAMES *names =
        library->X509_get_ext_d2i_(cert, NID_subject_alt_name, NULL, NULL);
    *count = names != NULL
                 ? library->OPENSSL_sk_num_((const OPENSSL_STACK *)names)
                 : 0;
    return names;
}

const char *ml_tls_info_host(const struct ml_tls_library *library,
                             const GENERAL_NAMES *names, int i, size_t *length)
{
    const GENERAL_NAME *name =
        library->OPENSSL_sk_value_((const OPENSSL_STACK *)names, i);
    *length = 0;
    if (name->type != GEN_DNS) {
        return "";
    }
    int n = library->ASN1_STRING_length_(name->d.dNSName);
    *length = n > 0 ? (size_t)n : 0;
    return (const char *)library->ASN1_STRING_get0_data_(name->d.dNSName);
}
