/* connect.c - net.connect: one system call that looks up a name, races its
 * addresses (sys/race.h), and ends with a stream. */
#include "core/arg.h"
#include "core/call.h"
#include "core/loop.h"
#include "net/socket.h"
#include "net/socket_option.h"
#include "sys/endpoint.h"
#include "sys/lookup.h"
#include "sys/option.h"
#include "sys/race.h"
#include "sys/secure.h"
#include "sys/stream.h"
#include "sys/sys.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Seconds that a connect may last unless somebody says so, and between two
 * attempts (RFC 8305, section 5). */
static const double TIMEOUT = 10;
static const double STAGGER = 0.25;

static const char *const option_names[] = {
    "bind", "family", "maxline", "nodelay", "stagger", "timeout", "tls", NULL};

/* One connect in flight; the call's data. */
struct connect {
    struct ml_vm *vm;
    struct ml_lookup *lookup; /* a reference; the race runs on its answer */
    struct ml_race race;      /* once `racing` */
    bool racing;
    bool nodelay;
    bool bound; /* `local` is asked for */
    struct ml_address local;
    int family;
    int64_t stagger;
    int64_t deadline;
};

/* ---- arguments ---------------------------------------------------------- */

/* A table with something at 1 is a list of addresses. */
static bool is_list(lua_State *L, int index)
{
    return lua_istable(L, index) && lua_rawlen(L, index) > 0;
}

static void check_list(lua_State *L, int arg)
{
    lua_Integer n = (lua_Integer)lua_rawlen(L, arg);
    for (lua_Integer i = 1; i <= n; i++) {
        ml_arg_check(L, lua_rawgeti(L, arg, i) == LUA_TSTRING, arg,
                     "a list of addresses has strings");
        lua_pop(L, 1);
    }
}

static void check_bind(lua_State *L, int arg)
{
    int type = ml_option_push(L, arg, "bind");
    if (type != LUA_TNIL && type != LUA_TSTRING) {
        (void)ml_option_refuse(L, arg, "bind", "an address as a string");
    }
    lua_pop(L, 1);
}

static void connect_check(lua_State *L)
{
    if (is_list(L, 1)) {
        check_list(L, 1);
    } else {
        ml_endpoint_check(L, 1);
    }
    ml_option_check(L, 2, option_names);
    check_bind(L, 2);
    (void)ml_option_family(L, 2, "family");
    (void)ml_stream_option_maxline(L, 2);
    (void)ml_option_flag(L, 2, "nodelay", true);
    (void)ml_option_seconds(L, 2, "stagger", STAGGER);
    (void)ml_option_seconds(L, 2, "timeout", TIMEOUT);
    ml_secure_check(L, 2);
    lua_settop(L, 2);
}

static void read_options(lua_State *L, ml_call *call, struct connect *c)
{
    int arg = ml_call_arg(call, 2);
    c->family = ml_option_family(L, arg, "family");
    c->nodelay = ml_option_flag(L, arg, "nodelay", true);
    c->stagger =
        ml_time_from_seconds(ml_option_seconds(L, arg, "stagger", STAGGER));
    c->deadline =
        ml_call_time(call, ml_option_seconds(L, arg, "timeout", TIMEOUT));
}

/* The address that the text at `index` spells in numbers. 0, or -EINVAL and
 * why. */
static int read_numeric(lua_State *L, int index, struct ml_address *out,
                        const char **why)
{
    struct ml_endpoint endpoint;
    int err = ml_endpoint_at(L, index, &endpoint, why);
    if (err != 0) {
        return err;
    }
    err = ml_address_numeric(&endpoint, false, out);
    *why = "a name cannot stand here: net.resolve gives its addresses";
    return err != 0 ? -EINVAL : 0;
}

/* ---- its life ----------------------------------------------------------- */

static void connect_free(struct connect *c)
{
    if (c->racing) {
        ml_race_term(&c->race);
    }
    ml_lookup_unref(c->lookup);
    ml_alloc_free(&c->vm->alloc, c, sizeof *c);
}

static void connect_withdraw(ml_call *call)
{
    struct connect *c = ml_call_data(call);
    if (c != NULL) {
        ml_call_setdata(call, NULL);
        connect_free(c);
    }
}

