#include "base/library.h"

#include <dlfcn.h>
#include <errno.h>

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

int ml_library_open(const char *soname, const struct ml_symbol *symbols,
                    void *functions, const char **missing)
{
    void *library = dlopen(soname, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (library == NULL) {
        return -ENOENT;
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
