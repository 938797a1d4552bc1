/* core/watch.c: what the poller is told of descriptors, and what comes of it when
 * it refuses, or tells what is not so. The poller is a real one, in between. */

#include "api_fixture.h"

#include "core/check.h"
#include "core/loop.h"
#include "core/task.h"
#include "net/io.h"

#include <fcntl.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    NUMBERS = 1024
};

static struct {
    const struct ml_poll_ops *real;
    struct ml_poll_ops ops;
    unsigned refused; /* the next change that adds one of these directions,
                               or takes it off others, is */
    unsigned held[NUMBERS]; /* what it has been told last, by descriptor */
    struct ml_poll_event
        rumour; /* to be told where nothing is; ready 0: none */
} poller;

static int watched_set(struct ml_poll *p, int fd, unsigned old, unsigned now)
{
    if (now != 0 && ((old ^ now) & poller.refused) != 0) {
        poller.refused = 0;
        return -ENOMEM;
    }
    int err = poller.real->set(p, fd, old, now);
    poller.held[fd] = err == 0 ? now : old;
    return err;
}

static int watched_wait(struct ml_poll *p, struct ml_poll_event *events,
                        int max, int64_t timeout)
{
    bool rumour = poller.rumour.ready != 0;
    int n = poller.real->wait(p, events, max, rumour ? 0 : timeout);
    if (rumour && n == 0) {
        events[n++] = poller.rumour;
        poller.rumour.ready = 0;
    }
    return n;
}

static ml_loop *loop;

static void open_watched(const char *name)
{
    ml_options options = options_of(ML_VIRTUAL_TIME);
    options.poller = name;
    loop = open_with(&options);
    memset(&poller, 0, sizeof poller);
    poller.real = loop->ops;
    poller.ops = *loop->ops;
    poller.ops.set = watched_set;
    poller.ops.wait = watched_wait;
    loop->ops = &poller.ops;
}

static void close_watched(void)
{
    loop->ops = poller.real;
    close_loop(loop);
}

static void run_rounds(int rounds)
{
    const char *what = NULL;
    for (int i = 0; i < rounds; i++) {
        CHECK_EQ(ml_run(loop, ML_RUN_NOWAIT), 1);
        CHECK_EQ(ml_check(loop, &what), 0);
    }
}

static int fds[2];

/* A pair of descriptors for scripts: `near`, and `far`. */
static void give_pair(void)
{
    CHECK_MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0);
    CHECK_MUST(ml_io_nonblock(fds[0], true) == 0 &&
               ml_io_nonblock(fds[1], true) == 0);
    lua_pushinteger(ml_state(loop), fds[0]);
    lua_setglobal(ml_state(loop), "near");
    lua_pushinteger(ml_state(loop), fds[1]);
    lua_setglobal(ml_state(loop), "far");
}

/* Until there is no room in the near one. */
static void fill(void)
{
    static const char block[4096];
    while (write(fds[0], block, sizeof block) > 0) {
    }
}

static void close_pair(void)
{
    (void)close(fds[0]);
    (void)close(fds[1]);
}

/* ---- a poller that refuses -------------------------------------------------- */

/* C3.wait_io_read: who waits is told, and nobody waits any more: so the poller is
 * not to hold what it was told before. */
static void test_of_a_change_that_is_refused_nothing_is_left(void)
{
    open_watched("poll");
    give_pair();
    fill();
    spawn(loop, "local ml = require 'miniloop'\n"
                "codes = ''\n"
                "function note(wait)\n"
                "  local _, err = wait(near)\n"
                "  codes = codes .. err.code .. ' '\n"
                "end\n"
                "ml.spawn(note, ml.wait_io_read)\n");
    run_rounds(3);
    CHECK_EQ(poller.held[fds[0]], ML_POLL_READ);
    spawn(loop, "note(require 'miniloop'.wait_io_write)");
    poller.refused = ML_POLL_WRITE;
    run(loop);
    CHECK(global_is(loop, "codes", "ENOMEM ENOMEM "));
    CHECK_EQ(poller.held[fds[0]], 0);
    close_watched();
    close_pair();
}

#ifdef ML_HAVE_EPOLL

/* That an interest which nobody has any more could not be taken back costs those
 * nothing who wait in the other direction. */
static void test_an_interest_that_cannot_be_changed_is_made_anew(void)
{
    open_watched("epoll");
    int64_t id = spawn(
        loop, "local ml, net = require 'miniloop', require 'miniloop.net'\n"
              "near, far = net.pair()\n"
              "local plenty = ('x'):rep(1 << 20)\n"
              "ml.spawn(far.read, far, #plenty)\n"
              "ml.spawn(near.write, near, plenty)\n"
              "word = near:recv()\n");
    run_rounds(2);
    int fd = ml_watch_of(&ml_task_find(loop, id)->wait)->fd;
    CHECK((poller.held[fd] & ML_POLL_WRITE) != 0);
    poller.refused = ML_POLL_WRITE;
    run_rounds(500);
    CHECK_EQ(poller.refused, 0);
    CHECK_EQ(poller.held[fd], ML_POLL_READ | ML_POLL_EDGE);
    spawn(loop, "far:write 'word'");
    run(loop);
    CHECK(global_is(loop, "word", "word"));
    close_watched();
}

