/* Codes by their names. */

#define _GNU_SOURCE 1 /* strerrorname_np */

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
