#include "net/address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

static const size_t unix_path_at = offsetof(struct sockaddr_un, sun_path);

/* An IPv4-mapped IPv6 address is this and then the four bytes of IPv4. */
static const unsigned char mapped_prefix[12] = {[10] = 0xff, [11] = 0xff};

/* --- making -------------------------------------------------------------- */

void ml_address_set(struct ml_address *out, const struct sockaddr *from,
                    socklen_t len)
{
    if (len > sizeof out->storage)
        len = sizeof out->storage;
    memset(out, 0, sizeof *out);
    memcpy(&out->storage, from, len);
    out->len = len;
}

static void set_v4(struct ml_address *out, struct in_addr host, uint16_t port)
{
    memset(out, 0, sizeof *out);
    out->v4.sin_family = AF_INET;
    out->v4.sin_addr = host;
    out->v4.sin_port = htons(port);
    out->len = sizeof out->v4;
}

static void set_v6(struct ml_address *out, struct in6_addr host, uint16_t port)
{
    memset(out, 0, sizeof *out);
    out->v6.sin6_family = AF_INET6;
    out->v6.sin6_addr = host;
    out->v6.sin6_port = htons(port);
    out->len = sizeof out->v6;
}

void ml_address_any(struct ml_address *out, int family, uint16_t port)
{
    if (family == AF_INET6) {
        set_v6(out, in6addr_any, port);
        return;
    }
    set_v4(out, (struct in_addr){htonl(INADDR_ANY)}, port);
}

void ml_address_loopback(struct ml_address *out, int family, uint16_t port)
{
    if (family == AF_INET6) {
        set_v6(out, in6addr_loopback, port);
        return;
    }
    set_v4(out, (struct in_addr){htonl(INADDR_LOOPBACK)}, port);
}

void ml_address_map(struct ml_address *address)
{
    struct in6_addr host = IN6ADDR_ANY_INIT;

    if (ml_address_family(address) != AF_INET)
        return;
    memcpy(host.s6_addr, mapped_prefix, sizeof mapped_prefix);
    memcpy(host.s6_addr + sizeof mapped_prefix, &address->v4.sin_addr, 4);
    set_v6(address, host, ntohs(address->v4.sin_port));
}

/* --- from endpoints ------------------------------------------------------ */

/* The index of a zone, which is a number or the name of an interface. */
static int zone_index(const char *zone, uint32_t *index)
{
    unsigned long value = 0;
    const char *c = zone;

    for (; *c >= '0' && *c <= '9' && value < UINT32_MAX / 10; c++)
        value = value * 10 + (unsigned long)(*c - '0');
    if (*c != '\0' || c == zone) {
        errno = 0;
        value = if_nametoindex(zone);
        if (value == 0)
            return errno != 0 ? -errno : -ENODEV;
    }
    *index = (uint32_t)value;
    return 0;
}

static int numeric_v6(const char *host, uint16_t port, struct ml_address *out)
{
    char text[INET6_ADDRSTRLEN];
    struct in6_addr bytes;
    size_t bare = strcspn(host, "%");

    if (bare >= sizeof text)
        return -ENOENT;
    memcpy(text, host, bare);
    text[bare] = '\0';
    if (inet_pton(AF_INET6, text, &bytes) != 1)
        return -ENOENT;
    set_v6(out, bytes, port);
    if (host[bare] == '\0')
        return 0;
    return zone_index(host + bare + 1, &out->v6.sin6_scope_id);
}

static void numeric_nohost(uint16_t port, bool passive, struct ml_address *out)
{
    if (passive) {
        ml_address_any(out, AF_INET6, port);
        return;
    }
    ml_address_loopback(out, AF_INET, port);
}

static int numeric_inet(const struct ml_endpoint *endpoint, bool passive,
                        struct ml_address *out)
{
    struct in_addr v4;
    const char *host = endpoint->host;

    if (endpoint->service[0] < '0' || endpoint->service[0] > '9')
        return -ENOENT; /* the port has a name, whatever the host is */
    if (host[0] == '\0') {
        numeric_nohost(endpoint->port, passive, out);
        return 0;
    }
    if (inet_pton(AF_INET, host, &v4) != 1)
        return numeric_v6(host, endpoint->port, out);
    set_v4(out, v4, endpoint->port);
    return 0;
}

static void numeric_unix(const struct ml_endpoint *endpoint,
                         struct ml_address *out)
{
    /* A path is counted with its terminator, an abstract name has none. */
    size_t terminator = endpoint->path[0] != '\0';

    memset(out, 0, sizeof *out);
    out->un.sun_family = AF_UNIX;
    memcpy(out->un.sun_path, endpoint->path, endpoint->path_len);
    out->len = (socklen_t)(unix_path_at + endpoint->path_len + terminator);
}

int ml_address_numeric(const struct ml_endpoint *endpoint, bool passive,
                       struct ml_address *out)
{
    switch (endpoint->kind) {
    case ML_ENDPOINT_INET:
        return numeric_inet(endpoint, passive, out);
    case ML_ENDPOINT_UNIX:
        numeric_unix(endpoint, out);
        return 0;
    case ML_ENDPOINT_FD:
        break;
    }
    return -EINVAL;
}

/* --- asking -------------------------------------------------------------- */

int ml_address_family(const struct ml_address *address)
{
    const size_t needed = offsetof(struct sockaddr, sa_data);

    return address->len < needed ? AF_UNSPEC : address->base.sa_family;
}

