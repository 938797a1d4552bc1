/* listener.c - net.listen and listener:accept.
 *
 * Several tasks may accept on one listener: they take turns, so connections go
 * to them in the order in which they asked. */
#include "sys/listener.h"
#include "core/arg.h"
#include "core/call.h"
#include "core/loop.h"
#include "core/misuse.h"
#include "core/task.h"
#include "net/socket.h"
#include "net/socket_option.h"
#include "sys/bind.h"
#include "sys/descriptor.h"
#include "sys/endpoint.h"
#include "sys/lookup.h"
#include "sys/option.h"
#include "sys/secure.h"
#include "sys/socket_method.h"
#include "sys/stream.h"
#include "sys/sys.h"
#include "sys/turn.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const METATABLE = "miniloop.listener";

/* Connections that ended before they were accepted, skipped at a time. */
enum {
    SKIPS_MAX = 64
};

/* Seconds to wait when there is no descriptor for a connection: twice as long
 * each time. The longest leaves room to recover within a second. */
static const double PAUSE_MIN = 0.01;
static const double PAUSE_MAX = 0.5;

/* The file of a Unix socket that we made, to be removed with the listener. */
struct socket_file {
    char path[ML_ADDRESS_TEXT_SIZE]; /* "": there is none */
    dev_t dev;
    ino_t ino;
};

struct listener {
    struct ml_descriptor d; /* first, see sys/descriptor.h */
    struct ml_turn turn;
    struct socket_file file;
    double pause;                 /* the last one, 0 when all is well */
    struct ml_porter *porter;     /* owned; NULL: they have no transport */
    const struct ml_task *keeper; /* it is closed when that ends, or NULL */
    bool nodelay;                 /* for the connections */
    bool tcp;                     /* they are */
    size_t maxline;               /* the same */
};

/* ---- the file of a Unix socket ------------------------------------------ */

static void file_note(struct socket_file *file, int fd)
{
    struct ml_address own;
    struct stat st;
    if (ml_socket_name(fd, &own) != 0 || ml_address_family(&own) != AF_UNIX ||
        own.un.sun_path[0] == '\0') {
        return;
    }
    (void)ml_address_host(&own, file->path, sizeof file->path);
    if (lstat(file->path, &st) != 0) {
        file->path[0] = '\0';
        return;
    }
    file->dev = st.st_dev;
    file->ino = st.st_ino;
}

/* Only if it is still ours: another server may have taken the path since. As
 * long as our socket is open its inode cannot be used for another file. */
static void file_remove(struct socket_file *file)
{
    struct stat st;
    if (file->path[0] != '\0' && lstat(file->path, &st) == 0 &&
        st.st_dev == file->dev && st.st_ino == file->ino) {
        (void)unlink(file->path); /* there is nobody to be told */
    }
    file->path[0] = '\0';
}

/* ---- the object --------------------------------------------------------- */

static void porter_dismiss(struct listener *l)
{
    if (l->porter != NULL) {
        l->porter->release(l->porter);
        l->porter = NULL;
    }
}

/* Who waits to accept finds a closed listener. */
static void listener_closing(struct ml_descriptor *d)
{
    struct listener *l = (struct listener *)d;
    file_remove(&l->file);
    porter_dismiss(l);
    ml_turn_void(&l->turn);
}

static struct listener *listener_new(lua_State *L, struct ml_vm *vm)
{
    struct listener *l =
        (struct listener *)ml_descriptor_new(L, vm, sizeof *l, METATABLE);
    l->d.closing = listener_closing;
    ml_turn_init(&l->turn);
    return l;
}

bool ml_listener_is(lua_State *L, int index)
{
    return ml_vm_testudata(L, ml_vm_upvalue(L), index, METATABLE) != NULL;
}

void ml_listener_post(lua_State *L, int index, struct ml_porter *porter)
{
    struct listener *l = lua_touserdata(L, index);
    porter_dismiss(l);
    l->porter = porter;
    if (l->d.fd < 0) {
        porter_dismiss(l); /* it is closed, and will not be closed again */
    }
}

