#include "secure.h"

#include <errno.h>
#include <stdio.h>

struct secure *secure_begin(const struct load_options *options)
{
    (void)options;
    (void)fputs("load: built without OpenSSL\n", stderr);
    return NULL;
}

long secure_resumed(const struct secure *secure)
{
    (void)secure;
    return 0;
}

void secure_end(struct secure *secure)
{
    (void)secure;
}

struct secure_link *secure_link_new(struct secure *secure, int fd)
{
    (void)secure;
    (void)fd;
    return NULL;
}

ssize_t secure_send(struct secure_link *link, const char *bytes, size_t n)
{
    (void)link;
    (void)bytes;
    (void)n;
    errno = ENOTSUP;
    return -1;
}

ssize_t secure_recv(struct secure_link *link,
                    char *bytes, /* NOLINT: others write there */
                    size_t n)
{
    (void)link;
    (void)bytes;
    (void)n;
    errno = ENOTSUP;
    return -1;
}

void secure_link_end(struct secure_link *link, bool gently)
{
    (void)link;
    (void)gently;
}
