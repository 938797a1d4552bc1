/* Bytes, datagrams and descriptors. */

#include "net/sendfile.h"
#include "net_fixture.h"

#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>

static void make_pipe(int fds[2])
{
    CHECK_MUST(pipe(fds) == 0);
    CHECK_EQ(ml_io_nonblock(fds[0], true), 0);
    CHECK_EQ(ml_io_nonblock(fds[1], true), 0);
}

static void close_both(const int fds[2])
{
    CHECK_EQ(ml_io_close(fds[0]), 0);
    CHECK_EQ(ml_io_close(fds[1]), 0);
}

/*
 * The system's poll(), except that it can be interrupted: which happens to one
 * that does not wait as well, where a debugger or a shim sits in between.
 */
static int interruptions;

int poll(struct pollfd *fds, nfds_t nfds, int timeout)
{
    struct timespec wait = {.tv_sec = timeout / 1000,
                            .tv_nsec = timeout % 1000 * 1000000L};

    if (interruptions > 0) {
        interruptions--;
        errno = EINTR;
        return -1;
    }
    return ppoll(fds, nfds, timeout < 0 ? NULL : &wait, NULL);
}

/* --- kinds --------------------------------------------------------------- */

static void check_kind(int fd, enum ml_io_kind kind)
{
    CHECK(fd >= 0);
    CHECK_EQ(ml_io_kind(fd), kind);
    CHECK_EQ(ml_io_close(fd), 0);
}

static void test_descriptors_are_known_by_their_kind(void)
{
    struct ml_address any = address_of("127.0.0.1:0");
    int fds[2];
    int terminal = posix_openpt(O_RDWR | O_NOCTTY);

    make_pipe(fds);
    check_kind(fds[0], ML_IO_PIPE);
    check_kind(fds[1], ML_IO_PIPE);
    check_kind(ml_socket_open(AF_INET, SOCK_STREAM, 0), ML_IO_STREAM);
    check_kind(ml_socket_open(AF_UNIX, SOCK_SEQPACKET, 0), ML_IO_DGRAM);
    check_kind(ml_socket_bind(&any, NULL), ML_IO_DGRAM);
    check_kind(ml_socket_listen(&any, NULL), ML_IO_LISTENER);
    check_kind(open("/", O_RDONLY | O_CLOEXEC), ML_IO_FILE);
    check_kind(open("/dev/null", O_RDWR | O_CLOEXEC), ML_IO_OTHER);
    if (terminal >= 0) /* some containers have none */
        check_kind(terminal, ML_IO_TTY);
    CHECK_EQ(ml_io_kind(-1), ML_IO_BAD);
    CHECK_EQ(ml_io_kind(fds[0]), ML_IO_BAD);
}

/* --- reading and writing ------------------------------------------------- */

static void check_bytes(const int fds[2], bool is_socket)
{
    struct iovec pieces[] = {
        {(char[]){'c'}, 1}, {NULL, 0}, {(char[]){'d', 'e'}, 2}};
    char got[16] = "";

    CHECK_EQ(ml_io_read(fds[0], got, sizeof got), -EAGAIN);
    CHECK_EQ(ml_io_write(fds[1], "ab", 2, is_socket), 2);
    CHECK_EQ(ml_io_writev(fds[1], pieces, 3, is_socket), 3);
    CHECK_EQ(ml_io_read(fds[0], got, sizeof got), 5);
    CHECK(memcmp(got, "abcde", 5) == 0);
    CHECK_EQ(ml_io_close(fds[1]), 0);
    CHECK_EQ(ml_io_read(fds[0], got, sizeof got), 0);
    CHECK_EQ(ml_io_close(fds[0]), 0);
}

static void test_bytes_go_through_sockets_and_pipes(void)
{
    int fds[2];

    CHECK_MUST(ml_socket_pair(fds) == 0);
    check_bytes(fds, true);
    make_pipe(fds);
    check_bytes(fds, false);
}

