/* SHA-1, base64 and UTF-8: the vectors of their standards. And the words of
 * HTTP, which there are for every number. */
#include "check.h"
#include "proto/base64.h"
#include "proto/http_fault.h"
#include "proto/http_status.h"
#include "proto/sha1.h"
#include "proto/utf8.h"

static void check_sha1(const char *text, size_t n, const char *expected)
{
    uint8_t digest[ML_SHA1_SIZE];
    char hex[2 * ML_SHA1_SIZE + 1];

    ml_sha1(text, n, digest);
    for (size_t i = 0; i < ML_SHA1_SIZE; i++)
        (void)snprintf(hex + 2 * i, 3, "%02x", digest[i]);
    CHECK(strcmp(hex, expected) == 0);
}

/* RFC 3174, section 7.3, and FIPS 180's example of a million. */
static void test_sha1_gives_the_digests_of_its_standard(void)
{
    static const char two[] =
        "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
    char *million = malloc(1000000);
    char tens[640];

    CHECK_MUST(million != NULL);
    memset(million, 'a', 1000000);
    for (size_t i = 0; i < sizeof tens; i++)
        tens[i] = (char)('0' + i % 8);
    check_sha1("", 0, "da39a3ee5e6b4b0d3255bfef95601890afd80709");
    check_sha1("abc", 3, "a9993e364706816aba3e25717850c26c9cd0d89d");
    check_sha1(two, 56, "84983e441c3bd26ebaae4aa1f95129e5e54670f1");
    check_sha1(million, 1000000, "34aa973cd4c4daa4f61eeb2bdbad27316534016f");
    check_sha1("a", 1, "86f7e437faa5a7fce15d1ddcb9eaeaea377667b8");
    check_sha1(tens, 640, "dea356a2cddd90c7a7ecedc5ebb563934f460452");
    free(million);
}

/* The lengths around which the padding takes a block more. */
static void test_sha1_pads_at_every_length(void)
{
    static const struct {
        size_t n;
        const char *digest;
    } rows[] = {{55, "c1c8bbdc22796e28c0e15163d20899b65621d65a"},
                {56, "c2db330f6083854c99d4b5bfb6e8f29f201be699"},
                {63, "03f09f5b158a7a8cdad920bddc29b81c18a551f5"},
                {64, "0098ba824b5c16427bd7a1122a5a442a25ec644d"},
                {65, "11655326c708d70319be2610e8a57d9a5b959d3b"}};
    char as[65];

    memset(as, 'a', sizeof as);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        check_sha1(as, rows[i].n, rows[i].digest);
}

/* RFC 4648, section 10. */
static void test_base64_gives_the_texts_of_its_standard(void)
{
    static const char *const rows[] = {
        "", "Zg==", "Zm8=", "Zm9v", "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy"};

    for (size_t n = 0; n < sizeof rows / sizeof *rows; n++) {
        char text[16] = "";
        char back[16] = "";

        ml_base64_encode("foobar", n, text);
        CHECK(strcmp(text, rows[n]) == 0);
        CHECK_EQ(ml_base64_length(n), strlen(rows[n]));
        CHECK_EQ(ml_base64_decode(text, strlen(text), back), n);
        CHECK(memcmp(back, "foobar", n) == 0);
    }
}

static void test_base64_takes_any_bytes_there_and_back(void)
{
    uint8_t bytes[100], back[102];
    char text[136];

    for (int round = 0; round < 500; round++) {
        size_t n = check_random(100);

        for (size_t i = 0; i < n; i++)
            bytes[i] = (uint8_t)check_random(256);
        ml_base64_encode(bytes, n, text);
        CHECK(ml_base64_room(ml_base64_length(n)) <= sizeof back);
        CHECK_EQ(ml_base64_decode(text, ml_base64_length(n), back), n);
        CHECK(memcmp(bytes, back, n) == 0);
    }
}

