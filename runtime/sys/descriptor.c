#include "sys/descriptor.h"

#include "core/arg.h"
#include "core/loop.h"
#include "core/misuse.h"
#include "net/io.h"
#include "sys/sys.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

/* The field of a metatable that marks the runtime's own objects. */
static const char *const MARK = "miniloop.descriptor";

struct ml_descriptor *ml_descriptor_new(lua_State *L, struct ml_vm *vm,
                                        size_t size, const char *metatable)
{
    struct ml_descriptor *d = lua_newuserdatauv(L, size, 0);
    memset(d, 0, size);
    d->type = metatable;
    d->vm = vm;
    d->fd = -1;
    luaL_setmetatable(L, metatable);
    return d;
}

static struct ml_descriptor *own(lua_State *L, int index)
{
    if (luaL_getmetafield(L, index, MARK) == LUA_TNIL) {
        return NULL;
    }
    lua_pop(L, 1);
    return (struct ml_descriptor *)lua_touserdata(L, index);
}

/* The first argument, also of a metamethod: scripts can call those by hand. */
static struct ml_descriptor *check_self(lua_State *L)
{
    struct ml_descriptor *d = own(L, 1);
    ml_arg_expected(L, d != NULL, 1, "an object of miniloop");
    return d;
}

static int object_gc(lua_State *L)
{
    struct ml_descriptor *d = check_self(L);
    ml_descriptor_close(d);
    d->type = NULL; /* the memory may become another's */
    return 0;
}

/* At the end of its block. */
static int object_leave(lua_State *L)
{
    ml_descriptor_close(check_self(L));
    return 0;
}

static int object_close(lua_State *L)
{
    ml_descriptor_close(check_self(L));
    lua_pushboolean(L, 1);
    return 1;
}

static int object_getfd(lua_State *L)
{
    struct ml_descriptor *d = check_self(L);
    if (d->fd < 0) {
        return ml_fail(L, EBADF, "getfd", NULL, NULL);
    }
    ml_descriptor_share(d);
    lua_pushinteger(L, d->fd);
    return 1;
}

/* Upvalues: the vm, what it is. */
static int object_tostring(lua_State *L)
{
    const struct ml_descriptor *d = own(L, 1);
    const char *what = lua_tostring(L, lua_upvalueindex(2));
    ml_arg_expected(L, d != NULL, 1, what);
    if (d != NULL && d->fd >= 0) {
        lua_pushfstring(L, "%s (fd %d)", what, d->fd);
    } else {
        lua_pushfstring(L, "%s (closed)", what);
    }
    return 1;
}

void ml_descriptor_type(lua_State *L, struct ml_vm *vm, const char *metatable,
                        const char *what)
{
    static const luaL_Reg methods[] = {
        {"close", object_close}, {"getfd", object_getfd}, {NULL, NULL}};
    static const luaL_Reg metamethods[] = {
        {"__gc", object_gc}, {"__close", object_leave}, {NULL, NULL}};
    lua_pushfstring(L, "a %s", what);
    ml_object_type(L, vm, metatable, lua_tostring(L, -1));
    lua_remove(L, -2);
    luaL_getmetatable(L, metatable);
    ml_vm_setfuncs(L, vm, metamethods);
    lua_pushboolean(L, 1);
    lua_setfield(L, -2, MARK);
    lua_pushstring(L, what);
    ml_vm_pushclosure(L, vm, object_tostring, 1);
    lua_setfield(L, -2, "__tostring");
    lua_pop(L, 1);
    ml_vm_setfuncs(L, vm, methods);
}

void ml_descriptor_open(struct ml_descriptor *d, int fd, bool socket)
{
    d->fd = fd;
    d->socket = socket;
    ml_list_append(&d->vm->descriptors, &d->link);
    ml_list_each (item, &d->vm->loops) {
        ml_watch_adopt(ml_container_of(item, struct ml_loop, link), fd);
    }
}

void ml_descriptor_share(struct ml_descriptor *d)
{
    if (d->shared) {
        return;
    }
    d->shared = true;
    ml_list_each (item, &d->vm->loops) {
        ml_watch_share(ml_container_of(item, struct ml_loop, link), d->fd);
    }
}

struct ml_descriptor *ml_descriptor_find(struct ml_vm *vm, int fd)
{
    ml_list_each (item, &vm->descriptors) {
        struct ml_descriptor *d =
            ml_container_of(item, struct ml_descriptor, link);
        if (d->fd == fd) {
            return d;
        }
    }
    return NULL;
}

void ml_descriptor_forget(struct ml_vm *vm, int fd)
{
    ml_list_each (item, &vm->loops) {
        ml_watch_forget(ml_container_of(item, struct ml_loop, link), fd);
    }
}

