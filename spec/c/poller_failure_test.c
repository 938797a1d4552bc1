/* A poller that fails: it cannot be opened, refuses a descriptor, or cannot
 * wait. Who waits by it is told, and nobody waits for ever. */

#define _GNU_SOURCE 1 /* RTLD_NEXT */

#include "api_fixture.h"

#ifdef ML_HAVE_EPOLL
#    include <dlfcn.h>
#    include <fcntl.h>
#    include <poll.h>
#    include <sys/epoll.h>
#    include <sys/select.h>
#    include <unistd.h>

/* ---- the calls ------------------------------------------------------------- */

/* Which call of each fails, counting from 1; 0: none. And how. */
static struct {
    int create, ctl, poll;
    int code;
} refused;

static bool is_refused(int *turn)
{
    if (*turn == 0 || --*turn > 0) {
        return false;
    }
    errno = refused.code;
    return true;
}

#    define REAL(name) (*(__typeof__(&(name)) *)&(void *){real(#    name)})

static void *real(const char *name)
{
    void *function = dlsym(RTLD_NEXT, name);
    CHECK_MUST(function != NULL);
    return function;
}

/* Their names and parameters are the system's. */
/* NOLINTBEGIN(readability-inconsistent-declaration-parameter-name) */

int epoll_create1(int flags)
{
    return is_refused(&refused.create) ? -1 : REAL(epoll_create1)(flags);
}

int epoll_ctl(int epfd, int op, int fd, struct epoll_event *event)
{
    return is_refused(&refused.ctl) ? -1 : REAL(epoll_ctl)(epfd, op, fd, event);
}

int poll(struct pollfd *entries, nfds_t count, int timeout)
{
    return is_refused(&refused.poll) ? -1 : REAL(poll)(entries, count, timeout);
}

/* NOLINTEND(readability-inconsistent-declaration-parameter-name) */

/* ---- the tests ------------------------------------------------------------- */

static ml_loop *open_by(const char *poller)
{
    ml_options options = options_of(0);
    options.poller = poller;
    memset(&refused, 0, sizeof refused);
    return open_with(&options);
}

/* More streams than select() is used for, each with a reader. */
static const char *const crowd =
    "local ml, net = require 'miniloop', require 'miniloop.net'\n"
    "read, pairs = 0, {}\n"
    "for i = 1, 10 do\n"
    "  pairs[i] = { net.pair() }\n"
    "  ml.new(function()\n"
    "    if pairs[i][1]:recv() then read = read + 1 end\n"
    "  end)\n"
    "end\n"
    "ml.sleep(0) ml.sleep(0)\n"
    "for i = 1, 10 do pairs[i][2]:write('x') end\n";

/* C4.3: then the one that there is goes on. */
static void test_a_poller_that_cannot_be_had_is_done_without(void)
{
    ml_loop *loop = open_by("auto");
    refused.create = 1;
    refused.code = EMFILE;
    spawn(loop, crowd);
    run(loop);
    CHECK_EQ(refused.create, 0);
    CHECK_EQ(integer_of(loop, "read"), 10);
    close_loop(loop);
    ml_options options = options_of(0);
    options.poller = "epoll";
    refused.create = 1;
    CHECK_EQ(ml_open(&loop, &options), -EMFILE);
    loop = open_by("auto");
    refused.create = 1;
    refused.code = EMFILE;
    CHECK_EQ(ml_pollfd(loop), -EMFILE);
    refused.ctl = 1;
    refused.code = ENOSPC;
    CHECK_EQ(ml_pollfd(loop), -ENOSPC);
    CHECK(ml_pollfd(loop) >= 0);
    close_loop(loop);
}

/* C4.3: to a number that select() has no room for, it is said. */
static void test_a_number_that_is_too_high_then_is_refused(void)
{
    int fds[2];
    CHECK_MUST(pipe(fds) == 0);
    int high = fcntl(fds[0], F_DUPFD, FD_SETSIZE + 1);
    if (high >= 0) {
        ml_loop *loop = open_by("auto");
        lua_pushinteger(ml_state(loop), high);
        lua_setglobal(ml_state(loop), "high");
        refused.create = 1;
        refused.code = EMFILE;
        spawn(loop, "_, err = require 'miniloop'.wait_io_read(high)\n"
                    "code = err.code");
        run(loop);
        CHECK(global_is(loop, "code", "ERANGE"));
        close_loop(loop);
        CHECK_MUST(close(high) == 0);
    }
    CHECK_MUST(close(fds[0]) == 0 && close(fds[1]) == 0);
}

