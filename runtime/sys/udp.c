/* udp.c - net.udp: datagrams, and how they are received. */
#include "sys/udp.h"
#include "core/arg.h"
#include "core/call.h"
#include "core/loop.h"
#include "core/misuse.h"
#include "net/io.h"
#include "net/socket.h"
#include "sys/bind.h"
#include "sys/endpoint.h"
#include "sys/lookup.h"
#include "sys/option.h"
#include "sys/socket_method.h"
#include "sys/sys.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>

static const char *const METATABLE = "miniloop.udp";

/* No datagram of an internet protocol is longer. */
enum {
    DATAGRAM_MAX = 65536
};

struct ml_udp *ml_udp_check(lua_State *L)
{
    return (struct ml_udp *)ml_arg_udata(L, 1, METATABLE);
}

void ml_udp_bound(lua_State *L, ml_call *call, int n)
{
    int timeout = ml_call_arg(call, n);
    if (ml_call_first(call) && !ml_misuse_absent(L, timeout)) {
        ml_call_settimeout(call, lua_tonumber(L, timeout));
    }
}

int ml_udp_wait(const struct ml_udp *u, ml_call *call, ssize_t err, int event)
{
    if (err != -EAGAIN) {
        return (int)err;
    }
    int failed = ml_watch_own(ml_call_loop(call), u->d.fd);
    if (failed == 0) {
        failed = ml_call_wait_fd(call, u->d.fd, event);
    }
    return failed != 0 ? failed : ML_WAIT;
}

static void udp_describe(const ml_call *call, char *text, size_t size)
{
    (void)call;
    (void)snprintf(text, size, "a datagram");
}

/* ---- udp ---------------------------------------------------------------- */

/* Datagrams of Unix sockets are no UDP. */
static int bind_inet(const struct ml_address *address,
                     const struct ml_listen_options *options)
{
    return ml_address_family(address) != AF_UNIX
               ? ml_socket_bind(address, options)
               : -EAFNOSUPPORT;
}

static const struct ml_bind binding = {.op = "udp",
                                       .socktype = SOCK_DGRAM,
                                       .kind = ML_IO_DGRAM,
                                       .mismatch = "it is no datagram socket",
                                       .open = bind_inet};

static const char *const option_names[] = {"reuseport", "timeout", "v6only",
                                           NULL};

/* Those who wait for the socket itself hear of it from the loop. */
static void udp_closing(struct ml_descriptor *d)
{
    ml_queue_wake_all(&((struct ml_udp *)d)->naming);
}

static void udp_new(lua_State *L, struct ml_vm *vm)
{
    struct ml_udp *u =
        (struct ml_udp *)ml_descriptor_new(L, vm, sizeof *u, METATABLE);
    u->d.closing = udp_closing;
    ml_queue_init(&u->naming);
}

/* Without an address: any port, on all interfaces. */
static void udp_check(lua_State *L)
{
    lua_settop(L, 2);
    if (lua_isnil(L, 1)) {
        lua_pushliteral(L, ":0");
        lua_replace(L, 1);
    }
    ml_endpoint_check(L, 1);
    ml_option_check(L, 2, option_names);
    (void)ml_bind_options(L, 2);
}

static int udp_family(int fd)
{
    struct ml_address own;
    return ml_socket_name(fd, &own) == 0 ? ml_address_family(&own) : AF_UNSPEC;
}

static int udp_attempt(lua_State *L, ml_call *call)
{
    struct ml_bound bound;
    if (ml_call_first(call)) {
        udp_new(L, ml_call_loop(call)->vm);
    }
    int n = ml_bind_attempt(L, call, &binding, &bound);
    if (n != 0) {
        return n;
    }
    struct ml_udp *u = lua_touserdata(L, ml_call_arg(call, 3));
    ml_descriptor_open(&u->d, bound.fd, true);
    u->family = udp_family(bound.fd);
    return 1;
}

static const ml_syscall net_udp = {.size = sizeof(ml_syscall),
                                   .name = "udp",
                                   .check = udp_check,
                                   .attempt = udp_attempt,
                                   .withdraw = ml_lookup_withdraw};

/* ---- recv, recvfrom ----------------------------------------------------- */

static void recv_check(lua_State *L)
{
    (void)ml_udp_check(L);
    if (!ml_misuse_absent(L, 2)) {
        ml_arg_check(L, ml_misuse_integer(L, 2) >= 0, 2,
                     "a length cannot be negative");
    }
    (void)ml_misuse_opt_seconds(L, 3, 0);
    lua_settop(L, 3);
}

/* How many bytes are asked for. */
static size_t recv_size(lua_State *L, ml_call *call)
{
    int arg = ml_call_arg(call, 2);
    lua_Integer n =
        ml_misuse_absent(L, arg) ? DATAGRAM_MAX : lua_tointeger(L, arg);
    return n < DATAGRAM_MAX ? (size_t)n : DATAGRAM_MAX;
}

/* Pushes the data, with the sender's address if `from` says so, and true if
 * some of it was cut off. */
static int recv_attempt(lua_State *L, ml_call *call, bool from)
{
    char data[DATAGRAM_MAX];
    struct ml_address peer;
    bool truncated = false;
    const struct ml_udp *u = lua_touserdata(L, ml_call_arg(call, 1));
    ml_udp_bound(L, call, 3);
    if (u->d.fd < 0) {
        return -EBADF;
    }
    ssize_t n =
        ml_io_recvfrom(u->d.fd, data, recv_size(L, call), &peer, &truncated);
    if (n < 0) {
        return ml_udp_wait(u, call, n, ML_READ);
    }
    lua_pushlstring(L, data, (size_t)n);
    if (from) {
        ml_socket_pushaddress(L, &peer);
    }
    if (truncated) {
        lua_pushboolean(L, 1);
    }
    return 1 + from + truncated;
}

static int recvfrom_attempt(lua_State *L, ml_call *call)
{
    return recv_attempt(L, call, true);
}

static int recvonly_attempt(lua_State *L, ml_call *call)
{
    return recv_attempt(L, call, false);
}

static const ml_syscall udp_recvfrom = {.size = sizeof(ml_syscall),
                                        .name = "recvfrom",
                                        .check = recv_check,
                                        .attempt = recvfrom_attempt,
                                        .describe = udp_describe};

static const ml_syscall udp_recv = {.size = sizeof(ml_syscall),
                                    .name = "recv",
                                    .check = recv_check,
                                    .attempt = recvonly_attempt,
                                    .describe = udp_describe};

/* ---- the object --------------------------------------------------------- */

static int udp_peer(lua_State *L)
{
    struct ml_address peer;
    int err = ml_socket_peer(ml_udp_check(L)->d.fd, &peer);
    if (err != 0) {
        return ml_fail(L, -err, "peer", NULL, NULL);
    }
    ml_socket_pushaddress(L, &peer);
    return 1;
}

void ml_sys_udp_open(lua_State *L, struct ml_vm *vm)
{
    static const luaL_Reg methods[] = {
        {"address", ml_socket_method_address},
        {"setoption", ml_socket_method_setoption},
        {"getoption", ml_socket_method_getoption},
        {"peer", udp_peer},
        {NULL, NULL}};
    ml_sys_method(L, vm, "udp", &net_udp);
    ml_descriptor_type(L, vm, METATABLE, "datagram socket");
    ml_vm_setfuncs(L, vm, methods);
    ml_udp_send_open(L, vm);
    ml_sys_method(L, vm, "recvfrom", &udp_recvfrom);
    ml_sys_method(L, vm, "recv", &udp_recv);
    lua_pop(L, 1);
}