/* What was a raw number becomes a stream's, and nobody waits for it: it keeps what
 * it has until somebody does. */
static void
test_a_number_that_becomes_a_stream_is_told_anew_when_waited_for(void)
{
    open_watched("epoll");
    give_pair();
    spawn(loop, "local ml, net = require 'miniloop', require 'miniloop.net'\n"
                "stream = net.stream(near)\n"
                "ml.spawn(ml.wait_io_read, near, 1)\n"
                "local reader = ml.spawn(function()\n"
                "  ml.sleep(1)\n"
                "  stream:recv()\n"
                "end)\n"
                "ml.spawn(function() ml.sleep(1) reader:kill() end)\n"
                "ml.sleep(2)\n");
    run(loop);
    CHECK_EQ(poller.held[fds[0]], ML_POLL_READ);
    spawn(loop, "word = stream:recv() stream:close()");
    run_rounds(2);
    CHECK_EQ(poller.held[fds[0]], ML_POLL_READ | ML_POLL_EDGE);
    CHECK_EQ(write(fds[1], "word", 4), 4);
    run(loop);
    CHECK(global_is(loop, "word", "word"));
    close_watched();
    CHECK_MUST(close(fds[1]) == 0);
}

#else

static void test_an_interest_that_cannot_be_changed_is_made_anew(void)
{
}

static void
test_a_number_that_becomes_a_stream_is_told_anew_when_waited_for(void)
{
}

#endif

/* ---- one that tells what is not so -------------------------------------------- */

/* C3.wait_io_read: who waits for a number is told that reading will not block. */
static void test_a_rumour_does_not_reach_who_waits_for_a_number(void)
{
    open_watched("poll");
    give_pair();
    fill();
    spawn(loop, "readable = require 'miniloop'.wait_io_read(near)");
    run_rounds(2);
    poller.rumour = (struct ml_poll_event){.fd = fds[0], .ready = ML_POLL_READ};
    run_rounds(3);
    CHECK_EQ(poller.rumour.ready, 0);
    CHECK(global_is(loop, "readable", "nil"));
    CHECK_EQ(write(fds[1], "x", 1), 1);
    run(loop);
    CHECK(global_is(loop, "readable", "true"));
    close_watched();
    close_pair();
}

/* ---- from one poller to another ------------------------------------------------ */

/* With a task that waits for that number. */
static ml_loop *open_on_number(const char *name, int fd)
{
    ml_options options = options_of(0);
    options.poller = name;
    ml_loop *other = open_with(&options);
    lua_pushinteger(ml_state(other), fd);
    lua_setglobal(ml_state(other), "fd");
    spawn(other, "local _, err = require 'miniloop'.wait_io_read(fd)\n"
                 "answer = err and err.code or 'readable'\n");
    return other;
}

/* C4.3: select() has no room for such a number; `auto` goes to a poller that has. */
static void test_a_high_number_is_for_other_pollers(void)
{
    CHECK_MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0);
    int high = fcntl(fds[0], F_DUPFD, FD_SETSIZE + 1);
    for (int i = 0; i < 2 && high >= 0; i++) {
        loop = open_on_number(i == 0 ? "select" : "auto", high);
        (void)ml_run(loop, ML_RUN_NOWAIT); /* it is over for select() */
        CHECK_EQ(write(fds[1], "x", 1), 1);
        run(loop);
        CHECK(global_is(loop, "answer", i == 0 ? "ERANGE" : "readable"));
        close_loop(loop);
    }
    close_pair();
    (void)close(high);
}

/* C4.3: also what nobody waits for at the moment is a stream afterwards. */
static void test_a_stream_at_rest_moves_along(void)
{
    loop = open_loop(0);
    spawn(loop, "local ml, net = require 'miniloop', require 'miniloop.net'\n"
                "near, far = net.pair()\n"
                "ml.spawn(near.recv, near):kill()\n"
                "local reader = ml.spawn(near.recv, near)\n"
                "ml.yield()\n"
                "reader:kill()\n");
    run(loop);
    CHECK(ml_pollfd(loop) >= 0);
    spawn(loop, "local ml = require 'miniloop'\n"
                "ml.spawn(function() word = near:recv() end)\n"
                "ml.yield()\n"
                "far:write 'word'\n");
    run(loop);
    CHECK(global_is(loop, "word", "word"));
    close_loop(loop);
}

static const struct check_test tests[] = {
    CHECK_TEST(test_of_a_change_that_is_refused_nothing_is_left),
    CHECK_TEST(test_an_interest_that_cannot_be_changed_is_made_anew),
    CHECK_TEST(
        test_a_number_that_becomes_a_stream_is_told_anew_when_waited_for),
    CHECK_TEST(test_a_rumour_does_not_reach_who_waits_for_a_number),
    CHECK_TEST(test_a_high_number_is_for_other_pollers),
    CHECK_TEST(test_a_stream_at_rest_moves_along),
};

int main(void)
{
    return check_run(tests, sizeof tests / sizeof tests[0]);
}