/* Streams that are read and written, waited for by number, and closed; all the
 * while the poller is told of it. */
static const char *const traffic =
    "local ml, net = require 'miniloop', require 'miniloop.net'\n"
    "local near, far = net.pair()\n"
    "local plenty = ('x'):rep(1 << 19)\n"
    "local errs = {}\n"
    "local function note(ok, err)\n"
    "  if not ok then errs[#errs + 1] = err and err.code or 'end' end\n"
    "  return ok\n"
    "end\n"
    "ml.group(function(g)\n"
    "  g:spawn(function()\n"
    "    if note(near:write(plenty)) then note(near:recv(1)) end\n"
    "    near:close()\n"
    "  end)\n"
    "  g:spawn(function()\n"
    "    local left = #plenty\n"
    "    while left > 0 do\n"
    "      local bytes = note(far:recv(5000))\n"
    "      left = bytes and left - #bytes or 0\n"
    "      ml.sleep(0)\n"
    "    end\n"
    "    far:close()\n"
    "  end)\n"
    "  g:spawn(function() note(ml.wait_io_write(far, 1)) end)\n"
    "  g:spawn(function() note(ml.wait_io_read(far, 1)) end)\n"
    "end)\n"
    "codes = table.concat(errs, ' ')\n";

static const char *run_traffic(const char *poller, int turn)
{
    static char codes[256];
    ml_loop *loop = open_by(poller);
    refused.ctl = turn;
    refused.code = ENOSPC;
    spawn(loop, crowd);
    spawn(loop, traffic);
    run(loop);
    lua_getglobal(ml_state(loop), "codes");
    (void)copy(codes, sizeof codes, lua_tostring(ml_state(loop), -1));
    lua_pop(ml_state(loop), 1);
    close_loop(loop);
    return codes;
}

/* C3.wait_io_read: whoever it is, he is told, and the others go on. */
static void test_a_descriptor_that_is_refused_ends_its_waits(void)
{
    static const char *const pollers[] = {"epoll", "auto"};
    for (size_t i = 0; i < 2; i++) {
        int turn = 0;
        int told = 0;
        do {
            const char *codes = run_traffic(pollers[i], ++turn);
            told += strstr(codes, "ENOSPC") != NULL ? 1 : 0;
        } while (refused.ctl == 0 && turn < 200);
        CHECK(turn > 3 && turn < 200);
        CHECK(told > 0);
    }
}

/* Whether it is open: if that cannot be asked for, it is for the poller to tell. */
static void test_a_number_that_cannot_be_looked_at_is_taken_for_open(void)
{
    int fds[2];
    CHECK_MUST(pipe(fds) == 0);
    int high = fcntl(fds[0], F_DUPFD, 200);
    CHECK_MUST(high >= 0);
    for (int turn = 1; turn < 4; turn++) {
        ml_loop *loop = open_by("epoll");
        lua_pushinteger(ml_state(loop), high);
        lua_setglobal(ml_state(loop), "high");
        refused.poll = turn;
        refused.code = EINVAL;
        spawn(loop, "_, err = require 'miniloop'.wait_io_read(high, 0.001)\n"
                    "told = err.code == 'EINVAL' or err.code == 'ETIMEDOUT'\n");
        run(loop);
        CHECK(global_is(loop, "told", "true"));
        close_loop(loop);
    }
    CHECK_MUST(close(high) == 0 && close(fds[0]) == 0 && close(fds[1]) == 0);
}

static void test_a_poller_that_cannot_wait_ends_the_run(void)
{
    ml_loop *loop = open_by("poll");
    spawn(loop, "require 'miniloop'.sleep(0.001) slept = true");
    refused.poll = 1;
    refused.code = EINVAL;
    CHECK_EQ(ml_run(loop, ML_RUN_DEFAULT), -EINVAL);
    run(loop);
    CHECK(global_is(loop, "slept", "true"));
    close_loop(loop);
}
#endif

static const struct check_test tests[] = {
#ifdef ML_HAVE_EPOLL
    CHECK_TEST(test_a_poller_that_cannot_be_had_is_done_without),
    CHECK_TEST(test_a_number_that_is_too_high_then_is_refused),
    CHECK_TEST(test_a_descriptor_that_is_refused_ends_its_waits),
    CHECK_TEST(test_a_number_that_cannot_be_looked_at_is_taken_for_open),
    CHECK_TEST(test_a_poller_that_cannot_wait_ends_the_run),
#endif
    {NULL, NULL},
};

int main(void)
{
    return check_run(tests, sizeof tests / sizeof tests[0] - 1);
}
