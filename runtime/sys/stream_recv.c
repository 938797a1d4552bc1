/* stream_recv.c - recv and recvinto: some bytes as they come. */
#include "core/arg.h"
#include "core/call.h"
#include "core/misuse.h"
#include "sys/bytes.h"
#include "sys/stream.h"
#include "sys/sys.h"

#include <errno.h>
#include <string.h>

/* What is read at a time, onto the C stack: a string is made once its length
 * is known, and an idle connection holds no memory for it. */
enum {
    CHUNK = 64 * 1024
};

/* The arguments `max` and `timeout`, the first of them at `arg`. */
static void check_bounds(lua_State *L, int arg)
{
    if (!ml_misuse_absent(L, arg)) {
        ml_arg_check(L, ml_misuse_integer(L, arg) >= 1, arg,
                     "at least one byte must be asked for");
    }
    (void)ml_misuse_opt_seconds(L, arg + 1, 0);
}

static void recv_check(lua_State *L)
{
    (void)ml_stream_check(L, 1);
    if (lua_gettop(L) > 1) {
        check_bounds(L, 2);
    }
}

/* The most that the call asks for by its argument `arg`. */
static size_t call_max(lua_State *L, const ml_call *call, int arg,
                       size_t otherwise)
{
    int index = call->base + arg;
    bool given = call->nargs >= arg && !lua_isnil(L, index);
    return given ? (size_t)lua_tointeger(L, index) : otherwise;
}

/* Bounds a call that begins by its argument `arg`. */
static void call_timeout(lua_State *L, ml_call *call, int arg)
{
    int index = call->base + arg;
    if (call->woke == ML_WOKE_NOT && call->nargs >= arg &&
        !lua_isnil(L, index)) {
        ml_stream_bound(call, lua_tonumber(L, index));
    }
}

static int recv_held(lua_State *L, struct ml_stream *s, size_t max)
{
    size_t n = ml_buffer_length(&s->in);
    n = n < max ? n : max;
    lua_pushlstring(L, ml_buffer_bytes(&s->in), n);
    ml_stream_take(s, n);
    return 1;
}

/* Should there be no memory for the string, the bytes are lost: the stream
 * must not go on as if they had never been. */
static int recv_fresh(lua_State *L, struct ml_stream *s, size_t max)
{
    char chunk[CHUNK];
    ssize_t n = ml_stream_get(s, chunk, max < CHUNK ? max : CHUNK);
    if (n < 0) {
        return (int)n;
    }
    if (n == 0) {
        lua_pushnil(L);
        return 1;
    }
    s->error = ENOMEM;
    lua_pushlstring(L, chunk, (size_t)n);
    s->error = 0;
    return 1;
}

static int recv_some(lua_State *L, const ml_call *call, struct ml_stream *s)
{
    size_t max = call_max(L, call, 2, CHUNK);
    if (ml_buffer_length(&s->in) > 0) {
        return recv_held(L, s, max);
    }
    return ml_stream_drained(s, call) ? -EAGAIN : recv_fresh(L, s, max);
}

static int recv_attempt(lua_State *L, ml_call *call)
{
    struct ml_stream *s = ml_stream_self(L, call);
    call_timeout(L, call, 3);
    int n = ml_stream_begin(s, &s->reader, call);
    if (n >= 0) {
        n = recv_some(L, call, s);
    }
    if (ml_transport_blocks(n)) {
        n = ml_stream_wait(s, &s->reader, call, n);
    }
    return ml_stream_end(L, s, call, n);
}

static const ml_syscall stream_recv = {.size = sizeof(ml_syscall),
                                       .name = "recv",
                                       .check = recv_check,
                                       .attempt = recv_attempt,
                                       .withdraw = ml_turn_withdraw,
                                       .describe = ml_stream_describe_read};

/* ---- recvinto ------------------------------------------------------------- */

/* Less room than this is too little to be worth a system call. */
enum {
    ROOM_MIN = 4 * 1024
};

static void recvinto_check(lua_State *L)
{
    (void)ml_stream_check(L, 1);
    (void)ml_bytes_check(L, 2);
    check_bounds(L, 3);
}

/* Makes room; *room is how many bytes are read at most: as the script says, or
 * what the buffer has room for. 0; -ENOMEM. */
static int recvinto_reserve(lua_State *L, const ml_call *call,
                            struct ml_bytes *bytes, size_t *room)
{
    size_t rest = ml_buffer_room(&bytes->buffer);
    size_t max = call_max(L, call, 3, rest >= ROOM_MIN ? rest : CHUNK);
    int err = ml_bytes_reserve(bytes, max < CHUNK ? max : CHUNK);
    if (err == 0) {
        rest = ml_buffer_room(&bytes->buffer);
        *room = max < rest ? max : rest;
    }
    return err;
}

static ssize_t recvinto_held(struct ml_stream *s, struct ml_bytes *bytes,
                             size_t room)
{
    size_t n = ml_buffer_length(&s->in);
    n = n < room ? n : room;
    memcpy(ml_buffer_tail(&bytes->buffer), ml_buffer_bytes(&s->in), n);
    ml_stream_take(s, n);
    return (ssize_t)n;
}

static ssize_t recvinto_some(lua_State *L, const ml_call *call,
                             struct ml_stream *s)
{
    struct ml_bytes *bytes = lua_touserdata(L, call->base + 2);
    size_t room = 0;
    if (ml_buffer_length(&s->in) == 0 && ml_stream_drained(s, call)) {
        return -EAGAIN;
    }
    int err = recvinto_reserve(L, call, bytes, &room);
    if (err != 0) {
        return err;
    }
    ssize_t n = ml_buffer_length(&s->in) > 0
                    ? recvinto_held(s, bytes, room)
                    : ml_stream_get(s, ml_buffer_tail(&bytes->buffer), room);
    if (n > 0) {
        ml_bytes_produced(bytes, (size_t)n);
    }
    return n;
}

static int recvinto_try(lua_State *L, ml_call *call, struct ml_stream *s)
{
    int turn = ml_stream_begin(s, &s->reader, call);
    ssize_t n = turn >= 0 ? recvinto_some(L, call, s) : turn;
    if (turn >= 0 && ml_transport_blocks(n)) {
        return ml_stream_wait(s, &s->reader, call, n);
    }
    if (n < 0) {
        return (int)n;
    }
    if (n > 0) {
        lua_pushinteger(L, n);
    } else {
        lua_pushnil(L);
    }
    return 1;
}

static int recvinto_attempt(lua_State *L, ml_call *call)
{
    struct ml_stream *s = ml_stream_self(L, call);
    call_timeout(L, call, 4);
    return ml_stream_end(L, s, call, recvinto_try(L, call, s));
}

static const ml_syscall stream_recvinto = {.size = sizeof(ml_syscall),
                                           .name = "recvinto",
                                           .check = recvinto_check,
                                           .attempt = recvinto_attempt,
                                           .withdraw = ml_turn_withdraw,
                                           .describe = ml_stream_describe_read};

void ml_stream_recv_open(lua_State *L, struct ml_vm *vm)
{
    ml_sys_method(L, vm, "recv", &stream_recv);
    ml_sys_method(L, vm, "recvinto", &stream_recvinto);
}
