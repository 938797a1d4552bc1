/* Addresses: made, asked, compared and written. */

#include "net_fixture.h"

#include <net/if.h>

/* Longer than any numeric address. */
#define LONG "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz"

/* --- numeric addresses --------------------------------------------------- */

static int numeric(const char *text, bool passive, struct ml_address *out)
{
    struct ml_endpoint e;
    const char *why = NULL;

    CHECK_MUST(ml_endpoint_parse(&e, text, strlen(text), &why) == 0);
    return ml_address_numeric(&e, passive, out);
}

static void test_a_numeric_address_needs_no_look_up(void)
{
    struct ml_address a;

    CHECK_EQ(numeric("127.0.0.1:80", false, &a), 0);
    CHECK_EQ(ml_address_family(&a), AF_INET);
    CHECK_EQ(a.len, sizeof(struct sockaddr_in));
    CHECK_EQ(ml_address_port(&a), 80);
    CHECK_EQ(numeric("[::1]:80", false, &a), 0);
    CHECK_EQ(ml_address_family(&a), AF_INET6);
    CHECK_EQ(ml_address_port(&a), 80);
    CHECK_EQ(numeric("unix:/a", false, &a), 0);
    CHECK_EQ(ml_address_family(&a), AF_UNIX);
    CHECK_EQ(ml_address_port(&a), -1);
    CHECK_EQ(a.len, offsetof(struct sockaddr_un, sun_path) + 3);
}

static void test_a_name_needs_a_look_up(void)
{
    struct ml_endpoint e;
    struct ml_address a;

    CHECK_EQ(numeric("localhost:80", false, &a), -ENOENT);
    CHECK_EQ(numeric("127.0.0.1:http", false, &a), -ENOENT);
    CHECK_EQ(numeric(":http", true, &a), -ENOENT);
    CHECK_EQ(numeric("1.2.3:80", false, &a), -ENOENT);
    CHECK_EQ(numeric("1.2.3.4.5:80", false, &a), -ENOENT);
    CHECK_EQ(numeric(LONG ":80", false, &a), -ENOENT);
    ml_endpoint_descriptor(&e, 0);
    CHECK_EQ(ml_address_numeric(&e, false, &a), -EINVAL);
}

/* Whoever made the endpoint; parsing lets no such service through. */
static void test_a_service_without_a_digit_is_a_name(void)
{
    struct ml_endpoint endpoint = {
        .kind = ML_ENDPOINT_INET, .host = "127.0.0.1", .service = "-1"};
    struct ml_address address;

    CHECK_EQ(ml_address_numeric(&endpoint, true, &address), -ENOENT);
}

static void test_no_host_is_any_or_loopback(void)
{
    struct ml_address a;

    CHECK_EQ(numeric(":80", true, &a), 0);
    CHECK(ml_address_isany(&a) && reads(&a, "[::]:80"));
    CHECK_EQ(numeric(":80", false, &a), 0);
    CHECK(!ml_address_isany(&a) && reads(&a, "127.0.0.1:80"));
    ml_address_any(&a, AF_INET, 1);
    CHECK(ml_address_isany(&a) && reads(&a, "0.0.0.0:1"));
    ml_address_loopback(&a, AF_INET6, 1);
    CHECK(!ml_address_isany(&a) && reads(&a, "[::1]:1"));
    a = address_of("unix:/a");
    CHECK(!ml_address_isany(&a));
}

static void test_a_zone_is_an_interface(void)
{
    struct if_nameindex *all = if_nameindex();
    struct ml_endpoint e;
    struct ml_address a;
    const char *why = NULL;
    char text[ML_ADDRESS_TEXT_SIZE];

    CHECK_MUST(all != NULL && all[0].if_index != 0);
    (void)snprintf(text, sizeof text, "[fe80::1%%%s]:80", all[0].if_name);
    CHECK_EQ(numeric(text, false, &a), 0);
    CHECK_EQ(a.v6.sin6_scope_id, all[0].if_index);
    CHECK(reads(&a, text));
    if_freenameindex(all);
    CHECK_EQ(numeric("[fe80::1%nosuch]:80", false, &a), -ENODEV);
    CHECK_EQ(numeric("[fe80::1%4000000]:80", false, &a), 0);
    CHECK(reads(&a, "[fe80::1%4000000]:80"));
    CHECK(numeric("[fe80::1%99999999999]:80", false, &a) < 0);
    CHECK_EQ(ml_endpoint_host(&e, "fe80::1%", 8, &why), 0);
    CHECK_EQ(ml_address_numeric(&e, false, &a), -ENODEV);
}

/* --- texts and comparing ------------------------------------------------- */

