#include "net/endpoint.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#ifdef __linux__
static const bool has_abstract_names = true;
#else
static const bool has_abstract_names = false;
#endif

static const char port_missing[] = "the port is missing: write host:port";
static const char port_invalid[] =
    "the port is neither a number from 0 to 65535 nor the name of a service";

static const char slash_fault[] =
    "a URL or a path is no address: write host:port, or unix:/path";

static int refuse(const char **why, const char *sentence)
{
    *why = sentence;
    return -EINVAL;
}

/* Not isdigit() and isalpha(): those ask the locale. */
static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* --- ports --------------------------------------------------------------- */

int ml_endpoint_port(struct ml_endpoint *endpoint, long long port,
                     const char **why)
{
    if (port < 0 || port > 65535)
        return refuse(why, "the port is not a number from 0 to 65535");
    endpoint->port = (uint16_t)port;
    (void)snprintf(endpoint->service, sizeof endpoint->service, "%u",
                   (unsigned)endpoint->port); /* five digits always fit */
    return 0;
}

static int number_service(struct ml_endpoint *endpoint, const char *digits,
                          size_t len, const char **why)
{
    long long port = 0;

    for (size_t i = 0; i < len; i++) {
        if (!is_digit(digits[i]))
            return refuse(why, port_invalid);
        if (port <= 65535) /* enough to know; more would overflow */
            port = port * 10 + (digits[i] - '0');
    }
    return ml_endpoint_port(endpoint, port, why);
}

static int named_service(struct ml_endpoint *endpoint, const char *name,
                         size_t len, const char **why)
{
    if (len > ML_ENDPOINT_SERVICE_MAX)
        return refuse(why, port_invalid);
    for (size_t i = 0; i < len; i++) {
        if (!is_letter(name[i]) && !is_digit(name[i]) &&
            (name[i] == '\0' || strchr("-_.+", name[i]) == NULL))
            return refuse(why, port_invalid);
    }
    memcpy(endpoint->service, name, len);
    endpoint->service[len] = '\0';
    endpoint->port = 0;
    return 0;
}

/*
 * What begins with a letter is a name. A few registered names begin with a
 * digit; to take them would turn "80x" from a mistake into a failed look-up.
 */
int ml_endpoint_service(struct ml_endpoint *endpoint, const char *service,
                        size_t len, const char **why)
{
    if (len == 0)
        return refuse(why, port_missing);
    if (is_letter(service[0]))
        return named_service(endpoint, service, len, why);
    return number_service(endpoint, service, len, why);
}

/* --- hosts --------------------------------------------------------------- */

static const char *host_fault(const char *host, size_t len)
{
    if (len > ML_ENDPOINT_HOST_MAX)
        return "the host is too long: 255 bytes are the most";
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)host[i];

        if (c == '\0')
            return "the host contains a NUL byte";
        if (c <= ' ' || c == 127)
            return "the host contains a space or a control character";
        if (c == '[' || c == ']')
            return "brackets belong around an IPv6 address, as in [::1]:80";
    }
    return NULL;
}

int ml_endpoint_host(struct ml_endpoint *endpoint, const char *host, size_t len,
                     const char **why)
{
    const char *fault = host_fault(host, len);

    if (fault != NULL)
        return refuse(why, fault);
    *endpoint = (struct ml_endpoint){.kind = ML_ENDPOINT_INET, .fd = -1};
    memcpy(endpoint->host, host, len); /* the terminator is there already */
    return ml_endpoint_port(endpoint, 0, why);
}

/* Is it an IPv6 address, with or without a zone? */
static bool is_ipv6(const char *host, size_t len)
{
    char text[INET6_ADDRSTRLEN];
    struct in6_addr ignored;
    const char *zone = memchr(host, '%', len);
    size_t bare = zone != NULL ? (size_t)(zone - host) : len;

    if (bare >= sizeof text || bare + 1 == len) /* too long; an empty zone */
        return false;
    memcpy(text, host, bare);
    text[bare] = '\0';
    return inet_pton(AF_INET6, text, &ignored) == 1;
}

