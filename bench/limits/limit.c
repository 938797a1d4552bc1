/* limit.c - see limit.h. */
#include "limit.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

void limit_check(int good, const char *text)
{
    if (!good) {
        (void)fprintf(stderr, "%s\n", text);
        exit(1); /* NOLINT(concurrency-mt-unsafe): there is one thread */
    }
}

void limit_mark(const char *name)
{
    char answer;

    (void)printf("MARK %s\n", name);
    (void)fflush(stdout);
    limit_check(read(STDIN_FILENO, &answer, 1) == 1, "nobody measures");
}

long limit_number(char **argv, int n)
{
    long value = 0;

    for (int i = 1; i <= n && argv[i] != NULL; i++) {
        value = i == n ? strtol(argv[i], NULL, 10) : 0;
    }
    limit_check(value > 0, "a number is missing");
    return value;
}

void *limit_memory(long count, size_t size)
{
    void *memory = calloc((size_t)count, size);

    limit_check(memory != NULL, "no memory");
    return memory;
}
