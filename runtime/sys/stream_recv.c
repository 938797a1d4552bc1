/* stream_recv.c - recv: some bytes as they come. */
#include "core/arg.h"
#include "core/call.h"
#include "core/misuse.h"
#include "sys/stream.h"
#include "sys/sys.h"

#include <errno.h>

/* What is read at a time, onto the C stack: a string is made once its length
 * is known, and an idle connection holds no memory for it. */
enum {
    CHUNK = 64 * 1024
};

static void recv_check(lua_State *L)
{
    (void)ml_stream_check(L, 1);
    lua_settop(L, 3);
    if (!ml_misuse_absent(L, 2)) {
        ml_arg_check(L, ml_misuse_integer(L, 2) >= 1, 2,
                     "at least one byte must be asked for");
    }
    (void)ml_misuse_opt_seconds(L, 3, 0);
}

static size_t recv_max(lua_State *L, const ml_call *call)
{
    int max = ml_call_arg(call, 2);
    return ml_misuse_absent(L, max) ? CHUNK : (size_t)lua_tointeger(L, max);
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
    size_t max = recv_max(L, call);
    if (ml_buffer_length(&s->in) > 0) {
        return recv_held(L, s, max);
    }
    return ml_stream_drained(s, call) ? -EAGAIN : recv_fresh(L, s, max);
}

static int recv_attempt(lua_State *L, ml_call *call)
{
    struct ml_stream *s = ml_stream_self(L, call);
    int timeout = ml_call_arg(call, 3);
    if (call->woke == ML_WOKE_NOT && !ml_misuse_absent(L, timeout)) {
        ml_stream_bound(call, lua_tonumber(L, timeout));
    }
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

void ml_stream_recv_open(lua_State *L, struct ml_vm *vm)
{
    ml_sys_method(L, vm, "recv", &stream_recv);
}
