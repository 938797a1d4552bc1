#ifndef ML_BASE_ERRNO_H
#define ML_BASE_ERRNO_H

/*
 * Error numbers, their names and their texts, in one table.
 *
 * Scripts see names ("ECONNREFUSED"): numbers differ between systems. Names
 * are stable API, texts are not. The table is ours and not strerror's, which
 * depends on the locale and is not safe among threads.
 *
 * Two kinds of failure have no errno but travel the same way, as a negative
 * int: what the runtime itself finds, and what getaddrinfo answers. They get
 * numbers above any system's errno.
 */

/* Codes of the runtime's own. */
enum {
    ML_EFAILED = 20001,    /* a task died of an error, or a call broke a rule */
    ML_ETLS_CERT = 20101,  /* the peer's certificate is refused */
    ML_ETLS_ALERT = 20102, /* the peer refused us, by an alert */
    ML_ETLS_PROTOCOL = 20103,  /* what the peer sends is no TLS, or broken */
    ML_ETLS_TRUNCATED = 20104, /* the connection ended without close_notify */
    ML_ETLS_CONTEXT = 20105,   /* a certificate, key, ... of ours is no good */
};

/*
 * The code for the answer `eai` (an EAI_* value) of getaddrinfo, named like
 * the constant. Some systems count these from 1 up and some from -1 down.
 */
#define ML_EAI(eai) (21000 + ((eai) < 0 ? -(eai) : (eai)))

/*
 * The code for what getaddrinfo returned; `sys_errno` is errno as it was after
 * the call, and is the code when the answer was EAI_SYSTEM. Lack of memory is
 * ENOMEM as everywhere else. 0 gives 0.
 */
int ml_errno_from_eai(int eai, int sys_errno);

/* The name of a code, like "ECONNREFUSED"; "EUNKNOWN" if it is not known. */
const char *ml_errno_name(int code);

/* A short text in lower case, like "connection refused". Never NULL. */
const char *ml_errno_text(int code);

/*
 * The code of a name, or 0 if there is none on this system. Where two names
 * mean one number (EAGAIN and EWOULDBLOCK), both are understood.
 */
int ml_errno_value(const char *name);

#endif
