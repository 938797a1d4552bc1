/* The functions of the C library that hand out memory. What other libraries
 * take for themselves does not pass here. */

#include "fault.h"

#include <errno.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/types.h>

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *block, size_t size);
void *__real_mmap(void *at, size_t size, int protection, int flags, int fd,
                  off_t offset);
int __real_munmap(void *mapping, size_t size);
void __real_free(void *block);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *block, size_t size);
void *__wrap_mmap(void *at, size_t size, int protection, int flags, int fd,
                  off_t offset);
int __wrap_munmap(void *mapping, size_t size);
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

/* NOLINTNEXTLINE(readability-function-size): mmap has six parameters */
void *__wrap_mmap(void *at, size_t size, int protection, int flags, int fd,
                  off_t offset)
{
    if (fault_strike(FAULT_memory)) {
        errno = ENOMEM;
        return MAP_FAILED;
    }
    void *mapping = __real_mmap(at, size, protection, flags, fd, offset);
    return mapping == MAP_FAILED ? mapping : counted(mapping);
}

int __wrap_munmap(void *mapping, size_t size)
{
    atomic_fetch_sub_explicit(&fault_blocks, 1, memory_order_relaxed);
    return __real_munmap(mapping, size);
}

void __wrap_free(void *block)
{
    if (block != NULL) {
        atomic_fetch_sub_explicit(&fault_blocks, 1, memory_order_relaxed);
    }
    __real_free(block);
}
