/* Options of sockets, by name. */

#include "net/socket_option.h"

#include "net_fixture.h"

#include <net/if.h>

static void check_option(int fd, const char *name, long value)
{
    long got = -2;

    CHECK_EQ(ml_socket_setoption(fd, name, value), 0);
    CHECK_EQ(ml_socket_getoption(fd, name, &got), 0);
    CHECK_EQ(got, value);
    if (got != value)
        (void)printf("  '%s'\n", name);
}

static void test_options_are_set_and_read_back(void)
{
    static const char *const flags[] = {"nodelay", "keepalive", "reuseaddr",
                                        "reuseport"};
    int fd = ml_socket_open(AF_INET, SOCK_STREAM, 0);

    for (size_t i = 0; i < 4; i++) {
        check_option(fd, flags[i], 1);
        check_option(fd, flags[i], 0);
    }
    check_option(fd, "keepidle", 33);
    check_option(fd, "keepintvl", 34);
    check_option(fd, "keepcnt", 5);
    check_option(fd, "linger", 0);
    check_option(fd, "linger", 7);
    check_option(fd, "linger", -1);
    CHECK_EQ(ml_io_close(fd), 0);
}

static void test_buffers_are_at_least_as_large_as_asked(void)
{
    int fd = ml_socket_open(AF_INET, SOCK_STREAM, 0);
    long got = 0;

    CHECK_EQ(ml_socket_setoption(fd, "rcvbuf", 20000), 0);
    CHECK_EQ(ml_socket_getoption(fd, "rcvbuf", &got), 0);
    CHECK(got >= 20000);
    CHECK_EQ(ml_socket_setoption(fd, "sndbuf", 30000), 0);
    CHECK_EQ(ml_socket_getoption(fd, "sndbuf", &got), 0);
    CHECK(got >= 30000);
    CHECK_EQ(ml_io_close(fd), 0);
}

static void test_one_name_serves_both_families(void)
{
    static const int families[] = {AF_INET, AF_INET6};

    for (size_t i = 0; i < 2; i++) {
        int fd = ml_socket_open(families[i], SOCK_DGRAM, 0);

        if (fd == -EAFNOSUPPORT)
            continue;
        check_option(fd, "broadcast", 1);
        check_option(fd, "ttl", 11);
        check_option(fd, "multicast_ttl", 255);
        check_option(fd, "multicast_ttl", 4);
        check_option(fd, "multicast_loop", 0);
        check_option(fd, "multicast_loop", 1);
        if (families[i] == AF_INET6)
            check_option(fd, "v6only", 1);
        CHECK_EQ(ml_io_close(fd), 0);
    }
}

static void test_wrong_options_are_refused(void)
{
    int tcp = ml_socket_open(AF_INET, SOCK_STREAM, 0);
    int fds[2];
    long got = 0;

    CHECK_EQ(ml_socket_setoption(tcp, "nodealy", 1), -ENOENT);
    CHECK_EQ(ml_socket_getoption(tcp, "", &got), -ENOENT);
    CHECK_EQ(ml_socket_option_kind("nosuch"), -ENOENT);
    CHECK_EQ(ml_socket_setoption(tcp, "nodelay", 2), -ERANGE);
    CHECK_EQ(ml_socket_setoption(tcp, "rcvbuf", -1), -ERANGE);
    CHECK_EQ(ml_socket_setoption(tcp, "linger", -2), -ERANGE);
    CHECK_EQ(ml_socket_setoption(tcp, "multicast_ttl", 256), -ERANGE);
    CHECK_EQ(ml_socket_setoption(tcp, "v6only", 1), -ENOPROTOOPT);
    CHECK_EQ(ml_socket_nodelay(tcp, true), 0);
    CHECK_EQ(ml_socket_getoption(tcp, "nodelay", &got), 0);
    CHECK_EQ(got, 1);
    CHECK_EQ(ml_socket_pair(fds), 0);
    CHECK(ml_socket_nodelay(fds[0], true) < 0);
    CHECK_EQ(ml_socket_setoption(fds[0], "ttl", 1), -ENOPROTOOPT);
    close_all((int[]){tcp, fds[0], fds[1]}, 3);
    CHECK_EQ(ml_socket_setoption(tcp, "keepalive", 1), -EBADF);
    CHECK_EQ(ml_socket_setoption(tcp, "ttl", 1), -EBADF);
}

static void test_the_names_of_options_are_all_of_them(void)
{
    const char *const *names = ml_socket_option_names();
    size_t flags = 0;
    size_t count = 0;

    for (; names[count] != NULL; count++) {
        int kind = ml_socket_option_kind(names[count]);

        CHECK(kind >= 0);
        flags += kind == ML_SOCKET_OPTION_FLAG;
        if (count > 0)
            CHECK(strcmp(names[count - 1], names[count]) < 0);
    }
    CHECK_EQ(count, 15);
    CHECK_EQ(flags, 7);
}

static void check_group(const char *text, unsigned index)
{
    struct ml_address group = address_of(text);
    int fd = ml_socket_open(ml_address_family(&group), SOCK_DGRAM, 0);

    CHECK_EQ(ml_socket_multicast(fd, &group, index, true), 0);
    CHECK_EQ(ml_socket_multicast(fd, &group, index, true), -EADDRINUSE);
    CHECK_EQ(ml_socket_multicast(fd, &group, index, false), 0);
    CHECK_EQ(ml_socket_multicast(fd, &group, index, false), -EADDRNOTAVAIL);
    CHECK_EQ(ml_io_close(fd), 0);
}

static void test_a_group_is_joined_and_left(void)
{
    struct if_nameindex *all = if_nameindex();

    CHECK_MUST(all != NULL);
    check_group("239.1.2.3:0", all[0].if_index);
    if (has_ipv6())
        check_group("[ff02::1234]:0", all[0].if_index);
    if_freenameindex(all);
}

static const struct check_test tests[] = {
    CHECK_TEST(test_options_are_set_and_read_back),
    CHECK_TEST(test_buffers_are_at_least_as_large_as_asked),
    CHECK_TEST(test_one_name_serves_both_families),
    CHECK_TEST(test_wrong_options_are_refused),
    CHECK_TEST(test_the_names_of_options_are_all_of_them),
    CHECK_TEST(test_a_group_is_joined_and_left),
};

int main(void)
{
    return net_run(tests, sizeof tests / sizeof tests[0]);
}
