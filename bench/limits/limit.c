/* limit.c - see limit.h. */
#include "limit.h"

#include <lauxlib.h>
#include <lualib.h>
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

lua_State *limit_lua(void)
{
    lua_State *L = luaL_newstate();

    limit_check(L != NULL, "no memory");
    luaL_openlibs(L);
    return L;
}

void limit_load(lua_State *L, const char *chunk)
{
    limit_check(luaL_loadstring(L, chunk) == LUA_OK, chunk);
}

void limit_load_counter(lua_State *L)
{
    limit_load(L, "local count = 0\n"
                  "return function() count = count + 1 end,\n"
                  "       function() return count end\n");
    lua_call(L, 0, 2);
}

static int frame_k(lua_State *L, int status, lua_KContext ctx)
{
    (void)L;
    (void)status;
    (void)ctx;
    return 0;
}

int limit_frame(lua_State *L)
{
    return frame_k(L, lua_pcallk(L, lua_gettop(L) - 1, 0, 0, 0, frame_k), 0);
}