static void test_what_is_written_reads_back(void)
{
    static const char *const texts[] = {
        "127.0.0.1:80", "0.0.0.0:0",         "255.255.255.255:65535",
        "[::]:0",       "[2001:db8::1]:443", "[::1]:80",
        "unix:/run/s",  "unix:relative",
#ifdef __linux__
        "unix:@name",
#endif
    };

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct ml_address a = address_of(texts[i]);

        CHECK(reads(&a, texts[i]));
    }
}

static void test_a_text_is_cut_to_its_room(void)
{
    struct ml_address a = address_of("127.0.0.1:80");
    char text[8] = "unspoil";

    CHECK_EQ(ml_address_format(&a, text, 5), 12);
    CHECK(strcmp(text, "127.") == 0 && text[5] == 'i');
    CHECK_EQ(ml_address_format(&a, NULL, 0), 12);
    CHECK_EQ(ml_address_host(&a, text, sizeof text), 9);
    CHECK(strcmp(text, "127.0.0") == 0);
}

static void test_a_mapped_address_looks_like_ipv4(void)
{
    struct ml_address a = address_of("1.2.3.4:80");
    struct ml_address b = address_of("[::ffff:1.2.3.4]:80");
    struct ml_address c = address_of("unix:/a");

    ml_address_map(&a);
    CHECK_EQ(ml_address_family(&a), AF_INET6);
    CHECK(ml_address_equal(&a, &b) && reads(&a, "1.2.3.4:80"));
    ml_address_map(&b);
    ml_address_map(&c);
    CHECK(ml_address_equal(&a, &b) && reads(&c, "unix:/a"));
}

/* As kernels give them: with and without a terminator, and with none at all. */
static void test_names_of_unix_sockets_have_every_length(void)
{
    const size_t at = offsetof(struct sockaddr_un, sun_path);
    struct ml_address a = address_of("unix:/a");
    struct ml_address empty = {.len = 0};
    char full[6 + sizeof a.un.sun_path];

    a.len = (socklen_t)(at + 2);
    CHECK(reads(&a, "unix:/a"));
    a.len = sizeof a.un;
    CHECK(reads(&a, "unix:/a"));
    a.len = (socklen_t)at;
    CHECK(reads(&a, "unix:"));
    memset((char *)&a.storage + at, 'x', sizeof a.storage - at);
    a.len = sizeof a.storage;
    CHECK_EQ(ml_address_format(&a, full, sizeof full), sizeof full - 1);
    memset(a.un.sun_path, 0, sizeof a.un.sun_path);
    a.len = sizeof a.un;
    CHECK(reads(&a, "unix:"));
    memcpy(a.un.sun_path, "\0a\0b", 4);
    a.len = (socklen_t)(at + 4);
    CHECK(reads(&a, "unix:@a@b"));
    CHECK(reads(&empty, "") && ml_address_port(&empty) == -1);
}

static void test_equal_addresses_agree_in_everything(void)
{
    static const char *const texts[] = {
        "1.2.3.4:1", "1.2.3.4:2", "1.2.3.5:1",        "[::1]:1",
        "[::1]:2",   "[::2]:1",   "[fe80::1%3000]:1", "[fe80::1%3001]:1",
        "unix:/a",   "unix:/b",   "unix:/aa",
    };
    const size_t count = sizeof texts / sizeof texts[0];

    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < count; j++) {
            struct ml_address a = address_of(texts[i]);
            struct ml_address b = address_of(texts[j]);

            CHECK_EQ(ml_address_equal(&a, &b), i == j);
        }
    }
}

static void test_a_copied_sockaddr_is_cut_to_what_fits(void)
{
    struct ml_address a = address_of("[::1]:1");
    struct ml_address b;
    char large[2 * sizeof a.storage] = {0};

    ml_address_set(&b, &a.base, a.len);
    CHECK(ml_address_equal(&a, &b));
    memcpy(large, &a.v6, sizeof a.v6);
    ml_address_set(&b, (const struct sockaddr *)(const void *)large,
                   sizeof large);
    CHECK_EQ(b.len, sizeof b.storage);
    CHECK(ml_address_equal(&a, &b));
}

static const struct check_test tests[] = {
    CHECK_TEST(test_a_numeric_address_needs_no_look_up),
    CHECK_TEST(test_a_name_needs_a_look_up),
    CHECK_TEST(test_a_service_without_a_digit_is_a_name),
    CHECK_TEST(test_no_host_is_any_or_loopback),
    CHECK_TEST(test_a_zone_is_an_interface),
    CHECK_TEST(test_what_is_written_reads_back),
    CHECK_TEST(test_a_text_is_cut_to_its_room),
    CHECK_TEST(test_a_mapped_address_looks_like_ipv4),
    CHECK_TEST(test_names_of_unix_sockets_have_every_length),
    CHECK_TEST(test_equal_addresses_agree_in_everything),
    CHECK_TEST(test_a_copied_sockaddr_is_cut_to_what_fits),
};

int main(void)
{
    return net_run(tests, sizeof tests / sizeof tests[0]);
}
