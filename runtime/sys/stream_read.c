/* stream_read.c - read and lines: items of a format, whole or not at all. */
#include "core/arg.h"
#include "core/call.h"
#include "sys/stream_format.h"
#include "sys/sys.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

enum {
    FILL = 4 * 1024,    /* bytes that the system is asked for at least */
    AHEAD = 256 * 1024, /* and at most */
    ROUNDS = 16         /* reads without a wait before others get to run */
};

static void read_check(lua_State *L)
{
    (void)ml_stream_check(L, 1);
    int n = lua_gettop(L);
    for (int arg = 2; arg <= n; arg++) {
        ml_format_check(L, arg);
    }
    if (n == 1) {
        lua_pushliteral(L, "l");
    }
}

/* Looks for what the next format wants, and leaves the answer on the stack. 1
 * if there are formats left, 0 if it was the last; -EAGAIN, and at least
 * *missing more bytes are needed; -errno. */
static int read_format(lua_State *L, ml_call *call, struct ml_stream *s,
                       size_t *missing)
{
    struct ml_format_item item = {0, 0};
    int format = ml_call_arg(call, s->read.format + 2);
    switch (ml_format_find(L, format, s, &item)) {
    case ML_FOUND_MORE:
        *missing = item.take;
        return -EAGAIN;
    case ML_FOUND_LONG:
        return -EMSGSIZE;
    case ML_FOUND_END:
        lua_pushnil(L);
        s->read.format++;
        return 0;
    case ML_FOUND:
    default:
        break;
    }
    lua_pushlstring(L, ml_buffer_bytes(&s->in) + s->read.taken, item.give);
    if (s->d.fd < 0) {
        return -EBADF; /* a finalizer closed it */
    }
    s->read.taken += item.take;
    s->read.scanned = 0;
    return ++s->read.format < ml_call_nargs(call) - 1 ? 1 : 0;
}

/* Nothing is taken from the stream before all formats are done. The number of
 * answers, or as read_format. */
static int read_formats(lua_State *L, ml_call *call, struct ml_stream *s,
                        size_t *missing)
{
    int more = 1;
    while (more > 0) {
        more = read_format(L, call, s, missing);
    }
    if (more < 0) {
        return more;
    }
    ml_stream_take(s, s->read.taken);
    return s->read.format;
}

/* Reads once; *drained if that was all the socket had. As ml_stream_get. */
static ssize_t read_fill(struct ml_stream *s, size_t missing, bool *drained)
{
    /* As much again as there is: so large items come in few large reads. */
    size_t need = ml_buffer_length(&s->in);
    need = need > missing ? need : missing;
    need = need < AHEAD ? need : AHEAD;
    int err = ml_buffer_reserve(&s->in, &s->d.vm->alloc,
                                need > FILL ? need : FILL, SIZE_MAX);
    if (err != 0) {
        return err;
    }
    size_t room = ml_buffer_room(&s->in);
    room = room < AHEAD ? room : AHEAD;
    ssize_t n = ml_stream_get(s, ml_buffer_tail(&s->in), room);
    if (n > 0) {
        ml_buffer_produced(&s->in, (size_t)n);
        *drained = s->d.socket && s->transport == NULL && (size_t)n < room &&
                   ml_stream_rests(s);
    }
    return n;
}

/* A socket that gave less than it was asked for is empty: it is waited for
 * without asking again, as is one that is known to be. (Should more have come
 * meanwhile, the wait ends at once.) */
static int read_all(lua_State *L, ml_call *call, struct ml_stream *s)
{
    bool drained = ml_stream_drained(s, call);
    for (int round = 0; round < ROUNDS; round++) {
        size_t missing = 0;
        int n = read_formats(L, call, s, &missing);
        if (n != -EAGAIN) {
            return n;
        }
        ssize_t got = drained ? -EAGAIN : read_fill(s, missing, &drained);
        if (ml_transport_blocks(got)) {
            return ml_stream_wait(s, &s->reader, call, got);
        }
        if (got < 0) {
            return (int)got;
        }
        ml_stream_progress(call);
    }
    return ml_stream_pause(call);
}

/* Without what follows the turn: the number of answers, -errno, ML_WAIT. */
static int read_try(lua_State *L, ml_call *call, struct ml_stream *s)
{
    int turn = ml_stream_begin(s, &s->reader, call);
    if (turn < 0) {
        return turn;
    }
    if (turn == 1) {
        memset(&s->read, 0, sizeof s->read);
        luaL_checkstack(L, ml_call_nargs(call), "too many formats");
    }
    return read_all(L, call, s);
}

static int read_attempt(lua_State *L, ml_call *call)
{
    struct ml_stream *s = ml_stream_self(L, call);
    return ml_stream_end(L, s, call, read_try(L, call, s));
}

static const ml_syscall stream_read = {.size = sizeof(ml_syscall),
                                       .name = "read",
                                       .check = read_check,
                                       .attempt = read_attempt,
                                       .withdraw = ml_turn_withdraw,
                                       .describe = ml_stream_describe_read};

/* ---- lines ---------------------------------------------------------------- */

/* As read, but what went wrong is raised: a loop has no place for it. */
static int lines_attempt(lua_State *L, ml_call *call)
{
    struct ml_stream *s = ml_stream_self(L, call);
    int n = read_try(L, call, s);
    bool failed = n < 0 && n != ML_WAIT;
    n = ml_stream_end(L, s, call, n);
    return failed ? lua_error(L) : n;
}

static const ml_syscall stream_lines = {.size = sizeof(ml_syscall),
                                        .name = "lines",
                                        .flags = ML_CALL_RAISES,
                                        .attempt = lines_attempt,
                                        .withdraw = ml_turn_withdraw,
                                        .describe = ml_stream_describe_read};

/* Upvalues: the vm, the number of arguments, the stream, the formats. */
static int lines_next(lua_State *L)
{
    int n = (int)lua_tointeger(L, lua_upvalueindex(2));
    lua_settop(L, 0);
    luaL_checkstack(L, n, "too many formats");
    for (int i = 1; i <= n; i++) {
        lua_pushvalue(L, lua_upvalueindex(2 + i));
    }
    return ml_call_enter(L, ml_vm_upvalue(L), &stream_lines);
}

static int lines_new(lua_State *L)
{
    enum {
        ARGS_MAX = 250 /* a C function has at most 255 upvalues */
    };
    read_check(L);
    int n = lua_gettop(L);
    ml_arg_check(L, n <= ARGS_MAX, ARGS_MAX, "too many formats");
    lua_pushinteger(L, n);
    lua_insert(L, 1);
    ml_vm_pushclosure(L, ml_vm_upvalue(L), lines_next, n + 1);
    return 1;
}

void ml_stream_read_open(lua_State *L, struct ml_vm *vm)
{
    static const luaL_Reg methods[] = {{"lines", lines_new}, {NULL, NULL}};
    ml_sys_method(L, vm, "read", &stream_read);
    ml_vm_setfuncs(L, vm, methods);
}
