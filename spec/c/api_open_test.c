/* Opening loops: options, states, memory. */

#include "api_fixture.h"

#include <limits.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- how many, and where ------------------------------------------------- */

/* C9.1 */
static void test_a_loop_opens_without_options(void)
{
    ml_loop *loop = open_with(NULL);
    spawn(loop, "done = require 'miniloop'.id()");
    CHECK_EQ(ml_run(loop, ML_RUN_DEFAULT), 0);
    CHECK_EQ(integer_of(loop, "done"), 1);
    CHECK(ml_userdata(loop) == NULL);
    close_loop(loop);
}

/* C9.1, C9.2 */
static void test_any_number_of_loops_live_in_a_process(void)
{
    enum {
        LOOPS = 40
    };
    ml_loop *loops[LOOPS];
    for (int i = 0; i < LOOPS; i++) {
        loops[i] = open_loop(0);
        spawn(loops[i], "local ml = require 'miniloop'\n"
                        "for i = 1, 3 do n = (n or 0) + 1; ml.yield() end");
    }
    for (int round = 1; round <= 3; round++) {
        for (int i = 0; i < LOOPS; i++) {
            CHECK_EQ(ml_run(loops[i], ML_RUN_NOWAIT), 1);
            CHECK_EQ(integer_of(loops[i], "n"), round);
        }
    }
    for (int i = 0; i < LOOPS; i++) {
        run(loops[i]);
        close_loop(loops[i]);
    }
}

/* C9.1: each has its own tasks, ids and failures. */
static void test_loops_share_the_state_that_a_host_brings(void)
{
    lua_State *L = state_open();
    ml_loop *loops[3];
    for (int i = 0; i < 3; i++) {
        loops[i] = open_on(L, 0);
        CHECK(ml_state(loops[i]) == L);
        CHECK_EQ(spawn(loops[i], "log = (log or '') .. syscall.id.name"), 1);
    }
    do_string(L, "log = ''; syscall = nil");
    CHECK_EQ(ml_run(loops[1], ML_RUN_DEFAULT), -ECHILD);
    CHECK_EQ(heard_count, 1);
    CHECK_EQ(ml_tasks(loops[0]), 1);
    CHECK_EQ(ml_tasks(loops[1]), 0);
    close_loop(loops[1]);
    CHECK_EQ(spawn(loops[2], "log = log .. 'c'"), 2);
    CHECK_EQ(ml_kill(loops[2], 1), 0);
    heard_count = 0;
    run(loops[2]);
    CHECK(global_is(loops[2], "log", "c"));
    close_loop(loops[0]);
    close_loop(loops[2]);
    do_string(L, "assert(log == 'c')");
    lua_close(L);
}

/* The loop whose state it is goes last. */
static void test_a_state_is_not_closed_under_other_loops(void)
{
    ml_loop *owner = open_loop(0);
    ml_loop *guest = open_on(ml_state(owner), 0);
    CHECK_EQ(ml_close(owner), -EBUSY);
    spawn(guest, "n = 7");
    run(guest);
    close_loop(guest);
    CHECK_EQ(integer_of(owner, "n"), 7);
    close_loop(owner);
}

static void test_closing_no_loop_is_harmless(void)
{
    CHECK_EQ(ml_close(NULL), 0);
}

static void test_the_userdata_is_kept(void)
{
    int mine = 0;
    ml_options options = options_of(0);
    options.ud = &mine;
    ml_loop *loop = open_with(&options);
    CHECK(ml_userdata(loop) == &mine);
    close_loop(loop);
}

static void test_the_library_tells_what_its_codes_mean(void)
{
    CHECK(strcmp(ml_strerror(-ECONNREFUSED), ml_strerror(ECONNREFUSED)) == 0);
    CHECK(has(ml_strerror(-ECONNREFUSED), "refused"));
    CHECK(strcmp(ml_strerror(0), "no error") == 0);
    CHECK(strcmp(ml_strerror(-99999), "unknown error") == 0);
    CHECK(strcmp(ml_strerror(INT_MIN), "unknown error") == 0);
}

static void test_the_library_tells_its_version_and_its_lua(void)
{
    const char *version = ml_version();
    CHECK_EQ(strspn(version, "0123456789."), strlen(version));
    CHECK(strchr(version, '.') != strrchr(version, '.'));
    CHECK(strncmp(ml_lua_origin(), "5.", 2) == 0);
    CHECK(strchr(ml_lua_origin(), '\n') == NULL);
}

