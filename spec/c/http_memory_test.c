/* Requests and answers by HTTP, from both ends, while memory fails at any
 * allocation of ours. */

#include "api_fixture.h"

/* Counts allocations; refuses some from the n-th on, then none. */
struct scarce {
    long before, refused, count;
};

static void *scarce_alloc(void *ud, void *p, size_t osize, size_t nsize)
{
    struct scarce *scarce = ud;
    if (nsize > 0 && (nsize > osize || p == NULL)) {
        scarce->count++;
        if (scarce->before > 0) {
            scarce->before--;
        } else if (scarce->refused > 0) {
            scarce->refused--;
            return NULL;
        }
    }
    return counted(NULL, p, osize, nsize);
}

static const char loading[] = "local ml = require 'miniloop'\n"
                              "local net = require 'miniloop.net'\n"
                              "local http = require 'miniloop.http'\n"
                              "local _ = http.get, require 'miniloop.json'\n";

/* Every way that a body can come and go; the peer of the server is one that
 * does not go through the client, for that gives up at the first error. */
static const char talking[] =
    "local server = assert(http.serve('127.0.0.1:0', {\n"
    "  ['GET /'] = function() return 'hello' end,\n"
    "  ['POST /{x}'] = function(req)\n"
    "    return 200, req:body(), { ['X-A'] = { req.params.x, 1 } }\n"
    "  end,\n"
    "  ['GET /w'] = function(req, res)\n"
    "    res.trailers = { ['X-T'] = req.headers.host }\n"
    "    res:write('a', 1) res:write(('b'):rep(20000))\n"
    "  end,\n"
    "}, { on_error = function() end, log = function() end }))\n"
    "local conn <close> = assert(net.connect(server:address()))\n"
    "conn:settimeout(1)\n"
    "conn:write('GET / HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n',\n"
    "  'POST /c HTTP/1.1\\r\\nHost: a\\r\\nTransfer-Encoding: chunked\\r\\n',\n"
    "  '\\r\\n3\\r\\nabc\\r\\n0\\r\\nX-T: t\\r\\n\\r\\n',\n"
    "  'GET /w HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n',\n"
    "  'POST /l HTTP/1.1\\r\\nHost: a\\r\\nExpect: 100-continue\\r\\n',\n"
    "  'Content-Length: 3\\r\\n\\r\\n')\n"
    "ml.yield()\n"
    "conn:write('abcGET /no HTTP/1.1\\r\\nHost: a\\r\\nno\\r\\n\\r\\n')\n"
    "conn:read('a')\n"
    "local url = 'http://' .. server:address()\n"
    "http.get(url .. '/w')\n"
    "http.post(url .. '/x', { body = ('y'):rep(20000) })\n"
    "http.close()\n"
    "server:stop(0)\n";

/* WebSockets with packed messages, in both ways to pack them. */
static const char chatting[] =
    "local websocket = require 'miniloop.websocket'\n"
    "local server = assert(http.serve('127.0.0.1:0', function(req)\n"
    "  local ws = req:websocket { deflate = { context = req.path == '/c' } }\n"
    "  for m, kind in ws:messages() do ws:send(m, kind) end\n"
    "end, { on_error = function() end }))\n"
    "for _, path in ipairs { '/c', '/' } do\n"
    "  local ws <close> = websocket.connect(\n"
    "    'ws://' .. server:address() .. path, { timeout = 1,\n"
    "      close_timeout = 1, deflate = { context = path == '/c' } })\n"
    "  for i = 1, 2 do\n"
    "    ws:send(('text '):rep(400 * i), 'text', 1)\n"
    "    ws:recv(1)\n"
    "  end\n"
    "end\n"
    "server:stop(0)\n";

enum {
    STEP = 3,    /* allocations between two that fail: all would take long */
    ROUNDS = 200 /* of the loop: enough for all of it, as nothing waits long */
};

/* Runs a script while allocations fail, and closes the loop in the midst of what
 * is left: a script that has died cannot stop its server any more. Gives what
 * was counted. */
static struct scarce run_scarce(const char *script, long n, long times)
{
    struct scarce scarce = {n, times, 0};
    ml_options options = options_of(ML_VIRTUAL_TIME);
    ml_loop *loop = NULL;
    options.alloc = scarce_alloc;
    options.alloc_ud = &scarce;
    if (ml_open(&loop, &options) == 0) {
        (void)ml_spawn_string(loop, script, "=spec", NULL);
        for (int i = 0; i < ROUNDS; i++) {
            (void)ml_run(loop, ML_RUN_NOWAIT);
        }
        close_loop(loop);
    }
    CHECK_EQ(check.bytes, 0);
    return scarce;
}

static void check_all(const char *talk)
{
    static const long times[] = {1, 100000};
    char script[4096];
    (void)snprintf(script, sizeof script, "%s%s", loading, talk);
    long first = run_scarce(loading, 0, 0).count;
    long all = run_scarce(script, 0, 0).count;
    CHECK(all - first > 500);
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        for (long n = first; n < all; n += STEP * check_step()) {
            (void)run_scarce(script, n, times[i]);
        }
    }
}

static void test_http_holds_while_memory_fails(void)
{
    check_all(talking);
}

static void test_packed_messages_hold_while_memory_fails(void)
{
    check_all(chatting);
}

static const struct check_test tests[] = {
    CHECK_TEST(test_http_holds_while_memory_fails),
    CHECK_TEST(test_packed_messages_hold_while_memory_fails),
};

int main(void)
{
    return check_run(tests, sizeof tests / sizeof tests[0]);
}
