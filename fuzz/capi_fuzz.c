/* Sequences of calls of miniloop.h, in any order, with arguments good and bad: two
 * loops on one state of the host's and one with a state of its own, tasks from
 * Lua and from C, posts, holds, completions, kills. Each must answer, and when
 * all is over nothing is left.
 *
 * Most of the time would go into making states of Lua. So the host's is used
 * again, and so is the loop that has its own, when all its tasks were killed. */
#include "fuzz.h"

#include <errno.h>
#include <fcntl.h>
#include <lauxlib.h>
#include <lualib.h>
#include <math.h>
#include <miniloop.h>
#include <unistd.h>

enum {
    LOOPS = 3,
    OWN = 2,
    LATER = 4,  /* completions that are still to come */
    MOST = 200, /* operations of one input */
    IDS = 12,
    LOOK = 256,       /* inputs from one look at the memory to the next */
    LIFE = 16 * LOOK, /* inputs of one state */
    /* What is kept to be used again grows with the largest input; but of all
     * that a state sees no input may leave some bytes more. */
    GROWTH = 64 << 10
};

/* What there is; of the loops, 0 and 1 are on the host's state, OWN has one of
 * its own. */
static struct {
    lua_State *host;
    ml_loop *loops[LOOPS];
    int64_t first[LOOPS]; /* the last id that was given before the input */
    ml_completion *later[LATER];
    int held[LOOPS];
    int posted, called; /* functions */
    int taken, freed;   /* data of calls */
    int pipe[2];
    size_t memory;        /* bytes that both states hold */
    size_t memory_before; /* the same at the first look */
    int descriptors;      /* that are open between two inputs */
    unsigned inputs;      /* that these states have seen */
} world;

/* ---- what the library calls -------------------------------------------------- */

static void on_post(ml_loop *loop, void *ud)
{
    (void)loop;
    free(ud);
    world.called++;
}

static void on_release(void *data)
{
    free(data);
    world.freed++;
}

static void on_failure(ml_loop *loop, const ml_failure *failure, void *ud)
{
    (void)ud;
    FUZZ_CHECK(failure->kind != NULL);
    FUZZ_CHECK(ml_close(loop) == -EBUSY);
    FUZZ_CHECK(ml_run(loop, ML_RUN_NOWAIT) == -EBUSY);
}

/* A call that another one completes, if it is ever done. */
static int later_attempt(lua_State *L, ml_call *call)
{
    if (!ml_call_first(call)) {
        lua_pushboolean(L, ml_call_completed(call));
        return 1;
    }
    void *data = malloc(8);
    FUZZ_CHECK(data != NULL);
    ml_completion *completion = ml_call_later(call, data, on_release);
    FUZZ_CHECK(completion != NULL);
    world.taken++;
    size_t i = 0;
    while (i < LATER && world.later[i] != NULL) {
        i++;
    }
    if (i == LATER) {
        ml_complete(completion);
    } else {
        world.later[i] = completion;
    }
    ml_call_settimeout(call, 3);
    return ML_WAIT;
}

/* wait(seconds, descriptor): by what a host can declare. */
static int wait_attempt(lua_State *L, ml_call *call)
{
    if (!ml_call_first(call)) {
        return 0;
    }
    double seconds = luaL_optnumber(L, ml_call_arg(call, 1), 0);
    ml_call_wait_time(call, seconds < 5 ? seconds : 5);
    if (ml_call_nargs(call) > 1) {
        int fd = (int)luaL_checkinteger(L, ml_call_arg(call, 2));
        int err = ml_call_wait_fd(call, fd, ML_READ);
        if (err != 0) {
            return err;
        }
    }
    return ML_WAIT;
}

static const ml_syscall later = {
    .size = sizeof(ml_syscall), .name = "later", .attempt = later_attempt};
static const ml_syscall hostwait = {
    .size = sizeof(ml_syscall), .name = "hostwait", .attempt = wait_attempt};

static int task_in_c(lua_State *L)
{
    FUZZ_CHECK(ml_current(L, NULL) != NULL);
    lua_settop(L, 0);
    lua_pushnumber(L, 0.5);
    return ml_perform(L, &hostwait);
}

