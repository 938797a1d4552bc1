/* TLS while OpenSSL has no memory of its own. It takes what it needs from the
 * system, past the state's allocator; here from this program, which refuses. */

#include "api_fixture.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#ifdef ML_TLS_LIBRARY
#    include <dlfcn.h>

/* ---- OpenSSL's memory ------------------------------------------------------- */

static struct {
    long before, refused; /* allocations that are made, then refused */
} ration;

static bool is_refused(void)
{
    if (ration.before > 0) {
        ration.before--;
        return false;
    }
    if (ration.refused > 0) {
        ration.refused--;
        return true;
    }
    return false;
}

static void *crypto_malloc(size_t size, const char *file, int line)
{
    (void)file;
    (void)line;
    return is_refused() ? NULL : malloc(size);
}

static void *crypto_realloc(void *block, size_t size, const char *file,
                            int line)
{
    (void)file;
    (void)line;
    return is_refused() ? NULL : realloc(block, size);
}

static void crypto_free(void *block, const char *file, int line)
{
    (void)file;
    (void)line;
    free(block);
}

typedef int set_functions(void *(*)(size_t, const char *, int),
                          void *(*)(void *, size_t, const char *, int),
                          void (*)(void *, const char *, int));

/* False if there is no OpenSSL, or none that lets its memory be given. */
static bool take_over(void)
{
    set_functions *set = NULL;
    void *library = dlopen(ML_TLS_LIBRARY, RTLD_NOW);
    if (library != NULL) {
        *(void **)(void *)&set = dlsym(library, "CRYPTO_set_mem_functions");
    }
    return set != NULL && set(crypto_malloc, crypto_realloc, crypto_free) == 1;
}

/* scarce(n, times): so many allocations are made, then so many refused. */
static int scarce(lua_State *L)
{
    ration.before = (long)lua_tointeger(L, 1);
    ration.refused = (long)lua_tointeger(L, 2);
    return 0;
}

/* plenty(): whether all that were to be refused have not come. */
static int plenty(lua_State *L)
{
    lua_pushboolean(L, ration.before > 0);
    ration.before = 0;
    ration.refused = 0;
    return 1;
}

/* ---- the scripts ------------------------------------------------------------ */

static const char *const helpers =
    "ml, net = require 'miniloop', require 'miniloop.net'\n"
    "tls = require 'miniloop.tls'\n"
    "cert, key = folder .. '/cert.pem', folder .. '/key.pem'\n"
    "good, scarce_told, others, wrong = 0, 0, 0, ''\n"
    /* what fails while OpenSSL is set up stays so, it says */
    "assert(tls.context { cert = cert, key = key })\n"
    "local function judge(ok, value, err)\n"
    "  if not ok and not tostring(value):find 'memory' then\n"
    "    wrong = wrong .. tostring(value) .. '\\n'\n"
    "  elseif ok and value then\n"
    "    good = good + 1\n"
    "  elseif not ok or err.code == 'ENOMEM' then\n"
    "    scarce_told = scarce_told + 1\n"
    "  else\n"
    "    others = others + 1\n"
    "  end\n"
    "end\n"
    /* calls f() while an allocation is refused, or all from there on; which,
     * that is the rarer the later they come */
    "function sweep(f)\n"
    "  for _, times in ipairs { 1, 1000000 } do\n"
    "    local n, through = 0, false\n"
    "    while not through do\n"
    "      scarce(n, times)\n"
    "      local ok, value, err = pcall(f)\n"
    "      through = plenty()\n"
    "      judge(ok, value, err)\n"
    "      n = n + 1 + n // 24\n"
    "    end\n"
    "  end\n"
    "end\n";

static char folder[] = "/tmp/ml_tls_XXXXXX";

/* A certificate that signs itself, its key, and its list of revoked ones. */
static const char making[] =
    "exec 2>/dev/null; cd $ML_FOLDER && openssl req -x509 -newkey ec -pkeyopt "
    "ec_paramgen_curve:P-256 -nodes -subj /CN=localhost -addext "
    "subjectAltName=DNS:localhost -keyout key.pem -out cert.pem && : >index && "
    "printf '[ca]\ndefault_ca=own\n[own]\ndatabase=index\n"
    "default_md=sha256\ndefault_crl_days=9\n' >config && openssl ca -config "
    "config -gencrl -keyfile key.pem -cert cert.pem -out crl.pem";

