#include "base/library.h"

#include <dlfcn.h>
#include <errno.h>
#include <string.h>

int ml_library_open(const char *soname, const struct ml_symbol *symbols,
                    void *functions, const char **missing)
{
    void *library = dlopen(soname, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (library == NULL) {
        return -ENOENT;
    }
    for (; symbols->name != NULL; symbols++) {
        void *function = dlsym(library, symbols->name);
        if (function == NULL) {
            if (missing != NULL) {
                *missing = symbols->name;
            }
            return -ENOSYS;
        }
        /* POSIX: a function pointer fits into a void pointer, and back. */
        memcpy((char *)functions + symbols->offset, &function, sizeof function);
    }
    return 0;
}
