/* tls_library.h - the functions of OpenSSL 3 that TLS is made with.
 *
 * libssl is opened when it is first needed (base/library.h); what lives in
 * libcrypto is found through it, for the one needs the other. */
#ifndef ML_PROTO_TLS_LIBRARY_H
#define ML_PROTO_TLS_LIBRARY_H

#include "base/library.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#define ML_TLS_FUNCTIONS_OF_SSL(X)      \
    X(SSL_CIPHER_get_name)              \
    X(SSL_CTX_callback_ctrl)            \
    X(SSL_CTX_add_client_CA)            \
    X(SSL_CTX_ctrl)                     \
    X(SSL_CTX_free)                     \
    X(SSL_CTX_get0_param)               \
    X(SSL_CTX_get_cert_store)           \
    X(SSL_CTX_load_verify_dir)          \
    X(SSL_CTX_new)                      \
    X(SSL_CTX_set_alpn_select_cb)       \
    X(SSL_CTX_set_cipher_list)          \
    X(SSL_CTX_set_default_verify_paths) \
    X(SSL_CTX_set1_cert_store)          \
    X(SSL_CTX_set_num_tickets)          \
    X(SSL_CTX_set_options)              \
    X(SSL_CTX_use_PrivateKey)           \
    X(SSL_CTX_use_certificate)          \
    X(SSL_SESSION_free)                 \
    X(SSL_SESSION_is_resumable)         \
    X(SSL_ctrl)                         \
    X(SSL_do_handshake)                 \
    X(SSL_free)                         \
    X(SSL_get0_alpn_selected)           \
    X(SSL_get0_param)                   \
    X(SSL_get0_peer_certificate)        \
    X(SSL_get_current_cipher)           \
    X(SSL_get_error)                    \
    X(SSL_get_session)                  \
    X(SSL_get1_session)                 \
    X(SSL_get_servername)               \
    X(SSL_get_verify_result)            \
    X(SSL_get_version)                  \
    X(SSL_has_pending)                  \
    X(SSL_new)                          \
    X(SSL_peek_ex)                      \
    X(SSL_pending)                      \
    X(SSL_read_ex)                      \
    X(SSL_select_next_proto)            \
    X(SSL_session_reused)               \
    X(SSL_set_SSL_CTX)                  \
    X(SSL_set_accept_state)             \
    X(SSL_set_alpn_protos)              \
    X(SSL_set_bio)                      \
    X(SSL_set_connect_state)            \
    X(SSL_set_read_ahead)               \
    X(SSL_set_session)                  \
    X(SSL_set_session_id_context)       \
    X(SSL_set_verify)                   \
    X(SSL_shutdown)                     \
    X(SSL_write_ex)                     \
    X(TLS_method)

#define ML_TLS_FUNCTIONS_OF_CRYPTO(X)  \
    X(ASN1_STRING_get0_data)           \
    X(ASN1_STRING_length)              \
    X(ASN1_TIME_to_tm)                 \
    X(BIO_clear_flags)                 \
    X(BIO_ctrl)                        \
    X(BIO_free)                        \
    X(BIO_meth_free)                   \
    X(BIO_meth_new)                    \
    X(BIO_meth_set_ctrl)               \
    X(BIO_meth_set_read)               \
    X(BIO_meth_set_write)              \
    X(BIO_new)                         \
    X(BIO_new_file)                    \
    X(BIO_new_mem_buf)                 \
    X(BIO_s_mem)                       \
    X(BIO_set_flags)                   \
    X(BIO_set_init)                    \
    X(ERR_clear_error)                 \
    X(ERR_peek_error)                  \
    X(ERR_peek_last_error)             \
    X(ERR_reason_error_string)         \
    X(EVP_PKEY_free)                   \
    X(EVP_sha256)                      \
    X(GENERAL_NAMES_free)              \
    X(OPENSSL_sk_num)                  \
    X(OPENSSL_sk_value)                \
    X(PEM_read_bio_PrivateKey)         \
    X(PEM_read_bio_X509)               \
    X(PEM_read_bio_X509_CRL)           \
    X(RAND_bytes)                      \
    X(X509_CRL_free)                   \
    X(X509_NAME_print_ex)              \
    X(X509_STORE_add_cert)             \
    X(X509_STORE_add_crl)              \
    X(X509_VERIFY_PARAM_set1_host)     \
    X(X509_VERIFY_PARAM_set1_ip_asc)   \
    X(X509_VERIFY_PARAM_set_flags)     \
    X(X509_VERIFY_PARAM_set_hostflags) \
    X(X509_digest)                     \
    X(X509_free)                       \
    X(X509_get0_notAfter)              \
    X(X509_get0_notBefore)             \
    X(X509_get0_serialNumber)          \
    X(X509_get_ext_d2i)                \
    X(X509_get_issuer_name)            \
    X(X509_get_subject_name)           \
    X(X509_verify_cert_error_string)   \
    X(i2a_ASN1_INTEGER)

struct ml_tls_library {
    ML_TLS_FUNCTIONS_OF_SSL(ML_LIBRARY_FIELD)
    ML_TLS_FUNCTIONS_OF_CRYPTO(ML_LIBRARY_FIELD)
};

/* Fills it in; as ml_library_open. */
int ml_tls_library_open(struct ml_tls_library *library, const char **missing);

#endif
