/* Found by fuzzing: a line with a size, or a trailer, that was just as long as it
 * may be was taken when it came at once, and refused when its CR came before its
 * LF, for the CR was counted then alone. */
#include "check.h"
#include "proto/http_chunks.h"

static const struct ml_http_limits limits = {100, 300, 5};

/* How the body ends that comes in pieces of `step` bytes: 1, 0 if it does not, or
 * a fault, negated. */
static int read_all(const char *bytes, size_t n, size_t step)
{
    struct ml_http_chunks chunks;
    struct ml_http_piece piece = {.kind = ML_HTTP_SKIP};
    size_t at = 0;
    size_t to = 0;
    int err = 0;

    ml_http_chunks_init(&chunks);
    while (err == 0 && piece.kind != ML_HTTP_END && at < n) {
        if (piece.kind == ML_HTTP_MORE || to == 0)
            to = n - to < step ? n : to + step;
        err =
            ml_http_chunks_next(&chunks, bytes + at, to - at, &limits, &piece);
        at += piece.take;
    }
    return err != 0 ? err : piece.kind == ML_HTTP_END;
}

/* Whatever the length, it is taken or refused the same way. */
static void check_lengths(const char *head, char filler, const char *tail)
{
    char body[600];
    int taken = 0;
    int refused = 0;

    for (size_t filling = 200; filling < 400; filling++) {
        size_t n = (size_t)snprintf(body, sizeof body, "%s", head);
        memset(body + n, filler, filling);
        n += filling;
        n += (size_t)snprintf(body + n, sizeof body - n, "%s", tail);
        int whole = read_all(body, n, n);
        for (size_t step = 1; step < 5; step++)
            CHECK_EQ(read_all(body, n, step), whole);
        taken += whole == 1;
        refused += whole < 0;
    }
    CHECK(taken > 0 && refused > 0);
}

static void test_a_trailer_counts_the_same_however_it_comes(void)
{
    check_lengths("0\r\nA: ", 'x', "\r\n\r\n");
    check_lengths("0\r\nB: c\r\nA: ", 'x', "\r\nD: e\r\n\r\n");
}

static void test_a_line_with_a_size_counts_the_same_however_it_comes(void)
{
    check_lengths("1;", 'x', "\r\na\r\n0\r\n\r\n");
}

static const struct check_test tests[] = {
    CHECK_TEST(test_a_trailer_counts_the_same_however_it_comes),
    CHECK_TEST(test_a_line_with_a_size_counts_the_same_however_it_comes),
};

int main(void)
{
    return check_run(tests, sizeof tests / sizeof *tests);
}
