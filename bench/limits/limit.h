/* limit.h - what the limit programs share. They are C with the stock functions
 * of the Lua that the runtime is built with, and do what its programs in
 * bench/ours do, with nothing around it. */
#ifndef BENCH_LIMIT_H
#define BENCH_LIMIT_H

#include <lua.h>
#include <stddef.h>
#include <stdint.h>

/* Asks measure for a sample under this name, and waits until it was taken. */
void limit_mark(const char *name);

/* The n-th argument of the program as a number, which must be positive; ends
 * the program if it is not. */
long limit_number(char **argv, int n);

/* Memory for so many things of that size, all zero; ends the program if there
 * is none. To be freed. */
void *limit_memory(long count, size_t size);

/* A Lua state with the standard libraries; ends the program if there is no
 * memory. */
lua_State *limit_lua(void);

/* Compiles the chunk and leaves the function on top of L. */
void limit_load(lua_State *L, const char *chunk);

/* Leaves two functions on top of L: one counts its calls, the other gives their
 * number. */
void limit_load_counter(lua_State *L);

/* The base frame of a task, and no more: a C function that calls its argument
 * protected, and lets it yield. */
int limit_frame(lua_State *L);

/* Ends the program, with this text on standard error, unless `good`. */
void limit_check(int good, const char *text);

#endif
