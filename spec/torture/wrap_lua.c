/* Where failures come to light in Lua: errors that Lua raises because there is
 * no memory, and error values that tell of a planned errno. They are counted,
 * for a case may throw away what it is told. */

#include "fault.h"

#include <lauxlib.h>
#include <lua.h>
#include <stdarg.h>
#include <string.h>

_Noreturn void __real_luaD_throw(lua_State *L, int status)
    __attribute__((weak)); /* not there in a Lua that is a shared library */
int __real_luaD_growstack(lua_State *L, int n, int raise) __attribute__((weak));
void *__real_luaM_realloc_(lua_State *L, void *block, size_t osize,
                           size_t nsize) __attribute__((weak));
void __real_ml_error_push(lua_State *L, int code, const char *op);
int __real_ml_error_fail(lua_State *L, int code, const char *op);
int __real_lua_error(lua_State *L);
int __real_lua_checkstack(lua_State *L, int n);
int __wrap_lua_checkstack(lua_State *L, int n);
int __real_ml_error_refuse(lua_State *L, int code, const char *op);
int __wrap_ml_error_refuse(lua_State *L, int code, const char *op);
_Noreturn void __wrap_luaD_throw(lua_State *L, int status);
int __wrap_luaD_growstack(lua_State *L, int n, int raise);
void *__wrap_luaM_realloc_(lua_State *L, void *block, size_t osize,
                           size_t nsize);
int __wrap_luaL_error(lua_State *L, const char *format, ...);
int __wrap_lua_error(lua_State *L);
void __wrap_ml_error_push(lua_State *L, int code, const char *op);
int __wrap_ml_error_fail(lua_State *L, int code, const char *op);

_Noreturn void __wrap_luaD_throw(lua_State *L, int status)
{
    if (status == LUA_ERRMEM) {
        atomic_fetch_add(&fault_raised, 1);
    }
    __real_luaD_throw(L, status);
}

/* While lua_checkstack asks: it answers, and raises nothing. */
static _Thread_local bool asking;

int __wrap_luaD_growstack(lua_State *L, int n, int raise)
{
    asking = raise == 0;
    int grown = __real_luaD_growstack(L, n, raise);
    asking = false;
    return grown;
}

/* Whether a stack has to grow depends on what was called before, and on when
 * Lua last made it smaller: so each is taken for one that has to, unless it is
 * for no more than every function has. */
int __wrap_lua_checkstack(lua_State *L, int n)
{
    bool grows = lua_gettop(L) + n > LUA_MINSTACK;
    return grows && fault_strike(FAULT_memory) != 0
               ? 0
               : __real_lua_checkstack(L, n);
}

/* A stack that has to grow raises without a throw that can be seen. */
void *__wrap_luaM_realloc_(lua_State *L, void *block, size_t osize,
                           size_t nsize)
{
    void *moved = __real_luaM_realloc_(L, block, osize, nsize);
    if (moved == NULL && nsize > 0 && !asking) {
        atomic_fetch_add(&fault_raised, 1);
    }
    return moved;
}

/* What is raised as a text where there is no memory: by our functions, by Lua's
 * buffers, and for a stack that cannot grow. */
static bool tells_of_memory(const char *text)
{
    static const char *const parts[] = {"not enough memory", "stack overflow",
                                        "too many results"};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        if (strstr(text, parts[i]) != NULL) {
            return true;
        }
    }
    return false;
}

int __wrap_lua_error(lua_State *L)
{
    if (lua_type(L, -1) == LUA_TSTRING &&
        tells_of_memory(lua_tostring(L, -1))) {
        atomic_fetch_add(&fault_raised, 1);
    }
    return __real_lua_error(L);
}

/* As luaL_error is documented. */
int __wrap_luaL_error(lua_State *L, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    luaL_where(L, 1);
    (void)lua_pushvfstring(L, format, args);
    va_end(args);
    lua_concat(L, 2);
    return __wrap_lua_error(L);
}

static bool tells_of(enum fault_call call, int code)
{
    int told[FAULT_TOLD];
    int count = fault_told(call, fault_plans[call].code, told);
    bool found = false;
    for (int i = 0; i < count; i++) {
        found = found || told[i] == code;
    }
    return found;
}

/* What is told of a plan's code, while it is there. */
static void note_given(int code)
{
    for (int call = 0; call < FAULT_CALL_COUNT; call++) {
        if (fault_plans[call].first > 0 &&
            tells_of((enum fault_call)call, code)) {
            atomic_fetch_add(&fault_given, 1);
            return;
        }
    }
}

void __wrap_ml_error_push(lua_State *L, int code, const char *op)
{
    note_given(code);
    __real_ml_error_push(L, code, op);
}

int __wrap_ml_error_fail(lua_State *L, int code, const char *op)
{
    note_given(code);
    return __real_ml_error_fail(L, code, op);
}

int __wrap_ml_error_refuse(lua_State *L, int code, const char *op)
{
    note_given(code);
    return __real_ml_error_refuse(L, code, op);
}
