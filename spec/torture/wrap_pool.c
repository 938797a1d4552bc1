/* A state without the pool of small blocks, so that each of its requests for
 * memory is one of the C library: where ML_TORTURE_POOL is "off". */

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

struct ml_pool;
struct ml_pool *__real_ml_pool_open(void);
struct ml_pool *__wrap_ml_pool_open(void);

struct ml_pool *__wrap_ml_pool_open(void)
{
    const char *wanted = getenv("ML_TORTURE_POOL"); /* NOLINT: read alone */
    if (wanted != NULL && strcmp(wanted, "off") == 0) {
        return NULL;
    }
    return __real_ml_pool_open();
}
