/* Endpoints: addresses as users write them. */

#include "check.h"
#include "net/endpoint.h"

#include <errno.h>
#include <stdbool.h>

struct good {
    const char *text;
    const char *host;
    const char *service;
    uint16_t port;
};

static const struct good good[] = {
    {"example.org:80", "example.org", "80", 80},
    {"localhost:http", "localhost", "http", 0},
    {"127.0.0.1:0", "127.0.0.1", "0", 0},
    {"127.0.0.1:65535", "127.0.0.1", "65535", 65535},
    {"host:00080", "host", "80", 80},
    {":8080", "", "8080", 8080},
    {":http-alt", "", "http-alt", 0},
    {"[::1]:80", "::1", "80", 80},
    {"[::]:80", "::", "80", 80},
    {"[fe80::1%eth0]:1", "fe80::1%eth0", "1", 1},
    {"[::ffff:1.2.3.4]:1", "::ffff:1.2.3.4", "1", 1},
    {"b\xc3\xbc"
     "cher.example:1",
     "b\xc3\xbc"
     "cher.example",
     "1", 1},
    {"unix:80", NULL, "80", 0},
};

static bool parses(struct ml_endpoint *endpoint, const char *text, size_t len)
{
    const char *why = "no reason";
    char *exact = malloc(len + 1);
    int err;

    CHECK_MUST(exact != NULL);
    /* At the end of its block, so that a byte too many is found. */
    memcpy(exact + 1, text, len);
    err = ml_endpoint_parse(endpoint, exact + 1, len, &why);
    free(exact);
    if (err != 0)
        (void)printf("  '%s': %s\n", text, why);
    return err == 0;
}

static void test_good_addresses_are_taken_apart(void)
{
    struct ml_endpoint e;

    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        const struct good *g = &good[i];

        CHECK(parses(&e, g->text, strlen(g->text)));
        CHECK_EQ(e.kind, g->host ? ML_ENDPOINT_INET : ML_ENDPOINT_UNIX);
        if (!g->host)
            continue;
        CHECK(strcmp(e.host, g->host) == 0);
        CHECK(strcmp(e.service, g->service) == 0);
        CHECK_EQ(e.port, g->port);
    }
}

static void test_unix_addresses_are_taken_apart(void)
{
    struct ml_endpoint e;
    char longest[6 + sizeof e.path] = "unix:/";
    const char *why = NULL;

    CHECK(parses(&e, "unix:/run/s", 11));
    CHECK_EQ(e.path_len, 6);
    CHECK(memcmp(e.path, "/run/s", 6) == 0);
    memset(longest + 6, 'x', sizeof e.path - 2);
    CHECK(parses(&e, longest, strlen(longest)));
    CHECK_EQ(e.path_len, sizeof e.path - 1);
    longest[strlen(longest)] = 'x';
    CHECK_EQ(ml_endpoint_parse(&e, longest, strlen(longest), &why), -EINVAL);
#ifdef __linux__
    CHECK(parses(&e, "unix:@name", 10));
    CHECK_EQ(e.path_len, 5);
    CHECK(memcmp(e.path, "\0name", 5) == 0);
    memset(longest + 5, '@', sizeof e.path);
    CHECK(parses(&e, longest, 5 + sizeof e.path));
    CHECK_EQ(e.path_len, sizeof e.path);
#endif
}

#define BAD(text, why)                  \
    {                                   \
        (text), sizeof(text) - 1, (why) \
    }

#define PORT_MISSING "the port is missing: write host:port"
#define PORT_INVALID                                                  \
    "the port is neither a number from 0 to 65535 nor the name of a " \
    "service"
#define PORT_LARGE "the port is not a number from 0 to 65535"
#define COLONS     "there is more than one colon: write host:port"
#define BRACKETS   "an IPv6 address must stand in brackets, as in [::1]:80"
#define NO_V6      "what stands in brackets is no IPv6 address"
#define A_URL      "a URL or a path is no address: write host:port, or unix:/path"
#define X50        "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define X256       X50 X50 X50 X50 X50 "xxxxxx"