static void check_full(const int fds[2], bool is_socket)
{
    static char large[1 << 16];
    struct iovec piece = {large, sizeof large};
    ssize_t put = 1;

    for (int i = 0; i < 1000 && put > 0; i++)
        put = ml_io_write(fds[1], large, sizeof large, is_socket);
    CHECK_EQ(put, -EAGAIN);
    CHECK_EQ(ml_io_writev(fds[1], &piece, 1, is_socket), -EAGAIN);
    CHECK_EQ(ml_io_read(fds[0], large, sizeof large), sizeof large);
    CHECK(ml_io_write(fds[1], large, sizeof large, is_socket) > 0);
    close_both(fds);
}

static void test_what_does_not_fit_would_block(void)
{
    int fds[2];

    CHECK_MUST(ml_socket_pair(fds) == 0);
    check_full(fds, true);
    make_pipe(fds);
    check_full(fds, false);
}

static void test_too_many_pieces_are_written_in_part(void)
{
    enum {
        MANY = 5000
    };
    static struct iovec pieces[MANY];
    static char byte = 'x';
    int fds[2];
    ssize_t put;

    for (size_t i = 0; i < MANY; i++)
        pieces[i] = (struct iovec){&byte, 1};
    CHECK_MUST(ml_socket_pair(fds) == 0);
    put = ml_io_writev(fds[0], pieces, MANY, true);
    CHECK(put >= 16 && put <= MANY);
    close_both(fds);
    make_pipe(fds);
    CHECK_EQ(ml_io_writev(fds[1], pieces, MANY, false), put);
    close_both(fds);
}

/* More than any system takes at once, of which a pipe takes what fits. */
static void test_a_pipe_takes_a_part_of_what_is_too_much(void)
{
    static char much[1 << 20];
    struct iovec pieces[2] = {{much, sizeof much}, {much, sizeof much}};
    int fds[2];
    ssize_t put;

    make_pipe(fds);
    put = ml_io_write(fds[1], much, sizeof much, false);
    CHECK(put > 0 && put < (ssize_t)sizeof much);
    CHECK_EQ(ml_io_read(fds[0], much, sizeof much), put);
    put = ml_io_writev(fds[1], pieces, 2, false);
    CHECK(put > 0 && put < (ssize_t)sizeof much);
    CHECK_EQ(ml_io_read(fds[0], much, sizeof much), put);
    close_both(fds);
}

/* More than one call of the system takes. */
static void test_a_read_may_ask_for_gigabytes(void)
{
    size_t size = (size_t)INT_MAX + 1;
    int fds[2];
    void *room = mmap(NULL, size, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    CHECK_MUST(room != MAP_FAILED);
    make_pipe(fds);
    CHECK_EQ(ml_io_write(fds[1], "x", 1, false), 1);
    CHECK_EQ(ml_io_read(fds[0], room, size), 1);
    close_both(fds);
    (void)munmap(room, size);
}

static void test_a_bad_descriptor_is_an_error(void)
{
    struct iovec piece = {(char[]){'x'}, 1};
    char byte;

    CHECK_EQ(ml_io_read(-1, &byte, 1), -EBADF);
    CHECK_EQ(ml_io_write(-1, "x", 1, false), -EBADF);
    CHECK_EQ(ml_io_write(-1, "x", 1, true), -EBADF);
    CHECK_EQ(ml_io_writev(-1, &piece, 1, false), -EBADF);
    CHECK_EQ(ml_io_writev(-1, &piece, 1, true), -EBADF);
    CHECK_EQ(ml_io_recvfrom(-1, &byte, 1, NULL, NULL), -EBADF);
    CHECK_EQ(ml_io_nonblock(-1, true), -EBADF);
    CHECK_EQ(ml_io_cloexec(-1), -EBADF);
    CHECK_EQ(ml_io_close(-1), -EBADF);
}

/* The handler of a signal that comes again and again ends the wait at last. */
static int alarm_pipe[2];
static volatile sig_atomic_t alarms;

static void on_alarm(int signal)
{
    int saved = errno;

    (void)signal;
    alarms = alarms + 1;
    if (alarms == 5)
        (void)!write(alarm_pipe[1], "x", 1); /* the reader sees if it fails */
    errno = saved;
}

static void test_an_interrupted_read_goes_on(void)
{
    struct sigaction action = {.sa_handler = on_alarm};
    struct sigaction before;
    struct itimerval often = {{0, 1000}, {0, 1000}};
    struct itimerval never = {{0, 0}, {0, 0}};
    char byte = 0;

    CHECK_MUST(pipe(alarm_pipe) == 0); /* blocking: the read must wait */
    CHECK_MUST(sigaction(SIGALRM, &action, &before) == 0);
    CHECK_MUST(setitimer(ITIMER_REAL, &often, NULL) == 0);
    CHECK_EQ(ml_io_read(alarm_pipe[0], &byte, 1), 1);
    CHECK_MUST(setitimer(ITIMER_REAL, &never, NULL) == 0);
    CHECK_MUST(sigaction(SIGALRM, &before, NULL) == 0);
    CHECK(byte == 'x' && alarms >= 5);
    close_both(alarm_pipe);
}

/* --- SIGPIPE ------------------------------------------------------------- */

static bool sigpipe_in(int (*ask)(sigset_t *))
{
    sigset_t set;

    return ask(&set) == 0 && sigismember(&set, SIGPIPE) == 1;
}

static int ask_mask(sigset_t *set)
{
    return pthread_sigmask(SIG_SETMASK, NULL, set);
}

static void block_sigpipe(int how)
{
    sigset_t set;

    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGPIPE);
    (void)pthread_sigmask(how, &set, NULL);
}

