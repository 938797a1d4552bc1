/* Contexts, handshakes and bytes by TLS, while memory fails at any allocation of
 * ours. (OpenSSL takes its own from the system.) */

#include "api_fixture.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

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
                              "local tls = require 'miniloop.tls'\n";

/* What comes behind, of a file with a certificate and its key. */
static const char talking[] =
    "local server = tls.context { cert = pem, alpn = { 'a' },\n"
    "  sni = { ['a.example'] = { cert = pem } } }\n"
    "local client = tls.context { ca = { pem }, alpn = { 'b', 'a' } }\n"
    "for _ = 1, server and client and 2 or 0 do\n"
    "  local near <close>, far = net.pair()\n"
    "  local _ <close> = far\n"
    "  near:settimeout(1)\n"
    "  far:settimeout(1)\n"
    "  local task = ml.spawn(function()\n"
    "    far:starttls { context = server, server = true }\n"
    "    far:write(far:read('l') or '', '\\n', ('x'):rep(100000))\n"
    "    far:tls()\n"
    "    far:close()\n"
    "  end)\n"
    "  near:starttls { context = client, name = 'localhost' }\n"
    "  near:write('hello\\n')\n"
    "  near:read('l', 'a')\n"
    "  near:tls()\n"
    "  task:wait()\n"
    "end\n"
    "local listener <close> = net.listen('127.0.0.1:0', { tls = server })\n"
    "ml.spawn(net.connect, 'tls://' .. listener:address(),\n"
    "  { tls = { context = client, name = 'localhost' } })\n"
    "local conn <close> = listener:accept(1)\n"
    "conn:handshake(1)\n";

/* Runs a script while allocations fail; gives what was counted. */
static struct scarce run_scarce(const char *script, long n, long times)
{
    struct scarce scarce = {n, times, 0};
    ml_options options = options_of(ML_VIRTUAL_TIME);
    ml_loop *loop = NULL;
    options.alloc = scarce_alloc;
    options.alloc_ud = &scarce;
    if (ml_open(&loop, &options) == 0) {
        (void)ml_spawn_string(loop, script, "=spec", NULL);
        (void)ml_run(loop, ML_RUN_DEFAULT);
        close_loop(loop);
    }
    CHECK_EQ(check.bytes, 0);
    return scarce;
}

#ifndef ML_TLS_LIBRARY /* built without */
#    define ML_TLS_LIBRARY ""
#endif

static bool make_pem(char *path)
{
    char command[512];
    int fd = mkstemp(path);
    if (fd < 0) {
        return false;
    }
    (void)close(fd);
    (void)snprintf(command, sizeof command,
                   "openssl req -x509 -newkey ec -pkeyopt "
                   "ec_paramgen_curve:P-256 -nodes -subj /CN=localhost -addext "
                   "subjectAltName=DNS:localhost -keyout - >%s 2>/dev/null",
                   path);
    /* NOLINTNEXTLINE(concurrency-mt-unsafe,cert-env33-c): nobody else runs */
    return system(command) == 0;
}

static void test_tls_holds_while_memory_fails(void)
{
    static const long times[] = {1, 100000};
    char path[] = "/tmp/ml_tls_XXXXXX";
    char script[4096];
    if (ML_TLS_LIBRARY[0] == '\0' || !make_pem(path)) {
        (void)puts("  skipped: no library of OpenSSL, or no openssl(1)");
        (void)unlink(path);
        return;
    }
    (void)snprintf(script, sizeof script, "%slocal pem = '%s'\n%s", loading,
                   path, talking);
    long first = run_scarce(loading, 0, 0).count;
    CHECK(run_scarce(script, 0, 0).count - first > 100);
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        long n = first - 100;
        while (run_scarce(script, n, times[i]).refused < times[i]) {
            n += check_step();
        }
        CHECK(n - first > 100);
    }
    (void)unlink(path);
}

static const struct check_test tests[] = {
    CHECK_TEST(test_tls_holds_while_memory_fails),
};

int main(void)
{
    return check_run(tests, sizeof tests / sizeof tests[0]);
}
