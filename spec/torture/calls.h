#ifndef TORTURE_CALLS_H
#define TORTURE_CALLS_H

/*
 * The calls that can be made to fail, each once: X(name). "memory" stands for
 * all functions that hand out memory; the others are named after the function
 * of the C library. Each has its wrapper in one of the wrap_*.c beside this.
 */
#define FAULT_CALLS(X) X(memory)

#endif
