/* open.c - loops come and go: options, the state, ml_open and ml_close. */
#include <miniloop.h>

#include "api/install.h"
#include "api/report.h"
#include "api/state.h"
#include "base/cast.h"
#include "core/loop.h"
#include "core/request.h"

#include <errno.h>
#include <lauxlib.h>
#include <string.h>

static const double GRACE = 5.0;

/* ---- options ------------------------------------------------------------- */

/* Every host has the options up to `flags`; a struct beyond the second size is
 * of no release, but a mistake. */
enum {
    OPTIONS_MIN = offsetof(ml_options, seed),
    OPTIONS_MAX = 4096
};

enum {
    FLAGS_KNOWN = ML_FOREVER | ML_VIRTUAL_TIME | ML_KEEP_GLOBALS | ML_SIGNALS |
                  ML_REPORT | ML_SYSCALL_GLOBAL | ML_SCRIPT
};

/* The host may have been compiled with another release's header. What its
 * struct lacks is zero; what ours lacks has to be. */
static int options_copy(ml_options *to, const ml_options *from)
{
    memset(to, 0, sizeof *to);
    if (from->size < OPTIONS_MIN || from->size > OPTIONS_MAX) {
        return -EINVAL;
    }
    const unsigned char *bytes = (const unsigned char *)from;
    for (size_t i = sizeof *to; i < from->size; i++) {
        if (bytes[i] != 0) {
            return -E2BIG;
        }
    }
    memcpy(to, from, from->size < sizeof *to ? from->size : sizeof *to);
    return 0;
}

/* What would be ignored is refused: a host's state brings its allocator, and
 * nothing here could hold it to a limit. */
static int options_check(const ml_options *options)
{
    bool memory = options->alloc != NULL || options->memory_limit != 0;
    bool known = (options->flags & ~(unsigned)FLAGS_KNOWN) == 0;
    return known && !(memory && options->state != NULL) ? 0 : -EINVAL;
}

static int options_read(ml_options *to, const ml_options *from)
{
    static const ml_options defaults = {.size = sizeof defaults};
    int err = options_copy(to, from != NULL ? from : &defaults);
    return err != 0 ? err : options_check(to);
}

/* ---- opening ------------------------------------------------------------- */

/* The global, and the module it stands for, as if required: what is loaded is
 * where Lua looks for the name of a function that pcall called. */
static void set_syscall(lua_State *L)
{
    luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
    ml_request_pushtable(L, ml_vm_get(L));
    lua_pushvalue(L, -1);
    lua_setfield(L, -3, "miniloop.syscall");
    lua_setglobal(L, "syscall");
    lua_pop(L, 1);
}

/* Arguments: the options, where the loop goes, where the error goes. */
static int open_protected(lua_State *L)
{
    const ml_options *options = lua_touserdata(L, 1);
    ml_loop **out = lua_touserdata(L, 2);
    int *err = lua_touserdata(L, 3);
    double grace = options->grace > 0 ? options->grace : GRACE;
    struct ml_loop_config config = {.poller = options->poller,
                                    .seed = options->seed,
                                    .grace = ml_time_from_seconds(grace),
                                    .flags = options->flags};
    ml_install(L, (options->flags & ML_KEEP_GLOBALS) == 0);
    if ((options->flags & ML_SYSCALL_GLOBAL) != 0) {
        set_syscall(L);
    }
    *err = ml_loop_open(out, L, &config);
    return 0;
}

static void host_report(struct ml_loop *loop, lua_State *L,
                        const ml_failure *failure, void *ud)
{
    (void)L;
    (void)ud;
    loop->on_failure(loop, failure, loop->ud);
}

static void set_callbacks(ml_loop *loop, const ml_options *options)
{
    loop->ud = options->ud;
    loop->on_failure = options->on_failure;
    if (options->on_failure != NULL) {
        loop->failures.report = host_report;
    } else if ((options->flags & ML_REPORT) != 0) {
        loop->failures.report = ml_report_failure;
    }
    if ((options->flags & ML_SCRIPT) != 0) {
        loop->principal = 1;
    }
}

/* Takes off the message of a protected call that failed: for want of memory,
 * or because a hook or a metamethod of the host's state raised. */
static int protected_error(lua_State *L, int status)
{
    lua_pop(L, 1);
    return status == LUA_ERRRUN ? -EINVAL : -ENOMEM;
}

static int open_on(ml_loop **out, lua_State *L, const ml_options *options)
{
    int err = 0;
    if (lua_checkstack(L, 6) == 0) {
        return -ENOMEM;
    }
    lua_pushcfunction(L, open_protected);
    lua_pushlightuserdata(L, ml_unconst(options));
    lua_pushlightuserdata(L, out);
    lua_pushlightuserdata(L, &err);
    int status = lua_pcall(L, 3, 0, 0);
    if (status != LUA_OK) {
        return protected_error(L, status);
    }
    if (err == 0) {
        set_callbacks(*out, options);
    }
    return err;
}

/* Argument: the state of the loop's own. */
static int adopt_protected(lua_State *L)
{
    ml_state_adopt(lua_touserdata(L, 1), ml_vm_open(L));
    return 0;
}

static int adopt(struct ml_state *state)
{
    lua_State *L = ml_state_lua(state);
    if (lua_checkstack(L, ML_LOOP_STACK) == 0) {
        return -ENOMEM; /* now: a run that begins has it then */
    }
    lua_pushcfunction(L, adopt_protected);
    lua_pushlightuserdata(L, state);
    int status = lua_pcall(L, 1, 0, 0);
    return status == LUA_OK ? 0 : protected_error(L, status);
}

/* On a state of the loop's own. */
static int open_alone(ml_loop **out, const ml_options *options)
{
    struct ml_state *state =
        ml_state_open(options->alloc, options->alloc_ud, options->memory_limit);
    if (state == NULL) {
        return -ENOMEM;
    }
    int err = adopt(state);
    if (err == 0) {
        err = open_on(out, ml_state_lua(state), options);
    }
    if (err != 0) {
        ml_state_close(state);
        return err;
    }
    (*out)->state = state;
    ml_state_pace(state);
    return 0;
}

int ml_open(ml_loop **out, const ml_options *options)
{
    ml_options o;
    int err = options_read(&o, options);
    *out = NULL;
    if (err != 0) {
        return err;
    }
    return o.state != NULL ? open_on(out, o.state, &o) : open_alone(out, &o);
}

/* True if other loops work on the state that would be closed with this one. */
static bool state_is_shared(const ml_loop *loop)
{
    return loop->state != NULL && loop->vm->loops.next != loop->vm->loops.prev;
}

int ml_close(ml_loop *loop)
{
    if (loop == NULL) {
        return 0;
    }
    if (loop->running || loop->killing || state_is_shared(loop)) {
        return -EBUSY;
    }
    if (lua_checkstack(loop->L, LUA_MINSTACK) == 0) {
        return -ENOMEM;
    }
    struct ml_state *state = loop->state;
    ml_loop_close(loop);
    if (state != NULL) {
        ml_state_close(state);
    }
    return 0;
}
