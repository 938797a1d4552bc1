#include "proto/tls_fault.h"

#include "base/errno.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static bool names_memory(unsigned long error)
{
    return error == 0 || ERR_GET_REASON(error) == ERR_R_MALLOC_FAILURE;
}

bool ml_tls_fault_memory(const struct ml_tls_library *library)
{
    return names_memory(library->ERR_peek_error_()) ||
           names_memory(library->ERR_peek_last_error_());
}

static void because(struct ml_tls *t, const char *why)
{
    (void)snprintf(t->reason, sizeof t->reason, "%s",
                   why != NULL ? why : "unknown error");
}

static int truncated(struct ml_tls *t)
{
    because(t, t->shaken ? "without a close_notify"
                         : "in the middle of the handshake");
    return -ML_ETLS_TRUNCATED;
}

int ml_tls_fault_early(struct ml_tls *t)
{
    t->error = ML_ETLS_TRUNCATED;
    return truncated(t);
}

int ml_tls_fault_wire(struct ml_tls *t)
{
    int error = t->wire.read_error;
    t->cut = error == 0; /* the descriptor may have another try */
    t->reason[0] = '\0';
    if (error == EPROTO) {
        because(t, "too much without data");
        return -(t->error = ML_ETLS_PROTOCOL);
    }
    if (error != 0) {
        return -error;
    }
    return t->wire.hung ? truncated(t) : -EIO;
}

/* ---- faults of the protocol --------------------------------------------- */

/* Alerts that come in have numbers of their own among OpenSSL's reasons. */
static bool is_alert(int reason)
{
    return reason >= SSL_AD_REASON_OFFSET &&
           reason < SSL_AD_REASON_OFFSET + 256;
}

/* OpenSSL says "tlsv13 alert certificate required", the version being that which
 * has the alert first. */
static int name_alert(struct ml_tls *t, unsigned long error)
{
    const char *text = t->context->library->ERR_reason_error_string_(error);
    const char *alert = text != NULL ? strstr(text, "alert ") : NULL;
    because(t, alert != NULL ? alert + strlen("alert ") : text);
    return ML_ETLS_ALERT;
}

static int name_cert(struct ml_tls *t)
{
    const struct ml_tls_library *lib = t->context->library;
    because(t, lib->X509_verify_cert_error_string_(
                   lib->SSL_get_verify_result_(t->ssl)));
    return ML_ETLS_CERT;
}

/* The code of OpenSSL's first error, the innermost. */
static int name_error(struct ml_tls *t, unsigned long error)
{
    const struct ml_tls_library *lib = t->context->library;
    int reason = ERR_GET_REASON(error);
    if (ml_tls_fault_memory(lib)) {
        return ENOMEM;
    }
    if (ERR_GET_LIB(error) == ERR_LIB_SSL) {
        if (is_alert(reason)) {
            return name_alert(t, error);
        }
        if (reason == SSL_R_CERTIFICATE_VERIFY_FAILED) {
            return name_cert(t);
        }
        because(t, lib->ERR_reason_error_string_(error));
        return reason == SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE
                   ? ML_ETLS_CERT
                   : ML_ETLS_PROTOCOL;
    }
    because(t, lib->ERR_reason_error_string_(error));
    return ML_ETLS_PROTOCOL;
}

int ml_tls_fault_protocol(struct ml_tls *t)
{
    t->error = name_error(t, t->context->library->ERR_peek_error_());
    return -t->error;
}
