/* Sockets: opened, accepted, connected. */

#include "net_fixture.h"

#include <sys/resource.h>

/* --- birth --------------------------------------------------------------- */

static void test_descriptors_are_born_nonblocking_and_cloexec(void)
{
    static const int families[] = {AF_INET, AF_UNIX};
    int fds[2];

    for (size_t i = 0; i < 2; i++) {
        int fd = ml_socket_open(families[i], SOCK_STREAM, 0);

        CHECK_MUST(fd >= 0);
        CHECK(born_right(fd));
        CHECK_EQ(ml_io_close(fd), 0);
    }
    CHECK_EQ(ml_socket_pair(fds), 0);
    CHECK(born_right(fds[0]) && born_right(fds[1]));
    close_all(fds, 2);
    CHECK(ml_socket_open(-1, SOCK_STREAM, 0) < 0);
}

/* --- a connection from end to end ---------------------------------------- */

static void check_connection(int client, int server,
                             const struct ml_address *peer)
{
    struct ml_address name;
    char byte = 0;

    CHECK(born_right(client) && born_right(server));
    name = name_of(client);
    CHECK(ml_address_equal(&name, peer));
    CHECK_EQ(ml_socket_peer(client, &name), 0);
    CHECK(ml_address_port(&name) != 0);
    CHECK_EQ(ml_io_write(client, "x", 1, true), 1);
    CHECK(comes(server, POLLIN));
    CHECK_EQ(ml_io_read(server, &byte, 1), 1);
    CHECK_EQ(byte, 'x');
}

static void check_end_to_end(const struct ml_address *address)
{
    struct ml_address peer;
    int fds[3];

    fds[0] = ml_socket_listen(address, NULL);
    CHECK_MUST(fds[0] >= 0);
    CHECK(born_right(fds[0]));
    CHECK_EQ(ml_socket_accept(fds[0], &peer), -EAGAIN);

    struct ml_address bound = name_of(fds[0]);

    CHECK(ml_address_port(&bound) != 0); /* port 0 took a free one */
    fds[1] = connect_to(&bound);
    CHECK_MUST(fds[1] >= 0);
    fds[2] = accept_from(fds[0], &peer);
    CHECK_MUST(fds[2] >= 0);
    check_connection(fds[1], fds[2], &peer);
    close_all(fds, 3);
}

static void test_connections_go_through_on_every_family(void)
{
    char path[ML_ADDRESS_TEXT_SIZE];
    struct ml_address v4 = address_of("127.0.0.1:0");
    struct ml_address v6 = address_of("[::1]:0");
    struct ml_address file = file_address("through", path);

    check_end_to_end(&v4);
    if (has_ipv6())
        check_end_to_end(&v6);
    check_end_to_end(&file);
    CHECK_EQ(unlink(path), 0);
#ifdef __linux__
    char name[64];

    (void)snprintf(name, sizeof name, "unix:@miniloop spec %ld",
                   (long)getpid());

    struct ml_address abstract = address_of(name);

    check_end_to_end(&abstract);
#endif
}

static void test_a_peer_that_nobody_asks_for_is_not_told(void)
{
    int listener = listen_at("127.0.0.1:0");
    struct ml_address bound = name_of(listener);
    int client = connect_to(&bound);
    int server = accept_from(listener, NULL);

    CHECK(client >= 0 && server >= 0);
    close_all((int[]){listener, client, server}, 3);
}

static void test_only_a_socket_of_tcp_is_one(void)
{
    struct ml_address any = address_of("127.0.0.1:0");
    int udp = ml_socket_bind(&any, NULL);
    int tcp = ml_socket_listen(&any, NULL);
    int fds[2];

    CHECK_MUST(udp >= 0 && tcp >= 0 && pipe(fds) == 0);
#ifdef SO_PROTOCOL
    CHECK(ml_socket_is_tcp(tcp));
#endif
    CHECK(!ml_socket_is_tcp(udp));
    CHECK(!ml_socket_is_tcp(fds[0]));
    CHECK(!ml_socket_is_tcp(-1));
    close_all((int[]){udp, tcp, fds[0], fds[1]}, 4);
}

