/* Calls of the C library that fail in passing: a signal interrupts them, or the
 * system has no memory just now. None of that may be seen from above. */

#define _GNU_SOURCE 1 /* RTLD_NEXT */

#include "api_fixture.h"
#include "core/loop.h"
#include "net/io.h"
#include "net/resolve.h"
#include "net/socket.h"
#include "poll_fixture.h"

#include <dlfcn.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/stat.h>

/* ---- the calls ------------------------------------------------------------- */

static int failures; /* still to come, one a call */
static int failure;  /* the errno of them */

static void fail_with(int code, int count)
{
    failure = code;
    failures = count;
}

static bool fails(void)
{
    if (failures == 0)
        return false;
    failures--;
    errno = failure;
    return true;
}

/* The call that ours stands before. */
#define REAL(name) (*(__typeof__(&(name)) *)&(void *){real(#name)})

static void *real(const char *name)
{
    void *function = dlsym(RTLD_NEXT, name);

    CHECK_MUST(function != NULL);
    return function;
}

/* Their names and parameters are the system's. */
/* NOLINTBEGIN(readability-inconsistent-declaration-parameter-name) */
/* NOLINTBEGIN(readability-function-size) */

int openat(int folder, const char *path, int flags, ...)
{
    return fails() ? -1 : REAL(openat)(folder, path, flags);
}

int getaddrinfo(const char *host, const char *service,
                const struct addrinfo *hints, struct addrinfo **list)
{
    return fails() ? EAI_SYSTEM : REAL(getaddrinfo)(host, service, hints, list);
}

int poll(struct pollfd *entries, nfds_t count, int timeout)
{
    return fails() ? -1 : REAL(poll)(entries, count, timeout);
}

int pselect(int count, fd_set *read, fd_set *write, fd_set *except,
            const struct timespec *timeout, const sigset_t *mask)
{
    return fails() ? -1
                   : REAL(pselect)(count, read, write, except, timeout, mask);
}

int epoll_wait(int epfd, struct epoll_event *events, int max, int timeout)
{
    return fails() ? -1 : REAL(epoll_wait)(epfd, events, max, timeout);
}

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                   void *(*start)(void *), void *argument)
{
    return fails() ? failure
                   : REAL(pthread_create)(thread, attributes, start, argument);
}

static bool sparing; /* files give a byte at a time */

ssize_t pread(int fd, void *buf, size_t n, off_t at)
{
    return fails() ? -1 : REAL(pread)(fd, buf, sparing && n > 1 ? 1 : n, at);
}

static int silences; /* reads that find nothing, though there is something */
static int silence = EAGAIN;

ssize_t read(int fd, void *buf, size_t n)
{
    if (silences > 0) {
        silences--;
        errno = silence;
        return -1;
    }
    return REAL(read)(fd, buf, n);
}

/* NOLINTEND(readability-function-size) */
/* NOLINTEND(readability-inconsistent-declaration-parameter-name) */

/* ---- the tests ------------------------------------------------------------- */

static void test_a_name_is_looked_up_again(void)
{
    fail_with(EINTR, 3);
    struct ml_resolution *r =
        ml_resolve("127.0.0.1", "80", AF_INET, SOCK_STREAM, false);
    CHECK_MUST(r != NULL);
    CHECK_EQ(r->error, 0);
    CHECK_EQ(r->count, 1);
    CHECK_EQ(failures, 0);
    ml_resolution_free(r);
}

/* On a virtual clock, time goes on when a look finds nothing. */
static void test_a_look_at_what_is_ready_is_not_cut(void)
{
    for (int i = 0; ml_poll_all()[i] != NULL; i++) {
        int pair[2];
        ops = ml_poll_all()[i];
        if (!poller_is_exact())
            continue;
        poller_open();
        pair_open(pair);
        put_byte(pair[1]);
        CHECK_EQ(watch(pair[0], 0, ML_POLL_READ), 0);
        fail_with(EINTR, 2);
        CHECK_EQ(ready_once(pair[0], EVENTS, 0), ML_POLL_READ);
        CHECK_EQ(failures, 0);
        pair_close(pair);
        poller_close();
    }
}

static void test_a_wait_is_cut(void)
{
    for (int i = 0; ml_poll_all()[i] != NULL; i++) {
        ops = ml_poll_all()[i];
        if (!poller_is_exact() || ops == ml_poll_best())
            continue; /* epoll_pwait2 is not ours */
        poller_open();
        fail_with(EINTR, 1);
        CHECK_EQ(ready_once(-1, EVENTS, -1), 0);
        CHECK_EQ(failures, 0);
        poller_close();
    }
}

static int interrupt(lua_State *L)
{
    fail_with(EINTR, (int)luaL_checkinteger(L, 1));
    return 0;
}

static void test_a_file_that_is_served_is_opened_again(void)
{
    ml_loop *loop = open_loop(0);
    define(loop, "interrupt", interrupt);
    (void)spawn(loop, "local http = require('miniloop.core').http\n"
                      "interrupt(2)\n"
                      "local root, err = http.open('/', 'usr', true)\n"
                      "interrupt(0)\n"
                      "kind = root and root:stat() or err.code\n"
                      "if root then root:close() end\n");
    CHECK_EQ(ml_run(loop, ML_RUN_DEFAULT), 0);
    CHECK(global_is(loop, "kind", "folder"));
    close_loop(loop);
}

static void test_a_file_that_gives_a_part_is_read_on(void)
{
    ml_loop *loop = open_loop(0);
    define(loop, "interrupt", interrupt);
    (void)spawn(loop,
                "local http = require('miniloop.core').http\n"
                "local exe = assert(http.open('/proc/self', 'exe', true))\n"
                "interrupt(2)\n"
                "bytes = exe:read(1, 3) .. #exe:read(1 << 40, 1)\n"
                "exe:close()\n");
    sparing = true;
    CHECK_EQ(ml_run(loop, ML_RUN_DEFAULT), 0);
    sparing = false;
    CHECK(global_is(loop, "bytes", "ELF0"));
    close_loop(loop);
}

