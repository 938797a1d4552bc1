#include "base/library.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

/* Fills in one pointer, as POSIX shows for dlsym: a function's fits into a void
 * pointer, and back. */
static int find(void *library, const struct ml_symbol *symbol, void *functions)
{
    void *function = dlsym(library, symbol->name);
    if (function == NULL) {
        return -ENOSYS;
    }
    void **place = (void *)((char *)functions + symbol->offset);
    *place = function;
    return 0;
}

/* Why a library could not be opened: dlopen has only words for that. */
static int failure(void)
{
    int fd = -1;
    do {
        fd = open("/", O_RDONLY | O_CLOEXEC);
    } while (fd < 0 && errno == EINTR);
    if (fd < 0) {
        return errno == EMFILE || errno == ENFILE ? -errno : -ENOENT;
    }
    (void)close(fd); /* nothing was written */
    return -ENOENT;
}

int ml_library_open(const char *soname, const struct ml_symbol *symbols,
                    void *functions, const char **missing)
{
    void *library = dlopen(soname, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (library == NULL) {
        return failure();
    }
    int err = 0;
    for (; err == 0 && symbols->name != NULL; symbols++) {
        err = find(library, symbols, functions);
        if (err != 0 && missing != NULL) {
            *missing = symbols->name;
        }
    }
    return err;
}
