/* The functions of the C library that hand out memory. What other libraries
 * take for themselves does not pass here. */

#include "fault.h"

#include <errno.h>
#include <stddef.h>

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *block, size_t size);
int __real_posix_memalign(void **out, size_t align, size_t size);
void __real_free(void *block);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *block, size_t size);
int __wrap_posix_memalign(void **out, size_t align, size_t size);
void __wrap_free(void *block);

static void *counted(void *block)
{
    if (block != NULL) {
        atomic_fetch_add_explicit(&fault_blocks, 1, memory_order_relaxed);
    }
    return block;
}

void *__wrap_malloc(size_t size)
{
    return fault_strike(FAULT_memory) ? NULL : counted(__real_malloc(size));
}

void *__wrap_calloc(size_t count, size_t size)
{
    return fault_strike(FAULT_memory) ? NULL
                                      : counted(__real_calloc(count, size));
}

void *__wrap_realloc(void *block, size_t size)
{
    if (fault_strike(FAULT_memory)) {
        return NULL;
    }
    void *moved = __real_realloc(block, size);
    return block == NULL ? counted(moved) : moved;
}

int __wrap_posix_memalign(void **out, size_t align, size_t size)
{
    if (fault_strike(FAULT_memory)) {
        return ENOMEM;
    }
    int err = __real_posix_memalign(out, align, size);
    if (err == 0) {
        (void)counted(*out);
    }
    return err;
}

void __wrap_free(void *block)
{
    if (block != NULL) {
        atomic_fetch_sub_explicit(&fault_blocks, 1, memory_order_relaxed);
    }
    __real_free(block);
}
