/* tls_stream.c - TLS as the transport of a stream, and how it gets there. */
#include "lib/tls.h"

#include "base/errno.h"
#include "core/arg.h"
#include "core/call.h"
#include "core/error.h"
#include "core/misuse.h"
#include "net/socket.h"
#include "sys/listener.h"
#include "sys/stream.h"
#include "sys/sys.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

/* Seconds that starttls may last unless somebody says so. */
static const double TIMEOUT = 10;

struct carrier {
    struct ml_transport head; /* first, see sys/transport.h */
    struct ml_alloc alloc;
    struct ml_tls tls;
    bool crossed; /* the writer waits until the descriptor can be read */
};

/* ---- the transport ------------------------------------------------------ */

static struct ml_tls *tls_of(struct ml_transport *t)
{
    return &((struct carrier *)t)->tls;
}

/* As the reader of a stream is told, and as its writer. */
static ssize_t to_reader(ssize_t n)
{
    return n == ML_TLS_READ    ? -EAGAIN
           : n == ML_TLS_WRITE ? ML_TRANSPORT_OTHER
                               : n;
}

static ssize_t to_writer(struct ml_transport *t, ssize_t n)
{
    ((struct carrier *)t)->crossed = n == ML_TLS_READ;
    return n == ML_TLS_WRITE  ? -EAGAIN
           : n == ML_TLS_READ ? ML_TRANSPORT_OTHER
                              : n;
}

static ssize_t carrier_read(struct ml_transport *t, void *buf, size_t n)
{
    return to_reader(ml_tls_read(tls_of(t), buf, n));
}

static ssize_t carrier_write(struct ml_transport *t, struct iovec *pieces,
                             size_t n)
{
    struct ml_tls *tls = tls_of(t);
    return to_writer(t,
                     n > 0 ? ml_tls_write(tls, pieces, n) : ml_tls_flush(tls));
}

static size_t carrier_unsent(const struct ml_transport *t)
{
    return ml_buffer_length(&((const struct carrier *)t)->tls.wire.out);
}

/* That we do not want to read any more is nothing to tell the peer of; and as
 * long as we write, we do not tell the system either that we are through, for
 * TLS reads even then. */
static int carrier_shutdown(struct ml_transport *t, int how)
{
    struct ml_tls *tls = tls_of(t);
    int n = how != SHUT_RD ? (int)to_writer(t, ml_tls_finish(tls)) : 0;
    if (n != 0 || how == SHUT_WR) {
        return n;
    }
    tls->deaf = true;
    (void)ml_socket_shutdown(tls->wire.fd, how); /* a reader sees the end */
    return 0;
}

/* Once the handshake is made, by a reader, a writer that waits for the peer's
 * part of it has to be told. */
static bool carrier_pending(const struct ml_transport *t)
{
    const struct carrier *c = (const struct carrier *)t;
    return ml_tls_pending(&c->tls) || (c->crossed && c->tls.done);
}

static int carrier_look(struct ml_transport *t)
{
    int found = ml_tls_look(tls_of(t));
    return found == ML_TLS_WRITE ? ML_TRANSPORT_OTHER : found;
}

static const char *carrier_reason(const struct ml_transport *t)
{
    const struct ml_tls *tls = &((const struct carrier *)t)->tls;
    return tls->reason[0] != '\0' ? tls->reason : NULL;
}

static void carrier_close(struct ml_transport *t)
{
    struct carrier *c = (struct carrier *)t;
    struct ml_alloc alloc = c->alloc;
    ml_tls_close(&c->tls);
    ml_alloc_free(&alloc, c, sizeof *c);
}

static const struct ml_transport_ops carrier_ops = {.name = "tls",
                                                    .read = carrier_read,
                                                    .write = carrier_write,
                                                    .unsent = carrier_unsent,
                                                    .shutdown =
                                                        carrier_shutdown,
                                                    .pending = carrier_pending,
                                                    .look = carrier_look,
                                                    .reason = carrier_reason,
                                                    .close = carrier_close};

/* The TLS of a stream, or NULL. */
static struct ml_tls *stream_tls(const struct ml_stream *s)
{
    return s->transport != NULL && s->transport->ops == &carrier_ops
               ? tls_of(s->transport)
               : NULL;
}

/* ---- a stream comes to carry it ----------------------------------------- */

/* What was read ahead is TLS already, or nobody's: never is it taken for what
 * came protected. */
static int carry_held(struct ml_stream *s, struct ml_tls *tls)
{
    size_t n = ml_buffer_length(&s->in);
    int err = n > 0 ? ml_tls_feed(tls, ml_buffer_bytes(&s->in), n) : 0;
    if (err == 0) {
        ml_stream_take(s, n);
    }
    return err;
}

