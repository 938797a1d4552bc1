/* stream_sendfile.c - sendfile: bytes of a file into a connection.
 *
 * Of a plain socket the system takes them from its own memory of the file. A
 * transport, or a stream that is no socket, gets them by way of the C stack. */
#include "core/arg.h"
#include "core/call.h"
#include "core/misuse.h"
#include "net/sendfile.h"
#include "sys/stream.h"
#include "sys/sys.h"

#include <errno.h>
#include <stdint.h>
#include <unistd.h>

enum {
    AT_ONCE = 1 << 20, /* bytes of one system call */
    CHUNK = 32 * 1024,
    ROUNDS = 16, /* writes without a wait before others get to run */
    FILE_ARG = 2,
    OFFSET,
    COUNT,
    SENT /* behind the arguments: how many are out */
};

static void check_natural(lua_State *L, int arg, const char *text)
{
    if (!ml_misuse_absent(L, arg)) {
        ml_arg_check(L, ml_misuse_integer(L, arg) >= 0, arg, text);
    }
}

static void sendfile_check(lua_State *L)
{
    (void)ml_stream_check(L, 1);
    lua_settop(L, COUNT);
    ml_io_check(L, FILE_ARG);
    check_natural(L, OFFSET, "an offset cannot be negative");
    check_natural(L, COUNT, "a count cannot be negative");
}

/* What is left to be sent, and from where on; the count of all may be open. */
static size_t sendfile_left(lua_State *L, const ml_call *call, int64_t *from)
{
    int offset = ml_call_arg(call, OFFSET);
    int count = ml_call_arg(call, COUNT);
    int64_t sent = lua_tointeger(L, ml_call_arg(call, SENT));
    int64_t all =
        ml_misuse_absent(L, count) ? INT64_MAX : lua_tointeger(L, count);
    *from = (ml_misuse_absent(L, offset) ? 0 : lua_tointeger(L, offset)) + sent;
    return all - sent < AT_ONCE ? (size_t)(all - sent) : AT_ONCE;
}

/* By way of the C stack; as ml_sendfile. */
static ssize_t send_copied(struct ml_stream *s, int file, int64_t from,
                           size_t n)
{
    char chunk[CHUNK];
    ssize_t got;
    do {
        got = pread(file, chunk, n < CHUNK ? n : CHUNK, (off_t)from);
    } while (got < 0 && errno == EINTR);
    if (got <= 0) {
        return got < 0 ? -errno : 0;
    }
    struct iovec piece = {.iov_base = chunk, .iov_len = (size_t)got};
    return ml_stream_put(s, &piece, 1);
}

/* Files of /proc, devices and others the system gives only to who reads them. */
static ssize_t send_some(struct ml_stream *s, int file, int64_t from, size_t n)
{
    bool direct = s->transport == NULL && s->d.socket;
    ssize_t put = direct ? ml_sendfile(s->d.fd, file, from, n) : -EINVAL;
    return put == -EINVAL || put == -ENOSYS ? send_copied(s, file, from, n)
                                            : put;
}

static void note_sent(lua_State *L, ml_call *call, ssize_t n)
{
    int sent = ml_call_arg(call, SENT);
    lua_pushinteger(L, lua_tointeger(L, sent) + n);
    lua_replace(L, sent);
    ml_stream_progress(call);
}

static int send_done(lua_State *L, ml_call *call, struct ml_stream *s)
{
    ssize_t why = ml_stream_flush(s);
    if (ml_transport_blocks(why)) {
        return ml_stream_wait(s, &s->writer, call, why);
    }
    lua_pushvalue(L, ml_call_arg(call, SENT));
    return why < 0 ? (int)why : 1;
}

static int send_all(lua_State *L, ml_call *call, struct ml_stream *s)
{
    int file = ml_io_at(L, ml_call_arg(call, FILE_ARG)).fd;
    for (int round = 0; round < ROUNDS; round++) {
        int64_t from = 0;
        size_t n = sendfile_left(L, call, &from);
        ssize_t put = n > 0 ? send_some(s, file, from, n) : 0;
        if (put == 0) {
            return send_done(L, call, s);
        }
        if (ml_transport_blocks(put)) {
            return ml_stream_wait(s, &s->writer, call, put);
        }
        if (put < 0) {
            return (int)put;
        }
        note_sent(L, call, put);
    }
    return ml_stream_pause(call);
}

static int sendfile_attempt(lua_State *L, ml_call *call)
{
    struct ml_stream *s = ml_stream_self(L, call);
    if (call->woke == ML_WOKE_NOT) {
        lua_pushinteger(L, 0);
    }
    int n = ml_stream_begin(s, &s->writer, call);
    n = n < 0 ? n : send_all(L, call, s);
    bool failed = n < 0 && n != ML_WAIT;
    n = ml_stream_end(L, s, call, n);
    if (failed) {
        lua_pushliteral(L, "written");
        lua_pushvalue(L, ml_call_arg(call, SENT));
        lua_rawset(L, -3);
    }
    return n;
}

/* sendfile(file [, offset [, count]]): how many bytes there were to send; nil,
 * err with `written`. */
static const ml_syscall stream_sendfile = {.size = sizeof(ml_syscall),
                                           .name = "sendfile",
                                           .check = sendfile_check,
                                           .attempt = sendfile_attempt,
                                           .withdraw = ml_turn_withdraw,
                                           .describe =
                                               ml_stream_describe_write};

void ml_stream_sendfile_open(lua_State *L, struct ml_vm *vm)
{
    ml_sys_method(L, vm, "sendfile", &stream_sendfile);
}