/* ---- options ------------------------------------------------------------- */

static int open_error(const ml_options *options)
{
    ml_loop *loop = (ml_loop *)&check; /* must be overwritten */
    int err = ml_open(&loop, options);
    CHECK((err == 0) == (loop != NULL));
    (void)ml_close(loop);
    return err;
}

/* Options as a host has them that was compiled with a longer header. */
struct longer {
    ml_options options;
    size_t later;
};

/* C9.3 */
static void test_options_of_other_releases_are_understood(void)
{
    struct longer o = {.options = options_of(0), .later = 0};
    o.options.size = sizeof o;
    CHECK_EQ(open_error(&o.options), 0);
    o.later = 1;
    CHECK_EQ(open_error(&o.options), -E2BIG);
    o.options.size = offsetof(ml_options, seed);
    o.options.on_failure = NULL; /* beyond the end: not looked at */
    o.options.grace = nan("");
    CHECK_EQ(open_error(&o.options), 0);
}

/* C9.3 */
static void test_options_of_an_impossible_size_are_refused(void)
{
    static const size_t sizes[] = {0, 1, sizeof(size_t), 1 << 20};
    ml_options options = options_of(0);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        options.size = sizes[i];
        CHECK_EQ(open_error(&options), -EINVAL);
    }
}

static void test_options_that_would_be_ignored_are_refused(void)
{
    lua_State *L = state_open();
    ml_options options = options_of(1U << 20);
    CHECK_EQ(open_error(&options), -EINVAL);
    options.flags = 0;
    options.state = L;
    CHECK_EQ(open_error(&options), 0);
    options.memory_limit = 1 << 20;
    CHECK_EQ(open_error(&options), -EINVAL);
    options.memory_limit = 0;
    options.alloc = counted;
    CHECK_EQ(open_error(&options), -EINVAL);
    lua_close(L);
}

/* C9.1 */
static void test_a_poller_is_chosen_by_name(void)
{
    static const char *const good[] = {"auto", "select", "poll", "sim", NULL};
    static const char *const bad[] = {"", "Select", "kpoll", NULL};
    ml_options options = options_of(0);
    for (size_t i = 0; good[i] != NULL; i++) {
        options.poller = good[i];
        CHECK_EQ(open_error(&options), 0);
    }
    for (size_t i = 0; bad[i] != NULL; i++) {
        options.poller = bad[i];
        CHECK_EQ(open_error(&options), -EINVAL);
    }
}

/* ---- memory -------------------------------------------------------------- */

/* C9.4, C9.1 */
static void test_memory_comes_from_the_allocator_of_the_host(void)
{
    ml_loop *loop = open_loop(0);
    size_t before = check.bytes;
    CHECK(before > 0);
    for (int i = 0; i < 100; i++) {
        spawn(loop, "require 'miniloop'.sleep(0)");
    }
    CHECK(check.bytes > before);
    run(loop);
    close_loop(loop);
    CHECK_EQ(check.bytes, 0);
}

/* Refuses `times` allocations from the n-th on. */
struct stingy {
    long n, times;
};

static void *stingy_alloc(void *ud, void *p, size_t osize, size_t nsize)
{
    struct stingy *s = (struct stingy *)ud;
    if (nsize > 0 && s->n-- <= 0 && s->times-- > 0) {
        return NULL;
    }
    return counted(NULL, p, osize, nsize);
}

/* Opens and closes a loop while memory fails so often at the n-th allocation;
 * false once the n-th is never made. */
static bool opens_or_not(long n, long times)
{
    struct stingy stingy = {n, times};
    ml_options options = options_of(0);
    ml_loop *loop = NULL;
    options.alloc = stingy_alloc;
    options.alloc_ud = &stingy;
    int err = ml_open(&loop, &options);
    CHECK(err == -ENOMEM || err == 0);
    CHECK((loop == NULL) == (err != 0));
    (void)ml_close(loop);
    CHECK_EQ(check.bytes, 0);
    return stingy.times < times;
}

/* C9.4: once, twice in a row, or for good, nothing is lost or left behind. */
static void test_a_loop_that_gets_no_memory_does_not_open(void)
{
    static const long times[] = {1, 2, 100000};
    for (size_t i = 0; i < 3; i++) {
        long n = 0;
        while (opens_or_not(n, times[i])) {
            n += check_step();
        }
        CHECK(n > 100);
    }
}

