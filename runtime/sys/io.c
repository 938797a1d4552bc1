/* io.c - wait_io_read, wait_io_write, close, forget: descriptors of any kind. */
#include "net/io.h"
#include "core/arg.h"
#include "core/call.h"
#include "core/misuse.h"
#include "sys/descriptor.h"
#include "sys/sys.h"
#include "sys/transport.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>

static void io_check(lua_State *L)
{
    ml_io_check(L, 1);
    (void)ml_misuse_opt_seconds(L, 2, 0);
    lua_settop(L, 2);
}

/* What poll(2) says of the descriptor now: 1 ready, 0 not, or -errno. It is
 * ready for everything after an error or a hang-up, and a regular file is
 * always ready. */
static int io_ready(int fd, short events)
{
    int found = ml_io_events(fd, events);
    if (found > 0 && (found & POLLNVAL) != 0) {
        return -EBADF;
    }
    return found > 0 ? 1 : found;
}

/* Where the argument leads, when the call begins; -EBADF if it is closed. */
static int io_begin(lua_State *L, ml_call *call)
{
    int timeout = ml_call_arg(call, 2);
    struct ml_io io = ml_io_at(L, ml_call_arg(call, 1));
    call->number = io.fd;
    call->data = io.mine;
    if (io.mine != NULL) {
        ml_descriptor_share(io.mine);
    }
    if (!ml_misuse_absent(L, timeout)) {
        ml_call_bound(call, lua_tonumber(L, timeout));
    }
    return io.fd >= 0 ? 0 : -EBADF;
}

static bool io_holds(const ml_call *call)
{
    const struct ml_descriptor *mine = call->data;
    return mine != NULL && mine->held != NULL && mine->held(mine);
}

/* What an object knows better than its descriptor: 1, 0, ML_TRANSPORT_OTHER if
 * something has to be written first, or -1. */
static int io_look(const ml_call *call, unsigned direction)
{
    struct ml_descriptor *mine = call->data;
    return direction == ML_READ && mine != NULL && mine->look != NULL &&
                   mine->fd >= 0
               ? mine->look(mine)
               : -1;
}

static int io_true(lua_State *L)
{
    lua_pushboolean(L, 1);
    return 1;
}

/* All who wait for one descriptor are resumed together, so one that was woken
 * does not look again: the first may have read everything by now. The core
 * has made sure that the event was no spurious one. (Of an object that knows
 * better, the bytes that came may be none of its stream.) */
static int io_attempt(lua_State *L, ml_call *call, short events,
                      unsigned direction)
{
    if (call->woke == ML_WOKE_NOT) {
        int err = io_begin(L, call);
        if (err != 0) {
            return err;
        }
        if (direction == ML_READ && io_holds(call)) {
            return io_true(L);
        }
    }
    int ready = io_look(call, direction);
    if (ready == ML_TRANSPORT_OTHER) {
        direction = ML_WRITE;
        ready = 0;
    } else if (ready < 0) {
        ready = call->woke == ML_WOKE_READY
                    ? 1
                    : io_ready((int)call->number, events);
    }
    if (ready != 0) {
        return ready > 0 ? io_true(L) : ready;
    }
    int err = ml_declare_fd(call, (int)call->number, direction, true);
    return err != 0 ? err : ML_WAIT;
}

static int read_attempt(lua_State *L, ml_call *call)
{
    return io_attempt(L, call, POLLIN, ML_READ);
}

static int write_attempt(lua_State *L, ml_call *call)
{
    return io_attempt(L, call, POLLOUT, ML_WRITE);
}

static void io_describe(const ml_call *call, char *text, size_t size)
{
    (void)snprintf(text, size, "(fd %d)", (int)call->number);
}

static const ml_syscall sys_read = {.size = sizeof(ml_syscall),
                                    .name = "wait_io_read",
                                    .check = io_check,
                                    .attempt = read_attempt,
                                    .describe = io_describe};

static const ml_syscall sys_write = {.size = sizeof(ml_syscall),
                                     .name = "wait_io_write",
                                     .check = io_check,
                                     .attempt = write_attempt,
                                     .describe = io_describe};

/* ml.forget(io): the descriptor is about to be closed by other means. */
static int io_forget(lua_State *L)
{
    ml_io_check(L, 1);
    struct ml_io io = ml_io_at(L, 1);
    if (io.fd >= 0) {
        ml_descriptor_forget(ml_vm_upvalue(L), io.fd);
    }
    lua_pushboolean(L, 1);
    return 1;
}

static int io_close_object(lua_State *L, int fd)
{
    lua_settop(L, 1);
    ml_arg_check(L, lua_getfield(L, 1, "close") != LUA_TNIL, 1,
                 "it has no method close");
    ml_descriptor_forget(ml_vm_upvalue(L), fd);
    lua_insert(L, 1);
    lua_call(L, 1, LUA_MULTRET);
    return lua_gettop(L);
}

/* ml.close(io): forgets it and closes it, by its own `close` if it has one. */
static int io_close(lua_State *L)
{
    ml_io_check(L, 1);
    struct ml_io io = ml_io_at(L, 1);
    if (lua_type(L, 1) == LUA_TNUMBER) { /* perhaps that of an object */
        io.mine = ml_descriptor_find(ml_vm_upvalue(L), io.fd);
    }
    if (io.mine != NULL) {
        ml_descriptor_close(io.mine);
        return io_true(L);
    }
    if (io.fd < 0) {
        return ml_fail(L, EBADF, "close", NULL, NULL);
    }
    if (lua_type(L, 1) != LUA_TNUMBER) {
        return io_close_object(L, io.fd);
    }
    ml_descriptor_forget(ml_vm_upvalue(L), io.fd);
    if (ml_io_close(io.fd) != 0) {
        return ml_fail(L, errno, "close", NULL, NULL);
    }
    return io_true(L);
}

void ml_sys_io_open(lua_State *L, struct ml_vm *vm)
{
    static const ml_syscall *const defs[] = {&sys_read, &sys_write, NULL};
    static const luaL_Reg functions[] = {
        {"forget", io_forget}, {"close", io_close}, {NULL, NULL}};
    ml_sys_add(L, vm, defs);
    ml_vm_setfuncs(L, vm, functions);
}
