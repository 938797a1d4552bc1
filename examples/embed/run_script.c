/* Runs a Lua script whose tasks share one loop.
 *
 * Shows the least that a host does: open a loop, spawn a task from a file, run
 * the loop until no task is left, close it. Failures are written to standard
 * error, and the exit status tells how the run went.
 *
 *   make run_script        (see Makefile, or CMakeLists.txt)
 *   ./run_script hello.lua
 *
 * prints
 *
 *   left 1
 *   right 1
 *   left 2
 *   right 2
 *   left 3
 *   right 3
 *   both are done
 *   host: all tasks have ended */
#include <miniloop.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* What a person wants to know of a run. */
static const char *outcome(int result)
{
    switch (result) {
    case 0:
        return "all tasks have ended";
    case -ECHILD:
        return "a task failed, and nobody took its error";
    case -EDEADLK:
        return "the tasks waited for each other";
    default:
        return ml_strerror(result);
    }
}

static int run(ml_loop *loop, const char *path)
{
    int err = ml_spawn_file(loop, path, NULL);
    if (err == -EINVAL || err == -ENOENT) {
        (void)fprintf(stderr, "host: %s\n", lua_tostring(ml_state(loop), -1));
        lua_pop(ml_state(loop), 1);
        return err;
    }
    if (err == 0) {
        err = ml_run(loop, ML_RUN_DEFAULT);
    }
    (void)printf("host: %s\n", outcome(err));
    return err;
}

int main(int argc, char **argv)
{
    ml_options options = {.size = sizeof options};
    ml_loop *loop = NULL;
    if (argc != 2) {
        (void)fprintf(stderr, "usage: %s SCRIPT\n", argv[0]);
        return 2;
    }
    options.flags = ML_SCRIPT | ML_SYSCALL_GLOBAL | ML_REPORT;
    int err = ml_open(&loop, &options);
    if (err != 0) {
        (void)fprintf(stderr, "host: no loop: %s\n", ml_strerror(err));
        return EXIT_FAILURE;
    }
    err = run(loop, argv[1]);
    (void)ml_close(loop); /* it cannot be busy */
    return err == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