/* ---- operations -------------------------------------------------------------- */

static const char *const chunks[] = {
    "",
    "local ml = require 'miniloop' ml.sleep(1)",
    "coroutine.yield(syscall.later())",
    "local ok = pcall(coroutine.yield, syscall.hostwait(0.25, 0)) return ok",
    "pcall(coroutine.yield, syscall.hostwait(0.25, pipe))",
    "local ml = require 'miniloop' ml.spawn(function() ml.sleep(2) end):wait()",
    "local ml = require 'miniloop' local x <close> = setmetatable({}, "
    "{ __close = function() ml.id() end }) ml.sleep(9)",
    "error 'oops'",
    "error({})",
    "local ml = require 'miniloop' ml.channel():recv()",
    "for i = 1, 3 do coroutine.yield() end",
    "coroutine.yield(5)",
    "require 'miniloop'.group(function(g) g:spawn(error) end)",
    "syntax error here",
};

static ml_loop *pick(struct fuzz_input *in)
{
    return world.loops[fuzz_below(in, LOOPS)];
}

static void op_spawn(struct fuzz_input *in)
{
    ml_loop *loop = pick(in);
    size_t i = fuzz_below(in, sizeof chunks / sizeof *chunks);
    int64_t id = 0;
    int err = ml_spawn_string(loop, chunks[i], "=chunk", &id);
    FUZZ_CHECK(err == 0 ? id > 0 : err == -EINVAL);
    if (err != 0) {
        lua_pop(ml_state(loop), 1);
    }
}

static void op_spawn_c(struct fuzz_input *in)
{
    FUZZ_CHECK(ml_spawn_c(pick(in), task_in_c, NULL, NULL) == 0);
}

static void op_spawn_value(struct fuzz_input *in)
{
    ml_loop *loop = pick(in);
    lua_State *L = ml_state(loop);
    int top = lua_gettop(L);
    bool callable = fuzz_below(in, 2) == 0;
    if (callable) {
        lua_getglobal(L, "print");
        lua_pushcfunction(L, task_in_c);
        lua_replace(L, -2);
    } else {
        lua_pushinteger(L, 1);
    }
    lua_pushliteral(L, "argument");
    int err = ml_spawn(loop, L, 1, NULL);
    FUZZ_CHECK(err == (callable ? 0 : -EINVAL));
    FUZZ_CHECK(lua_gettop(L) == top);
}

/* An id that a task of the loop may have, or none has. */
static int64_t pick_id(struct fuzz_input *in, size_t loop)
{
    return world.first[loop] + (int64_t)fuzz_below(in, IDS) - 1;
}

static void op_kill(struct fuzz_input *in)
{
    size_t i = fuzz_below(in, LOOPS);
    int err = ml_kill(world.loops[i], pick_id(in, i));
    FUZZ_CHECK(err == 0 || err == -ESRCH);
}

static void op_cancel(struct fuzz_input *in)
{
    size_t i = fuzz_below(in, LOOPS);
    int64_t id = pick_id(in, i);
    int err =
        ml_cancel(world.loops[i], id, fuzz_below(in, 2) == 0 ? NULL : "why");
    FUZZ_CHECK(err == 0 || err == -ESRCH);
}

/* Of loops whose clock is virtual, so that it never takes time. */
static void op_run(struct fuzz_input *in)
{
    ml_loop *loop = pick(in);
    int err = ml_run(loop, ML_RUN_NOWAIT);
    FUZZ_CHECK(err == 0 || err == 1 || err == -EDEADLK || err == -ECHILD);
    FUZZ_CHECK(!isnan(ml_timeout(loop)));
}

static void op_once(struct fuzz_input *in)
{
    ml_loop *loop = pick(in);
    ml_wake(loop); /* it may have nothing that ever happens */
    int err = ml_run(loop, ML_RUN_ONCE);
    FUZZ_CHECK(err == 0 || err == 1 || err == -EDEADLK || err == -ECHILD);
}