static bool make_files(void)
{
    /* NOLINTBEGIN(concurrency-mt-unsafe,cert-env33-c): nobody else runs */
    return mkdtemp(folder) != NULL && setenv("ML_FOLDER", folder, 1) == 0 &&
           system(making) == 0;
    /* NOLINTEND(concurrency-mt-unsafe,cert-env33-c) */
}

static ml_loop *run_scarce(const char *script)
{
    ml_loop *loop = open_loop(ML_VIRTUAL_TIME);
    define(loop, "scarce", scarce);
    define(loop, "plenty", plenty);
    lua_pushstring(ml_state(loop), folder);
    lua_setglobal(ml_state(loop), "folder");
    spawn(loop, helpers);
    run(loop);
    spawn(loop, script);
    run(loop);
    return loop;
}

/* Nearly always OpenSSL says that there is no memory; where it says anything
 * else, that is passed on. */
static void test_contexts_are_made_or_not(void)
{
    ml_loop *loop = run_scarce(
        "sweep(function()\n"
        "  return tls.context { cert = cert, key = key, ca = cert,\n"
        "    alpn = { 'a' }, min = '1.3', ciphers = 'HIGH', tickets = false,\n"
        "    sni = { ['a.example'] = { cert = cert, key = key } } }\n"
        "end)\n"
        "sweep(function()\n"
        "  return tls.context { ca = { cert, folder, 'system' },\n"
        "    crl = folder .. '/crl.pem' }\n"
        "end)\n");
    CHECK(integer_of(loop, "good") > 40);
    CHECK(integer_of(loop, "scarce_told") > 40);
    CHECK(integer_of(loop, "others") < 20);
    CHECK(global_is(loop, "wrong", ""));
    close_loop(loop);
}

/* At both ends; and what is told of them. */
static void test_connections_end_well_or_are_told_of(void)
{
    ml_loop *loop = run_scarce(
        "local server = tls.context { cert = cert, key = key, alpn = { 'a' },\n"
        "  sni = { ['a.example'] = { cert = cert, key = key } } }\n"
        "local client = tls.context { ca = cert, alpn = { 'a' } }\n"
        "local function talk(near, far)\n"
        "  ml.spawn(function()\n"
        "    local _ <close> = far\n"
        "    if far:starttls { context = server, server = true } then\n"
        "      far:write(far:read('l') or '', '\\n')\n"
        "    end\n"
        "  end)\n"
        "  local ok, err =\n"
        "    near:starttls { context = client, name = 'localhost' }\n"
        "  if ok then ok, err = near:tls() end\n"
        "  if ok then ok, err = near:write 'hello\\n' end\n"
        "  if ok then ok, err = near:read 'l' end\n"
        "  return ok, err\n"
        "end\n"
        "sweep(function()\n"
        "  local near <close>, far = net.pair()\n"
        "  near:settimeout(1) far:settimeout(1)\n"
        "  return talk(near, far)\n"
        "end)\n");
    CHECK(integer_of(loop, "good") > 5);
    CHECK(integer_of(loop, "scarce_told") > 40);
    CHECK(global_is(loop, "wrong", ""));
    close_loop(loop);
}

/* What there is no memory for is left out. */
static void test_what_is_told_of_a_connection(void)
{
    ml_loop *loop = run_scarce(
        "local near <close>, far = net.pair()\n"
        "ml.spawn(far.starttls, far, { cert = cert, key = key, server = true })\n"
        "assert(near:starttls { ca = cert, name = 'localhost' })\n"
        "sweep(function() return near:tls() end)\n");
    CHECK(integer_of(loop, "good") > 1);
    CHECK(global_is(loop, "wrong", ""));
    close_loop(loop);
}
#endif

static const struct check_test tests[] = {
#ifdef ML_TLS_LIBRARY
    CHECK_TEST(test_contexts_are_made_or_not),
    CHECK_TEST(test_connections_end_well_or_are_told_of),
    CHECK_TEST(test_what_is_told_of_a_connection),
#endif
    {NULL, NULL},
};

#ifdef ML_TLS_LIBRARY
static void remove_files(void)
{
    /* NOLINTNEXTLINE(concurrency-mt-unsafe,cert-env33-c): nobody else runs */
    CHECK_EQ(system("rm -r \"$ML_FOLDER\""), 0);
}

int main(void)
{
    size_t count = sizeof tests / sizeof tests[0] - 1;
    if (!take_over() || !make_files()) {
        (void)puts("  skipped: no OpenSSL, or no openssl(1)");
        count = 0;
    }
    int status = check_run(tests, count);
    remove_files();
    return status;
}
#else
int main(void)
{
    return check_run(tests, 0);
}
#endif
