/* library.h - libraries that are opened when they are first needed.
 *
 * What does not belong to the runtime itself (TLS, JSON, ...) is done by
 * libraries of the system that not every script needs. They are not linked:
 * loading libssl alone would double the time that a start takes. Who uses one
 * has a struct of pointers to its functions, made from a list of their names:
 *
 *     #define ZLIB_FUNCTIONS(X) X(inflate) X(inflateEnd)
 *     struct zlib { ZLIB_FUNCTIONS(ML_LIBRARY_FIELD) };
 *     static const struct ml_symbol symbols[] = {
 *         #define ROW(name) ML_LIBRARY_ROW(struct zlib, name)
 *         ZLIB_FUNCTIONS(ROW) {NULL, 0}};
 *
 * and holds the struct where its state is, for there are no globals. */
#ifndef ML_BASE_LIBRARY_H
#define ML_BASE_LIBRARY_H

#include <stddef.h>

/* A pointer to the function that the library's header declares. */
#define ML_LIBRARY_FIELD(name) __typeof__(&(name)) name##_;

#define ML_LIBRARY_ROW(type, name) {#name, offsetof(type, name##_)},

struct ml_symbol {
    const char *name; /* NULL ends the list */
    size_t offset;    /* of the pointer in the struct */
};

/* Opens the library of that name, as the system's loader looks for it, and
 * fills in the struct at `functions`. The library stays loaded as long as the
 * process lives: many leave handlers behind. 0; -ENOENT: no such library, or
 * it cannot be loaded; -EMFILE, -ENFILE: there is no descriptor to look with;
 * -ENOSYS: it lacks one of the functions (then *missing, unless `missing` is
 * NULL, names it). */
int ml_library_open(const char *soname, const struct ml_symbol *symbols,
                    void *functions, const char **missing);

#endif
