/* Signals that come faster than the loop looks: what its bell does when there is
 * no more room in it, and when a signal comes between. */

#define _GNU_SOURCE 1 /* RTLD_NEXT */

#include "api_fixture.h"

#include <dlfcn.h>
#include <errno.h>
#include <signal.h>
#include <unistd.h>

static int interruptions; /* of reads and writes, still to come */

static bool is_interrupted(void)
{
    if (interruptions == 0) {
        return false;
    }
    interruptions--;
    errno = EINTR;
    return true;
}

/* Their names and parameters are the system's. */
/* NOLINTBEGIN(readability-inconsistent-declaration-parameter-name) */

ssize_t write(int fd, const void *buf, size_t n)
{
    ssize_t (*next)(int, const void *, size_t) = NULL;
    *(void **)(void *)&next = dlsym(RTLD_NEXT, "write");
    return is_interrupted() ? -1 : next(fd, buf, n);
}

ssize_t read(int fd, void *buf, size_t n)
{
    ssize_t (*next)(int, void *, size_t) = NULL;
    *(void **)(void *)&next = dlsym(RTLD_NEXT, "read");
    return is_interrupted() ? -1 : next(fd, buf, n);
}

/* NOLINTEND(readability-inconsistent-declaration-parameter-name) */

/* raise(count): so many of SIGUSR1, each of which has been handled. */
static int raise_many(lua_State *L)
{
    for (lua_Integer n = luaL_checkinteger(L, 1); n > 0; n--) {
        CHECK_MUST(raise(SIGUSR1) == 0);
    }
    return 0;
}

static void note_post(ml_loop *loop, void *ud)
{
    int *posts = (int *)ud;
    (void)loop;
    (*posts)++;
}

static int posts;

/* post(): as another thread would, though the bell may be full. */
static int post_one(lua_State *L)
{
    CHECK_EQ(ml_post(ml_current(L, NULL), note_post, &posts), 0);
    return 0;
}

static ml_loop *open_catching(void)
{
    ml_loop *loop = open_loop(ML_SIGNALS);
    posts = 0;
    define(loop, "raise", raise_many);
    define(loop, "post", post_one);
    return loop;
}

/* C5.10: at least one of each is kept, and those are told of once. */
static void test_any_number_of_signals_is_one(void)
{
    static const int counts[] = {1, 20, 70000}; /* a pipe holds 65,536 bytes */
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        ml_loop *loop = open_catching();
        lua_pushinteger(ml_state(loop), counts[i]);
        lua_setglobal(ml_state(loop), "count");
        spawn(loop, "local ml = require 'miniloop'\n"
                    "local signals <close> = ml.signals 'USR1'\n"
                    "local waiter = ml.spawn(signals.wait, signals)\n"
                    "ml.yield()\n"
                    "raise(count)\n"
                    "post()\n"
                    "name = waiter:join()\n"
                    "again = select(2, signals:wait(0)).code\n");
        run(loop);
        CHECK(global_is(loop, "name", "USR1"));
        CHECK(global_is(loop, "again", "ETIMEDOUT"));
        CHECK_EQ(posts, 1);
        close_loop(loop);
    }
}

static void leave(ml_loop *loop, void *ud)
{
    (void)ud;
    ml_stop(loop);
}

static void test_a_bell_that_is_interrupted_rings_all_the_same(void)
{
    ml_loop *loop = open_loop(ML_FOREVER);
    interruptions = 3;
    CHECK_EQ(ml_post(loop, leave, NULL), 0);
    CHECK_EQ(interruptions, 0);
    interruptions = 3;
    CHECK_EQ(ml_run(loop, ML_RUN_DEFAULT), 1);
    CHECK_EQ(interruptions, 0);
    close_loop(loop);
}

/* Who has kept the handler may put it back when the loop is gone. C9.3 */
static void test_a_handler_outlives_its_loop(void)
{
    struct sigaction before;
    struct sigaction ours;
    ml_loop *loop = open_catching();
    CHECK_MUST(sigaction(SIGUSR1, NULL, &before) == 0);
    spawn(loop, "require 'miniloop'.signals 'USR1':wait()");
    CHECK_EQ(ml_run(loop, ML_RUN_NOWAIT), 1);
    CHECK_MUST(sigaction(SIGUSR1, NULL, &ours) == 0);
    close_loop(loop);
    CHECK_MUST(sigaction(SIGUSR1, &ours, NULL) == 0);
    CHECK_MUST(raise(SIGUSR1) == 0);
    CHECK_MUST(sigaction(SIGUSR1, &before, NULL) == 0);
}

static const struct check_test tests[] = {
    CHECK_TEST(test_any_number_of_signals_is_one),
    CHECK_TEST(test_a_bell_that_is_interrupted_rings_all_the_same),
    CHECK_TEST(test_a_handler_outlives_its_loop),
};

int main(void)
{
    return check_run(tests, sizeof tests / sizeof tests[0]);
}