bool ml_listener_posted(lua_State *L, int index)
{
    const struct listener *l = lua_touserdata(L, index);
    return l->porter != NULL;
}

static void let_go(struct ml_vm *vm, const struct ml_task *task)
{
    ml_list_each_safe (item, &vm->descriptors) {
        struct ml_descriptor *d =
            ml_container_of(item, struct ml_descriptor, link);
        if (d->type == METATABLE && ((struct listener *)d)->keeper == task) {
            ml_descriptor_close(d);
        }
    }
}

void ml_listener_keep(lua_State *L, int index, struct ml_task *task)
{
    struct listener *l = lua_touserdata(L, index);
    if (task == NULL) {
        ml_descriptor_close(&l->d);
        return;
    }
    l->keeper = task;
    l->d.vm->let_go = let_go;
    task->keeps = true;
}

/* ---- listen ------------------------------------------------------------- */

static const struct ml_bind listening = {.op = "listen",
                                         .socktype = SOCK_STREAM,
                                         .kind = ML_IO_LISTENER,
                                         .mismatch =
                                             "it is no listening socket",
                                         .open = ml_socket_listen};

const char *const ml_listen_option_names[] = {
    "backlog", "maxline", "mode",   "nodelay", "reuseport",
    "timeout", "tls",     "unlink", "v6only",  NULL};

void ml_listen_check(lua_State *L, int address, int options)
{
    ml_endpoint_check(L, address);
    (void)ml_bind_options(L, options);
    (void)ml_option_flag(L, options, "nodelay", true);
    (void)ml_stream_option_maxline(L, options);
    ml_secure_check(L, options);
}

static void listen_check(lua_State *L)
{
    ml_option_check(L, 2, ml_listen_option_names);
    ml_listen_check(L, 1, 2);
    lua_settop(L, 2);
}

/* The listener is made first, so that nothing can fail once there is a
 * descriptor. */
static int listen_attempt(lua_State *L, ml_call *call)
{
    struct ml_bound bound;
    if (call->woke == ML_WOKE_NOT) {
        int options = ml_call_arg(call, 2);
        struct listener *made = listener_new(L, ml_call_loop(call)->vm);
        made->nodelay = ml_option_flag(L, options, "nodelay", true);
        made->maxline = ml_stream_option_maxline(L, options);
    }
    int n = ml_bind_attempt(L, call, &listening, &bound);
    if (n != 0) {
        return n;
    }
    struct listener *l = lua_touserdata(L, ml_call_arg(call, 3));
    ml_descriptor_open(&l->d, bound.fd, true);
    l->tcp = ml_socket_is_tcp(bound.fd);
    if (!bound.inherited) {
        file_note(&l->file, bound.fd);
    }
    return 1;
}

static const ml_syscall net_listen = {.size = sizeof(ml_syscall),
                                      .name = "listen",
                                      .check = listen_check,
                                      .attempt = listen_attempt,
                                      .withdraw = ml_lookup_withdraw};

/* Upvalues: the vm, the function that listens by TLS. */
static int listener_listen(lua_State *L)
{
    if (!ml_secure_wanted(L, 1, 2)) {
        return ml_call_enter(L, ml_vm_upvalue(L), &net_listen);
    }
    ml_secure_begin(L, "listen", 2);
    listen_check(L);
    return ml_secure_call(L);
}

/* listener(f): net.listen, where `f` is for TLS. */
static int listener_function(lua_State *L)
{
    return ml_secure_function(L, listener_listen);
}

/* ---- accept ------------------------------------------------------------- */

static void accept_check(lua_State *L)
{
    (void)ml_arg_udata(L, 1, METATABLE);
    (void)ml_misuse_opt_seconds(L, 2, HUGE_VAL);
    lua_settop(L, 2);
}

/* The next connection. One that is gone before it was accepted is no failure;
 * after many of them the others are let run first. */
static int accept_next(const struct listener *l, struct ml_address *peer)
{
    for (int i = 0; i < SKIPS_MAX; i++) {
        int fd = ml_socket_accept(l->d.fd, peer);
        if (fd >= 0 || !ml_socket_accept_transient(-fd)) {
            return fd;
        }
    }
    return -EAGAIN;
}