static void test_either_half_can_be_shut_down(void)
{
    int fds[2];
    char byte;
    int fd = ml_socket_open(AF_INET, SOCK_STREAM, 0);

    CHECK_EQ(ml_socket_pair(fds), 0);
    CHECK_EQ(ml_socket_shutdown(fds[0], SHUT_WR), 0);
    CHECK_EQ(ml_io_read(fds[1], &byte, 1), 0);
    CHECK_EQ(ml_io_write(fds[0], "x", 1, true), -EPIPE);
    CHECK_EQ(ml_io_write(fds[1], "x", 1, true), 1);
    CHECK_EQ(ml_io_read(fds[0], &byte, 1), 1);
    CHECK_EQ(ml_socket_shutdown(fd, SHUT_WR), -ENOTCONN);
    close_all((int[]){fds[0], fds[1], fd}, 3);
}

/* --- accepting ----------------------------------------------------------- */

static void test_errors_of_accept_are_told_apart(void)
{
    CHECK(ml_socket_accept_transient(ECONNABORTED));
    CHECK(ml_socket_accept_transient(EPROTO));
    CHECK(ml_socket_accept_transient(ENETDOWN));
    CHECK(!ml_socket_accept_transient(EAGAIN));
    CHECK(!ml_socket_accept_transient(EBADF));
    CHECK(!ml_socket_accept_transient(EMFILE));
    CHECK(!ml_socket_accept_transient(EOPNOTSUPP));
    CHECK(ml_socket_exhausted(EMFILE) && ml_socket_exhausted(ENFILE));
    CHECK(ml_socket_exhausted(ENOBUFS) && ml_socket_exhausted(ENOMEM));
    CHECK(!ml_socket_exhausted(ECONNABORTED) && !ml_socket_exhausted(EAGAIN));
    CHECK_EQ(ml_socket_accept(-1, NULL), -EBADF);
}

/*
 * Under valgrind the kernel's limit stays as it was: valgrind itself closes what
 * accept() has given above the limit that it plays, and the connection with it.
 */
static bool limits_are_played(void)
{
    /* NOLINTNEXTLINE(concurrency-mt-unsafe): there is one thread */
    const char *launcher = getenv("ML_LAUNCHER");

    return launcher != NULL && strcmp(launcher, "valgrind") == 0;
}

static void test_a_lack_of_descriptors_loses_no_connection(void)
{
    int listener = listen_at("127.0.0.1:0");
    struct ml_address bound = name_of(listener);
    int client = connect_to(&bound);
    struct rlimit before, none;
    int server;

    if (limits_are_played()) {
        close_all((int[]){listener, client}, 2);
        return;
    }
    CHECK_MUST(client >= 0 && comes(listener, POLLIN));
    CHECK_MUST(getrlimit(RLIMIT_NOFILE, &before) == 0);
    none = before;
    none.rlim_cur = 0;
    CHECK_MUST(setrlimit(RLIMIT_NOFILE, &none) == 0);
    server = ml_socket_accept(listener, NULL);
    CHECK_MUST(setrlimit(RLIMIT_NOFILE, &before) == 0);
    CHECK_EQ(server, -EMFILE);
    server = ml_socket_accept(listener, NULL);
    CHECK(server >= 0);
    close_all((int[]){listener, client, server}, 3);
}

/* --- connecting ---------------------------------------------------------- */

static void test_a_refused_connect_says_so_once(void)
{
    int fd = listen_at("127.0.0.1:0");
    struct ml_address nobody = name_of(fd);
    int err;

    CHECK_EQ(ml_io_close(fd), 0);
    fd = ml_socket_open(AF_INET, SOCK_STREAM, 0);
    CHECK_EQ(ml_socket_connect_result(fd), -ENOTCONN); /* never begun */
    err = ml_socket_connect(fd, &nobody);
    if (err == -EINPROGRESS) {
        CHECK(comes(fd, POLLOUT));
        err = ml_socket_connect_result(fd);
        CHECK_EQ(ml_socket_connect_result(fd), -ENOTCONN);
    }
    CHECK_EQ(err, -ECONNREFUSED);
    CHECK_EQ(ml_io_close(fd), 0);
    CHECK_EQ(ml_socket_connect_result(fd), -EBADF);
}

