#ifndef TORTURE_FAULT_H
#define TORTURE_FAULT_H

#include "calls.h"

#include <limits.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

/*
 * Faults on demand. In the tree that the preset "torture" builds, the linker
 * has put a wrapper before each of these calls (cmake/Torture.cmake: a function
 * __wrap_NAME in spec/torture/wrap_*.c stands in for NAME, which is then called
 * __real_NAME). A wrapper asks here whether it is its turn to fail.
 *
 * All of it may be called from any thread; plans are made while no other thread
 * makes calls.
 */

#define FAULT_NAME(name, codes) FAULT_##name,
enum fault_call {
    FAULT_CALLS(FAULT_NAME) FAULT_CALL_COUNT
};
#undef FAULT_NAME

/* What becomes of one call: calls number `first` (from 1, since the plan was
 * made) to `last` fail with `code`: an errno, or an EAI_* (which are below 0).
 */
struct fault_plan {
    atomic_long count;  /* calls since the plan was made */
    atomic_long struck; /* those of them that failed */
    long first, last;
    int code;
};

/* What the process holds when it ends, after all of its own code has run, and
 * what its plan came to. */
struct fault_end {
    bool reached;
    long expected; /* blocks; threads that end by themselves get a moment */
    long blocks, descriptors;
    long count, struck;
};

/*
 * A process whose calls are to fail from its start has two variables in its
 * environment: FAULT_PLAN, "CALL FIRST LAST ERRNO" by numbers, and FAULT_END, the
 * number of a descriptor of memory that is a struct fault_end.
 */
#define FAULT_PLAN "FAULT_PLAN"
#define FAULT_END  "FAULT_END"

#define FAULT_API __attribute__((visibility("default")))

/* One for each call; all zero is "count, let all pass". */
extern FAULT_API struct fault_plan fault_plans[FAULT_CALL_COUNT];

/* The names of calls, by number. */
extern FAULT_API const char *const fault_names[FAULT_CALL_COUNT];

/* The names of the codes that each may fail with, with spaces between. */
extern FAULT_API const char *const fault_codes[FAULT_CALL_COUNT];

/* Whether this call has to fail: 0, or the code to fail with, which, if it is
 * an errno, is then in `errno` as well. Modules of others are not refused
 * memory. */
int fault_strike(enum fault_call call);

/* Its two halves, for those who have to look in between: the code to fail with,
 * or 0; and that the call has failed so. */
int fault_due(enum fault_call call);
void fault_struck(enum fault_call call, int code);

/*
 * As fault_strike, for a call that reads or writes `n` bytes, or accepts, which
 * may also have to fail by the mode of the run (mode.h). Codes that the system
 * has for other kinds of descriptor only are let pass: a pipe knows no ENOSPC,
 * and a descriptor that blocks no EAGAIN. A connection that is said to have
 * ended does end. Nor does a pipe refuse a single byte unless
 * it is full: who rings a bell relies on it. Where it says EAGAIN, an event will
 * follow, as the system promises (edges.h).
 */
bool fault_refuse(enum fault_call call, int fd, size_t n);

/* Told of each call, and the how-manieth it is, before it is made or fails; NULL:
 * nobody asks. */
extern FAULT_API void (*fault_note_call)(enum fault_call call, long n);

/* Blocks that were handed out by "memory" and not given back. */
extern FAULT_API atomic_long fault_blocks;

/* Errors that Lua has raised because there was no memory; error values that were
 * made of a plan's code while it was there. */
extern FAULT_API atomic_long fault_raised, fault_given;

/* To be filled in at the end of the process, if not NULL. */
extern FAULT_API struct fault_end *fault_note_end;

/* Counts of all calls begin again from 0, and all plans are gone. */
FAULT_API void fault_reset(void);

/* The number of a code by its name, such as "EPIPE"; 0 if there is none. */
FAULT_API int fault_code(const char *name);

/* The codes by which the runtime may tell of this one of the call: how many.
 * Besides its own there is that of getaddrinfo's answers; where another says that
 * there is no memory, or no library; and what else a connection is that has
 * ended too early. */
enum {
    FAULT_TOLD = 4
};
int fault_told(enum fault_call call, int code, int told[FAULT_TOLD]);

/* The name of number `i` of these, from 0; NULL behind the last. */
FAULT_API const char *fault_told_name(enum fault_call call, int code, int i);

#endif