static void op_post(struct fuzz_input *in)
{
    FUZZ_CHECK(ml_post(pick(in), on_post, malloc(4)) == 0);
    world.posted++;
}

static void op_hold(struct fuzz_input *in)
{
    size_t i = fuzz_below(in, LOOPS);
    ml_hold(world.loops[i]);
    world.held[i]++;
}

static void op_release(struct fuzz_input *in)
{
    size_t i = fuzz_below(in, LOOPS);
    if (world.held[i] > 0) {
        ml_release(world.loops[i]);
        world.held[i]--;
    }
}

static void op_complete(struct fuzz_input *in)
{
    size_t i = fuzz_below(in, LATER);
    if (world.later[i] != NULL) {
        ml_complete(world.later[i]);
        world.later[i] = NULL;
    }
}

static void op_signs(struct fuzz_input *in)
{
    ml_loop *loop = pick(in);
    switch (fuzz_below(in, 5)) {
    case 0:
        ml_stop(loop);
        break;
    case 1:
        ml_wake(loop);
        break;
    case 2:
        ml_forget(loop, (int)fuzz_below(in, 8) - 1);
        break;
    case 3:
        FUZZ_CHECK(ml_tasks(loop) < 1000);
        break;
    default:
        (void)ml_pollfd(loop);
        break;
    }
}

static void op_bytes(struct fuzz_input *in)
{
    char bytes[64];
    if (fuzz_below(in, 2) == 0) {
        FUZZ_CHECK(write(world.pipe[1], "x", 1) == 1);
    } else {
        FUZZ_CHECK(write(world.pipe[1], "x", 1) == 1 &&
                   read(world.pipe[0], bytes, sizeof bytes) > 0);
    }
}

static void release_loop(size_t i)
{
    while (world.held[i] > 0) {
        ml_release(world.loops[i]);
        world.held[i]--;
    }
}

static void close_loop(size_t i)
{
    release_loop(i);
    FUZZ_CHECK(ml_close(world.loops[i]) == 0);
    world.loops[i] = NULL;
}

static void open_loop(size_t i)
{
    static const char *const pollers[LOOPS] = {"sim", "epoll", "select"};
    ml_options options = {.size = sizeof options,
                          .poller = pollers[i],
                          .flags = ML_VIRTUAL_TIME | ML_SYSCALL_GLOBAL,
                          .on_failure = on_failure};
    if (i == OWN) {
        options.alloc = fuzz_alloc_fn;
        options.alloc_ud = &world.memory;
    } else {
        options.state = world.host;
    }
    FUZZ_CHECK(ml_open(&world.loops[i], &options) == 0);
    world.first[i] = 0;
    lua_State *L = ml_state(world.loops[i]);
    int err = ml_syscall_add(L, &later);
    FUZZ_CHECK(err == 0 || err == -EEXIST);
    err = ml_syscall_add(L, &hostwait);
    FUZZ_CHECK(err == 0 || err == -EEXIST);
    lua_pushinteger(L, world.pipe[0]);
    lua_setglobal(L, "pipe");
    ml_wake(
        world.loops[i]); /* the descriptors for that are there from now on */
}

/* A state of its own takes longer to make than all else, so it comes seldom. */
static bool is_own(struct fuzz_input *in)
{
    return fuzz_below(in, 128) == 77;
}

static void op_reopen(struct fuzz_input *in)
{
    size_t i = is_own(in) ? OWN : fuzz_below(in, OWN);
    close_loop(i);
    open_loop(i);
}

/* What must be refused. */
static void op_wrong(struct fuzz_input *in)
{
    ml_loop *loop = NULL;
    ml_options options = {.size = sizeof options,
                          .state = is_own(in) ? NULL : world.host,
                          .poller = "none"};
    FUZZ_CHECK(ml_open(&loop, &options) == -EINVAL && loop == NULL);
    options.poller = NULL;
    options.flags = 1U << 30;
    FUZZ_CHECK(ml_open(&loop, &options) == -EINVAL);
    options.size = 3;
    FUZZ_CHECK(ml_open(&loop, &options) == -EINVAL);
    FUZZ_CHECK(ml_close(NULL) == 0);
    FUZZ_CHECK(ml_run(world.loops[0], 17) == -EINVAL);
}

