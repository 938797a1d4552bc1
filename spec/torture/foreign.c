/* Calls that are not ours: those of Lua modules that other projects have made. */

#include "foreign.h"

#include <dlfcn.h>
#include <execinfo.h>
#include <stddef.h>
#include <string.h>

enum {
    DEPTH = 24 /* functions from which a module may be this far away */
};

/* Modules of ours lie in the tree that was built. */
static bool is_of_others(void *function)
{
    Dl_info found;
    return dladdr(function, &found) != 0 && found.dli_fname != NULL &&
           strstr(found.dli_fname, "/lua/5.") != NULL;
}

bool fault_is_foreign(void)
{
    void *frames[DEPTH];
    int count = backtrace(frames, DEPTH);
    for (int i = 0; i < count; i++) {
        if (is_of_others(frames[i])) {
            return true;
        }
    }
    return false;
}
