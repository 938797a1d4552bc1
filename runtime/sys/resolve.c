/* resolve.c - net.resolve: the addresses of a name. */
#include "core/arg.h"
#include "core/call.h"
#include "net/address.h"
#include "sys/endpoint.h"
#include "sys/lookup.h"
#include "sys/option.h"
#include "sys/sys.h"

#include <errno.h>
#include <sys/socket.h>

static const char *const option_names[] = {"family", "timeout", NULL};

static void resolve_check(lua_State *L)
{
    ml_arg_type(L, 1, LUA_TSTRING);
    ml_option_check(L, 2, option_names);
    (void)ml_option_family(L, 2, "family");
    (void)ml_option_seconds(L, 2, "timeout", 0);
    lua_settop(L, 2);
}

/* A host with a port, or a host alone. Which of them is noted in the call's
 * number: the addresses are to have ports, or not. */
static int read_name(lua_State *L, ml_call *call, struct ml_endpoint *out,
                     const char **why)
{
    size_t len = 0;
    const char *text = lua_tolstring(L, ml_call_arg(call, 1), &len);
    if (ml_endpoint_parse(out, text, len, why) == 0 &&
        out->kind == ML_ENDPOINT_INET) {
        call->number = 1;
        return 0;
    }
    if (len == 0) {
        *why = "the name is empty";
        return -EINVAL;
    }
    return ml_endpoint_host(out, text, len, why);
}

static int resolve_begin(lua_State *L, ml_call *call)
{
    struct ml_endpoint endpoint;
    const char *why = NULL;
    int options = ml_call_arg(call, 2);
    if (read_name(L, call, &endpoint, &why) != 0) {
        return ml_endpoint_refuse(L, ml_call_arg(call, 1), "resolve", why);
    }
    struct ml_lookup_use use = {.family =
                                    ml_option_family(L, options, "family"),
                                .socktype = SOCK_STREAM};
    if (ml_option_push(L, options, "timeout") == LUA_TNUMBER) {
        ml_call_settimeout(call, lua_tonumber(L, -1));
    }
    lua_pop(L, 1);
    struct ml_lookup *lookup = ml_lookup_new(&endpoint, use);
    ml_call_setdata(call, lookup);
    return lookup != NULL ? 0 : -ENOMEM;
}

static void push_address(lua_State *L, const struct ml_address *address,
                         bool with_port)
{
    char text[ML_ADDRESS_TEXT_SIZE];
    if (with_port) {
        (void)ml_address_format(address, text, sizeof text);
    } else {
        (void)ml_address_host(address, text, sizeof text);
    }
    lua_pushstring(L, text);
}

static int push_answer(lua_State *L, const struct ml_resolution *answer,
                       bool with_port)
{
    lua_createtable(L, (int)answer->count, 0);
    for (size_t i = 0; i < answer->count; i++) {
        push_address(L, &answer->addresses[i], with_port);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    return 1;
}

static int resolve_fail(lua_State *L, ml_call *call, int err)
{
    ml_lookup_withdraw(call);
    return ml_fail(L, err, "resolve", lua_tostring(L, ml_call_arg(call, 1)),
                   NULL);
}

static int resolve_attempt(lua_State *L, ml_call *call)
{
    if (ml_call_first(call)) {
        int n = resolve_begin(L, call);
        if (n != 0) {
            return n;
        }
    }
    struct ml_lookup *lookup = ml_call_data(call);
    int err = ml_lookup_attempt(lookup, call);
    if (err == ML_WAIT) {
        return ML_WAIT;
    }
    if (err != 0) {
        return resolve_fail(L, call, -err);
    }
    int n = push_answer(L, ml_lookup_answer(lookup), call->number == 1);
    ml_lookup_withdraw(call);
    return n;
}

static const ml_syscall net_resolve = {.size = sizeof(ml_syscall),
                                       .name = "resolve",
                                       .check = resolve_check,
                                       .attempt = resolve_attempt,
                                       .withdraw = ml_lookup_withdraw};

void ml_sys_resolve_open(lua_State *L, struct ml_vm *vm)
{
    ml_sys_method(L, vm, "resolve", &net_resolve);
}
