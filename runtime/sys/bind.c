#include "sys/bind.h"

#include "sys/endpoint.h"
#include "sys/lookup.h"
#include "sys/option.h"

#include <errno.h>
#include <math.h>

/* ---- options ------------------------------------------------------------ */

/* Only a wish where nobody says anything. */
static int read_v6only(lua_State *L, int arg)
{
    int type = ml_option_push(L, arg, "v6only");
    lua_pop(L, 1);
    return type == LUA_TNIL ? -1 : ml_option_flag(L, arg, "v6only", false);
}

/* The permissions that a string spells, as chmod(1) reads it; -1: none. */
static int octal(const char *text)
{
    int mode = 0;
    for (; *text >= '0' && *text <= '7' && mode <= 07777; text++) {
        mode = mode * 8 + (*text - '0');
    }
    return *text == '\0' && mode <= 07777 ? mode : -1;
}

/* Lua has no octal numbers: "660" is 432. */
static int read_mode(lua_State *L, int arg)
{
    int mode = -1;
    int type = ml_option_push(L, arg, "mode");
    if (type == LUA_TSTRING) {
        mode = octal(lua_tostring(L, -1));
    } else if (type == LUA_TNUMBER) {
        mode = ml_option_integer(L, arg, "mode", -1);
    }
    if (type != LUA_TNIL && (mode < 0 || mode > 07777)) {
        (void)ml_option_refuse(L, arg, "mode", "permissions, such as \"660\"");
    }
    lua_pop(L, 1);
    return mode;
}

struct ml_listen_options ml_bind_options(lua_State *L, int arg)
{
    struct ml_listen_options o = ML_LISTEN_OPTIONS_INIT;
    o.backlog = ml_option_integer(L, arg, "backlog", 0);
    o.reuseport = ml_option_flag(L, arg, "reuseport", false);
    o.v6only = read_v6only(L, arg);
    o.mode = read_mode(L, arg);
    o.unlink = ml_option_flag(L, arg, "unlink", false);
    (void)ml_option_seconds(L, arg, "timeout", 0); /* for bind_begin */
    return o;
}

/* ---- the call ----------------------------------------------------------- */

/* A descriptor that somebody else has bound; it stays his until we succeed. */
static int bind_inherit(lua_State *L, const struct ml_bind *bind,
                        const struct ml_endpoint *endpoint,
                        struct ml_bound *out)
{
    char text[ML_ENDPOINT_TEXT_SIZE];
    int err = ml_endpoint_inherit(endpoint, bind->kind);
    if (err == 0) {
        *out = (struct ml_bound){.fd = endpoint->fd, .inherited = true};
        return 0;
    }
    ml_endpoint_format(endpoint, text, sizeof text);
    return ml_fail(L, -err, bind->op, text,
                   err == -EINVAL ? bind->mismatch : NULL);
}

/* The first attempt: reads the address. 0: `out` has an inherited descriptor,
 * or the look-up is the call's data. */
static int bind_begin(lua_State *L, ml_call *call, const struct ml_bind *bind,
                      struct ml_bound *out)
{
    struct ml_endpoint endpoint;
    const char *why = NULL;
    int arg = ml_call_arg(call, 1);
    if (ml_endpoint_at(L, arg, &endpoint, &why) != 0) {
        return ml_endpoint_refuse(L, arg, bind->op, why);
    }
    if (endpoint.kind == ML_ENDPOINT_FD) {
        return bind_inherit(L, bind, &endpoint, out);
    }
    ml_call_settimeout(
        call, ml_option_seconds(L, ml_call_arg(call, 2), "timeout", HUGE_VAL));
    struct ml_lookup_use use = {.socktype = bind->socktype, .passive = true};
    struct ml_lookup *lookup = ml_lookup_new(&endpoint, use);
    ml_call_setdata(call, lookup);
    return lookup != NULL ? 0 : -ENOMEM;
}

/* A bound socket, or what the last address said. */
static int bind_any(const struct ml_bind *bind,
                    const struct ml_resolution *answer,
                    const struct ml_listen_options *options)
{
    int fd = -EADDRNOTAVAIL;
    for (size_t i = 0; i < answer->count && fd < 0; i++) {
        fd = bind->open(&answer->addresses[i], options);
    }
    return fd;
}

/* Ends the call with an error that names the address as it was given. */
static int bind_fail(lua_State *L, ml_call *call, const struct ml_bind *bind,
                     int err)
{
    char text[ML_ENDPOINT_TEXT_SIZE];
    struct ml_lookup *lookup = ml_call_data(call);
    ml_endpoint_format(ml_lookup_endpoint(lookup), text, sizeof text);
    ml_lookup_withdraw(call);
    return ml_fail(L, -err, bind->op, text, NULL);
}

/* A socket at one of the addresses, once they are known. */
static int bind_look(lua_State *L, ml_call *call, const struct ml_bind *bind)
{
    struct ml_lookup *lookup = ml_call_data(call);
    int err = ml_lookup_attempt(lookup, call);
    if (err != 0) {
        return err;
    }
    struct ml_listen_options options = ml_bind_options(L, ml_call_arg(call, 2));
    return bind_any(bind, ml_lookup_answer(lookup), &options);
}

int ml_bind_attempt(lua_State *L, ml_call *call, const struct ml_bind *bind,
                    struct ml_bound *out)
{
    *out = (struct ml_bound){.fd = -1};
    if (ml_call_first(call)) {
        int n = bind_begin(L, call, bind, out);
        if (n != 0 || out->inherited) {
            return n;
        }
    }
    int fd = bind_look(L, call, bind);
    if (fd == ML_WAIT) {
        return ML_WAIT;
    }
    if (fd < 0) {
        return bind_fail(L, call, bind, fd);
    }
    ml_lookup_withdraw(call);
    out->fd = fd;
    return 0;
}