static const struct {
    const char *text;
    size_t len;
    const char *why;
} bad[] = {
    BAD("", "the address is empty"),
    BAD("host", PORT_MISSING),
    BAD("host:", PORT_MISSING),
    BAD(":", PORT_MISSING),
    BAD("host:65536", PORT_LARGE),
    BAD("host:99999999999999999999999", PORT_LARGE),
    BAD("host:-1", PORT_INVALID),
    BAD("host:+1", PORT_INVALID),
    BAD("host: 1", PORT_INVALID),
    BAD("host:80x", PORT_INVALID),
    BAD("host:ht tp", PORT_INVALID),
    BAD("host:" X50, PORT_INVALID),
    BAD("host:80:90", COLONS),
    BAD("::1", BRACKETS),
    BAD("::1:80", BRACKETS),
    BAD("fe80::1%eth0:80", BRACKETS),
    BAD("[::1", "the bracket is not closed: write [v6]:port"),
    BAD("[", "the bracket is not closed: write [v6]:port"),
    BAD("[::1]", "the port is missing: write [v6]:port"),
    BAD("[::1]:", PORT_MISSING),
    BAD("[::1]80", "a colon and the port must follow the bracket"),
    BAD("[]:80", NO_V6),
    BAD("[127.0.0.1]:80", NO_V6),
    BAD("[host]:80", NO_V6),
    BAD("[fe80::1%]:80", NO_V6),
    BAD("[%eth0]:80", NO_V6),
    BAD("[" X50 "]:80", NO_V6),
    BAD("ho[st:80", "brackets belong around an IPv6 address, as in [::1]:80"),
    BAD("ho st:80", "the host contains a space or a control character"),
    BAD("host\n:80", "the host contains a space or a control character"),
    BAD("ho\0st:80", "the address contains a NUL byte"),
    BAD("host:8\0", "the address contains a NUL byte"),
    BAD("unix:/a\0b", "the address contains a NUL byte"),
    BAD(X256 ":80", "the host is too long: 255 bytes are the most"),
    BAD("http://host", A_URL),
    BAD("http://host:80", A_URL),
    BAD("/run/socket", A_URL),
    BAD("unix:", "the path is empty: write unix:/path"),
    BAD("unix:/" X256, "the path is too long for a Unix socket"),
#ifdef __linux__
    BAD("unix:@", "the abstract name is empty: write unix:@name"),
    BAD("unix:@" X256, "the path is too long for a Unix socket"),
#else
    BAD("unix:@name", "only Linux has abstract names of Unix sockets"),
#endif
};

static void test_bad_addresses_are_refused_with_the_reason(void)
{
    struct ml_endpoint e;

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        const char *why = "nothing";

        CHECK_EQ(ml_endpoint_parse(&e, bad[i].text, bad[i].len, &why), -EINVAL);
        CHECK(strcmp(why, bad[i].why) == 0);
        if (strcmp(why, bad[i].why) != 0)
            (void)printf("  '%s': %s\n", bad[i].text, why);
    }
}

static void test_an_endpoint_can_be_made_of_parts(void)
{
    struct ml_endpoint e;
    const char *why = NULL;

    CHECK_EQ(ml_endpoint_host(&e, "::1", 3, &why), 0);
    CHECK_EQ(ml_endpoint_port(&e, 443, &why), 0);
    CHECK(strcmp(e.host, "::1") == 0 && strcmp(e.service, "443") == 0);
    CHECK_EQ(ml_endpoint_service(&e, "https", 5, &why), 0);
    CHECK(strcmp(e.service, "https") == 0 && e.port == 0);
    CHECK_EQ(ml_endpoint_port(&e, 65536, &why), -EINVAL);
    CHECK_EQ(ml_endpoint_port(&e, -1, &why), -EINVAL);
    CHECK(strstr(why, "0 to 65535") != NULL);
    CHECK_EQ(ml_endpoint_host(&e, "a\0b", 3, &why), -EINVAL);
    CHECK(strcmp(why, "the host contains a NUL byte") == 0);
    CHECK_EQ(ml_endpoint_service(&e, "a\0b", 3, &why), -EINVAL);
    CHECK_EQ(ml_endpoint_path(&e, "/a\0b", 4, &why), -EINVAL);
    CHECK(strcmp(why, "the path contains a NUL byte") == 0);
    CHECK_EQ(ml_endpoint_path(&e, "/a", 2, &why), 0);
    CHECK(e.kind == ML_ENDPOINT_UNIX && e.path_len == 2);
    ml_endpoint_descriptor(&e, 7);
    CHECK(e.kind == ML_ENDPOINT_FD && e.fd == 7);
}

/* What is accepted must be well formed; what is not must say why. */
static void check_noise(const char *text, size_t len)
{
    struct ml_endpoint e;
    const char *why = "";

    if (ml_endpoint_parse(&e, text, len, &why) != 0)
        CHECK(strlen(why) > 10);
    else if (e.kind == ML_ENDPOINT_INET)
        CHECK(strlen(e.host) < len && e.service[0] != '\0');
    else
        CHECK(e.path_len > 0 && e.path_len <= sizeof e.path);
}

static void test_noise_is_either_refused_or_well_formed(void)
{
    static const char alphabet[] = "[]:%@/.1af unix\n-";

    for (int i = 0; i < 20000; i++) {
        size_t len = check_random(12);
        char *block = malloc(len + 1);

        CHECK_MUST(block != NULL);
        for (size_t j = 0; j < len; j++) /* its NUL is among the letters */
            block[j + 1] = alphabet[check_random(sizeof alphabet)];
        check_noise(block + 1, len);
        free(block);
    }
}

static const struct check_test tests[] = {
    CHECK_TEST(test_good_addresses_are_taken_apart),
    CHECK_TEST(test_unix_addresses_are_taken_apart),
    CHECK_TEST(test_bad_addresses_are_refused_with_the_reason),
    CHECK_TEST(test_an_endpoint_can_be_made_of_parts),
    CHECK_TEST(test_noise_is_either_refused_or_well_formed),
};

int main(void)
{
    return check_run(tests, sizeof tests / sizeof tests[0]);
}
