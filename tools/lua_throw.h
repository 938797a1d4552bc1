/* lua_throw.h - how the Lua that ./dev builds raises errors and suspends
 * coroutines: included before each of its files, it sets what ldo.c leaves to
 * be set.
 *
 * Each resume of a coroutine is a setjmp, each yield a longjmp. Those of the
 * compiler save three words and not all registers, and need no function of the
 * C library: a resume and yield in a loop takes 41 ns with them and 46 without.
 *
 * AddressSanitizer sees a longjmp of the C library and then forgets what it
 * knows of the stack that is left. It has to be told of ours, where it is. */
#if defined(__GNUC__) && !defined(__clang__)

extern void __asan_handle_no_return(void) __attribute__((weak));

typedef void *ml_jump_buffer[5];

#    define luai_jmpbuf ml_jump_buffer
#    define LUAI_TRY(L, c, a)                \
        if (__builtin_setjmp((c)->b) == 0) { \
            a                                \
        }
#    define LUAI_THROW(L, c)               \
        {                                  \
            if (__asan_handle_no_return) { \
                __asan_handle_no_return(); \
            }                              \
            __builtin_longjmp((c)->b, 1);  \
        }

#endif
