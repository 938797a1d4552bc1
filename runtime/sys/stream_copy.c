/* stream_copy.c - copy: bytes from one stream to another.
 *
 * A copy is a read of the one and a write of the other: it has the turns of
 * both, that of the reader first (a writer never waits for a reader's, so two
 * copies cannot wait for each other). The bytes under way are those that wait in
 * the reader, as for any other read: so whatever cuts a copy short, what was
 * not written can still be read. */
#include "core/misuse.h"
#include "sys/stream.h"
#include "sys/sys.h"

#include <stdint.h>
#include <stdio.h>

enum {
    CHUNK = 64 * 1024, /* bytes that are read at a time */
    ROUNDS = 16        /* of reading and writing before others get to run */
};

/* One attempt. */
struct copy {
    struct ml_call *call;
    struct ml_stream *from, *to;
    struct ml_stream *at; /* of the two the one that failed */
    size_t left;          /* bytes that are to be copied yet */
    bool bounded;         /* the whole of it, by its own timeout */
};

static void copy_check(lua_State *L)
{
    (void)ml_stream_check(L, 1);
    (void)ml_stream_check(L, 2);
    lua_settop(L, 4);
    if (!ml_misuse_absent(L, 3)) {
        ml_arg_check(L, ml_misuse_integer(L, 3) >= 0, 3,
                     "a count cannot be negative");
    }
    (void)ml_misuse_opt_seconds(L, 4, 0);
}

/* How many bytes are out is call->target. */
static struct copy copy_of(lua_State *L, ml_call *call)
{
    struct copy c = {.call = call, .left = SIZE_MAX};
    c.from = ml_stream_self(L, call);
    c.to = (struct ml_stream *)lua_touserdata(L, call->base + 2);
    c.at = c.from;
    c.bounded = !lua_isnil(L, call->base + 4);
    if (!lua_isnil(L, call->base + 3)) {
        lua_Integer n = lua_tointeger(L, call->base + 3);
        c.left = (size_t)(n - call->target);
    }
    return c;
}

/* Takes both turns. 0; ML_WAIT, -errno. */
static int copy_begin(struct copy *c)
{
    int turn = ml_stream_begin(c->from, &c->from->reader, c->call);
    if (turn >= 0) {
        c->at = c->to;
        turn = ml_stream_begin(c->to, &c->to->writer, c->call);
    }
    return turn < 0 ? turn : 0;
}

/* Bytes that wait in the reader and are to be written. */
static size_t copy_due(const struct copy *c)
{
    size_t n = ml_buffer_length(&c->from->in);
    return n < c->left ? n : c->left;
}

/* As ml_stream_get, and 0 also when enough was read. */
static ssize_t copy_read(struct copy *c)
{
    struct ml_buffer *in = &c->from->in;
    size_t n = c->left < CHUNK ? c->left : CHUNK;
    if (n == 0) {
        return 0;
    }
    if (ml_stream_drained(c->from, c->call)) {
        return -EAGAIN;
    }
    int err = ml_buffer_reserve(in, &c->from->d.vm->alloc, n, SIZE_MAX);
    if (err != 0) {
        return err;
    }
    ssize_t got = ml_stream_get(c->from, ml_buffer_tail(in), n);
    if (got > 0) {
        ml_buffer_produced(in, (size_t)got);
    }
    return got;
}

static ssize_t copy_write(struct copy *c, size_t n)
{
    struct iovec piece = {.iov_base = c->from->in.data + c->from->in.start,
                          .iov_len = n};
    ssize_t put = ml_stream_put(c->to, &piece, 1);
    if (put > 0) {
        ml_buffer_consume(&c->from->in, (size_t)put);
        c->call->target += put;
        c->left -= (size_t)put;
    }
    return put;
}

static void copy_progress(const struct copy *c)
{
    if (!c->bounded) {
        ml_stream_progress(c->call);
    }
}

/* Reads or writes once. 1 when something moved, 0 when all is out; ML_WAIT,
 * -errno. */
static int copy_step(struct copy *c)
{
    size_t due = copy_due(c);
    c->at = c->from;
    ssize_t n = due == 0 ? copy_read(c) : (ssize_t)due;
    if (ml_transport_blocks(n)) {
        return ml_stream_wait(c->from, &c->from->reader, c->call, n);
    }
    if (n < 0 || (n > 0 && due == 0)) {
        copy_progress(c);
        return n < 0 ? (int)n : 1;
    }
    c->at = c->to;
    n = due > 0 ? copy_write(c, due) : ml_stream_flush(c->to);
    if (ml_transport_blocks(n)) {
        return ml_stream_wait(c->to, &c->to->writer, c->call, n);
    }
    copy_progress(c);
    return n < 0 ? (int)n : due > 0;
}

static int copy_try(lua_State *L, struct copy *c)
{
    int n = copy_begin(c);
    if (n < 0) {
        return n;
    }
    for (int round = 0; round < ROUNDS; round++) {
        n = copy_step(c);
        if (n == 0) {
            lua_pushinteger(L, c->call->target);
            return 1;
        }
        if (n < 0) {
            return n;
        }
    }
    return ml_stream_pause(c->call);
}

static int copy_attempt(lua_State *L, ml_call *call)
{
    struct copy c = copy_of(L, call);
    if (call->woke == ML_WOKE_NOT && c.bounded) {
        ml_stream_bound(call, lua_tonumber(L, call->base + 4));
    }
    int n = copy_try(L, &c);
    if (c.from->d.fd >= 0 && ml_stream_holds(c.from)) {
        ml_descriptor_readable(&c.from->d);
    }
    bool failed = n < 0 && n != ML_WAIT;
    n = ml_stream_end(L, c.at, call, n);
    if (failed) {
        lua_pushinteger(L, call->target);
        lua_setfield(L, -2, "written");
    }
    return n;
}

static void copy_describe(const ml_call *call, char *text, size_t size)
{
    (void)snprintf(text, size, "(%lld bytes so far)", (long long)call->target);
}

static const ml_syscall stream_copy = {.size = sizeof(ml_syscall),
                                       .name = "copy",
                                       .check = copy_check,
                                       .attempt = copy_attempt,
                                       .withdraw = ml_turn_withdraw,
                                       .describe = copy_describe};

void ml_stream_copy_open(lua_State *L, struct ml_vm *vm)
{
    ml_sys_method(L, vm, "copy", &stream_copy);
}