static void test_a_file_is_copied_into_a_pipe_in_spite_of_signals(void)
{
    ml_loop *loop = open_loop(0);
    define(loop, "interrupt", interrupt);
    (void)spawn(loop, "net = require 'miniloop.net'\n"
                      "exe = assert(io.open('/proc/self/exe'))\n"
                      "out = net.stream(assert(io.open('/dev/null', 'w')))\n"
                      "interrupt(2)\n"
                      "count = out:sendfile(exe, 0, 100)\n"
                      "out:close()\n"
                      "exe:close()\n");
    CHECK_EQ(ml_run(loop, ML_RUN_DEFAULT), 0);
    CHECK(global_is(loop, "count", "100"));
    close_loop(loop);
}

/* On each poller that can fail so, no task learns of it. */
static void test_no_memory_to_wait_with_ends_no_run(void)
{
    static const char *const pollers[] = {"select", "poll"};
    for (size_t i = 0; i < sizeof pollers / sizeof *pollers; i++) {
        ml_options options = options_of(0);
        options.poller = pollers[i];
        ml_loop *loop = open_with(&options);
        (void)spawn(loop, "ml = require 'miniloop'\n"
                          "ml.sleep(0.02)\n"
                          "slept = ml.sleep(0.001)\n");
        fail_with(ENOMEM, 2);
        CHECK_EQ(ml_run(loop, ML_RUN_DEFAULT), 0);
        CHECK_EQ(failures, 0);
        CHECK(global_is(loop, "slept", "2"));
        close_loop(loop);
    }
}

static void test_no_memory_to_look_with_is_told_as_that(void)
{
    int fd = ml_socket_open(AF_INET, SOCK_STREAM, 0);
    CHECK_MUST(fd >= 0);
    fail_with(EAGAIN, 1);
    CHECK_EQ(ml_io_events(fd, POLLIN), -ENOMEM);
    fail_with(ENOMEM, 1);
    CHECK_EQ(ml_socket_connect_result(fd), -ENOMEM);
    CHECK_EQ(ml_socket_connect_result(fd), -ENOTCONN);
    CHECK_EQ(ml_io_close(fd), 0);
}

/* That the look-up is let go, a checker of memory sees. */
static void test_a_worker_that_cannot_be_had_is_an_error_of_the_task(void)
{
    ml_loop *loop = open_loop(0);
    (void)spawn(loop, "net = require 'miniloop.net'\n"
                      "_, err = net.resolve('localhost:1')\n"
                      "code = err.code\n"
                      "_, err = net.connect('localhost:1')\n"
                      "again = err.code\n");
    fail_with(EAGAIN, 1);
    CHECK_EQ(ml_run(loop, ML_RUN_DEFAULT), 0);
    CHECK_EQ(failures, 0);
    CHECK(global_is(loop, "code", "EAGAIN"));
    CHECK(global_is(loop, "again", "ECONNREFUSED"));
    close_loop(loop);
}

static int posts;

static void count_post(ml_loop *loop, void *ud)
{
    (void)loop;
    (void)ud;
    posts++;
}

/* The loop's own bell is still readable when all has been answered: as when a
 * signal handler on another thread is slow to write. */
static void test_a_bell_that_nobody_answers_is_silenced(void)
{
    ml_loop *loop = open_loop(ML_FOREVER);
    struct pollfd bell = {.fd = loop->mailfd, .events = POLLIN};
    CHECK_EQ(ml_post(loop, count_post, NULL), 0);
    silences = 1;
    CHECK_EQ(ml_run(loop, ML_RUN_NOWAIT), 1);
    CHECK_EQ(silences, 0);
    CHECK_EQ(posts, 1);
    CHECK_EQ(poll(&bell, 1, 0), 1);
    CHECK_EQ(ml_run(loop, ML_RUN_NOWAIT), 1);
    CHECK_EQ(poll(&bell, 1, 0), 0);
    close_loop(loop);
}

/* A code that says "try again" would have readers try for ever. */
static void test_a_peer_that_does_not_answer_the_system_is_gone(void)
{
    int fds[2];
    char byte;

    CHECK_MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0);
    silence = ETIMEDOUT;
    silences = 1;
    CHECK_EQ(ml_io_read(fds[0], &byte, 1), -ECONNABORTED);
    silence = EAGAIN;
    CHECK_EQ(ml_io_close(fds[0]), 0);
    CHECK_EQ(ml_io_close(fds[1]), 0);
}

static const struct check_test tests[] = {
    CHECK_TEST(test_a_peer_that_does_not_answer_the_system_is_gone),
    CHECK_TEST(test_a_bell_that_nobody_answers_is_silenced),
    CHECK_TEST(test_a_name_is_looked_up_again),
    CHECK_TEST(test_a_look_at_what_is_ready_is_not_cut),
    CHECK_TEST(test_a_wait_is_cut),
    CHECK_TEST(test_no_memory_to_look_with_is_told_as_that),
    CHECK_TEST(test_a_worker_that_cannot_be_had_is_an_error_of_the_task),
    CHECK_TEST(test_a_file_is_copied_into_a_pipe_in_spite_of_signals),
    CHECK_TEST(test_a_file_that_gives_a_part_is_read_on),
    CHECK_TEST(test_no_memory_to_wait_with_ends_no_run),
    CHECK_TEST(test_a_file_that_is_served_is_opened_again),
};

int main(void)
{
    return check_run(tests, sizeof tests / sizeof tests[0]);
}
