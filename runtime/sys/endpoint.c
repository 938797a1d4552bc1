#include "sys/endpoint.h"

#include "core/arg.h"
#include "core/misuse.h"

#include <errno.h>
#include <lauxlib.h>
#include <limits.h>
#include <miniloop.h>
#include <stdio.h>
#include <string.h>

static const char *const fields[] = {"host", "port", "path", "fd", NULL};

/* The fields that a table has, as a set. */
enum {
    HOST = 1,
    PORT = 2,
    PATH = 4,
    FD = 8
};

/* ---- misuse ------------------------------------------------------------- */

/* The bit of a field's name; raises if there is no such field. */
static unsigned field_bit(lua_State *L, const char *name)
{
    for (unsigned i = 0; fields[i] != NULL; i++) {
        if (strcmp(fields[i], name) == 0) {
            return 1U << i;
        }
    }
    (void)ml_misuse_field(L, "an address", name, fields);
    return 0;
}

/* Libraries give descriptors as floats, too. */
static bool is_integer(lua_State *L, int index)
{
    int is_integer = 0;
    if (lua_type(L, index) == LUA_TNUMBER) {
        (void)lua_tointegerx(L, index, &is_integer);
    }
    return is_integer != 0;
}

/* A port is a number, or the name of a service: a string of digits is neither,
 * for strings are never taken for numbers. */
static bool is_port(lua_State *L, int index)
{
    if (lua_type(L, index) == LUA_TSTRING) {
        const char *name = lua_tostring(L, index);
        return name[0] < '0' || name[0] > '9';
    }
    return is_integer(L, index);
}

/* Raises unless the value on top may stand in that field. */
static void check_field(lua_State *L, int arg, unsigned field)
{
    bool is_string = lua_type(L, -1) == LUA_TSTRING;
    ml_arg_check(L, field != HOST || is_string, arg, "'host' must be a string");
    ml_arg_check(L, field != PATH || is_string, arg, "'path' must be a string");
    ml_arg_check(L, field != PORT || is_port(L, -1), arg,
                 "'port' must be an integer, or the name of a service");
    ml_arg_check(L, field != FD || is_integer(L, -1), arg,
                 "'fd' must be an integer");
}

static unsigned check_fields(lua_State *L, int arg)
{
    unsigned found = 0;
    lua_pushnil(L);
    while (lua_next(L, arg) != 0) {
        ml_arg_check(L, lua_type(L, -2) == LUA_TSTRING, arg,
                     "an address has the fields host and port, path, or fd");
        unsigned field = field_bit(L, lua_tostring(L, -2));
        check_field(L, arg, field);
        found |= field;
        lua_pop(L, 1);
    }
    return found;
}

void ml_endpoint_check(lua_State *L, int arg)
{
    if (lua_type(L, arg) == LUA_TSTRING) {
        return;
    }
    ml_arg_expected(L, lua_istable(L, arg), arg, "an address");
    unsigned found = check_fields(L, arg);
    ml_arg_check(L,
                 found == PATH || found == FD ||
                     (found != 0 && (found & (PATH | FD)) == 0),
                 arg, "an address has host and port, or path, or fd");
}

/* ---- reading ------------------------------------------------------------ */

/* Adds the port at the top of the stack. */
static int read_port(lua_State *L, struct ml_endpoint *out, const char **why)
{
    size_t len = 0;
    if (lua_type(L, -1) == LUA_TNUMBER) {
        return ml_endpoint_port(out, lua_tointeger(L, -1), why);
    }
    const char *service = lua_tolstring(L, -1, &len);
    return ml_endpoint_service(out, service != NULL ? service : "", len, why);
}

static int read_host(lua_State *L, int index, struct ml_endpoint *out,
                     const char **why)
{
    size_t len = 0;
    lua_getfield(L, index, "host");
    const char *host = lua_tolstring(L, -1, &len);
    int err = ml_endpoint_host(out, host != NULL ? host : "", len, why);
    if (err == 0) {
        lua_getfield(L, index, "port");
        err = read_port(L, out, why);
        lua_pop(L, 1);
    }
    lua_pop(L, 1);
    return err;
}

static int read_path(lua_State *L, struct ml_endpoint *out, const char **why)
{
    size_t len = 0;
    const char *path = lua_tolstring(L, -1, &len);
    return ml_endpoint_path(out, path, len, why);
}

static int read_fd(lua_State *L, struct ml_endpoint *out)
{
    lua_Integer fd = lua_tointeger(L, -1);
    ml_endpoint_descriptor(out, fd >= 0 && fd <= INT_MAX ? (int)fd : -1);
    return 0;
}

static int read_table(lua_State *L, int index, struct ml_endpoint *out,
                      const char **why)
{
    int top = lua_gettop(L);
    int err;
    if (lua_getfield(L, index, "path") == LUA_TSTRING) {
        err = read_path(L, out, why);
    } else if (lua_getfield(L, index, "fd") == LUA_TNUMBER) {
        err = read_fd(L, out);
    } else {
        err = read_host(L, index, out, why);
    }
    lua_settop(L, top);
    return err;
}

int ml_endpoint_at(lua_State *L, int index, struct ml_endpoint *out,
                   const char **why)
{
    size_t len = 0;
    if (lua_type(L, index) != LUA_TSTRING) {
        return read_table(L, lua_absindex(L, index), out, why);
    }
    const char *text = lua_tolstring(L, index, &len);
    return ml_endpoint_parse(out, text, len, why);
}

int ml_endpoint_refuse(lua_State *L, int index, const char *op, const char *why)
{
    const char *text =
        lua_type(L, index) == LUA_TSTRING ? lua_tostring(L, index) : NULL;
    return ml_fail(L, EINVAL, op, text, why);
}

/* ---- texts -------------------------------------------------------------- */

static void format_path(const struct ml_endpoint *endpoint, char *text,
                        size_t size)
{
    bool abstract = endpoint->path[0] == '\0';
    (void)snprintf(text, size, "unix:%s%.*s", abstract ? "@" : "",
                   (int)(endpoint->path_len - (abstract ? 1 : 0)),
                   endpoint->path + (abstract ? 1 : 0));
}

static void format_inet(const struct ml_endpoint *endpoint, char *text,
                        size_t size)
{
    bool v6 = strchr(endpoint->host, ':') != NULL;
    (void)snprintf(text, size, "%s%s%s%s%s", v6 ? "[" : "", endpoint->host,
                   v6 ? "]" : "", endpoint->service[0] != '\0' ? ":" : "",
                   endpoint->service);
}

void ml_endpoint_format(const struct ml_endpoint *endpoint, char *text,
                        size_t size)
{
    switch (endpoint->kind) {
    case ML_ENDPOINT_UNIX:
        format_path(endpoint, text, size);
        return;
    case ML_ENDPOINT_FD:
        (void)snprintf(text, size, "fd %d", endpoint->fd);
        return;
    case ML_ENDPOINT_INET:
    default:
        format_inet(endpoint, text, size);
    }
}

/* ---- inherited descriptors ---------------------------------------------- */

int ml_endpoint_inherit(const struct ml_endpoint *endpoint,
                        enum ml_io_kind kind)
{
    enum ml_io_kind found = ml_io_kind(endpoint->fd);
    if (found != kind) {
        return found == ML_IO_BAD ? -errno : -EINVAL;
    }
    int err = ml_io_cloexec(endpoint->fd);
    return err != 0 ? err : ml_io_nonblock(endpoint->fd, true);
}