/* --- whole addresses ----------------------------------------------------- */

static int parse_bracketed(struct ml_endpoint *endpoint, const char *text,
                           size_t len, const char **why)
{
    const char *end = memchr(text, ']', len);
    const char *host = text + 1;

    if (end == NULL)
        return refuse(why, "the bracket is not closed: write [v6]:port");

    size_t host_len = (size_t)(end - host);
    size_t rest = len - host_len - 2;

    if (!is_ipv6(host, host_len))
        return refuse(why, "what stands in brackets is no IPv6 address");
    if (rest == 0)
        return refuse(why, "the port is missing: write [v6]:port");
    if (end[1] != ':')
        return refuse(why, "a colon and the port must follow the bracket");
    if (ml_endpoint_host(endpoint, host, host_len, why) != 0)
        return -EINVAL;
    return ml_endpoint_service(endpoint, end + 2, rest - 1, why);
}

/* Several colons and no bracket in front: what was probably meant? */
static const char *colons_fault(const char *text, size_t len)
{
    for (size_t i = 0; i < len && text[i] != '%'; i++) {
        if (strchr("0123456789abcdefABCDEF:.", text[i]) == NULL)
            return "there is more than one colon: write host:port";
    }
    return "an IPv6 address must stand in brackets, as in [::1]:80";
}

static int parse_plain(struct ml_endpoint *endpoint, const char *text,
                       size_t len, const char **why)
{
    const char *colon = memchr(text, ':', len);

    if (memchr(text, '/', len) != NULL)
        return refuse(why, slash_fault);
    if (colon == NULL)
        return refuse(why, port_missing);

    size_t host_len = (size_t)(colon - text);
    size_t rest = len - host_len - 1;

    if (memchr(colon + 1, ':', rest) != NULL)
        return refuse(why, colons_fault(text, len));
    if (ml_endpoint_host(endpoint, text, host_len, why) != 0)
        return -EINVAL;
    return ml_endpoint_service(endpoint, colon + 1, rest, why);
}

int ml_endpoint_parse(struct ml_endpoint *endpoint, const char *text,
                      size_t len, const char **why)
{
    static const char prefix[] = "unix:";
    const size_t skip = sizeof prefix - 1;

    if (len == 0)
        return refuse(why, "the address is empty");
    if (memchr(text, '\0', len) != NULL)
        return refuse(why, "the address contains a NUL byte");
    if (len >= skip && memcmp(text, prefix, skip) == 0)
        return ml_endpoint_path(endpoint, text + skip, len - skip, why);
    if (text[0] == '[')
        return parse_bracketed(endpoint, text, len, why);
    return parse_plain(endpoint, text, len, why);
}

/* --- Unix sockets and descriptors ---------------------------------------- */

static const char *path_fault(const char *path, size_t len)
{
    bool abstract = len > 0 && path[0] == '@';

    if (len == 0)
        return "the path is empty: write unix:/path";
    if (memchr(path, '\0', len) != NULL)
        return "the path contains a NUL byte";
    if (abstract && !has_abstract_names)
        return "only Linux has abstract names of Unix sockets";
    if (abstract && len == 1)
        return "the abstract name is empty: write unix:@name";
    /* A path needs its terminator; an abstract name may take the last byte. */
    if (len + !abstract > sizeof((struct ml_endpoint *)NULL)->path)
        return "the path is too long for a Unix socket";
    return NULL;
}

int ml_endpoint_path(struct ml_endpoint *endpoint, const char *path, size_t len,
                     const char **why)
{
    const char *fault = path_fault(path, len);

    if (fault != NULL)
        return refuse(why, fault);
    *endpoint = (struct ml_endpoint){.kind = ML_ENDPOINT_UNIX, .fd = -1};
    memcpy(endpoint->path, path, len);
    endpoint->path_len = len;
    if (path[0] == '@')
        endpoint->path[0] = '\0';
    return 0;
}

void ml_endpoint_descriptor(struct ml_endpoint *endpoint, int fd)
{
    *endpoint = (struct ml_endpoint){.kind = ML_ENDPOINT_FD, .fd = fd};
}
