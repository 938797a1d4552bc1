#include "link.h"

#include "dial.h"
#include "secure.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

bool link_open(struct link *link, const struct load_options *options,
               struct secure *secure, long n)
{
    link->tls = NULL;
    link->fd = dial_open(options, n, false);
    if (link->fd < 0 || secure == NULL) {
        return link->fd >= 0;
    }
    link->tls = secure_link_new(secure, link->fd);
    if (link->tls == NULL) {
        link_close(link, false);
        errno = ENOMEM;
        return false;
    }
    return true;
}

ssize_t link_send(struct link *link, const char *bytes, size_t n)
{
    return link->tls != NULL ? secure_send(link->tls, bytes, n)
                             : send(link->fd, bytes, n, MSG_NOSIGNAL);
}

ssize_t link_recv(struct link *link, char *bytes, size_t n)
{
    return link->tls != NULL ? secure_recv(link->tls, bytes, n)
                             : recv(link->fd, bytes, n, 0);
}

void link_close(struct link *link, bool reset)
{
    if (link->tls != NULL) {
        secure_link_end(link->tls, !reset);
        link->tls = NULL;
    }
    if (reset) {
        dial_reset(link->fd);
    } else if (link->fd >= 0) {
        (void)close(link->fd);
    }
    link->fd = -1;
}
