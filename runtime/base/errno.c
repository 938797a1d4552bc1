#define _GNU_SOURCE 1 /* for the EAI_* that are not in POSIX */

#include "base/errno.h"

#include <errno.h>
#include <netdb.h>
#include <stddef.h>
#include <string.h>

struct error_row {
    int code;
    const char *name, *text;
};

#define ROW(code, text)   \
    {                     \
        code, #code, text \
    }
#define EAI_ROW(code, text)       \
    {                             \
        ML_EAI(code), #code, text \
    }

/*
 * Searched from the top: where two names mean one number the first is the one
 * that is told. A search of the whole table is about what making the error
 * object costs, and would-block, the one that is frequent, never becomes one.
 */
static const struct error_row rows[] = {
    /* POSIX; guarded where it is optional or where a system is known to lack
       it. */
    ROW(E2BIG, "argument list too long"),
    ROW(EACCES, "permission denied"),
    ROW(EADDRINUSE, "address already in use"),
    ROW(EADDRNOTAVAIL, "address not available"),
    ROW(EAFNOSUPPORT, "address family not supported"),
    ROW(EAGAIN, "resource temporarily unavailable"),
    ROW(EALREADY, "already in progress"),
    ROW(EBADF, "bad file descriptor"),
#ifdef EBADMSG
    ROW(EBADMSG, "bad message"),
#endif
    ROW(EBUSY, "resource busy"),
    ROW(ECANCELED, "cancelled"),
    ROW(ECHILD, "no child process"),
    ROW(ECONNABORTED, "connection aborted"),
    ROW(ECONNREFUSED, "connection refused"),
    ROW(ECONNRESET, "connection reset by peer"),
    ROW(EDEADLK, "deadlock would result"),
    ROW(EDESTADDRREQ, "destination address required"),
    ROW(EDOM, "argument out of domain"),
#ifdef EDQUOT
    ROW(EDQUOT, "disk quota exceeded"),
#endif
    ROW(EEXIST, "file exists"),
    ROW(EFAULT, "bad address"),
    ROW(EFBIG, "file too large"),
    ROW(EHOSTUNREACH, "host is unreachable"),
    ROW(EIDRM, "identifier removed"),
    ROW(EILSEQ, "illegal byte sequence"),
    ROW(EINPROGRESS, "operation in progress"),
    ROW(EINTR, "interrupted by a signal"),
    ROW(EINVAL, "invalid argument"),
    ROW(EIO, "input/output error"),
    ROW(EISCONN, "already connected"),
    ROW(EISDIR, "is a directory"),
    ROW(ELOOP, "too many symbolic links"),
    ROW(EMFILE, "too many open files"),
    ROW(EMLINK, "too many links"),
    ROW(EMSGSIZE, "message too long"),
#ifdef EMULTIHOP
    ROW(EMULTIHOP, "multihop attempted"),
#endif
    ROW(ENAMETOOLONG, "file name too long"),
    ROW(ENETDOWN, "network is down"),
    ROW(ENETRESET, "connection aborted by network"),
    ROW(ENETUNREACH, "network is unreachable"),
    ROW(ENFILE, "too many open files in the system"),
    ROW(ENOBUFS, "no buffer space available"),
#ifdef ENODATA
    ROW(ENODATA, "no data available"),
#endif
    ROW(ENODEV, "no such device"),
    ROW(ENOENT, "no such file or directory"),
    ROW(ENOEXEC, "not an executable file"),
    ROW(ENOLCK, "no locks available"),
#ifdef ENOLINK
    ROW(ENOLINK, "link has been severed"),
#endif
    ROW(ENOMEM, "not enough memory"),
    ROW(ENOMSG, "no message of that type"),
    ROW(ENOPROTOOPT, "protocol option not available"),
    ROW(ENOSPC, "no space left on device"),
#ifdef ENOSR
    ROW(ENOSR, "no stream resources"),
#endif
#ifdef ENOSTR
    ROW(ENOSTR, "not a stream"),
#endif
    ROW(ENOSYS, "function not implemented"),
    ROW(ENOTCONN, "not connected"),
    ROW(ENOTDIR, "not a directory"),
    ROW(ENOTEMPTY, "directory not empty"),
#ifdef ENOTRECOVERABLE
    ROW(ENOTRECOVERABLE, "state not recoverable"),
#endif
    ROW(ENOTSOCK, "not a socket"),
    ROW(ENOTSUP, "not supported"),
    ROW(ENOTTY, "not a terminal"),
    ROW(ENXIO, "no such device or address"),
    ROW(EOPNOTSUPP, "operation not supported"),
    ROW(EOVERFLOW, "value too large"),
#ifdef EOWNERDEAD
    ROW(EOWNERDEAD, "previous owner died"),
#endif
    ROW(EPERM, "operation not permitted"),
    ROW(EPIPE, "broken pipe"),
#ifdef EPROTO
    ROW(EPROTO, "protocol error"),
#endif
    ROW(EPROTONOSUPPORT, "protocol not supported"),
    ROW(EPROTOTYPE, "wrong protocol type for socket"),
    ROW(ERANGE, "result out of range"),
    ROW(EROFS, "read-only file system"),
    ROW(ESPIPE, "cannot seek"),
    ROW(ESRCH, "no such process"),
    ROW(ESTALE, "stale file handle"),
#ifdef ETIME
    ROW(ETIME, "timer expired"),
#endif
    ROW(ETIMEDOUT, "timed out"),
    ROW(ETXTBSY, "executable file is busy"),
    ROW(EWOULDBLOCK, "operation would block"),
    ROW(EXDEV, "cross-device link"),

/* Found on Linux, some elsewhere too. */
#ifdef EADV
    ROW(EADV, "advertise error"),
#endif
#ifdef EBADE
    ROW(EBADE, "invalid exchange"),
#endif
#ifdef EBADFD
    ROW(EBADFD, "file descriptor in bad state"),
#endif
#ifdef EBADR
    ROW(EBADR, "invalid request descriptor"),
#endif
#ifdef EBADRQC
    ROW(EBADRQC, "invalid request code"),
#endif
#ifdef EBADSLT
    ROW(EBADSLT, "invalid slot"),
#endif
#ifdef EBFONT
    ROW(EBFONT, "bad font file format"),
#endif
#ifdef ECHRNG
    ROW(ECHRNG, "channel number out of range"),
#endif
#ifdef ECOMM
    ROW(ECOMM, "communication error on send"),
#endif
#ifdef EDEADLOCK
    ROW(EDEADLOCK, "deadlock would result"),
#endif
#ifdef EDOTDOT
    ROW(EDOTDOT, "not a data message"),
#endif
#ifdef EHOSTDOWN
    ROW(EHOSTDOWN, "host is down"),
#endif
#ifdef EHWPOISON
    ROW(EHWPOISON, "memory page has a hardware error"),
#endif
#ifdef EISNAM
    ROW(EISNAM, "is a named type file"),
#endif
#ifdef EKEYEXPIRED
    ROW(EKEYEXPIRED, "key has expired"),
#endif
#ifdef EKEYREJECTED
    ROW(EKEYREJECTED, "key was rejected"),
#endif
#ifdef EKEYREVOKED
    ROW(EKEYREVOKED, "key has been revoked"),
#endif
#ifdef EL2HLT
    ROW(EL2HLT, "level 2 halted"),
#endif
#ifdef EL2NSYNC
    ROW(EL2NSYNC, "level 2 not synchronized"),
#endif
#ifdef EL3HLT
    ROW(EL3HLT, "level 3 halted"),
#endif
#ifdef EL3RST
    ROW(EL3RST, "level 3 reset"),
#endif
#ifdef ELIBACC
    ROW(ELIBACC, "cannot access a shared library"),
#endif
#ifdef ELIBBAD
    ROW(ELIBBAD, "corrupted shared library"),
#endif
#ifdef ELIBEXEC
    ROW(ELIBEXEC, "cannot execute a shared library"),
#endif
#ifdef ELIBMAX
    ROW(ELIBMAX, "too many shared libraries"),
#endif
#ifdef ELIBSCN
    ROW(ELIBSCN, "corrupted section in a library"),
#endif
#ifdef ELNRNG
    ROW(ELNRNG, "link number out of range"),
#endif
#ifdef EMEDIUMTYPE
    ROW(EMEDIUMTYPE, "wrong medium type"),
#endif
#ifdef ENAVAIL
    ROW(ENAVAIL, "no semaphores available"),
#endif
#ifdef ENOANO
    ROW(ENOANO, "no anode"),
#endif
#ifdef ENOCSI
    ROW(ENOCSI, "no structure available"),
#endif
#ifdef ENOKEY
    ROW(ENOKEY, "required key not available"),
#endif
#ifdef ENOMEDIUM
    ROW(ENOMEDIUM, "no medium found"),
#endif
#ifdef ENONET
    ROW(ENONET, "machine is not on the network"),
#endif
#ifdef ENOPKG
    ROW(ENOPKG, "package not installed"),
#endif
#ifdef ENOTBLK
    ROW(ENOTBLK, "block device required"),
#endif
#ifdef ENOTNAM
    ROW(ENOTNAM, "not a named type file"),
#endif
#ifdef ENOTUNIQ
    ROW(ENOTUNIQ, "name not unique on network"),
#endif
#ifdef EPFNOSUPPORT
    ROW(EPFNOSUPPORT, "protocol family not supported"),
#endif
#ifdef EREMCHG
    ROW(EREMCHG, "remote address changed"),
#endif
#ifdef EREMOTE
    ROW(EREMOTE, "object is remote"),
#endif
#ifdef EREMOTEIO
    ROW(EREMOTEIO, "remote input/output error"),
#endif
#ifdef ERESTART
    ROW(ERESTART, "call should be restarted"),
#endif
#ifdef ERFKILL
    ROW(ERFKILL, "blocked by the radio switch"),
#endif
#ifdef ESHUTDOWN
    ROW(ESHUTDOWN, "connection was shut down"),
#endif
#ifdef ESOCKTNOSUPPORT
    ROW(ESOCKTNOSUPPORT, "socket type not supported"),
#endif
#ifdef ESRMNT
    ROW(ESRMNT, "mount error"),
#endif
#ifdef ESTRPIPE
    ROW(ESTRPIPE, "streams pipe error"),
#endif
#ifdef ETOOMANYREFS
    ROW(ETOOMANYREFS, "too many references"),
#endif
#ifdef EUCLEAN
    ROW(EUCLEAN, "structure needs cleaning"),
#endif
#ifdef EUNATCH
    ROW(EUNATCH, "protocol driver not attached"),
#endif
#ifdef EUSERS
    ROW(EUSERS, "too many users"),
#endif
#ifdef EXFULL
    ROW(EXFULL, "exchange full"),
#endif

    /* Answers of getaddrinfo. EAI_MEMORY and EAI_SYSTEM become an errno. */
    EAI_ROW(EAI_AGAIN, "name resolution failed for now"),
    EAI_ROW(EAI_BADFLAGS, "bad flags for name resolution"),
    EAI_ROW(EAI_FAIL, "name resolution failed"),
    EAI_ROW(EAI_FAMILY, "address family not supported"),
    EAI_ROW(EAI_NONAME, "name or service not known"),
    EAI_ROW(EAI_OVERFLOW, "name too long"),
    EAI_ROW(EAI_SERVICE, "service not known for this kind of socket"),
    EAI_ROW(EAI_SOCKTYPE, "socket type not supported"),
#ifdef EAI_ADDRFAMILY
    EAI_ROW(EAI_ADDRFAMILY, "name has no address of this family"),
#endif
#ifdef EAI_NODATA
    EAI_ROW(EAI_NODATA, "name has no address"),
#endif

    /* The runtime's own. */
    {ML_EFAILED, "EFAILED", "failed"},
    {ML_ETLS_CERT, "ETLS_CERT", "the peer's certificate is refused"},
    {ML_ETLS_ALERT, "ETLS_ALERT", "refused by the peer"},
    {ML_ETLS_PROTOCOL, "ETLS_PROTOCOL", "the peer breaks the TLS protocol"},
    {ML_ETLS_TRUNCATED, "ETLS_TRUNCATED",
     "the connection was cut off before its end"},
    {ML_ETLS_CONTEXT, "ETLS_CONTEXT", "it cannot be used for TLS"},
};

