#include "net/socket_option.h"

#include "net/socket.h"

#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

/* Stands for what a system lacks, and is answered with ENOPROTOOPT. */
#define ABSENT (-1)

#if !defined(TCP_KEEPIDLE) && defined(TCP_KEEPALIVE)
#    define TCP_KEEPIDLE TCP_KEEPALIVE /* macOS */
#endif
#ifndef TCP_KEEPIDLE
#    define TCP_KEEPIDLE ABSENT
#endif
#ifndef TCP_KEEPINTVL
#    define TCP_KEEPINTVL ABSENT
#endif
#ifndef TCP_KEEPCNT
#    define TCP_KEEPCNT ABSENT
#endif
#ifndef SO_REUSEPORT
#    define SO_REUSEPORT ABSENT
#endif

#define FLAG   ML_SOCKET_OPTION_FLAG
#define NUMBER ML_SOCKET_OPTION_NUMBER
#define ANY    AF_UNSPEC

/* How a value looks to the system. */
enum shape {
    INT,
    BYTE,  /* two old options of IPv4, where the BSDs insist on it */
    LINGER /* a struct linger */
};

struct option {
    const char *name;
    enum ml_socket_option_kind kind;
    int family; /* of the sockets that this line is for */
    int level;
    int number;
    enum shape shape;
};

static const struct option options[] = {
    {"broadcast", FLAG, ANY, SOL_SOCKET, SO_BROADCAST, INT},
    {"keepalive", FLAG, ANY, SOL_SOCKET, SO_KEEPALIVE, INT},
    {"keepcnt", NUMBER, ANY, IPPROTO_TCP, TCP_KEEPCNT, INT},
    {"keepidle", NUMBER, ANY, IPPROTO_TCP, TCP_KEEPIDLE, INT},
    {"keepintvl", NUMBER, ANY, IPPROTO_TCP, TCP_KEEPINTVL, INT},
    {"linger", NUMBER, ANY, SOL_SOCKET, SO_LINGER, LINGER},
    {"multicast_loop", FLAG, AF_INET, IPPROTO_IP, IP_MULTICAST_LOOP, BYTE},
    {"multicast_loop", FLAG, AF_INET6, IPPROTO_IPV6, IPV6_MULTICAST_LOOP, INT},
    {"multicast_ttl", NUMBER, AF_INET, IPPROTO_IP, IP_MULTICAST_TTL, BYTE},
    {"multicast_ttl", NUMBER, AF_INET6, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, INT},
    {"nodelay", FLAG, ANY, IPPROTO_TCP, TCP_NODELAY, INT},
    {"rcvbuf", NUMBER, ANY, SOL_SOCKET, SO_RCVBUF, INT},
    {"reuseaddr", FLAG, ANY, SOL_SOCKET, SO_REUSEADDR, INT},
    {"reuseport", FLAG, ANY, SOL_SOCKET, SO_REUSEPORT, INT},
    {"sndbuf", NUMBER, ANY, SOL_SOCKET, SO_SNDBUF, INT},
    {"ttl", NUMBER, AF_INET, IPPROTO_IP, IP_TTL, INT},
    {"ttl", NUMBER, AF_INET6, IPPROTO_IPV6, IPV6_UNICAST_HOPS, INT},
    {"v6only", FLAG, AF_INET6, IPPROTO_IPV6, IPV6_V6ONLY, INT},
};

/* Each name of the table once; a spec compares the two. */
static const char *const names[] = {
    "broadcast", "keepalive", "keepcnt",        "keepidle",
    "keepintvl", "linger",    "multicast_loop", "multicast_ttl",
    "nodelay",   "rcvbuf",    "reuseaddr",      "reuseport",
    "sndbuf",    "ttl",       "v6only",         NULL,
};

static const struct option *const options_end =
    options + sizeof options / sizeof options[0];

const char *const *ml_socket_option_names(void)
{
    return names;
}

int ml_socket_option_kind(const char *name)
{
    for (const struct option *o = options; o < options_end; o++) {
        if (strcmp(o->name, name) == 0)
            return (int)o->kind;
    }
    return -ENOENT;
}

static const struct option *line_of(const char *name, int family)
{
    for (const struct option *o = options; o < options_end; o++) {
        if (strcmp(o->name, name) == 0 && o->number != ABSENT &&
            (o->family == ANY || o->family == family))
            return o;
    }
    return NULL;
}

