/* tls_name.c - the names that a server has certificates of its own for (SNI,
 * RFC 6066, section 3). */
#include "proto/tls_context.h"

#include "base/errno.h"

#include <errno.h>
#include <string.h>

enum {
    NAME_MAX_LENGTH = 253
};

static char lower(char c)
{
    return (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

/* True if the first `length` bytes are the same but for their case; `name` is
 * in lower case. */
static bool same(const char *name, const char *asked, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (name[i] != lower(asked[i])) {
            return false;
        }
    }
    return true;
}

/* "*.b" fits "a.b", and neither "b" nor "c.a.b" (RFC 6125, section 6.4.3). */
static bool fits(const struct ml_tls_name *n, const char *asked, size_t length)
{
    if (n->name[0] != '*') {
        return n->length == length && same(n->name, asked, length);
    }
    const char *dot = memchr(asked, '.', length);
    size_t rest = dot != NULL ? length - (size_t)(dot - asked) : 0;
    return dot != NULL && dot != asked && rest == n->length - 1 &&
           same(n->name + 1, dot, rest);
}

SSL_CTX *ml_tls_name_find(const struct ml_tls_name *names, const char *asked)
{
    const struct ml_tls_name *found = NULL;
    size_t length = strlen(asked);
    for (const struct ml_tls_name *n = names; n != NULL; n = n->next) {
        if (!fits(n, asked, length)) {
            continue;
        }
        found = n;
        if (n->name[0] != '*') {
            break; /* the name itself beats any pattern */
        }
    }
    return found != NULL ? found->ssl : NULL;
}

int ml_tls_name_add(struct ml_tls_name **names, const struct ml_alloc *alloc,
                    const char *name, SSL_CTX *ssl)
{
    size_t length = strlen(name);
    bool pattern = name[0] == '*';
    if (length == 0 || length > NAME_MAX_LENGTH ||
        (pattern && (name[1] != '.' || length < 3))) {
        return -ML_ETLS_CONTEXT;
    }
    struct ml_tls_name *n = ml_alloc_new(alloc, sizeof *n + length);
    if (n == NULL) {
        return -ENOMEM;
    }
    *n = (struct ml_tls_name){.next = *names, .ssl = ssl, .length = length};
    for (size_t i = 0; i < length; i++) {
        n->name[i] = lower(name[i]);
    }
    *names = n;
    return 0;
}

void ml_tls_name_free(struct ml_tls_name *names, const struct ml_alloc *alloc,
                      const struct ml_tls_library *library)
{
    while (names != NULL) {
        struct ml_tls_name *next = names->next;
        library->SSL_CTX_free_(names->ssl);
        ml_alloc_free(alloc, names, sizeof *names + names->length);
        names = next;
    }
}