static struct connect *connect_new(lua_State *L, ml_call *call)
{
    struct ml_vm *vm = ml_call_loop(call)->vm;
    struct connect *c = ml_alloc_new(&vm->alloc, sizeof *c);
    if (c != NULL) {
        memset(c, 0, sizeof *c);
        c->vm = vm;
        ml_call_setdata(call, c); /* before anything can raise */
        read_options(L, call, c);
    }
    return c;
}

/* ---- the end ------------------------------------------------------------ */

/* Which attempt the error is of, if that is not said by the address. */
static const char *attempt_text(const struct connect *c, int err,
                                char text[ML_ADDRESS_TEXT_SIZE])
{
    if (!c->racing || c->race.error != err) {
        return NULL;
    }
    (void)ml_address_format(&c->race.field->addresses[c->race.failed], text,
                            ML_ADDRESS_TEXT_SIZE);
    return text;
}

/* `nil, err`: the address as the user gave it, and where that led. */
static int connect_fail(lua_State *L, ml_call *call, int err)
{
    struct connect *c = ml_call_data(call);
    char asked[ML_ENDPOINT_TEXT_SIZE];
    char tried[ML_ADDRESS_TEXT_SIZE];
    char reason[ML_ADDRESS_TEXT_SIZE + 8];
    ml_endpoint_format(ml_lookup_endpoint(c->lookup), asked, sizeof asked);
    const char *at = attempt_text(c, err, tried);
    connect_withdraw(call);
    if (asked[0] == '\0' || at == NULL || strcmp(asked, at) == 0) {
        return ml_fail(L, err, "connect", asked[0] != '\0' ? asked : at, NULL);
    }
    (void)snprintf(reason, sizeof reason, "at %s", at);
    return ml_fail(L, err, "connect", asked, reason);
}

/* The stream, at the top of the stack since the call began, gets the
 * connection. */
static int connect_done(lua_State *L, ml_call *call, int fd)
{
    struct connect *c = ml_call_data(call);
    struct ml_stream *stream = lua_touserdata(L, ml_call_arg(call, 3));
    struct ml_address peer;
    if (c->nodelay) {
        (void)ml_socket_nodelay(fd, true); /* for TCP: others refuse it */
    }
    ml_stream_adopt(stream, fd, true);
    stream->tcp = ml_socket_is_tcp(fd);
    if (ml_socket_peer(fd, &peer) == 0) {
        ml_stream_setpeer(stream, &peer);
    }
    connect_withdraw(call);
    return 1;
}

/* ---- the beginning ------------------------------------------------------ */

/* Refuses text that is no address, at `index`. */
static int refuse_text(lua_State *L, ml_call *call, int index, const char *why)
{
    connect_withdraw(call);
    return ml_endpoint_refuse(L, index, "connect", why);
}

static int begin_bind(lua_State *L, ml_call *call, struct connect *c)
{
    const char *why = NULL;
    if (ml_option_push(L, ml_call_arg(call, 2), "bind") == LUA_TSTRING) {
        if (read_numeric(L, -1, &c->local, &why) != 0) {
            return refuse_text(L, call, -1, why);
        }
        c->bound = true;
    }
    lua_pop(L, 1);
    return 0;
}

static int begin_list(lua_State *L, ml_call *call, struct connect *c)
{
    struct ml_address *addresses = NULL;
    const char *why = NULL;
    int arg = ml_call_arg(call, 1);
    size_t count = (size_t)lua_rawlen(L, arg);
    c->lookup = ml_lookup_list(count, &addresses);
    if (c->lookup == NULL) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < count; i++) {
        (void)lua_rawgeti(L, arg, (lua_Integer)i + 1);
        if (read_numeric(L, -1, &addresses[i], &why) != 0) {
            return refuse_text(L, call, -1, why);
        }
        lua_pop(L, 1);
    }
    return 0;
}

/* A descriptor that is connected already. */
static int begin_inherited(lua_State *L, ml_call *call, struct connect *c,
                           const struct ml_endpoint *endpoint)
{
    struct ml_address peer;
    int err = ml_endpoint_inherit(endpoint, ML_IO_STREAM);
    if (err == 0) {
        err = ml_socket_peer(endpoint->fd, &peer);
    }
    if (err == 0) {
        return connect_done(L, call, endpoint->fd);
    }
    c->lookup = ml_lookup_new(endpoint, (struct ml_lookup_use){0});
    return c->lookup != NULL ? connect_fail(L, call, -err) : -ENOMEM;
}

