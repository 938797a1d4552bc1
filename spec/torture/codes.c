/* Codes by their names. */

#define _GNU_SOURCE 1 /* strerrorname_np */

#include "base/errno.h"
#include "fault.h"

#include <errno.h>
#include <netdb.h>
#include <string.h>

static int eai_named(const char *name)
{
    static const struct {
        const char *name;
        int code;
    } codes[] = {
        {"EAI_AGAIN", EAI_AGAIN},       {"EAI_BADFLAGS", EAI_BADFLAGS},
        {"EAI_FAIL", EAI_FAIL},         {"EAI_FAMILY", EAI_FAMILY},
        {"EAI_MEMORY", EAI_MEMORY},     {"EAI_NONAME", EAI_NONAME},
        {"EAI_SERVICE", EAI_SERVICE},   {"EAI_SOCKTYPE", EAI_SOCKTYPE},
        {"EAI_OVERFLOW", EAI_OVERFLOW},
    };
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        if (strcmp(codes[i].name, name) == 0) {
            return codes[i].code;
        }
    }
    return 0;
}

int fault_code(const char *name)
{
    enum {
        LAST = 133 /* EHWPOISON, the last of Linux */
    };
    for (int code = 1; code <= LAST; code++) {
        const char *known = strerrorname_np(code);
        if (known != NULL && strcmp(known, name) == 0) {
            return code;
        }
    }
    return strcmp(name, "EWOULDBLOCK") == 0 ? EWOULDBLOCK : eai_named(name);
}

/* The code that stands for this one of the call. */
static int translated(enum fault_call call, int code)
{
    switch ((int)call) {
    case FAULT_read:
    case FAULT_sendto:
    case FAULT_sendmsg:
        return code == ETIMEDOUT ? ECONNABORTED : code;
    case FAULT_poll:
        return code == EAGAIN ? ENOMEM : code;
    case FAULT_pthread_mutex_init:
    case FAULT_pthread_cond_init:
        return ENOMEM;
    case FAULT_dlopen:
    case FAULT_dlsym:
        return ENOTSUP;
    default:
        return code < 0 ? ml_errno_from_eai(code, 0) : code;
    }
}

int fault_told(enum fault_call call, int code, int told[FAULT_TOLD])
{
    static const int ends[] = {EPIPE, ECONNRESET, ML_ETLS_TRUNCATED};
    told[0] = translated(call, code);
    if (call == FAULT_accept4 || (told[0] != EPIPE && told[0] != ECONNRESET &&
                                  told[0] != ECONNABORTED)) {
        return 1;
    }
    memcpy(told + 1, ends, sizeof ends);
    return FAULT_TOLD;
}

const char *fault_told_name(enum fault_call call, int code, int i)
{
    int told[FAULT_TOLD];
    return i < fault_told(call, code, told) ? ml_errno_name(told[i]) : NULL;
}