/* C9.2: the runtime is whole at the end, however often opening it failed. */
static void test_a_state_of_the_host_survives_attempts_to_open(void)
{
    lua_State *L = state_open();
    ml_options options = options_of(0);
    ml_loop *loop = NULL;
    options.state = L;
    for (long n = 0; loop == NULL && n < 100000; n += check_step()) {
        check.allowed = n;
        int err = ml_open(&loop, &options);
        CHECK(err == 0 || err == -ENOMEM);
        CHECK_EQ(lua_gettop(L), 0);
    }
    check.allowed = -1;
    spawn(loop, "local ml = require 'miniloop'\n"
                "coroutine.yield(syscall.sleep(0))\n"
                "a, b = coroutine.wrap(function() ml.sleep(0); return 1, 2 "
                "end)()");
    run(loop);
    CHECK_EQ(integer_of(loop, "b"), 2);
    close_loop(loop);
    lua_close(L);
}

static size_t bytes_at_rest(lua_State *L)
{
    (void)lua_gc(L, LUA_GCCOLLECT);
    (void)lua_gc(L, LUA_GCCOLLECT);
    return check.bytes;
}

static void test_attempts_to_open_leave_nothing_in_the_state(void)
{
    enum {
        ATTEMPTS = 100
    };
    lua_State *L = state_open();
    close_loop(open_on(L, 0)); /* what it makes once stays */
    ml_options options = options_of(0);
    ml_loop *loop = NULL;
    options.state = L;
    options.poller = "none of ours";
    CHECK_EQ(ml_open(&loop, &options), -EINVAL);
    size_t before = bytes_at_rest(L);
    for (int i = 0; i < ATTEMPTS; i++) {
        CHECK_EQ(ml_open(&loop, &options), -EINVAL);
    }
    CHECK(bytes_at_rest(L) < before + ATTEMPTS);
    lua_close(L);
}

/* ---- descriptors --------------------------------------------------------- */

/* Takes descriptors up to a number that no fd_set can hold, and tells how many;
 * 0 where the system has not so many. */
static int take_descriptors(int fds[], int count)
{
    struct rlimit limit;
    CHECK_MUST(getrlimit(RLIMIT_NOFILE, &limit) == 0);
    if (limit.rlim_max < (rlim_t)count + 64) {
        return 0;
    }
    limit.rlim_cur = (rlim_t)count + 64;
    CHECK_MUST(setrlimit(RLIMIT_NOFILE, &limit) == 0);
    for (int i = 0; i < count; i++) {
        fds[i] = dup(0);
        CHECK_MUST(fds[i] >= 0);
    }
    return count;
}

static void give_descriptors(const int fds[], int count)
{
    for (int i = 0; i < count; i++) {
        CHECK_MUST(close(fds[i]) == 0);
    }
}

/* C6.1: a process may have more descriptors than select() can name. */
static void test_a_loop_opens_past_the_numbers_of_select(void)
{
    static int fds[FD_SETSIZE + 8];
    int count = take_descriptors(fds, FD_SETSIZE + 8);
    ml_options options = options_of(0);
    ml_loop *loop = NULL;
    if (count == 0) {
        return;
    }
    options.poller = "select";
    CHECK_EQ(ml_open(&loop, &options), -ERANGE);
    options.poller = "auto";
    CHECK_EQ(ml_open(&loop, &options), 0);
    spawn(loop, "require 'miniloop'.sleep(0)");
    run(loop);
    close_loop(loop);
    give_descriptors(fds, count);
}

/* Opens a loop with more and more descriptors to spare, until it opens. */
static void open_with_few(const char *poller, const struct rlimit *before)
{
    ml_options options = options_of(0);
    ml_loop *loop = NULL;
    struct rlimit limit = *before;
    int first = dup(0);
    CHECK_MUST(first >= 0 && close(first) == 0);
    options.poller = poller;
    for (rlim_t spare = 0; loop == NULL && spare < 8; spare++) {
        limit.rlim_cur = (rlim_t)first + spare;
        CHECK_MUST(setrlimit(RLIMIT_NOFILE, &limit) == 0);
        CHECK_EQ(ml_open(&loop, &options), spare < 2 ? -EMFILE : 0);
    }
    CHECK_MUST(setrlimit(RLIMIT_NOFILE, before) == 0);
    close_loop(loop);
}

