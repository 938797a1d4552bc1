/* The resolver. Nothing here asks a name server. */

#include "net/resolve.h"

#include "net_fixture.h"

static void test_numbers_resolve_to_themselves(void)
{
    struct ml_resolution *r =
        ml_resolve("127.0.0.1", "80", AF_UNSPEC, SOCK_STREAM, false);

    CHECK_MUST(r != NULL);
    CHECK_EQ(r->error, 0);
    CHECK_EQ(r->count, 1);
    CHECK(reads(&r->addresses[0], "127.0.0.1:80"));
    ml_resolution_free(r);
}

static void test_a_service_resolves_to_its_port(void)
{
    struct ml_resolution *r =
        ml_resolve("127.0.0.1", "http", AF_INET, SOCK_STREAM, false);

    CHECK_MUST(r != NULL);
    if (r->count > 0)
        CHECK(reads(&r->addresses[0], "127.0.0.1:80"));
    else /* a system without /etc/services */
        CHECK(r->error > 0);
    ml_resolution_free(r);
}

static void test_no_host_resolves_to_any_or_loopback(void)
{
    struct ml_resolution *any =
        ml_resolve("", "80", AF_UNSPEC, SOCK_STREAM, true);
    struct ml_resolution *own =
        ml_resolve(NULL, "80", AF_INET, SOCK_STREAM, false);

    CHECK_MUST(any != NULL && any->count >= 1);
    CHECK(reads(&any->addresses[0], "[::]:80"));
    CHECK_MUST(own != NULL && own->count == 1);
    CHECK(reads(&own->addresses[0], "127.0.0.1:80"));
    ml_resolution_free(any);
    ml_resolution_free(own);
}

static void test_no_host_of_a_family_is_the_wildcard_of_that(void)
{
    struct ml_resolution *any =
        ml_resolve("", "80", AF_INET, SOCK_STREAM, true);

    CHECK_MUST(any != NULL && any->count >= 1);
    CHECK(reads(&any->addresses[0], "0.0.0.0:80"));
    ml_resolution_free(any);
}

static void test_what_does_not_resolve_says_why(void)
{
    struct ml_resolution *service =
        ml_resolve("127.0.0.1", "no-such-service", AF_INET, SOCK_STREAM, false);
    struct ml_resolution *family =
        ml_resolve("127.0.0.1", "80", AF_INET6, SOCK_STREAM, false);

    CHECK_MUST(service != NULL && family != NULL);
    CHECK(service->error > 0 && service->count == 0);
    CHECK(family->error > 0 && family->count == 0);
    ml_resolution_free(service);
    ml_resolution_free(family);
    ml_resolution_free(NULL);
}

/* '4' and '6' stand for the families; the port remembers the place. */
static void check_interleave(const char *before, const char *after,
                             const int *ports)
{
    size_t count = strlen(before);
    struct ml_resolution *r =
        malloc(sizeof *r + count * sizeof r->addresses[0]);

    CHECK_MUST(r != NULL);
    *r = (struct ml_resolution){.count = count};
    for (size_t i = 0; i < count; i++) {
        int family = before[i] == '4' ? AF_INET : AF_INET6;

        ml_address_loopback(&r->addresses[i], family, (uint16_t)(i + 1));
    }
    ml_resolution_interleave(r);
    for (size_t i = 0; i < count; i++) {
        CHECK_EQ(ml_address_family(&r->addresses[i]),
                 after[i] == '4' ? AF_INET : AF_INET6);
        CHECK_EQ(ml_address_port(&r->addresses[i]), ports[i]);
    }
    free(r);
}

static void test_families_alternate_beginning_with_the_first(void)
{
    check_interleave("", "", NULL);
    check_interleave("6", "6", (int[]){1});
    check_interleave("444", "444", (int[]){1, 2, 3});
    check_interleave("64", "64", (int[]){1, 2});
    check_interleave("66644", "64646", (int[]){1, 4, 2, 5, 3});
    check_interleave("44666", "46466", (int[]){1, 3, 2, 4, 5});
    check_interleave("446644", "464644", (int[]){1, 3, 2, 4, 5, 6});
}

static const struct check_test tests[] = {
    CHECK_TEST(test_numbers_resolve_to_themselves),
    CHECK_TEST(test_a_service_resolves_to_its_port),
    CHECK_TEST(test_no_host_resolves_to_any_or_loopback),
    CHECK_TEST(test_no_host_of_a_family_is_the_wildcard_of_that),
    CHECK_TEST(test_what_does_not_resolve_says_why),
    CHECK_TEST(test_families_alternate_beginning_with_the_first),
};

int main(void)
{
    return net_run(tests, sizeof tests / sizeof tests[0]);
}
