#include "sys/socket_method.h"

#include "base/nearest.h"
#include "core/arg.h"
#include "core/misuse.h"
#include "net/socket.h"
#include "net/socket_option.h"
#include "sys/descriptor.h"

#include <errno.h>
#include <limits.h>
#include <miniloop.h>

/* The descriptor of the object at index 1, -1 if it is closed. */
static int self_fd(lua_State *L)
{
    struct ml_io io = ml_io_at(L, 1);
    ml_arg_expected(L, io.mine != NULL, 1, "an object of miniloop");
    return io.fd;
}

void ml_socket_pushaddress(lua_State *L, const struct ml_address *address)
{
    char text[ML_ADDRESS_TEXT_SIZE];
    (void)ml_address_format(address, text, sizeof text);
    lua_pushstring(L, text);
}

int ml_socket_method_address(lua_State *L)
{
    struct ml_address address;
    int err = ml_socket_name(self_fd(L), &address);
    if (err != 0) {
        return ml_fail(L, -err, "address", NULL, NULL);
    }
    ml_socket_pushaddress(L, &address);
    return 1;
}

/* ---- options -------------------------------------------------------------- */

/* The name of an option at `arg`; raises if there is none of that name. */
static const char *check_option(lua_State *L, int arg)
{
    ml_arg_type(L, arg, LUA_TSTRING);
    const char *name = lua_tostring(L, arg);
    if (ml_socket_option_kind(name) >= 0) {
        return name;
    }
    const char *near = ml_nearest(name, ml_socket_option_names());
    const char *text =
        near != NULL
            ? lua_pushfstring(L, "unknown option '%s'; did you mean '%s'?",
                              name, near)
            : lua_pushfstring(L, "unknown option '%s'", name);
    ml_arg_error(L, arg, text);
    return NULL;
}

/* The value at `arg`, of the kind that the option has. */
static long check_value(lua_State *L, int arg, const char *name)
{
    if (ml_socket_option_kind(name) == ML_SOCKET_OPTION_FLAG) {
        ml_arg_type(L, arg, LUA_TBOOLEAN);
        return lua_toboolean(L, arg);
    }
    int64_t value = ml_misuse_integer(L, arg);
    ml_arg_check(L, value >= INT_MIN && value <= INT_MAX, arg, "out of range");
    return (long)value;
}

int ml_socket_method_setoption(lua_State *L)
{
    int fd = self_fd(L);
    const char *name = check_option(L, 2);
    int err = ml_socket_setoption(fd, name, check_value(L, 3, name));
    ml_arg_check(L, err != -ERANGE, 3, "out of range");
    if (err != 0) {
        return ml_fail(L, -err, "setoption", NULL, name);
    }
    lua_pushboolean(L, 1);
    return 1;
}

int ml_socket_method_getoption(lua_State *L)
{
    int fd = self_fd(L);
    const char *name = check_option(L, 2);
    long value = 0;
    int err = ml_socket_getoption(fd, name, &value);
    if (err != 0) {
        return ml_fail(L, -err, "getoption", NULL, name);
    }
    if (ml_socket_option_kind(name) == ML_SOCKET_OPTION_FLAG) {
        lua_pushboolean(L, value != 0);
    } else {
        lua_pushinteger(L, value);
    }
    return 1;
}
