/* Hangs a loop into the poll() loop of a host, beside the host's descriptors.
 *
 * The host has one descriptor of its own, standard input. It polls that and
 * ml_pollfd together, for as long as ml_timeout allows, and then lets the tasks
 * run as far as they can without waiting. Each line that is typed becomes a
 * task; the loop is held open until the input ends.
 *
 *   make poll_loop         (see Makefile, or CMakeLists.txt)
 *   printf 'one\ntwo\n' > lines; ./poll_loop < lines
 *
 * prints
 *
 *   lua: tick 1
 *   lua: heard one
 *   lua: heard two
 *   lua: tick 2
 *   lua: tick 3
 *   host: done */
#include <miniloop.h>

#include <errno.h>
#include <lauxlib.h>
#include <limits.h>
#include <math.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const script = "local ml = require 'miniloop'\n"
                                  "function heard(line)\n"
                                  "  print('lua: heard ' .. line)\n"
                                  "end\n"
                                  "for i = 1, 3 do\n"
                                  "  print('lua: tick ' .. i)\n"
                                  "  ml.sleep(0.05)\n"
                                  "end\n";

/* ---- the input ----------------------------------------------------------- */

/* What came of the line that is not complete yet. */
struct input {
    char text[4096];
    size_t used;
    bool ended;
};

/* Pushes the script's function `heard` and the line. Called by Lua, for it may
 * raise. */
static int push_heard(lua_State *L)
{
    lua_getglobal(L, "heard");
    lua_pushstring(L, (const char *)lua_touserdata(L, 1));
    return 2;
}

/* Has the line heard in a task of its own. 0, or -errno. */
static int hear(ml_loop *loop, char *line)
{
    lua_State *L = ml_state(loop);
    lua_pushcfunction(L, push_heard);
    lua_pushlightuserdata(L, line);
    if (lua_pcall(L, 1, 2, 0) != LUA_OK) {
        lua_pop(L, 1);
        return -ENOMEM;
    }
    return ml_spawn(loop, L, 1, NULL);
}

/* Takes the lines that are complete. */
static int input_split(struct input *in, ml_loop *loop)
{
    char *line = in->text;
    int err = 0;
    for (char *end; err == 0 && (end = strchr(line, '\n')) != NULL;
         line = end + 1) {
        *end = '\0';
        err = hear(loop, line);
    }
    in->used -= (size_t)(line - in->text);
    memmove(in->text, line, in->used);
    return err;
}

/* Reads what there is; a line that does not fit ends the input. */
static int input_read(struct input *in, ml_loop *loop)
{
    size_t room = sizeof in->text - 1 - in->used;
    ssize_t n = read(STDIN_FILENO, in->text + in->used, room);
    if (n <= 0) {
        in->ended = true;
        ml_release(loop);
        return n < 0 ? -errno : 0;
    }
    in->used += (size_t)n;
    in->text[in->used] = '\0';
    return input_split(in, loop);
}

/* ---- the host's loop ----------------------------------------------------- */

/* Rounded up, so that nothing wakes early. */
static int to_ms(double seconds)
{
    double ms = ceil(seconds * 1000);
    return ms < INT_MAX ? (int)ms : isinf(ms) ? -1 : INT_MAX;
}

/* Waits for something to do, on either side. 0, or -errno. */
static int wait_and_read(ml_loop *loop, struct input *in)
{
    struct pollfd fds[2] = {
        {.fd = ml_pollfd(loop), .events = POLLIN},
        {.fd = in->ended ? -1 : STDIN_FILENO, .events = POLLIN}};
    if (poll(fds, 2, to_ms(ml_timeout(loop))) < 0) {
        return errno == EINTR ? 0 : -errno;
    }
    return fds[1].revents != 0 ? input_read(in, loop) : 0;
}

static int serve(ml_loop *loop)
{
    struct input in = {.used = 0};
    int result = 0;
    ml_hold(loop); /* until the input ends */
    while ((result = ml_run(loop, ML_RUN_NOWAIT)) == 1) {
        int err = wait_and_read(loop, &in);
        if (err != 0) {
            return err;
        }
    }
    return result;
}

int main(void)
{
    ml_options options = {.size = sizeof options, .flags = ML_REPORT};
    ml_loop *loop = NULL;
    int err = ml_open(&loop, &options);
    if (err == 0) {
        err = ml_spawn_string(loop, script, "=script", NULL);
    }
    if (err == 0) {
        err = serve(loop);
    }
    (void)ml_close(loop); /* it cannot be busy */
    (void)printf("host: %s\n", err == 0 ? "done" : ml_strerror(err));
    return err == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
