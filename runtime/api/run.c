#include "api/run.h"

#include "api/report.h"
#include "core/arg.h"
#include "core/error.h"
#include "core/loop.h"
#include "core/misuse.h"

#include <errno.h>
#include <string.h>

static const char *const METATABLE = "miniloop.loop";

/* The default grace time of cancelled tasks, in seconds. */
static const double GRACE = 5.0;

/* Holds the loop, and closes it on every path out, memory errors among them. */
struct box {
    struct ml_loop *loop;
};

static int box_close(lua_State *L)
{
    struct box *box = lua_touserdata(L, 1);
    struct ml_loop *loop = box->loop;
    box->loop = NULL;
    if (loop != NULL) {
        ml_loop_close(loop);
    }
    return 0;
}

static struct box *box_new(lua_State *L)
{
    struct box *box = lua_newuserdatauv(L, sizeof *box, 0);
    box->loop = NULL;
    if (luaL_newmetatable(L, METATABLE) != 0) {
        lua_pushcfunction(L, box_close);
        lua_setfield(L, -2, "__gc");
    }
    lua_setmetatable(L, -2);
    return box;
}

/* ---- options ----------------------------------------------------------------- */

static void option_clock(lua_State *L, struct ml_loop_config *config)
{
    static const char *const clocks[] = {"real", "virtual", NULL};
    ml_arg_check(L, lua_type(L, -1) == LUA_TSTRING, 2,
                 "the option 'clock' is a string");
    const char *name = lua_tostring(L, -1);
    if (strcmp(name, clocks[1]) == 0) {
        config->flags |= ML_VIRTUAL_TIME;
    } else if (strcmp(name, clocks[0]) != 0) {
        (void)luaL_error(L, "bad option 'clock' ('real' or 'virtual')");
    }
}

static void option_poller(lua_State *L, struct ml_loop_config *config)
{
    ml_arg_check(L, lua_type(L, -1) == LUA_TSTRING, 2,
                 "the option 'poller' is a string");
    config->poller = lua_tostring(L, -1); /* the table keeps it alive */
    if (strcmp(config->poller, "auto") != 0 &&
        ml_poll_find(config->poller) == NULL) {
        (void)luaL_error(L, "bad option 'poller' (there is no poller '%s')",
                         config->poller);
    }
}

static void option_seed(lua_State *L, struct ml_loop_config *config)
{
    ml_arg_check(L, lua_isinteger(L, -1), 2, "the option 'seed' is an integer");
    config->seed = (uint64_t)lua_tointeger(L, -1);
}

static void option_grace(lua_State *L, struct ml_loop_config *config)
{
    ml_arg_check(L, lua_type(L, -1) == LUA_TNUMBER, 2,
                 "the option 'grace' is a number");
    double seconds = lua_tonumber(L, -1);
    ml_arg_check(L, seconds == seconds, 2, "a time cannot be NaN");
    config->grace = ml_time_from_seconds(seconds);
}

static void read_option(lua_State *L, struct ml_loop_config *config,
                        const char *key)
{
    static const char *const names[] = {"clock", "poller", "seed", "grace",
                                        NULL};
    static void (*const readers[])(lua_State *, struct ml_loop_config *) = {
        option_clock, option_poller, option_seed, option_grace};
    for (int i = 0; names[i] != NULL; i++) {
        if (strcmp(names[i], key) == 0) {
            readers[i](L, config);
            return;
        }
    }
    (void)ml_misuse_field(L, "the options table of 'run'", key, names);
}

static void read_options(lua_State *L, struct ml_loop_config *config)
{
    if (ml_misuse_absent(L, 2)) {
        return;
    }
    ml_arg_type(L, 2, LUA_TTABLE);
    lua_pushnil(L);
    while (lua_next(L, 2) != 0) {
        ml_arg_check(L, lua_type(L, -2) == LUA_TSTRING, 2,
                     "options have names");
        read_option(L, config, lua_tostring(L, -2));
        lua_pop(L, 1);
    }
}

/* ---- the run ------------------------------------------------------------------ */

static void must(lua_State *L, int err, const char *op)
{
    if (err < 0) {
        ml_error_push(L, -err, op);
        (void)lua_error(L);
    }
}

/* The handle is at index `handle`, the loop's box right before it. */
static int run_result(lua_State *L, int handle, int state)
{
    lua_pushcfunction(L, box_close);
    lua_pushvalue(L, handle - 1);
    lua_call(L, 1, 0);
    if (state != -ECHILD) { /* failures of others were reported: f counts */
        must(L, state, "run");
    }
    return ml_handle_join(L, handle);
}

int ml_run_lua(lua_State *L)
{
    struct ml_vm *vm = ml_vm_upvalue(L);
    struct ml_loop_config config = {.grace = ml_time_from_seconds(GRACE)};
    ml_misuse_callable(L, 1);
    lua_settop(L, 2);
    read_options(L, &config);
    if (vm->task != NULL || vm->loop != NULL) {
        return luaL_error(L, "cannot call 'run' here: a loop is running, and "
                             "this is inside of it");
    }
    struct box *box = box_new(L);
    must(L, ml_loop_open(&box->loop, L, &config), "run");
    struct ml_loop *loop = box->loop;
    loop->failures.report = ml_report_failure;
    lua_pushvalue(L, 1);
    struct ml_task *task = ml_task_spawn(loop, L, 0);
    loop->principal = task->id;
    ml_handle_push(L, task)->observed = true; /* run_result takes its failure */
    int handle = lua_gettop(L);
    int state = ml_loop_run(loop, L, ML_RUN_DEFAULT);
    return run_result(L, handle, state);
}