/* The connection stays in the queue of the system and the listener readable, so
 * to wait for it would spin. Nothing tells when descriptors are to be had
 * again; so time must do. */
static int accept_pause(struct listener *l, ml_call *call)
{
    l->pause = l->pause > 0 ? fmin(2 * l->pause, PAUSE_MAX) : PAUSE_MIN;
    ml_call_wait_time(call, l->pause);
    return ML_WAIT;
}

static int accept_wait(struct listener *l, ml_call *call, int err)
{
    if (ml_socket_exhausted(-err)) {
        return accept_pause(l, call);
    }
    if (err != -EAGAIN) {
        return err;
    }
    l->pause = 0;
    err = ml_watch_own(ml_call_loop(call), l->d.fd);
    if (err == 0) {
        err = ml_call_wait_fd(call, l->d.fd, ML_READ);
    }
    return err != 0 ? err : ML_WAIT;
}

/* The first attempt leaves the stream of the connection to come, closed, at the
 * top of the stack: nothing can be lost once it is there. */
static void accept_begin(lua_State *L, ml_call *call)
{
    int timeout = ml_call_arg(call, 2);
    if (!ml_misuse_absent(L, timeout)) {
        ml_call_settimeout(call, lua_tonumber(L, timeout));
    }
    const struct listener *l = lua_touserdata(L, ml_call_arg(call, 1));
    ml_stream_new(L, ml_call_loop(call)->vm)->maxline = l->maxline;
}

/* Makes the stream of a connection that was accepted. 1, or -errno. */
static int accept_adopt(struct listener *l, struct ml_stream *stream, int fd,
                        const struct ml_address *peer)
{
    l->pause = 0;
    (void)ml_socket_nodelay(fd, l->nodelay); /* for TCP: others refuse it */
    ml_stream_adopt(stream, fd, true);
    stream->tcp = l->tcp;
    ml_stream_setpeer(stream, peer);
    int err = l->porter != NULL ? l->porter->admit(l->porter, stream) : 0;
    if (err != 0) {
        ml_descriptor_close(&stream->d);
        return err;
    }
    return 1;
}

/* Raises nothing from the moment on when it has the turn. */
static int accept_attempt(lua_State *L, ml_call *call)
{
    struct ml_address peer;
    struct listener *l = lua_touserdata(L, ml_call_arg(call, 1));
    if (call->woke == ML_WOKE_NOT) {
        accept_begin(L, call);
    }
    if (l->d.fd < 0) {
        return -EBADF;
    }
    int turn = ml_turn_take(&l->turn, call);
    if (turn < 0) {
        return turn;
    }
    int fd = accept_next(l, &peer);
    if (fd < 0) {
        return accept_wait(l, call, fd);
    }
    int n = accept_adopt(l, lua_touserdata(L, ml_call_arg(call, 3)), fd, &peer);
    if (n > 0) {
        ml_turn_withdraw(call);
    }
    return n;
}

static void accept_describe(const ml_call *call, char *text, size_t size)
{
    (void)call;
    (void)snprintf(text, size, "a connection");
}

static const ml_syscall net_accept = {.size = sizeof(ml_syscall),
                                      .name = "accept",
                                      .check = accept_check,
                                      .attempt = accept_attempt,
                                      .withdraw = ml_turn_withdraw,
                                      .describe = accept_describe};

void ml_sys_listener_open(lua_State *L, struct ml_vm *vm)
{
    static const luaL_Reg methods[] = {
        {"address", ml_socket_method_address},
        {"setoption", ml_socket_method_setoption},
        {"getoption", ml_socket_method_getoption},
        {NULL, NULL}};
    static const luaL_Reg functions[] = {{"listener", listener_function},
                                         {NULL, NULL}};
    ml_sys_method(L, vm, "listen", &net_listen);
    ml_vm_setfuncs(L, vm, functions);
    ml_descriptor_type(L, vm, METATABLE, "listener");
    ml_vm_setfuncs(L, vm, methods);
    ml_sys_method(L, vm, "accept", &net_accept);
    lua_pop(L, 1);
}