enum {
    ROWS = sizeof rows / sizeof rows[0]
};

static const struct error_row *row_of_code(int code)
{
    for (size_t i = 0; i < ROWS; i++) {
        if (rows[i].code == code)
            return &rows[i];
    }
    return NULL;
}

int ml_errno_from_eai(int eai, int sys_errno)
{
    if (eai == 0)
        return 0;
    if (eai == EAI_MEMORY)
        return ENOMEM;
    if (eai == EAI_SYSTEM && sys_errno > 0)
        return sys_errno;
    /* Without a descriptor to ask with, some systems say that there is no such
     * name. */
    if (sys_errno == EMFILE || sys_errno == ENFILE)
        return sys_errno;
    /* An answer that we do not know is a failure all the same. */
    return row_of_code(ML_EAI(eai)) ? ML_EAI(eai) : ML_EAI(EAI_FAIL);
}

const char *ml_errno_name(int code)
{
    const struct error_row *row = row_of_code(code);

    return row ? row->name : "EUNKNOWN";
}

const char *ml_errno_text(int code)
{
    const struct error_row *row = row_of_code(code);

    return row ? row->text : "unknown error";
}

int ml_errno_value(const char *name)
{
    for (size_t i = 0; i < ROWS; i++) {
        if (strcmp(rows[i].name, name) == 0)
            return rows[i].code;
    }
    return 0;
}