/* ---- one input ----------------------------------------------------------------- */

static void op_any(struct fuzz_input *in)
{
    static void (*const operations[])(struct fuzz_input * in) = {
        op_spawn,    op_spawn, op_spawn_c, op_spawn_value, op_kill, op_cancel,
        op_run,      op_run,   op_once,    op_post,        op_hold, op_release,
        op_complete, op_signs, op_bytes,   op_reopen,      op_wrong};
    operations[fuzz_below(in, sizeof operations / sizeof *operations)](in);
}

/* Ends what the loop does, and leaves it open. Ids are given one by one. */
static void settle_loop(size_t i)
{
    ml_loop *loop = world.loops[i];
    int64_t last = 0;

    release_loop(i);
    FUZZ_CHECK(ml_spawn_c(loop, task_in_c, NULL, &last) == 0);
    for (int64_t id = last; id > world.first[i]; id--) {
        int err = ml_kill(loop, id);
        FUZZ_CHECK(err == 0 || err == -ESRCH);
    }
    world.first[i] = last;
    FUZZ_CHECK(ml_tasks(loop) == 0);
}

/* Completions may come late: of the loops that are closed, all have gone. */
static void complete_all(void)
{
    for (size_t i = 0; i < LATER; i++) {
        if (world.later[i] != NULL) {
            ml_complete(world.later[i]);
            world.later[i] = NULL;
        }
    }
}

static void empty_pipe(void)
{
    char bytes[MOST];
    while (read(world.pipe[0], bytes, sizeof bytes) > 0) {
    }
}

static void open_world(void)
{
    memset(&world, 0, sizeof world);
    world.host = lua_newstate(fuzz_alloc_fn, &world.memory);
    FUZZ_CHECK(world.host != NULL);
    FUZZ_CHECK(pipe2(world.pipe, O_NONBLOCK | O_CLOEXEC) == 0);
    luaL_openlibs(world.host);
    for (size_t i = 0; i < LOOPS; i++) {
        open_loop(i);
    }
    world.descriptors = fuzz_descriptors();
}

static void close_world(void)
{
    for (size_t i = 0; i < LOOPS; i++) {
        close_loop(i);
    }
    lua_close(world.host);
    (void)close(world.pipe[0]);
    (void)close(world.pipe[1]);
    FUZZ_CHECK(world.memory == 0);
}

static void check_memory(void)
{
    (void)lua_gc(world.host, LUA_GCCOLLECT);
    (void)lua_gc(ml_state(world.loops[OWN]), LUA_GCCOLLECT);
    if (world.memory_before == 0) {
        world.memory_before = world.memory;
    }
    FUZZ_CHECK(world.memory < world.memory_before + GROWTH);
}

/* What an input leaves is what it found. */
static void settle_world(void)
{
    for (size_t i = 0; i < OWN; i++) {
        close_loop(i);
    }
    settle_loop(OWN);
    complete_all();
    int err = ml_run(world.loops[OWN], ML_RUN_NOWAIT);
    FUZZ_CHECK(err == 0 || err == 1 || err == -ECHILD);
    for (size_t i = 0; i < OWN; i++) {
        open_loop(i);
    }
    empty_pipe();
    FUZZ_CHECK(world.posted == world.called);
    FUZZ_CHECK(world.taken == world.freed);
    FUZZ_CHECK(lua_gettop(world.host) == 0);
    FUZZ_CHECK(fuzz_descriptors() == world.descriptors);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input in = {data, data + size};

    if (world.host == NULL) {
        open_world();
    }
    for (int i = 0; i < MOST && fuzz_left(&in) > 0; i++) {
        op_any(&in);
    }
    settle_world();
    if (++world.inputs % LOOK == 0) {
        check_memory();
    }
    if (world.inputs == LIFE) {
        close_world();
        world.host = NULL;
    }
    return 0;
}
