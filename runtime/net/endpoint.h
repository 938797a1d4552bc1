#ifndef ML_NET_ENDPOINT_H
#define ML_NET_ENDPOINT_H

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

/*
 * Endpoints: what a user writes for an address, taken apart, not looked up.
 *
 *     host:port      a name or an IPv4 address, and a port or a service's name
 *     [v6]:port      an IPv6 address, with a zone if need be: [fe80::1%eth0]:80
 *     :port          no host: every interface to listen on, loopback to connect
 *     unix:/path     a Unix socket; unix:@name is Linux's abstract namespace
 *
 * Nothing here blocks, allocates or asks the system. Every function that takes
 * text returns 0, or -EINVAL with `*why` set to a sentence that names what is
 * wrong; the sentence is a constant and is not freed. On failure the contents
 * of the endpoint are unspecified.
 */

/* A DNS name has at most 253 bytes; an IPv6 address with its zone has fewer. */
#define ML_ENDPOINT_HOST_MAX 255

/* RFC 6335 allows 15 bytes; /etc/services of some systems has longer ones. */
#define ML_ENDPOINT_SERVICE_MAX 31

enum ml_endpoint_kind {
    ML_ENDPOINT_INET, /* host, service, port */
    ML_ENDPOINT_UNIX, /* path, path_len */
    ML_ENDPOINT_FD    /* fd: an open descriptor, which stays its giver's */
};

/* A plain value: it owns nothing and may be copied. */
struct ml_endpoint {
    enum ml_endpoint_kind kind;

    /* Without brackets; "" is "any" or "loopback", as the use has it. */
    char host[ML_ENDPOINT_HOST_MAX + 1];

    /* Always text that the resolver takes: "80" or "http". */
    char service[ML_ENDPOINT_SERVICE_MAX + 1];

    /* The number, or 0 while `service` is a name that nobody looked up yet. */
    uint16_t port;

    /* Not terminated: an abstract name, after its NUL byte, may fill it. */
    char path[sizeof((struct sockaddr_un *)NULL)->sun_path];
    size_t path_len;

    int fd;
};

/* Takes apart one of the forms above. */
int ml_endpoint_parse(struct ml_endpoint *endpoint, const char *text,
                      size_t len, const char **why);

/*
 * The same from parts, as a table gives them: ml_endpoint_host() starts an
 * internet endpoint with port 0 (an IPv6 address may stand bare here, and "" is
 * the empty host), and one of ml_endpoint_port() and ml_endpoint_service() adds
 * the port. ml_endpoint_path() starts a Unix endpoint; "@name" is abstract.
 */
int ml_endpoint_host(struct ml_endpoint *endpoint, const char *host, size_t len,
                     const char **why);
int ml_endpoint_port(struct ml_endpoint *endpoint, long long port,
                     const char **why);
int ml_endpoint_service(struct ml_endpoint *endpoint, const char *service,
                        size_t len, const char **why);
int ml_endpoint_path(struct ml_endpoint *endpoint, const char *path, size_t len,
                     const char **why);

/* An endpoint that is the open descriptor `fd`, which it does not own. */
void ml_endpoint_descriptor(struct ml_endpoint *endpoint, int fd);

#endif
