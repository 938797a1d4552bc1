/* spawn.c - tasks that end at once, spawned from C, without handles.
 *
 *   spawn N BATCH    BATCH of them alive together, N in all */
#include "limit.h"

#include <miniloop.h>
#include <stdio.h>

static void run(ml_loop *loop, long batch)
{
    lua_State *L = ml_state(loop);

    for (long i = 0; i < batch; i++) {
        lua_pushvalue(L, 1);
        limit_check(ml_spawn(loop, L, 0, NULL) == 0, "cannot spawn");
    }
    limit_check(ml_run(loop, ML_RUN_DEFAULT) == 0, "cannot run");
}

int main(int argc, char **argv)
{
    long n = limit_number(argv, 1);
    long batch = limit_number(argv, 2);
    ml_loop *loop;

    (void)argc;
    limit_check(ml_open(&loop, NULL) == 0, "cannot open");
    limit_load_counter(ml_state(loop));
    run(loop, batch);
    limit_mark("start");
    for (long i = 0; i < n / batch; i++) {
        run(loop, batch);
    }
    limit_mark("stop");
    lua_pushvalue(ml_state(loop), 2);
    lua_call(ml_state(loop), 0, 1);
    (void)printf("count=%lld\n",
                 (long long)lua_tointeger(ml_state(loop), -1) - batch);
    return -ml_close(loop);
}