/*
 * A listener whose queue is full leaves further connects without an answer:
 * the system drops them until they are tried again a second later.
 */
static void test_a_connect_under_way_is_not_over(void)
{
    struct ml_listen_options options = plain;
    struct ml_address any = address_of("127.0.0.1:0");
    struct ml_address bound;
    int fds[9];
    size_t under_way = 0;

    options.backlog = 1;
    fds[0] = ml_socket_listen(&any, &options);
    bound = name_of(fds[0]);
    for (size_t i = 1; i < 9; i++) {
        int err;

        fds[i] = ml_socket_open(AF_INET, SOCK_STREAM, 0);
        err = ml_socket_connect(fds[i], &bound);
        CHECK(err == 0 || err == -EINPROGRESS);
        err = ml_socket_connect_result(fds[i]);
        CHECK(err == 0 || err == -EINPROGRESS);
        under_way += err != 0;
    }
    CHECK(under_way > 0);
    close_all(fds, 9);
}

static void test_a_socket_does_not_connect_to_itself(void)
{
    struct ml_address any = address_of("127.0.0.1:0");
    struct ml_address own;
    int fd = ml_socket_open(AF_INET, SOCK_STREAM, 0);
    int err;

    CHECK_MUST(bind(fd, &any.base, any.len) == 0);
    own = name_of(fd);
    err = ml_socket_connect(fd, &own);
    if (err == -EINPROGRESS) {
        CHECK(comes(fd, POLLOUT));
        err = ml_socket_connect_result(fd);
    }
    CHECK_EQ(err, -ECONNREFUSED);
    CHECK_EQ(ml_io_close(fd), 0);
}

static void test_a_full_unix_listener_asks_to_come_again(void)
{
    char path[ML_ADDRESS_TEXT_SIZE];
    struct ml_address address = file_address("full", path);
    struct ml_listen_options options = plain;
    int fds[9];
    int last = -1;

    options.backlog = 1;
    options.unlink = true;
    fds[0] = ml_socket_listen(&address, &options);
    for (size_t i = 1; i < 9; i++) {
        fds[i] = ml_socket_open(AF_UNIX, SOCK_STREAM, 0);
        last = ml_socket_connect(fds[i], &address);
        CHECK(last == 0 || last == -EAGAIN);
    }
    CHECK_EQ(last, -EAGAIN);
    /* A full listener is alive, and its file is not removed. */
    CHECK_EQ(ml_socket_listen(&address, &options), -EADDRINUSE);
    close_all(fds, 9);
    CHECK_EQ(ml_socket_listen(&address, NULL), -EADDRINUSE);
    CHECK_EQ(unlink(path), 0);
    fds[0] = ml_socket_open(AF_UNIX, SOCK_STREAM, 0);
    CHECK_EQ(ml_socket_connect(fds[0], &address), -ENOENT);
    CHECK_EQ(ml_io_close(fds[0]), 0);
}

static const struct check_test tests[] = {
    CHECK_TEST(test_descriptors_are_born_nonblocking_and_cloexec),
    CHECK_TEST(test_connections_go_through_on_every_family),
    CHECK_TEST(test_a_peer_that_nobody_asks_for_is_not_told),
    CHECK_TEST(test_only_a_socket_of_tcp_is_one),
    CHECK_TEST(test_either_half_can_be_shut_down),
    CHECK_TEST(test_errors_of_accept_are_told_apart),
    CHECK_TEST(test_a_lack_of_descriptors_loses_no_connection),
    CHECK_TEST(test_a_refused_connect_says_so_once),
    CHECK_TEST(test_a_connect_under_way_is_not_over),
    CHECK_TEST(test_a_socket_does_not_connect_to_itself),
    CHECK_TEST(test_a_full_unix_listener_asks_to_come_again),
};

int main(void)
{
    return net_run(tests, sizeof tests / sizeof tests[0]);
}
