#include "net/resolve.h"

#include "base/errno.h"

#include <errno.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>

/*
 * No AI_ADDRCONFIG: it makes "localhost" fail on a machine that has only its
 * loopback interface. A family that is not reachable costs an attempt to
 * connect that fails at once, and the system sorts it last anyway.
 */
static struct addrinfo make_hints(bool nohost, int family, int socktype,
                                  bool passive)
{
    struct addrinfo hints = {.ai_family = family, .ai_socktype = socktype};

    if (!passive)
        return hints;
    hints.ai_flags = AI_PASSIVE;
    /* The wildcard is "::" as for a numeric port, not 0.0.0.0 and then "::". */
    if (nohost && family == AF_UNSPEC)
        hints.ai_family = AF_INET6;
    return hints;
}

static size_t count_list(const struct addrinfo *list)
{
    size_t count = 0;

    for (; list != NULL; list = list->ai_next)
        count++;
    return count;
}

static struct ml_resolution *new_resolution(size_t count)
{
    struct ml_resolution *r =
        malloc(sizeof *r + count * sizeof r->addresses[0]);

    if (r != NULL) {
        r->error = 0;
        r->count = count;
    }
    return r;
}

static struct ml_resolution *failed(int error)
{
    struct ml_resolution *r = new_resolution(0);

    if (r != NULL)
        r->error = error;
    return r;
}

static struct ml_resolution *copy_list(const struct addrinfo *list)
{
    struct ml_resolution *r = new_resolution(count_list(list));

    if (r == NULL)
        return NULL;
    for (size_t i = 0; i < r->count; i++, list = list->ai_next)
        ml_address_set(&r->addresses[i], list->ai_addr, list->ai_addrlen);
    ml_resolution_interleave(r);
    return r;
}

struct ml_resolution *ml_resolve(const char *host, const char *service,
                                 int family, int socktype, bool passive)
{
    struct ml_resolution *r;
    struct addrinfo *list = NULL;
    bool nohost = host == NULL || host[0] == '\0';
    struct addrinfo hints = make_hints(nohost, family, socktype, passive);
    int eai;

    do {
        errno = 0;
        eai = getaddrinfo(nohost ? NULL : host, service, &hints, &list);
    } while (eai == EAI_SYSTEM && errno == EINTR);

    if (eai != 0)
        return failed(ml_errno_from_eai(eai, errno));
    r = copy_list(list);
    freeaddrinfo(list);
    return r;
}

/* Moves the address at `from` forward to `to`; those between make room. */
static void move_forward(struct ml_address *addresses, size_t from, size_t to)
{
    struct ml_address moved = addresses[from];

    memmove(&addresses[to + 1], &addresses[to],
            (from - to) * sizeof addresses[0]);
    addresses[to] = moved;
}

void ml_resolution_interleave(struct ml_resolution *resolution)
{
    struct ml_address *addresses = resolution->addresses;

    for (size_t i = 1; i < resolution->count; i++) {
        int last = ml_address_family(&addresses[i - 1]);
        size_t next = i;

        while (next < resolution->count &&
               ml_address_family(&addresses[next]) == last)
            next++;
        if (next == resolution->count)
            return; /* one family is left */
        move_forward(addresses, next, i);
    }
}

void ml_resolution_free(struct ml_resolution *resolution)
{
    free(resolution);
}