int ml_address_port(const struct ml_address *address)
{
    switch (ml_address_family(address)) {
    case AF_INET:
        return ntohs(address->v4.sin_port);
    case AF_INET6:
        return ntohs(address->v6.sin6_port);
    default:
        return -1;
    }
}

bool ml_address_isany(const struct ml_address *address)
{
    switch (ml_address_family(address)) {
    case AF_INET:
        return address->v4.sin_addr.s_addr == htonl(INADDR_ANY);
    case AF_INET6:
        return IN6_IS_ADDR_UNSPECIFIED(&address->v6.sin6_addr) != 0;
    default:
        return false;
    }
}

/*
 * The length of a Unix name, an abstract one with its first NUL. The kernel's
 * count may or may not cover a terminator, and an unnamed socket is length 0 on
 * one system and all zeros on another.
 */
static size_t unix_length(const struct ml_address *address)
{
    const char *path = address->un.sun_path;
    size_t len = address->len > unix_path_at ? address->len - unix_path_at : 0;

    if (len > sizeof address->un.sun_path)
        len = sizeof address->un.sun_path;
    if (len > 0 && path[0] != '\0')
        return strnlen(path, len);
    for (size_t i = 0; i < len; i++) {
        if (path[i] != '\0')
            return len;
    }
    return 0;
}

static bool equal_v6(const struct sockaddr_in6 *a, const struct sockaddr_in6 *b)
{
    return memcmp(&a->sin6_addr, &b->sin6_addr, sizeof a->sin6_addr) == 0 &&
           a->sin6_scope_id == b->sin6_scope_id && a->sin6_port == b->sin6_port;
}

static bool equal_unix(const struct ml_address *a, const struct ml_address *b)
{
    size_t len = unix_length(a);

    return len == unix_length(b) &&
           memcmp(a->un.sun_path, b->un.sun_path, len) == 0;
}

bool ml_address_equal(const struct ml_address *a, const struct ml_address *b)
{
    if (ml_address_family(a) != ml_address_family(b))
        return false;
    switch (ml_address_family(a)) {
    case AF_INET:
        return a->v4.sin_addr.s_addr == b->v4.sin_addr.s_addr &&
               a->v4.sin_port == b->v4.sin_port;
    case AF_INET6:
        return equal_v6(&a->v6, &b->v6);
    case AF_UNIX:
        return equal_unix(a, b);
    default:
        return true;
    }
}

/* --- writing ------------------------------------------------------------- */

static bool is_mapped(const struct ml_address *address)
{
    return memcmp(&address->v6.sin6_addr, mapped_prefix,
                  sizeof mapped_prefix) == 0;
}

/* Appends "%eth0", or "%2" for an interface that is gone by now. */
static void write_zone(uint32_t index, char *text, size_t size)
{
    char name[IF_NAMESIZE];

    if (if_indextoname(index, name) == NULL)
        (void)snprintf(name, sizeof name, "%lu", (unsigned long)index);
    (void)snprintf(text, size, "%%%s", name);
}

static void write_v6(const struct ml_address *address,
                     char text[ML_ADDRESS_TEXT_SIZE])
{
    const unsigned char *bytes = address->v6.sin6_addr.s6_addr;

    if (is_mapped(address)) {
        (void)inet_ntop(AF_INET, bytes + sizeof mapped_prefix, text,
                        ML_ADDRESS_TEXT_SIZE);
        return;
    }
    (void)inet_ntop(AF_INET6, bytes, text, ML_ADDRESS_TEXT_SIZE);
    if (address->v6.sin6_scope_id != 0) {
        size_t len = strlen(text);

        write_zone(address->v6.sin6_scope_id, text + len,
                   ML_ADDRESS_TEXT_SIZE - len);
    }
}

static void write_unix(const struct ml_address *address,
                       char text[ML_ADDRESS_TEXT_SIZE])
{
    size_t len = unix_length(address);

    for (size_t i = 0; i < len; i++) {
        char c = address->un.sun_path[i];

        text[i] = c;
        if (c == '\0')
            text[i] = '@';
    }
    text[len] = '\0';
}

/* The host or path; no failure is possible, the room is always enough. */
static void write_host(const struct ml_address *address,
                       char text[ML_ADDRESS_TEXT_SIZE])
{
    text[0] = '\0';
    switch (ml_address_family(address)) {
    case AF_INET:
        (void)inet_ntop(AF_INET, &address->v4.sin_addr, text,
                        ML_ADDRESS_TEXT_SIZE);
        break;
    case AF_INET6:
        write_v6(address, text);
        break;
    case AF_UNIX:
        write_unix(address, text);
        break;
    default:
        break;
    }
}

size_t ml_address_host(const struct ml_address *address, char *text,
                       size_t size)
{
    char host[ML_ADDRESS_TEXT_SIZE];

    write_host(address, host);
    return (size_t)snprintf(text, size, "%s", host);
}

size_t ml_address_format(const struct ml_address *address, char *text,
                         size_t size)
{
    char host[ML_ADDRESS_TEXT_SIZE];
    int port = ml_address_port(address);

    write_host(address, host);
    switch (ml_address_family(address)) {
    case AF_INET:
        return (size_t)snprintf(text, size, "%s:%d", host, port);
    case AF_INET6:
        return (size_t)snprintf(
            text, size, is_mapped(address) ? "%s:%d" : "[%s]:%d", host, port);
    case AF_UNIX:
        return (size_t)snprintf(text, size, "unix:%s", host);
    default:
        return (size_t)snprintf(text, size, "%s", host);
    }
}
