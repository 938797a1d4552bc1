#include "cli/exit.h"

#include "cli/signals.h"
#include "core/loop.h"
#include "core/task.h"
#include "core/vm.h"

#include <lauxlib.h>
#include <lualib.h>
#include <stdlib.h>

/* Reads the arguments as Lua's os.exit does. The first call decides whether
 * the state is closed, the last one about the status. */
static void take_arguments(lua_State *L, struct ml_exit *request)
{
    request->status = lua_isboolean(L, 1)
                          ? (lua_toboolean(L, 1) ? EXIT_SUCCESS : EXIT_FAILURE)
                          : (int)luaL_optinteger(L, 1, EXIT_SUCCESS);
    if (!request->asked) {
        request->close = lua_toboolean(L, 2) != 0;
    }
    request->asked = true;
}

static int end_process(const struct ml_exit *request)
{
    (void)ml_signals_stop();
    /* NOLINTNEXTLINE(concurrency-mt-unsafe): workers have no exit handlers */
    exit(request->status);
}

/* True where tasks are being ended, in a handler of a variable that a kill closes,
 * or in a finalizer meanwhile: what is left of that goes first, and the end comes
 * when the step is over. */
static bool under_way(const struct ml_loop *loop)
{
    const struct ml_task *task = loop->vm->task;
    return loop->killing ||
           (task != NULL ? task->state == ML_TASK_DYING : loop->exiting);
}

static int os_exit(lua_State *L)
{
    struct ml_exit *request =
        (struct ml_exit *)lua_touserdata(L, lua_upvalueindex(1));
    ml_loop *loop = request->loop;
    take_arguments(L, request);
    if (loop == NULL) {
        return end_process(request);
    }
    bool status_only = under_way(loop);
    ml_loop_exit(loop);
    if (status_only) {
        return 0;
    }
    if (ml_vm_suspendable(L, loop->vm)) {
        return ml_task_depart(L);
    }
    ml_loop_kill_all(loop, L);
    return end_process(request);
}

void ml_exit_install(lua_State *L, struct ml_exit *request)
{
    lua_getglobal(L, LUA_OSLIBNAME);
    lua_pushlightuserdata(L, request);
    lua_pushcclosure(L, os_exit, 1);
    lua_setfield(L, -2, "exit");
    lua_pop(L, 1);
}
