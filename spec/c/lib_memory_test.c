/* JSON and compressed bytes, both ways, while memory fails at any allocation:
 * whatever Lua was making, what the libraries have is freed. */

#include "api_fixture.h"

#include <errno.h>

/* Refuses the n-th allocation. */
struct scarce {
    long before;
    bool refused;
};

static void *scarce_alloc(void *ud, void *p, size_t osize, size_t nsize)
{
    struct scarce *scarce = ud;
    if (nsize > 0 && (nsize > osize || p == NULL) && !scarce->refused) {
        scarce->refused = scarce->before == 0;
        scarce->before--;
        if (scarce->refused) {
            return NULL;
        }
    }
    return counted(NULL, p, osize, nsize);
}

static const char *const script =
    "local json = require 'miniloop.json'\n"
    "local text = '{\"a\":[1,2.5,null,\"x\"],\"b\":[[{}]],\"c\":\"'\n"
    "  .. ('y'):rep(3000) .. '\"}'\n"
    "local value = json.decode(text)\n"
    "json.encode(value, { sort = true, indent = 2 })\n"
    "json.encode({ a = '\\xff' })\n"
    "json.decode('[1, 2')\n"
    "local gzip = require 'miniloop.gzip'\n"
    "gzip.decompress(gzip.compress(text))\n"
    "gzip.inflater('raw'):feed('x')\n"
    "gzip.deflater():write(text)\n";

/* False once the n-th allocation is never made. */
static bool runs_or_not(long n)
{
    struct scarce scarce = {n, false};
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
    return scarce.refused;
}

static void test_nothing_is_lost_while_memory_fails(void)
{
    long n = 0;
    while (runs_or_not(n)) {
        n += check_step();
    }
    CHECK(n > 500);
}

static const struct check_test tests[] = {
    CHECK_TEST(test_nothing_is_lost_while_memory_fails),
};

int main(void)
{
    return check_run(tests, sizeof tests / sizeof tests[0]);
}