/* 0; -errno, and if *reason is not "", it says why. */
static int carry(struct ml_stream *s, struct ml_tls_context *context,
                 const struct ml_tls_use *use, char reason[ML_TLS_REASON_SIZE])
{
    struct ml_alloc alloc = s->d.vm->alloc;
    struct carrier *c = ml_alloc_new(&alloc, sizeof *c);
    if (c == NULL) {
        return -ENOMEM;
    }
    c->head.ops = &carrier_ops;
    c->alloc = alloc;
    c->crossed = false;
    int err = ml_tls_open(&c->tls, context, s->d.fd, s->d.socket, use);
    if (err == 0) {
        err = carry_held(s, &c->tls);
    }
    if (err == 0) {
        ml_stream_carry(s, &c->head);
        return 0;
    }
    memcpy(reason, c->tls.reason, ML_TLS_REASON_SIZE);
    carrier_close(&c->head);
    return err;
}

/* Why a stream cannot come to carry it now: a positive code, or 0. */
static int carry_hindrance(const struct ml_stream *s)
{
    if (s->d.fd < 0) {
        return EBADF;
    }
    if (s->transport != NULL) {
        return EISCONN;
    }
    return s->reader.turn.holder != NULL || s->writer.turn.holder != NULL
               ? EBUSY
               : 0;
}

static int peer_port(const struct ml_stream *s)
{
    struct ml_address peer;
    return s->d.socket && ml_stream_peer(s, &peer) == 0 ? ml_address_port(&peer)
                                                        : 0;
}

/* Makes it so, with the context on top and the options at `index`; `name` may
 * be NULL. 0, or 2 if that failed, and `nil, err` was pushed. */
static int stream_begin(lua_State *L, struct ml_stream *s, int index,
                        const char *name)
{
    char reason[ML_TLS_REASON_SIZE] = "";
    const struct ml_tls_object *object = lua_touserdata(L, -1);
    struct ml_tls_use use = {.name = name, .port = peer_port(s)};
    int err = carry_hindrance(s);
    if (err == 0) {
        ml_tls_options_use(L, index, &use);
        err = -carry(s, object->context, &use, reason);
        lua_pop(L, 1);
    }
    if (err == 0) {
        return 0;
    }
    (void)ml_stream_fail(L, s, err, "handshake");
    ml_error_set(L, "reason", reason[0] != '\0' ? reason : NULL);
    return 2;
}

/* ---- handshake ---------------------------------------------------------- */

static void handshake_check(lua_State *L)
{
    (void)ml_stream_check(L, 1);
    (void)ml_misuse_opt_seconds(L, 2, 0);
    lua_settop(L, 2);
}

static int handshake_attempt(lua_State *L, ml_call *call)
{
    struct ml_stream *s = ml_stream_self(L, call);
    int timeout = ml_call_arg(call, 2);
    if (call->woke == ML_WOKE_NOT && !ml_misuse_absent(L, timeout)) {
        ml_stream_bound(call, lua_tonumber(L, timeout));
    }
    int n = ml_stream_begin(s, &s->reader, call);
    struct ml_tls *tls = s->d.fd >= 0 ? stream_tls(s) : NULL;
    if (n >= 0) {
        n = tls != NULL ? (int)to_reader(ml_tls_handshake(tls)) : 0;
    }
    if (ml_transport_blocks(n)) {
        n = ml_stream_wait(s, &s->reader, call, n);
    }
    if (n == 0) {
        lua_pushboolean(L, 1);
        n = 1;
    }
    return ml_stream_end(L, s, call, n);
}

static const ml_syscall stream_handshake = {.size = sizeof(ml_syscall),
                                            .name = "handshake",
                                            .check = handshake_check,
                                            .attempt = handshake_attempt,
                                            .withdraw = ml_turn_withdraw,
                                            .describe =
                                                ml_stream_describe_read};

/* ---- starttls ----------------------------------------------------------- */

static double timeout_at(lua_State *L, int index)
{
    double seconds = TIMEOUT;
    if (lua_istable(L, index)) {
        if (lua_getfield(L, index, "timeout") == LUA_TNUMBER) {
            seconds = lua_tonumber(L, -1);
        }
        lua_pop(L, 1);
    }
    return seconds;
}

static void check_options(lua_State *L, int arg, enum ml_tls_purpose purpose)
{
    const char *fault = ml_tls_options_fault(L, arg, purpose);
    if (fault != NULL) {
        ml_arg_error(L, arg, fault);
    }
}

