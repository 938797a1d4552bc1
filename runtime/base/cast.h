/* cast.h - the one cast that compilers rightly dislike. */
#ifndef ML_BASE_CAST_H
#define ML_BASE_CAST_H

/* The pointer without its const: for interfaces of others that take a plain
 * pointer and do not write through it, and for counters in shared values. */
static inline void *ml_unconst(const void *ptr)
{
    union {
        const void *in;
        void *out;
    } both = {.in = ptr};
    return both.out;
}

#endif