static void test_base64_refuses_what_is_none(void)
{
    static const char *const rows[] = {
        "Zg",   "Zg=",  "Zg===", "=",      "====", "Z===",     "Zm9v=",
        "Zh==", "Zm9=", "Zm 9v", "Zm9v\n", "Zm-_", "Zg==Zg==", "Zm=v"};

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char back[16];

        CHECK_EQ(ml_base64_decode(rows[i], strlen(rows[i]), back), -1);
    }
    CHECK_EQ(ml_base64_decode("Zm\0v", 4, (char[4]){0}), -1);
}

/* Whether the text is UTF-8, in one piece and byte by byte. */
static bool is_utf8(const char *text)
{
    size_t n = strlen(text);
    struct ml_utf8 whole = {0};
    struct ml_utf8 bytes = {0};
    bool valid = ml_utf8_check(&whole, text, n) && ml_utf8_complete(&whole);
    bool same = true;

    for (size_t i = 0; i < n && same; i++)
        same = ml_utf8_check(&bytes, text + i, 1);
    CHECK_EQ(same && ml_utf8_complete(&bytes), valid);
    return valid;
}

static void test_utf8_takes_the_first_and_the_last_of_each_length(void)
{
    static const char *const rows[] = {
        "",
        "a",
        "\x7f",
        "\xc2\x80",
        "\xdf\xbf",
        "\xe0\xa0\x80",
        "\xed\x9f\xbf",
        "\xee\x80\x80",
        "\xef\xbf\xbf",
        "\xf0\x90\x80\x80",
        "\xf4\x8f\xbf\xbf",
        "plain ascii that is longer than a word",
        "\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5",
        "12345678\xe2\x82\xac.2345678\xf0\x9f\x98\x80."};

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        CHECK(is_utf8(rows[i]));
}

static void test_utf8_refuses_what_is_none(void)
{
    static const char *const rows[] = {"\x80",
                                       "\xbf",
                                       "\xc0\xaf",
                                       "\xc1\xbf",
                                       "\xc2",
                                       "\xc2\x61",
                                       "\xe0\x9f\xbf",
                                       "\xe0\x80\xaf",
                                       "\xe2\x82",
                                       "\xe2\x28\xa1",
                                       "\xed\xa0\x80",
                                       "\xed\xbf\xbf",
                                       "\xf0\x8f\xbf\xbf",
                                       "\xf0\x9f\x98",
                                       "\xf4\x90\x80\x80",
                                       "\xf5\x80\x80\x80",
                                       "\xf8\x88\x80\x80\x80",
                                       "\xfe",
                                       "\xff",
                                       "12345678\xff",
                                       "1234567\x80",
                                       "a\xc3\xa9\xa9"};

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        CHECK(!is_utf8(rows[i]));
}

static void test_each_status_and_fault_has_a_text(void)
{
    CHECK(strcmp(ml_http_reason(404), "Not Found") == 0);
    CHECK(strcmp(ml_http_reason(299), "Unknown") == 0);
    CHECK(strcmp(ml_http_reason(-1), "Unknown") == 0);
    CHECK_EQ(ml_http_fault_status(ML_HTTP_CUT), 400);
    for (int fault = -1; fault <= ML_HTTP_FAULTS; fault += ML_HTTP_FAULTS + 1) {
        CHECK_EQ(ml_http_fault_status(fault), 500);
        CHECK(strcmp(ml_http_fault_text(fault), "an unknown fault") == 0);
    }
}

static const struct check_test tests[] = {
    CHECK_TEST(test_each_status_and_fault_has_a_text),
    CHECK_TEST(test_sha1_gives_the_digests_of_its_standard),
    CHECK_TEST(test_sha1_pads_at_every_length),
    CHECK_TEST(test_base64_gives_the_texts_of_its_standard),
    CHECK_TEST(test_base64_takes_any_bytes_there_and_back),
    CHECK_TEST(test_base64_refuses_what_is_none),
    CHECK_TEST(test_utf8_takes_the_first_and_the_last_of_each_length),
    CHECK_TEST(test_utf8_refuses_what_is_none),
};

int main(void)
{
    return check_run(tests, sizeof tests / sizeof *tests);
}
