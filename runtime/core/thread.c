#include "core/thread.h"

#include "base/cast.h"
#include "ml_config.h"

/* Only the address matters. */
static const char mark = 0;

void ml_thread_pushmark(lua_State *L)
{
    lua_pushlightuserdata(L, ml_unconst(&mark));
}

bool ml_thread_marked(lua_State *co)
{
    return lua_status(co) == LUA_YIELD && lua_gettop(co) > 0 &&
           lua_touserdata(co, -1) == (const void *)&mark;
}

#ifdef ML_MODULE
/* The module runs on the Lua that loads it, whatever it was built with. Before
 * 5.4.6 there is no lua_closethread; without it we expect the __concat fault
 * that Debian 12 ships, and cannot know better from inside. */
#    include <dlfcn.h>

typedef int (*closethread_fn)(lua_State *co, lua_State *from);

static closethread_fn find_closethread(void)
{
    void *symbol = dlsym(RTLD_DEFAULT, "lua_closethread");
    closethread_fn fn = NULL;
    *(void **)&fn = symbol; /* as POSIX shows for dlsym */
    return fn;
}

static int close_thread(lua_State *co, lua_State *from)
{
    closethread_fn fn = find_closethread();
    return fn != NULL ? fn(co, from) : lua_resetthread(co);
}

int ml_thread_reserve(void)
{
    return find_closethread() != NULL ? 0 : 1000;
}
#else
static int close_thread(lua_State *co, lua_State *from)
{
#    if LUA_VERSION_NUM > 504 || LUA_VERSION_RELEASE_NUM >= 50406
    return lua_closethread(co, from);
#    else
    (void)from; /* before 5.4.6, a reset does not count nested C calls */
    return lua_resetthread(co);
#    endif
}

int ml_thread_reserve(void)
{
    return ML_LUA_STACK_RESERVE;
}
#endif

int ml_thread_close(struct ml_vm *vm, lua_State *co, lua_State *from)
{
    lua_State *was = vm->running;
    vm->running = co;
    int status = close_thread(co, from);
    vm->running = was;
    return status;
}

/* A coroutine that is not suspended either has frames, and waits for one that
 * it resumed, or holds the function it has not started, or is over. */
static enum ml_thread_status status_at_rest(lua_State *co)
{
    lua_Debug ar;
    if (lua_getstack(co, 0, &ar) != 0) {
        return ML_THREAD_NORMAL;
    }
    return lua_gettop(co) == 0 ? ML_THREAD_DEAD : ML_THREAD_SUSPENDED;
}

enum ml_thread_status ml_thread_status(lua_State *L, lua_State *co)
{
    if (L == co) {
        return ML_THREAD_RUNNING;
    }
    switch (lua_status(co)) {
    case LUA_YIELD:
        return ml_thread_marked(co) ? ML_THREAD_NORMAL : ML_THREAD_SUSPENDED;
    case LUA_OK:
        return status_at_rest(co);
    default:
        return ML_THREAD_DEAD;
    }
}