/* C9.1: each descriptor that a loop needs may be the one too many. */
static void test_a_loop_that_gets_no_descriptor_does_not_open(void)
{
    struct rlimit before;
    CHECK_MUST(getrlimit(RLIMIT_NOFILE, &before) == 0);
    open_with_few("select", &before);
    open_with_few("poll", &before);
    open_with_few("auto", &before);
}

/* C9.2: what the host's Lua raises is no error of memory. */
static void test_a_state_that_refuses_modules_is_refused(void)
{
    lua_State *L = state_open();
    ml_options options = options_of(0);
    ml_loop *loop = NULL;
    options.state = L;
    do_string(L, "refusal = {__newindex = function() error('no') end}\n"
                 "setmetatable(package.loaded, refusal)");
    CHECK_EQ(ml_open(&loop, &options), -EINVAL);
    CHECK(loop == NULL);
    do_string(L, "setmetatable(package.loaded, nil)");
    CHECK_EQ(ml_open(&loop, &options), 0);
    close_loop(loop);
    lua_close(L);
}

/* In a process of its own, whose complaint nobody reads. */
static int status_of_unprotected_error(bool has_text)
{
    int status = 0;
    (void)fflush(stdout);
    pid_t child = fork();
    CHECK_MUST(child >= 0);
    if (child == 0) {
        ml_loop *loop = open_loop(0);
        CHECK_MUST(freopen("/dev/null", "w", stderr) != NULL);
        if (has_text) {
            (void)luaL_error(ml_state(loop), "a fault of the host's");
        }
        lua_pushboolean(ml_state(loop), 1);
        (void)lua_error(ml_state(loop));
        _exit(0);
    }
    CHECK_MUST(waitpid(child, &status, 0) == child);
    return status;
}

/* C9.1 */
static void test_an_unprotected_error_ends_the_process(void)
{
    for (int i = 0; i < 2; i++) {
        int status = status_of_unprotected_error(i == 0);
        CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    }
}

/* C9.4: what does not fit is refused, and the values are gone all the same. */
static void test_spawning_without_memory_fails_cleanly(void)
{
    ml_loop *loop = open_loop(0);
    lua_State *L = ml_state(loop);
    spawn(loop, "return");
    run(loop);
    for (int n = 0; n < 6; n++) {
        lua_getglobal(L, "print");
        lua_pushinteger(L, 1);
        check.allowed = 0;
        int err = ml_spawn(loop, L, 1, NULL);
        CHECK(err == -ENOMEM || err == 0); /* 0: room was left over */
        CHECK_EQ(ml_spawn_string(loop, "return 1", "=x", NULL), -ENOMEM);
        CHECK_EQ(ml_spawn_file(loop, "/nowhere", NULL), -ENOMEM);
        check.allowed = -1;
        CHECK_EQ(lua_gettop(L), 0);
    }
    close_loop(loop);
}

static const struct check_test tests[] = {
    CHECK_TEST(test_a_loop_opens_without_options),
    CHECK_TEST(test_a_state_that_refuses_modules_is_refused),
    CHECK_TEST(test_an_unprotected_error_ends_the_process),
    CHECK_TEST(test_a_loop_opens_past_the_numbers_of_select),
    CHECK_TEST(test_a_loop_that_gets_no_descriptor_does_not_open),
    CHECK_TEST(test_any_number_of_loops_live_in_a_process),
    CHECK_TEST(test_loops_share_the_state_that_a_host_brings),
    CHECK_TEST(test_a_state_is_not_closed_under_other_loops),
    CHECK_TEST(test_closing_no_loop_is_harmless),
    CHECK_TEST(test_the_userdata_is_kept),
    CHECK_TEST(test_the_library_tells_what_its_codes_mean),
    CHECK_TEST(test_the_library_tells_its_version_and_its_lua),
    CHECK_TEST(test_options_of_other_releases_are_understood),
    CHECK_TEST(test_options_of_an_impossible_size_are_refused),
    CHECK_TEST(test_options_that_would_be_ignored_are_refused),
    CHECK_TEST(test_a_poller_is_chosen_by_name),
    CHECK_TEST(test_memory_comes_from_the_allocator_of_the_host),
    CHECK_TEST(test_a_loop_that_gets_no_memory_does_not_open),
    CHECK_TEST(test_a_state_of_the_host_survives_attempts_to_open),
    CHECK_TEST(test_attempts_to_open_leave_nothing_in_the_state),
    CHECK_TEST(test_spawning_without_memory_fails_cleanly),
};

int main(void)
{
    return check_run(tests, sizeof tests / sizeof tests[0]);
}