static void wake(const struct ml_descriptor *d, unsigned events)
{
    ml_list_each (item, &d->vm->loops) {
        ml_watch_wake(ml_container_of(item, struct ml_loop, link), d->fd,
                      events);
    }
}

void ml_descriptor_readable(const struct ml_descriptor *d)
{
    wake(d, ML_POLL_READ);
}

void ml_descriptor_writable(const struct ml_descriptor *d)
{
    wake(d, ML_POLL_WRITE);
}

void ml_descriptor_close(struct ml_descriptor *d)
{
    int fd = d->fd;
    if (fd < 0) {
        return;
    }
    d->fd = -1;
    ml_list_unlink(&d->link);
    if (d->closing != NULL) {
        d->closing(d);
    }
    ml_descriptor_forget(d->vm, fd);
    /* An error of close is one of what was written before, too late for all
     * who might act on it; the descriptor is gone in any case. */
    (void)ml_io_close(fd);
}

/* ---- io arguments ------------------------------------------------------------- */

/* The name of the method by which a table or userdata tells the descriptor, or
 * NULL. Its own __index may raise, that of an object without one does. */
static const char *fd_method(lua_State *L, int arg)
{
    static const char *const names[] = {"getfd", "fileno", "pollfd", NULL};
    for (const char *const *name = names; *name != NULL; name++) {
        int type = lua_getfield(L, arg, *name);
        lua_pop(L, 1);
        if (type == LUA_TFUNCTION) {
            return *name;
        }
    }
    return NULL;
}

static luaL_Stream *lua_file(lua_State *L, int index)
{
    return (luaL_Stream *)luaL_testudata(L, index, LUA_FILEHANDLE);
}

/* (value): what fd_method says of it, or nil. */
static int ask_method(lua_State *L)
{
    lua_pushstring(L, fd_method(L, 1));
    return 1;
}

/* Raises unless the value has such a method. What its __index says about that
 * is what is wrong with the argument. */
static void check_method(lua_State *L, int arg)
{
    lua_pushcfunction(L, ask_method);
    lua_pushvalue(L, arg);
    int status = lua_pcall(L, 1, 1, 0);
    bool told = status == LUA_ERRRUN && lua_type(L, -1) == LUA_TSTRING;
    if (status != LUA_OK && !told) {
        (void)lua_error(L);
    }
    ml_arg_check(L, !told, arg, lua_tostring(L, -1));
    ml_arg_check(L, !lua_isnil(L, -1), arg,
                 "it has no method getfd, fileno or pollfd");
    lua_pop(L, 1);
}

void ml_io_check(lua_State *L, int arg)
{
    if (lua_type(L, arg) == LUA_TNUMBER) {
        (void)ml_misuse_integer(L, arg);
        return;
    }
    if (lua_isuserdata(L, arg) &&
        (own(L, arg) != NULL || lua_file(L, arg) != NULL)) {
        return;
    }
    ml_arg_expected(L, lua_isuserdata(L, arg) || lua_istable(L, arg), arg,
                    "a descriptor, or an object that has one");
    check_method(L, arg);
}

static int number_as_fd(lua_Integer n)
{
    return n >= 0 && n <= INT_MAX ? (int)n : -1;
}

static int ask_fd(lua_State *L, int index)
{
    const char *method = fd_method(L, index);
    if (method == NULL) {
        return -1; /* it had one when the request was made */
    }
    lua_getfield(L, index, method);
    lua_pushvalue(L, index);
    lua_call(L, 1, 1);
    if (lua_isnil(L, -1)) {
        lua_pop(L, 1);
        return -1;
    }
    int is_number = 0;
    lua_Integer n = lua_tointegerx(L, -1, &is_number);
    if (is_number == 0) {
        return luaL_error(L, "the method '%s' gave no descriptor, but %s",
                          method, luaL_typename(L, -1));
    }
    lua_pop(L, 1);
    return number_as_fd(n);
}

struct ml_io ml_io_at(lua_State *L, int index)
{
    struct ml_io io = {.fd = -1, .mine = NULL};
    index = lua_absindex(L, index);
    if (lua_type(L, index) == LUA_TNUMBER) {
        io.fd = number_as_fd(lua_tointeger(L, index));
        return io;
    }
    io.mine = lua_isuserdata(L, index) ? own(L, index) : NULL;
    if (io.mine != NULL) {
        io.fd = io.mine->fd;
        return io;
    }
    luaL_Stream *file = lua_file(L, index);
    if (file != NULL) {
        io.fd = file->closef != NULL ? fileno(file->f) : -1;
        return io;
    }
    io.fd = ask_fd(L, index);
    return io;
}
