#ifndef ML_NET_ADDRESS_H
#define ML_NET_ADDRESS_H

#include "net/endpoint.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

/*
 * Addresses: what the kernel takes, a sockaddr with its length. They are plain
 * values and own nothing; nothing here allocates or blocks.
 */

/* Room for every text that ml_address_format() makes, with its NUL. */
#define ML_ADDRESS_TEXT_SIZE 128

struct ml_address {
    union {
        struct sockaddr base; /* for system calls, and to ask its family */
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
        struct sockaddr_un un;
        struct sockaddr_storage storage;
    };
    socklen_t len; /* how many bytes of the union are in use */
};

/*
 * The address of an endpoint that needs no look-up: a numeric host or none,
 * with a numeric port, or a Unix path. An empty host is "::" when `passive`
 * (ml_socket_listen() makes of it what the system has) and 127.0.0.1 otherwise.
 *
 * Returns 0; -ENOENT if a name must be resolved first (see net/resolve.h);
 * -ENODEV or what the system says if an IPv6 zone names no interface; -EINVAL
 * for a descriptor endpoint, which has no address of its own.
 */
int ml_address_numeric(const struct ml_endpoint *endpoint, bool passive,
                       struct ml_address *out);

/* Copies a sockaddr of `len` bytes; what does not fit is cut off. */
void ml_address_set(struct ml_address *out, const struct sockaddr *from,
                    socklen_t len);

/* The wildcard and the loopback address of AF_INET or AF_INET6. */
void ml_address_any(struct ml_address *out, int family, uint16_t port);
void ml_address_loopback(struct ml_address *out, int family, uint16_t port);

/* AF_INET, AF_INET6, AF_UNIX, or AF_UNSPEC of an empty address. */
int ml_address_family(const struct ml_address *address);

/* The port, or -1 where there is no such thing. */
int ml_address_port(const struct ml_address *address);

/* Is it the wildcard address of its family, at whatever port? */
bool ml_address_isany(const struct ml_address *address);

/* Same family, host, zone and port, or the same Unix name. */
bool ml_address_equal(const struct ml_address *a, const struct ml_address *b);

/*
 * Turns an IPv4 address into its IPv4-mapped IPv6 form, which is how a
 * dual-stack socket names an IPv4 peer; other addresses are left as they are.
 * Linux takes the plain form on such a socket, others refuse it.
 */
void ml_address_map(struct ml_address *address);

/*
 * Writes "127.0.0.1:80", "[::1]:80", "[fe80::1%eth0]:80", "unix:/path",
 * "unix:@abstract", or "unix:" for an unnamed socket. An IPv4-mapped address is
 * written as the IPv4 address that the user knows it by; NUL bytes inside an
 * abstract name appear as "@"; an empty address is "".
 *
 * Like snprintf: writes at most `size` bytes with the NUL, returns the length
 * of the whole text. ML_ADDRESS_TEXT_SIZE bytes are always enough. What it
 * writes, ml_endpoint_parse() reads back, unnamed sockets excepted.
 */
size_t ml_address_format(const struct ml_address *address, char *text,
                         size_t size);

/* The host alone ("127.0.0.1", "fe80::1%eth0"), or the path; as above. */
size_t ml_address_host(const struct ml_address *address, char *text,
                       size_t size);

#endif