static int begin_one(lua_State *L, ml_call *call, struct connect *c)
{
    struct ml_endpoint endpoint;
    const char *why = NULL;
    int arg = ml_call_arg(call, 1);
    if (ml_endpoint_at(L, arg, &endpoint, &why) != 0) {
        return refuse_text(L, call, arg, why);
    }
    if (endpoint.kind == ML_ENDPOINT_FD) {
        return begin_inherited(L, call, c, &endpoint);
    }
    struct ml_lookup_use use = {.family = c->family, .socktype = SOCK_STREAM};
    c->lookup = ml_lookup_new(&endpoint, use);
    return c->lookup != NULL ? 0 : -ENOMEM;
}

/* 0: the look-up may begin; else what the attempt returns. */
static int connect_begin(lua_State *L, ml_call *call)
{
    ml_stream_new(L, ml_call_loop(call)->vm)->maxline =
        ml_stream_option_maxline(L, ml_call_arg(call, 2));
    struct connect *c = connect_new(L, call);
    if (c == NULL) {
        return -ENOMEM;
    }
    int n = begin_bind(L, call, c);
    if (n != 0) {
        return n;
    }
    return is_list(L, ml_call_arg(call, 1)) ? begin_list(L, call, c)
                                            : begin_one(L, call, c);
}

/* ---- in between --------------------------------------------------------- */

static int race_begin(struct connect *c, int64_t now)
{
    int err = ml_race_init(&c->race, c->vm, ml_lookup_answer(c->lookup), now);
    if (err == 0) {
        c->racing = true;
        c->race.stagger = c->stagger;
        c->race.local = c->bound ? &c->local : NULL;
    }
    return err;
}

/* Goes as far as it can: a descriptor, ML_WAIT, or -errno. */
static int connect_run(struct connect *c, ml_call *call, int64_t now)
{
    if (!c->racing) {
        int err = ml_lookup_attempt(c->lookup, call);
        ml_call_setdata(call, c);
        if (err != 0) {
            return err;
        }
        err = race_begin(c, now);
        if (err != 0) {
            return err;
        }
    }
    int fd = ml_race_run(&c->race, now);
    if (fd != -EINPROGRESS) {
        return fd;
    }
    int err = ml_race_declare(&c->race, call);
    return err != 0 ? err : ML_WAIT;
}

/* The deadline is the call's own, for the core's would not name the address. */
static int connect_attempt(lua_State *L, ml_call *call)
{
    if (ml_call_first(call)) {
        int n = connect_begin(L, call);
        if (n != 0) {
            return n;
        }
    }
    struct connect *c = ml_call_data(call);
    int64_t now = ml_loop_now(ml_call_loop(call));
    int fd = connect_run(c, call, now);
    if (fd >= 0) {
        return connect_done(L, call, fd);
    }
    if (fd != ML_WAIT) {
        return connect_fail(L, call, -fd);
    }
    if (c->deadline <= now) {
        return connect_fail(L, call, ETIMEDOUT);
    }
    if (c->deadline < call->alarm) {
        call->alarm = c->deadline;
    }
    return ML_WAIT;
}

static void connect_describe(const ml_call *call, char *text, size_t size)
{
    const struct connect *c = ml_call_data(call);
    char address[ML_ENDPOINT_TEXT_SIZE];
    if (c != NULL && c->lookup != NULL) {
        ml_endpoint_format(ml_lookup_endpoint(c->lookup), address,
                           sizeof address);
        (void)snprintf(text, size, "to %s", address);
    }
}

static const ml_syscall net_connect = {.size = sizeof(ml_syscall),
                                       .name = "connect",
                                       .check = connect_check,
                                       .attempt = connect_attempt,
                                       .withdraw = connect_withdraw,
                                       .describe = connect_describe};

/* Upvalues: the vm, the function that connects by TLS. */
static int connector_connect(lua_State *L)
{
    if (!ml_secure_wanted(L, 1, 2)) {
        return ml_call_enter(L, ml_vm_upvalue(L), &net_connect);
    }
    ml_secure_begin(L, "connect", 2);
    connect_check(L);
    return ml_secure_call(L);
}

/* connector(f): net.connect, where `f` is for TLS. */
static int connector_function(lua_State *L)
{
    return ml_secure_function(L, connector_connect);
}

void ml_sys_connect_open(lua_State *L, struct ml_vm *vm)
{
    static const luaL_Reg functions[] = {{"connector", connector_function},
                                         {NULL, NULL}};
    ml_vm_setfuncs(L, vm, functions);
    ml_sys_method(L, vm, "connect", &net_connect);
}
