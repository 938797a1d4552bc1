/* Sockets: bound, and the files of Unix sockets. */

#include "net_fixture.h"

#include <sys/stat.h>

/* --- addresses ----------------------------------------------------------- */

static void test_the_wildcard_takes_both_families(void)
{
    struct ml_address peer, target;
    int listener = listen_at(":0");
    struct ml_address bound = name_of(listener);
    char host[ML_ADDRESS_TEXT_SIZE];

    ml_address_loopback(&target, AF_INET, (uint16_t)ml_address_port(&bound));

    int client = connect_to(&target);
    int server = accept_from(listener, &peer);

    CHECK(client >= 0 && server >= 0);
    (void)ml_address_host(&peer, host, sizeof host);
    CHECK(strcmp(host, "127.0.0.1") == 0);
    close_all((int[]){listener, client, server}, 3);
}

static void test_v6only_is_obeyed(void)
{
    struct ml_listen_options options = plain;
    struct ml_address any = address_of(":0");
    struct ml_address bound, target;
    int listener;

    if (!has_ipv6())
        return;
    options.v6only = 1;
    listener = ml_socket_listen(&any, &options);
    bound = name_of(listener);
    ml_address_loopback(&target, AF_INET, (uint16_t)ml_address_port(&bound));
    CHECK_EQ(connect_to(&target), -ECONNREFUSED);
    CHECK_EQ(ml_io_close(listener), 0);
}

static void test_a_port_can_be_taken_again_after_a_restart(void)
{
    int listener = listen_at("127.0.0.1:0");
    struct ml_address bound = name_of(listener);
    int client = connect_to(&bound);
    int server = accept_from(listener, NULL);

    /* The side that closes first keeps the port in TIME_WAIT. */
    close_all((int[]){server, listener, client}, 3);
    listener = ml_socket_listen(&bound, NULL);
    CHECK(listener >= 0);
    CHECK_EQ(ml_socket_listen(&bound, NULL), -EADDRINUSE);
    CHECK_EQ(ml_io_close(listener), 0);
}

static void test_a_port_is_shared_when_both_agree(void)
{
    struct ml_listen_options options = plain;
    struct ml_address any = address_of("127.0.0.1:0");
    struct ml_address bound;
    int fds[2];

    options.reuseport = true;
    options.backlog = 5;
    fds[0] = ml_socket_listen(&any, &options);
    bound = name_of(fds[0]);
    CHECK_EQ(ml_socket_listen(&bound, NULL), -EADDRINUSE);
    fds[1] = ml_socket_listen(&bound, &options);
    CHECK(fds[1] >= 0);
    close_all(fds, 2);
}

static void test_a_port_of_datagrams_cannot_be_taken_twice(void)
{
    struct ml_address any = address_of("127.0.0.1:0");
    int fd = ml_socket_bind(&any, NULL);
    struct ml_address bound = name_of(fd);

    CHECK(born_right(fd));
    CHECK_EQ(ml_socket_bind(&bound, NULL), -EADDRINUSE);
    CHECK_EQ(ml_io_close(fd), 0);
}

/* --- files of Unix sockets ----------------------------------------------- */

static int mode_of(const char *path)
{
    struct stat st;

    return lstat(path, &st) == 0 ? (int)(st.st_mode & 0777) : -1;
}

static void test_a_socket_file_gets_its_mode_despite_umask(void)
{
    char path[ML_ADDRESS_TEXT_SIZE];
    struct ml_address address = file_address("mode", path);
    static const int modes[][3] = {/* umask, mode, what it becomes */
                                   {022, 0600, 0600},
                                   {077, 0666, 0666},
                                   {077, -1, 0700},
                                   {027, -1, 0750}};

    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
        struct ml_listen_options options = plain;
        mode_t before = umask((mode_t)modes[i][0]);
        int fd;

        options.mode = modes[i][1];
        fd = ml_socket_listen(&address, &options);
        (void)umask(before);
        CHECK(fd >= 0);
        CHECK_EQ(mode_of(path), modes[i][2]);
        CHECK_EQ(ml_io_close(fd), 0);
        CHECK_EQ(unlink(path), 0);
    }
}

static void test_a_stale_socket_file_is_replaced_when_asked(void)
{
    char path[ML_ADDRESS_TEXT_SIZE];
    struct ml_address address = file_address("stale", path);
    struct ml_listen_options options = plain;
    int fd = ml_socket_listen(&address, NULL);

    options.unlink = true;
    CHECK_EQ(ml_socket_listen(&address, &options), -EADDRINUSE); /* alive */
    CHECK_EQ(ml_io_close(fd), 0);
    CHECK_EQ(ml_socket_listen(&address, NULL), -EADDRINUSE);
    fd = ml_socket_listen(&address, &options);
    CHECK_MUST(fd >= 0);

    int client = connect_to(&address);

    CHECK(client >= 0);
    close_all((int[]){fd, client}, 2);
    fd =
        ml_socket_bind(&address, &options); /* a stream's file, for datagrams */
    CHECK(fd >= 0);
    CHECK_EQ(ml_socket_listen(&address, &options), -EADDRINUSE); /* alive */
    CHECK_EQ(ml_io_close(fd), 0);
    CHECK_EQ(unlink(path), 0);
}

static void test_only_a_socket_file_is_ever_removed(void)
{
    char path[ML_ADDRESS_TEXT_SIZE];
    char link[ML_ADDRESS_TEXT_SIZE];
    struct ml_address address = file_address("file", path);
    struct ml_address linked = file_address("link", link);
    struct ml_listen_options options = plain;
    int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);

    options.unlink = true;
    CHECK_EQ(ml_io_close(fd), 0);
    CHECK_EQ(symlink(path, link), 0);
    CHECK_EQ(ml_socket_listen(&address, &options), -EADDRINUSE);
    CHECK_EQ(unlink(path), 0);
    CHECK_EQ(ml_io_close(ml_socket_listen(&address, NULL)), 0);
    CHECK_EQ(ml_socket_listen(&linked, &options), -EADDRINUSE);
    CHECK_EQ(unlink(link), 0);
    CHECK_EQ(unlink(path), 0);
    address = file_address("none/file", path);
    CHECK_EQ(ml_socket_listen(&address, &options), -ENOENT);
}

/* What is of files means nothing to other families. */
static void test_a_port_has_no_file(void)
{
    struct ml_address address = address_of("127.0.0.1:0");
    struct ml_listen_options options = plain;
    int fd;

    options.unlink = true;
    options.mode = 0600;
    fd = ml_socket_listen(&address, &options);
    CHECK_MUST(fd >= 0);
    address = name_of(fd);
    CHECK_EQ(ml_socket_listen(&address, &options), -EADDRINUSE);
    CHECK_EQ(ml_io_close(fd), 0);
}

static const struct check_test tests[] = {
    CHECK_TEST(test_a_port_has_no_file),
    CHECK_TEST(test_the_wildcard_takes_both_families),
    CHECK_TEST(test_v6only_is_obeyed),
    CHECK_TEST(test_a_port_can_be_taken_again_after_a_restart),
    CHECK_TEST(test_a_port_is_shared_when_both_agree),
    CHECK_TEST(test_a_port_of_datagrams_cannot_be_taken_twice),
    CHECK_TEST(test_a_socket_file_gets_its_mode_despite_umask),
    CHECK_TEST(test_a_stale_socket_file_is_replaced_when_asked),
    CHECK_TEST(test_only_a_socket_file_is_ever_removed),
};

int main(void)
{
    return net_run(tests, sizeof tests / sizeof tests[0]);
}
