/* main.c - the command: reads its line, runs what it asks for, and turns the
 * end of the run into an exit status. */
#include "api/report.h"
#include "base/errno.h"
#include "cli/bytecode.h"
#include "cli/cmdline.h"
#include "cli/exit.h"
#include "cli/script.h"
#include "cli/signals.h"
#include "cli/warn.h"
#include "core/loop.h"
#include "core/vm.h"

#include <errno.h>
#include <fcntl.h>
#include <lauxlib.h>
#include <miniloop.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    STATUS_FAILED = 1,
    STATUS_UNLOADABLE = 2,
    STATUS_DEADLOCK = 13
};

/* A grace time of nothing, where 0 stands for the default. */
static const double AT_ONCE = 1e-9;

/* All that a run is made of. The Lua state has pointers into it. */
struct command {
    struct ml_cmdline line;
    struct ml_script script;
    struct ml_exit exit;
    struct ml_warn warn;
    ml_loop *loop;
};

/* Says what kept the run from its beginning. */
static void say_unstarted(const struct ml_cmdline *line, const char *what,
                          int err)
{
    if (err == -ENOMEM && line->memory != 0) {
        ml_report_error("cannot %s: --max-memory=%s is less than the runtime "
                        "itself needs",
                        what, line->cap);
    } else {
        ml_report_error("cannot %s: %s", what, ml_errno_text(-err));
    }
}

static int open_loop(struct command *command)
{
    const struct ml_cmdline *line = &command->line;
    ml_options options = {.size = sizeof options,
                          .memory_limit = line->memory,
                          .poller = line->poller,
                          .flags = line->flags | ML_REPORT | ML_SCRIPT |
                                   ML_SIGNALS | ML_SYSCALL_GLOBAL,
                          .seed = line->seed,
                          .grace = line->grace > 0 ? line->grace : AT_ONCE};
    int err = ml_open(&command->loop, &options);
    if (err != 0) {
        say_unstarted(line, "make an event loop", err);
    }
    return err;
}

/* Makes the state what a script of the command expects. */
static int prepare(lua_State *L)
{
    struct command *command = (struct command *)lua_touserdata(L, 1);
    const struct ml_cmdline *line = &command->line;
    command->warn.on = line->warnings;
    command->exit.loop = command->loop;
    ml_warn_install(L, &command->warn);
    ml_exit_install(L, &command->exit);
    ml_script_set_arg(L, line);
    if (!line->bytecode) {
        ml_bytecode_refuse(L);
    }
    return 0;
}

static int start_script(struct command *command)
{
    lua_State *L = ml_state(command->loop);
    command->script.line = &command->line;
    command->script.loop = command->loop;
    lua_pushcfunction(L, prepare);
    lua_pushlightuserdata(L, command);
    int err = lua_pcall(L, 1, 0, 0) == LUA_OK
                  ? ml_script_spawn(&command->script)
                  : -ENOMEM; /* nothing else is raised there */
    if (err != 0) {
        say_unstarted(&command->line, "start", err);
    }
    return err;
}

/* The exit status of a run that ml_run answered so, and that was not ended
 * from outside. */
static int status_of(const struct command *command, int answer)
{
    if (command->script.unloadable) {
        return STATUS_UNLOADABLE;
    }
    switch (answer) {
    case 0:
        return EXIT_SUCCESS;
    case -EDEADLK:
        return STATUS_DEADLOCK;
    case -ECHILD:
        return STATUS_FAILED; /* which was reported */
    default:
        ml_report_error("the event loop failed: %s", ml_errno_text(-answer));
        return STATUS_FAILED;
    }
}

/* As under lua, os.exit leaves the state open unless asked to close it: no
 * finalizer runs then. */
static void close_loop(struct command *command)
{
    if (!command->exit.asked || command->exit.close) {
        command->exit.loop = NULL;
        (void)ml_close(command->loop); /* it does not run any more */
    }
}

/* A script whose requests were all made and none of them yielded has done
 * nothing of what it asked for. */
static void advise(const struct command *command)
{
    const struct ml_vm *vm = command->loop->vm;
    if (vm->idle.name != NULL) {
        ml_report_error("%s:%d: syscall.%s only makes a request, which nothing "
                        "has yielded; to make the call, write "
                        "coroutine.yield(syscall.%s(...)), or ml.perform",
                        vm->idle.source, vm->idle.line, vm->idle.name,
                        vm->idle.name);
    }
}

static int run(struct command *command)
{
    if (start_script(command) != 0) {
        close_loop(command);
        return STATUS_FAILED;
    }
    ml_signals_start(command->loop, command->line.timeout);
    int answer = ml_run(command->loop, ML_RUN_DEFAULT);
    int cause = ml_signals_stop();
    advise(command);
    int status = status_of(command, answer);
    close_loop(command);
    if (command->exit.asked) {
        return command->exit.status;
    }
    if (cause == SIGALRM) {
        return ML_SIGNALS_TIMEOUT;
    }
    if (cause != 0) {
        (void)fflush(NULL); /* as exit would */
        ml_signals_die(cause);
    }
    return status;
}

/* Standard streams that are closed stay out of use: or else a descriptor of the
 * loop took their number, and what the script prints went there. Opened the
 * wrong way round they fail as before, with EBADF. */
static void reserve_streams(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        if (fcntl(fd, F_GETFD) < 0) {
            /* The lowest number that is free; without it, all is as it was. */
            (void)open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
        }
    }
}

int main(int argc, char **argv)
{
    /* Static: what os.exit leaves open is in reach to the last, so that leak
     * checkers know it from a leak. */
    static struct command command;
    reserve_streams();
    int status = ml_cmdline_read(&command.line, argc, argv);
    if (status == ML_CMDLINE_RUN) {
        status = open_loop(&command) == 0 ? run(&command) : STATUS_FAILED;
    }
    ml_cmdline_free(&command.line);
    return status;
}