/* A socket whose peer has closed, and will answer what it is sent with a
 * reset. */
static int reset_socket(void)
{
    int listener = listen_at("127.0.0.1:0");
    struct ml_address address = name_of(listener);
    struct ml_address peer;
    int fd = connect_to(&address);

    (void)ml_io_close(accept_from(listener, &peer));
    (void)ml_io_close(listener);
    return fd;
}

/* Of a file so long that the reset comes while it is being sent: then the count
 * is of what went before. */
static bool files_are_refused(void)
{
    enum {
        LENGTH = 4 << 20
    };
    FILE *file = tmpfile();
    int fd = reset_socket();
    ssize_t sent;

    if (file == NULL || ftruncate(fileno(file), LENGTH) != 0)
        return false;
    sent = ml_sendfile(fd, fileno(file), 0, LENGTH);
    if (sent > 0 && sent < LENGTH)
        sent = ml_sendfile(fd, fileno(file), 0, LENGTH);
    (void)fclose(file);
    (void)ml_io_close(fd);
    return sent == -EPIPE || sent == -ECONNRESET;
}

/* Writes in every way into a pipe and a socket that nobody reads. */
static bool writes_are_refused(void)
{
    struct iovec piece = {(char[]){'x'}, 1};
    int ends[2];
    int fds[2];
    bool refused;

    if (pipe(ends) != 0 || ml_socket_pair(fds) != 0)
        return false;
    (void)ml_io_close(ends[0]);
    (void)ml_io_close(fds[0]);
    refused = ml_io_write(ends[1], "x", 1, false) == -EPIPE &&
              ml_io_writev(ends[1], &piece, 1, false) == -EPIPE &&
              ml_io_write(fds[1], "x", 1, true) == -EPIPE &&
              ml_io_write(fds[1], "x", 1, false) == -EPIPE &&
              ml_io_writev(fds[1], &piece, 1, true) == -EPIPE &&
              ml_io_sendto(fds[1], "x", 1, NULL) == -EPIPE &&
              files_are_refused();
    (void)ml_io_close(ends[1]);
    (void)ml_io_close(fds[1]);
    return refused;
}

