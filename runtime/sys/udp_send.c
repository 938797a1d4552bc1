/* udp_send.c - sendto, connect and send: where datagrams go. */
#include "core/arg.h"
#include "core/call.h"
#include "core/misuse.h"
#include "net/io.h"
#include "net/socket.h"
#include "sys/endpoint.h"
#include "sys/lookup.h"
#include "sys/sys.h"
#include "sys/udp.h"

#include <errno.h>
#include <sys/socket.h>

static int udp_true(lua_State *L)
{
    lua_pushboolean(L, 1);
    return 1;
}

/* ---- to whom ------------------------------------------------------------ */

/* A socket of IPv6 names an IPv4 peer in its own way. */
static void to_family(const struct ml_udp *u, struct ml_address *address)
{
    if (u->family == AF_INET6) {
        ml_address_map(address);
    }
}

/* Only a name needs a look-up, which is then the call's data. */
static int target_begin(const struct ml_udp *u, ml_call *call,
                        const struct ml_endpoint *endpoint)
{
    struct ml_lookup_use use = {.socktype = SOCK_DGRAM};
    if (u->family == AF_INET) {
        use.family = AF_INET;
    }
    ml_call_setdata(call, ml_lookup_new(endpoint, use));
    return ml_call_data(call) != NULL ? 0 : -ENOMEM;
}

static int target_name(struct ml_udp *u, ml_call *call,
                       const struct ml_endpoint *endpoint,
                       struct ml_address *out)
{
    int err = ml_call_first(call) ? target_begin(u, call, endpoint) : 0;
    if (err == 0) {
        err = ml_lookup_attempt(ml_call_data(call), call);
    }
    if (err == 0) {
        *out = ml_lookup_answer(ml_call_data(call))->addresses[0];
    }
    if (err == ML_WAIT && ml_declare_queue(call, &u->naming) != 0) {
        return -ENOMEM;
    }
    return err;
}

/* The address of the endpoint: 0, ML_WAIT, or -errno. */
static int target_of(struct ml_udp *u, ml_call *call,
                     const struct ml_endpoint *endpoint, struct ml_address *out)
{
    int err = -EINVAL;
    if (endpoint->kind == ML_ENDPOINT_INET) {
        err = ml_address_numeric(endpoint, false, out);
        if (err == -ENOENT) {
            err = target_name(u, call, endpoint, out);
        }
    }
    if (err == 0) {
        to_family(u, out);
    }
    return err;
}

/* `nil, err` with the address of the endpoint. */
static int target_fail(lua_State *L, ml_call *call,
                       const struct ml_endpoint *endpoint, int err)
{
    char text[ML_ENDPOINT_TEXT_SIZE];
    ml_endpoint_format(endpoint, text, sizeof text);
    ml_lookup_withdraw(call);
    return ml_fail(L, err, call->def->name, text,
                   endpoint->kind != ML_ENDPOINT_INET
                       ? "a datagram goes to a host and a port"
                       : NULL);
}

/* What sendto and connect do with an address. ML_WAIT or -errno or 0. */
typedef int (*target_fn)(lua_State *L, ml_call *call, const struct ml_udp *u,
                         const struct ml_address *to);

/* An attempt of a call that does `use` with the address at argument `n`. */
static int target_attempt(lua_State *L, ml_call *call, int n, target_fn use)
{
    struct ml_endpoint endpoint;
    struct ml_address to;
    const char *why = NULL;
    struct ml_udp *u = lua_touserdata(L, ml_call_arg(call, 1));
    int arg = ml_call_arg(call, n);
    if (u->d.fd < 0) {
        return -EBADF;
    }
    if (ml_endpoint_at(L, arg, &endpoint, &why) != 0) {
        return ml_endpoint_refuse(L, arg, call->def->name, why);
    }
    int err = target_of(u, call, &endpoint, &to);
    if (err == 0) {
        err = use(L, call, u, &to);
    }
    if (err == ML_WAIT) {
        return ML_WAIT;
    }
    if (err != 0) {
        return target_fail(L, call, &endpoint, -err);
    }
    ml_lookup_withdraw(call);
    return udp_true(L);
}

/* ---- sendto, connect ---------------------------------------------------- */

static void sendto_check(lua_State *L)
{
    (void)ml_udp_check(L);
    (void)ml_arg_lstring(L, 2, NULL);
    ml_endpoint_check(L, 3);
    (void)ml_misuse_opt_seconds(L, 4, 0);
    lua_settop(L, 4);
}

static int send_to(lua_State *L, ml_call *call, const struct ml_udp *u,
                   const struct ml_address *to)
{
    size_t len = 0;
    const char *data = lua_tolstring(L, ml_call_arg(call, 2), &len);
    ssize_t n = ml_io_sendto(u->d.fd, data, len, to);
    return n >= 0 ? 0 : ml_udp_wait(u, call, n, ML_WRITE);
}

static int sendto_attempt(lua_State *L, ml_call *call)
{
    ml_udp_bound(L, call, 4);
    return target_attempt(L, call, 3, send_to);
}

static const ml_syscall udp_sendto = {.size = sizeof(ml_syscall),
                                      .name = "sendto",
                                      .check = sendto_check,
                                      .attempt = sendto_attempt,
                                      .withdraw = ml_lookup_withdraw};

static void connect_check(lua_State *L)
{
    (void)ml_udp_check(L);
    ml_endpoint_check(L, 2);
    (void)ml_misuse_opt_seconds(L, 3, 0);
    lua_settop(L, 3);
}

static int connect_to(lua_State *L, ml_call *call, const struct ml_udp *u,
                      const struct ml_address *to)
{
    (void)L;
    (void)call;
    return ml_socket_connect(u->d.fd, to);
}

static int connect_attempt(lua_State *L, ml_call *call)
{
    ml_udp_bound(L, call, 3);
    return target_attempt(L, call, 2, connect_to);
}

static const ml_syscall udp_connect = {.size = sizeof(ml_syscall),
                                       .name = "connect",
                                       .check = connect_check,
                                       .attempt = connect_attempt,
                                       .withdraw = ml_lookup_withdraw};

/* ---- send --------------------------------------------------------------- */

static void send_check(lua_State *L)
{
    (void)ml_udp_check(L);
    (void)ml_arg_lstring(L, 2, NULL);
    (void)ml_misuse_opt_seconds(L, 3, 0);
    lua_settop(L, 3);
}

static int send_attempt(lua_State *L, ml_call *call)
{
    const struct ml_udp *u = lua_touserdata(L, ml_call_arg(call, 1));
    ml_udp_bound(L, call, 3);
    if (u->d.fd < 0) {
        return -EBADF;
    }
    int err = send_to(L, call, u, NULL);
    return err != 0 ? err : udp_true(L);
}

static const ml_syscall udp_send = {.size = sizeof(ml_syscall),
                                    .name = "send",
                                    .check = send_check,
                                    .attempt = send_attempt};

void ml_udp_send_open(lua_State *L, struct ml_vm *vm)
{
    ml_sys_method(L, vm, "sendto", &udp_sendto);
    ml_sys_method(L, vm, "connect", &udp_connect);
    ml_sys_method(L, vm, "send", &udp_send);
}
