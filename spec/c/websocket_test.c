/* The messages of a WebSocket, fed and asked by hand: where its memory goes, and
 * what it does without any. What the rules make of frames is in spec/websocket. */
#include "check.h"
#include "proto/websocket.h"

static struct ml_wslay wslay;

static void open_pair(struct ml_websocket *server, struct ml_websocket *client)
{
    ml_websocket_init(server, &wslay, &check_alloc, false);
    ml_websocket_init(client, &wslay, &check_alloc, true);
    server->maxmessage = client->maxmessage = 100000;
    server->maxframe = client->maxframe = 100000;
}

static void close_pair(struct ml_websocket *server, struct ml_websocket *client)
{
    ml_websocket_term(server);
    ml_websocket_term(client);
    ml_websocket_term(client); /* may be repeated */
}

static size_t write_frame(struct ml_websocket *w, enum ml_websocket_kind kind,
                          const char *bytes, size_t n, char *out)
{
    struct ml_websocket_frame frame = {
        .kind = kind, .last = true, .bytes = bytes, .length = n};

    return (size_t)ml_websocket_write(w, &frame, out);
}

/* Feeds the bytes in pieces of `step`, and gives the last event that came. */
static int feed(struct ml_websocket *w, const char *bytes, size_t n,
                size_t step, struct ml_websocket_event *event)
{
    int found = 0;

    for (size_t at = 0; at < n && found == 0; at += step) {
        ml_websocket_feed(w, bytes + at, n - at < step ? n - at : step);
        found = ml_websocket_next(w, event);
    }
    return found;
}

static void test_a_message_comes_as_it_was_sent_in_pieces_of_any_size(void)
{
    static char frame[6000], data[5000];
    struct ml_websocket server, client;
    struct ml_websocket_event event = {0};

    open_pair(&server, &client);
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (char)check_random(256);
    for (size_t step = 1; step < 6000; step = step * 3 + 1) {
        size_t n =
            write_frame(&client, ML_WEBSOCKET_BINARY, data, sizeof data, frame);

        CHECK_EQ(n, sizeof data + 8);
        CHECK_EQ(feed(&server, frame, n, step, &event), 1);
        CHECK_EQ(event.kind, ML_WEBSOCKET_BINARY);
        CHECK_EQ(event.length, sizeof data);
        CHECK(memcmp(event.bytes, data, sizeof data) == 0);
        CHECK_EQ(ml_websocket_next(&server, &event), 0);
    }
    close_pair(&server, &client);
}

static void test_a_whole_message_takes_no_memory_of_ours(void)
{
    char frame[100];
    struct ml_websocket server, client;
    struct ml_websocket_event event = {0};

    open_pair(&server, &client);
    size_t n = write_frame(&server, ML_WEBSOCKET_TEXT, "hello", 5, frame);
    CHECK_EQ(feed(&client, frame, n, sizeof frame, &event), 1);
    CHECK_EQ(event.length, 5);
    CHECK_EQ(check.allocations, 0);
    close_pair(&server, &client);
}

/* Wherever it stands, it goes on afterwards: between frames wslay's memory is
 * given back, inside of one it is not. */
static void test_it_may_rest_at_any_byte(void)
{
    char frame[200];
    struct ml_websocket server, client;
    struct ml_websocket_event event = {0};

    open_pair(&server, &client);
    for (size_t length = 0; length < 180; length += 9) {
        char data[200];

        memset(data, 'x', sizeof data);
        size_t n = write_frame(&client, ML_WEBSOCKET_TEXT, data, length, frame);
        int found = 0;
        for (size_t i = 0; i < n; i++) {
            ml_websocket_rest(&server);
            CHECK_EQ(found, 0);
            CHECK_EQ(server.frames != NULL, i > 0);
            found = feed(&server, frame + i, 1, 1, &event);
        }
        CHECK_EQ(found, 1);
        CHECK_EQ(event.length, length);
        CHECK_EQ(ml_websocket_next(&server, &event), 0);
        ml_websocket_rest(&server);
        CHECK(server.frames == NULL);
        CHECK_EQ(check.bytes, 0);
    }
    close_pair(&server, &client);
}

static void test_a_message_that_finds_no_memory_ends_the_connection(void)
{
    char frame[200];
    struct ml_websocket server, client;
    struct ml_websocket_event event = {0};

    open_pair(&server, &client);
    struct ml_websocket_frame part = {
        .kind = ML_WEBSOCKET_TEXT, .bytes = "ab", .length = 2};
    ptrdiff_t n = ml_websocket_write(&client, &part, frame);
    check.allowed = 0;
    CHECK_EQ(feed(&server, frame, (size_t)n, sizeof frame, &event), -ENOMEM);
    check.allowed = -1;
    CHECK_EQ(feed(&server, frame, (size_t)n, sizeof frame, &event), 0);
    CHECK(server.over);
    close_pair(&server, &client);
}

static void test_nothing_is_read_behind_a_fault_or_a_close(void)
{
    static const char text[] = "\x81\x01"
                               "a";
    static const char *const rows[] = {"\xff\x01"
                                       "a",
                                       "\x88\x00"};
    struct ml_websocket server, client;
    struct ml_websocket_event event = {0};

    for (size_t i = 0; i < 2; i++) {
        open_pair(&server, &client);
        CHECK_EQ(feed(&client, rows[i], i == 0 ? 3 : 2, 3, &event), 1);
        CHECK_EQ(event.code,
                 i == 0 ? ML_WEBSOCKET_PROTOCOL : ML_WEBSOCKET_NO_STATUS);
        CHECK_EQ(feed(&client, text, 3, 3, &event), 0);
        close_pair(&server, &client);
    }
}

static void test_any_bytes_end_in_something(void)
{
    struct ml_websocket server, client;
    struct ml_websocket_event event = {0};

    for (int round = 0; round < 20000; round++) {
        char bytes[64];

        open_pair(&server, &client);
        for (size_t i = 0; i < sizeof bytes; i++)
            bytes[i] = (char)check_random(256);
        bytes[0] = (char)((bytes[0] & 0x8F) | 0x80);
        bytes[1] = (char)(bytes[1] & 0x7F);
        ml_websocket_feed(&client, bytes, sizeof bytes);
        for (int i = 0; i < 70 && ml_websocket_next(&client, &event) == 1; i++)
            CHECK(event.fault != NULL || event.length <= sizeof bytes);
        CHECK_EQ(ml_websocket_next(&client, &event), 0);
        close_pair(&server, &client);
    }
}

static const struct check_test tests[] = {
    CHECK_TEST(test_a_whole_message_takes_no_memory_of_ours),
    CHECK_TEST(test_a_message_comes_as_it_was_sent_in_pieces_of_any_size),
    CHECK_TEST(test_it_may_rest_at_any_byte),
    CHECK_TEST(test_a_message_that_finds_no_memory_ends_the_connection),
    CHECK_TEST(test_nothing_is_read_behind_a_fault_or_a_close),
    CHECK_TEST(test_any_bytes_end_in_something),
};

int main(void)
{
    if (ml_wslay_open(&wslay, NULL) != 0) {
        (void)printf("skipped: wslay is not there\n");
        return 0;
    }
    return check_run(tests, sizeof tests / sizeof *tests);
}