/* Runs `body` in a child, and fails unless it returns true there. */
static void in_child(bool (*body)(void))
{
    int status = 0;
    pid_t pid;

    (void)fflush(stdout);
    pid = fork();
    CHECK_MUST(pid >= 0);
    if (pid == 0)
        _exit(body() ? 0 : 1);
    CHECK_MUST(waitpid(pid, &status, 0) == pid);
    CHECK(!WIFSIGNALED(status));
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* The default is to end the process. */
static bool survives_by_default(void)
{
    return signal(SIGPIPE, SIG_DFL) != SIG_ERR && writes_are_refused() &&
           !sigpipe_in(sigpending) && !sigpipe_in(ask_mask) &&
           signal(SIGPIPE, SIG_DFL) == SIG_DFL;
}

static bool survives_ignored(void)
{
    return signal(SIGPIPE, SIG_IGN) != SIG_ERR && writes_are_refused() &&
           !sigpipe_in(sigpending) && signal(SIGPIPE, SIG_DFL) == SIG_IGN;
}

static volatile sig_atomic_t caught;

static void on_sigpipe(int signal)
{
    (void)signal;
    caught = caught + 1;
}

static bool calls_no_handler(void)
{
    return signal(SIGPIPE, on_sigpipe) != SIG_ERR && writes_are_refused() &&
           caught == 0;
}

/* Blocked by the caller: stays blocked, and nothing is left pending. */
static bool leaves_a_blocked_signal_blocked(void)
{
    block_sigpipe(SIG_BLOCK);
    return writes_are_refused() && sigpipe_in(ask_mask) &&
           !sigpipe_in(sigpending);
}

/* The caller's own SIGPIPE is still there, and is caught once. */
static bool leaves_a_pending_signal_pending(void)
{
    block_sigpipe(SIG_BLOCK);
    if (signal(SIGPIPE, on_sigpipe) == SIG_ERR || raise(SIGPIPE) != 0)
        return false;
    if (!writes_are_refused() || !sigpipe_in(sigpending) || caught != 0)
        return false;
    block_sigpipe(SIG_UNBLOCK);
    return caught == 1;
}

static void test_a_write_that_nobody_reads_raises_no_signal(void)
{
    in_child(survives_by_default);
    in_child(survives_ignored);
    in_child(calls_no_handler);
    in_child(leaves_a_blocked_signal_blocked);
    in_child(leaves_a_pending_signal_pending);
}

/* --- datagrams ----------------------------------------------------------- */

static void check_datagram(int from, int to, const char *text)
{
    struct ml_address target = name_of(to);
    struct ml_address source = name_of(from);
    struct ml_address told;
    size_t len = strlen(text);
    bool truncated = true;
    char got[16];

    CHECK_EQ(ml_io_recvfrom(to, got, sizeof got, NULL, NULL), -EAGAIN);
    CHECK_EQ(ml_io_sendto(from, text, len, &target), (ssize_t)len);
    CHECK(comes(to, POLLIN));
    CHECK_EQ(ml_io_recvfrom(to, got, sizeof got, &told, &truncated),
             (ssize_t)len);
    CHECK(memcmp(got, text, len) == 0 && !truncated);
    CHECK(ml_address_equal(&told, &source));
}

static void check_both_ways(const char *text)
{
    struct ml_address any = address_of(text);
    int fds[2];

    fds[0] = ml_socket_bind(&any, NULL);
    fds[1] = ml_socket_bind(&any, NULL);
    check_datagram(fds[0], fds[1], "hello");
    check_datagram(fds[1], fds[0], "");
    close_both(fds);
}

static void test_datagrams_come_with_their_source(void)
{
    check_both_ways("127.0.0.1:0");
    if (has_ipv6())
        check_both_ways("[::1]:0");
}

static void test_a_truncated_datagram_is_told(void)
{
    struct ml_address any = address_of("127.0.0.1:0");
    int fd = ml_socket_bind(&any, NULL);
    struct ml_address own = name_of(fd);
    static char large[70000];
    char got[4];
    bool truncated = false;

    CHECK_EQ(ml_io_sendto(fd, "hello", 5, &own), 5);
    CHECK(comes(fd, POLLIN));
    CHECK_EQ(ml_io_recvfrom(fd, got, sizeof got, NULL, NULL), sizeof got);
    CHECK_EQ(ml_io_sendto(fd, "hello", 5, &own), 5);
    CHECK(comes(fd, POLLIN));
    CHECK_EQ(ml_io_recvfrom(fd, got, sizeof got, NULL, &truncated), 4);
    CHECK(truncated && memcmp(got, "hell", 4) == 0);
    CHECK_EQ(ml_io_sendto(fd, large, sizeof large, &own), -EMSGSIZE);
    CHECK_EQ(ml_io_close(fd), 0);
}

static void test_a_refused_datagram_is_told_when_connected(void)
{
    struct ml_address any = address_of("127.0.0.1:0");
    int fd = ml_socket_bind(&any, NULL);
    struct ml_address nobody = name_of(fd);
    char byte;

    CHECK_EQ(ml_io_close(fd), 0);
    fd = ml_socket_open(AF_INET, SOCK_DGRAM, 0);
    CHECK_EQ(ml_socket_connect(fd, &nobody), 0);
    CHECK_EQ(ml_io_sendto(fd, "x", 1, NULL), 1);
    CHECK(comes(fd, POLLIN));
    CHECK_EQ(ml_io_recvfrom(fd, &byte, 1, NULL, NULL), -ECONNREFUSED);
    CHECK_EQ(ml_io_close(fd), 0);
}

/* A dual-stack socket reaches an IPv4 peer by its mapped address. */
static void test_a_mapped_address_reaches_an_ipv4_peer(void)
{
    struct ml_address any = address_of(":0");
    struct ml_address v4 = address_of("127.0.0.1:0");
    int from = ml_socket_bind(&any, NULL);
    int to = ml_socket_bind(&v4, NULL);
    struct ml_address own = name_of(from);
    struct ml_address target = name_of(to);

    if (ml_address_family(&own) == AF_INET6)
        ml_address_map(&target);
    CHECK_EQ(ml_io_sendto(from, "x", 1, &target), 1);
    CHECK(comes(to, POLLIN));
    close_both((int[]){from, to});
}

/* --- descriptors --------------------------------------------------------- */

static void test_flags_are_set_and_cleared(void)
{
    int fds[2];

    CHECK_MUST(pipe(fds) == 0);
    CHECK((fcntl(fds[0], F_GETFL) & O_NONBLOCK) == 0);
    CHECK_EQ(ml_io_nonblock(fds[0], true), 0);
    CHECK_EQ(ml_io_nonblock(fds[0], true), 0);
    CHECK((fcntl(fds[0], F_GETFL) & O_NONBLOCK) != 0);
    CHECK_EQ(ml_io_nonblock(fds[0], false), 0);
    CHECK((fcntl(fds[0], F_GETFL) & O_NONBLOCK) == 0);
    CHECK((fcntl(fds[0], F_GETFD) & FD_CLOEXEC) == 0);
    CHECK_EQ(ml_io_cloexec(fds[0]), 0);
    CHECK((fcntl(fds[0], F_GETFD) & FD_CLOEXEC) != 0);
    close_both(fds);
    CHECK_EQ(ml_io_close(fds[0]), -EBADF);
}

static void test_a_look_at_what_is_ready_is_made_again_when_interrupted(void)
{
    int fds[2];

    make_pipe(fds);
    interruptions = 2;
    CHECK_EQ(ml_io_events(fds[0], POLLIN), 0);
    CHECK_EQ(ml_io_write(fds[1], "x", 1, false), 1);
    interruptions = 2;
    CHECK_EQ(ml_io_events(fds[0], POLLIN), POLLIN);
    CHECK_EQ(interruptions, 0);
    close_both(fds);
    CHECK_EQ(ml_io_events(fds[0], POLLIN), POLLNVAL);
}

static const struct check_test tests[] = {
    CHECK_TEST(test_descriptors_are_known_by_their_kind),
    CHECK_TEST(test_bytes_go_through_sockets_and_pipes),
    CHECK_TEST(test_what_does_not_fit_would_block),
    CHECK_TEST(test_too_many_pieces_are_written_in_part),
    CHECK_TEST(test_a_pipe_takes_a_part_of_what_is_too_much),
    CHECK_TEST(test_a_bad_descriptor_is_an_error),
    CHECK_TEST(test_a_read_may_ask_for_gigabytes),
    CHECK_TEST(test_an_interrupted_read_goes_on),
    CHECK_TEST(test_a_look_at_what_is_ready_is_made_again_when_interrupted),
    CHECK_TEST(test_a_write_that_nobody_reads_raises_no_signal),
    CHECK_TEST(test_datagrams_come_with_their_source),
    CHECK_TEST(test_a_truncated_datagram_is_told),
    CHECK_TEST(test_a_refused_datagram_is_told_when_connected),
    CHECK_TEST(test_a_mapped_address_reaches_an_ipv4_peer),
    CHECK_TEST(test_flags_are_set_and_cleared),
};

int main(void)
{
    return net_run(tests, sizeof tests / sizeof tests[0]);
}