/* The line for this name and socket; 0 or -errno. */
static int find(int fd, const char *name, const struct option **found)
{
    struct ml_address own;
    int err = ml_socket_option_kind(name) < 0 ? -ENOENT : 0;

    if (err == 0)
        err = ml_socket_name(fd, &own);
    if (err != 0)
        return err;
    *found = line_of(name, ml_address_family(&own));
    return *found != NULL ? 0 : -ENOPROTOOPT;
}

/* --- setting ------------------------------------------------------------- */

static int set(int fd, const struct option *o, const void *value, socklen_t len)
{
    return setsockopt(fd, o->level, o->number, value, len) != 0 ? -errno : 0;
}

static int set_int(int fd, const struct option *o, int value)
{
    return set(fd, o, &value, sizeof value);
}

static int set_byte(int fd, const struct option *o, int value)
{
    unsigned char byte = (unsigned char)value;

    return set(fd, o, &byte, sizeof byte);
}

static int set_linger(int fd, const struct option *o, int value)
{
    struct linger linger = {.l_onoff = value >= 0, .l_linger = value};

    if (value < 0)
        linger.l_linger = 0;
    return set(fd, o, &linger, sizeof linger);
}

static bool in_range(const struct option *o, long value)
{
    long least = o->shape == LINGER ? -1 : 0;
    long most = o->shape == BYTE ? UCHAR_MAX : INT_MAX;

    if (o->kind == FLAG)
        most = 1;
    return value >= least && value <= most;
}

int ml_socket_setoption(int fd, const char *name, long value)
{
    const struct option *o = NULL;
    int err = find(fd, name, &o);

    if (err != 0)
        return err;
    if (!in_range(o, value))
        return -ERANGE;
    switch (o->shape) {
    case BYTE:
        return set_byte(fd, o, (int)value);
    case LINGER:
        return set_linger(fd, o, (int)value);
    case INT:
        break;
    }
    return set_int(fd, o, (int)value);
}

int ml_socket_nodelay(int fd, bool on)
{
    int value = on;

    return setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &value, sizeof value) != 0
               ? -errno
               : 0;
}

/* --- getting ------------------------------------------------------------- */

static int get(int fd, const struct option *o, void *value, socklen_t len)
{
    return getsockopt(fd, o->level, o->number, value, &len) != 0 ? -errno : 0;
}

static int get_int(int fd, const struct option *o, long *value)
{
    int got = 0;
    int err = get(fd, o, &got, sizeof got);

    *value = got;
    return err;
}

static int get_byte(int fd, const struct option *o, long *value)
{
    unsigned char got = 0;
    int err = get(fd, o, &got, sizeof got);

    *value = got;
    return err;
}

static int get_linger(int fd, const struct option *o, long *value)
{
    struct linger got = {0};
    int err = get(fd, o, &got, sizeof got);

    *value = got.l_onoff ? got.l_linger : -1;
    return err;
}

static int get_any(int fd, const struct option *o, long *value)
{
    switch (o->shape) {
    case BYTE:
        return get_byte(fd, o, value);
    case LINGER:
        return get_linger(fd, o, value);
    case INT:
        break;
    }
    return get_int(fd, o, value);
}

int ml_socket_getoption(int fd, const char *name, long *value)
{
    const struct option *o = NULL;
    int err = find(fd, name, &o);

    if (err == 0)
        err = get_any(fd, o, value);
    /* Some systems answer a flag with the bit that they keep it in. */
    if (err == 0 && o->kind == FLAG)
        *value = *value != 0;
    return err;
}

/* --- multicast ----------------------------------------------------------- */

/* The form of RFC 3678, which serves both families. */
int ml_socket_multicast(int fd, const struct ml_address *group, unsigned index,
                        bool join)
{
    struct group_req request = {.gr_interface = index};
    int level =
        ml_address_family(group) == AF_INET6 ? IPPROTO_IPV6 : IPPROTO_IP;
    int option = join ? MCAST_JOIN_GROUP : MCAST_LEAVE_GROUP;

    request.gr_group = group->storage;
    if (setsockopt(fd, level, option, &request, sizeof request) != 0)
        return -errno;
    return 0;
}