/* stream:starttls(options): goes over to TLS, which the peer has agreed to. */
static int stream_starttls(lua_State *L)
{
    struct ml_vm *vm = ml_vm_upvalue(L);
    struct ml_stream *s = ml_stream_check(L, 1);
    (void)ml_call_task(L, vm, "starttls");
    lua_settop(L, 2);
    check_options(L, 2, ML_TLS_FOR_START);
    if (ml_tls_options_context(L, vm, 2) == 2) {
        return 2;
    }
    if (stream_begin(L, s, 2, NULL) != 0) {
        return 2;
    }
    lua_pushnumber(L, timeout_at(L, 2));
    lua_replace(L, 2);
    lua_settop(L, 2);
    return ml_call_enter(L, vm, &stream_handshake);
}

/* begin(stream, context, options, name): the same of a connection that is new;
 * the handshake is still to be made. */
static int stream_new_client(lua_State *L)
{
    struct ml_stream *s = ml_stream_check(L, 1);
    (void)ml_arg_udata(L, 2, ML_TLS_CONTEXT_TYPE);
    const char *name = lua_tostring(L, 4);
    lua_settop(L, 4);
    lua_pushvalue(L, 2);
    if (stream_begin(L, s, 3, name) != 0) {
        return 2;
    }
    lua_pushboolean(L, 1);
    return 1;
}

/* stream:tls(): what became of the handshake; nil without TLS. */
static int stream_info(lua_State *L)
{
    const struct ml_stream *s = ml_stream_check(L, 1);
    if (s->d.fd < 0) {
        return ml_fail(L, EBADF, "tls", NULL, NULL);
    }
    const struct ml_tls *tls = stream_tls(s);
    if (tls == NULL) {
        lua_pushnil(L);
        return 1;
    }
    if (!tls->done) {
        return ml_stream_fail(L, s, tls->error != 0 ? tls->error : EAGAIN,
                              "tls");
    }
    ml_tls_peer_push(L, tls);
    return 1;
}

/* ---- listeners ---------------------------------------------------------- */

/* What gives TLS to the connections that a listener accepts. */
struct porter {
    struct ml_porter head; /* first, see sys/listener.h */
    struct ml_alloc alloc;
    struct ml_tls_context *context; /* a reference */
    enum ml_tls_verify verify;
};

static int porter_admit(struct ml_porter *head, struct ml_stream *s)
{
    struct porter *p = (struct porter *)head;
    struct ml_tls_use use = {.server = true, .verify = p->verify};
    char reason[ML_TLS_REASON_SIZE];
    return carry(s, p->context, &use, reason);
}

static void porter_release(struct ml_porter *head)
{
    struct porter *p = (struct porter *)head;
    struct ml_alloc alloc = p->alloc;
    ml_tls_context_unref(p->context);
    ml_alloc_free(&alloc, p, sizeof *p);
}

/* arm(listener, context, options) */
static int listener_arm(lua_State *L)
{
    struct ml_vm *vm = ml_vm_upvalue(L);
    const struct ml_tls_object *object =
        ml_arg_udata(L, 2, ML_TLS_CONTEXT_TYPE);
    struct ml_tls_use use = {.server = true};
    ml_arg_expected(L, ml_listener_is(L, 1), 1, "a listener");
    ml_tls_options_use(L, 3, &use);
    struct porter *p = ml_alloc_new(&vm->alloc, sizeof *p);
    if (p == NULL) {
        return luaL_error(L, "not enough memory");
    }
    p->head.admit = porter_admit;
    p->head.release = porter_release;
    p->alloc = vm->alloc;
    p->context = ml_tls_context_ref(object->context);
    p->verify = use.verify;
    ml_listener_post(L, 1, &p->head);
    return 0;
}

/* armed(listener) */
static int listener_armed(lua_State *L)
{
    ml_arg_expected(L, ml_listener_is(L, 1), 1, "a listener");
    lua_pushboolean(L, ml_listener_posted(L, 1));
    return 1;
}

void ml_tls_stream_open(lua_State *L, struct ml_vm *vm)
{
    static const luaL_Reg functions[] = {{"begin", stream_new_client},
                                         {"arm", listener_arm},
                                         {"armed", listener_armed},
                                         {NULL, NULL}};
    static const luaL_Reg methods[] = {
        {"starttls", stream_starttls}, {"tls", stream_info}, {NULL, NULL}};
    ml_vm_setfuncs(L, vm, functions);
    luaL_getmetatable(L, ml_stream_type);
    (void)lua_getfield(L, -1, "__index");
    ml_vm_setfuncs(L, vm, methods);
    ml_sys_method(L, vm, "handshake", &stream_handshake);
    lua_pop(L, 2);
}
