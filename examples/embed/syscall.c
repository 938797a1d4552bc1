/* Adds a system call in C that another thread completes.
 *
 * syscall.ask(question, seconds) hands the question to a thread, which thinks
 * for so long. Its task waits, the other tasks go on; when its task is killed
 * the call is withdrawn, and the thread is told not to bother. Whatever comes
 * first, the job is released once, on the loop's thread.
 *
 *   make syscall           (see Makefile, or CMakeLists.txt)
 *   ./syscall
 *
 * prints
 *
 *   lua: asking
 *   lua: something else meanwhile
 *   host: released (life)
 *   lua: the answer to life is 42
 *   lua: asking again
 *   host: withdrawn (why?)
 *   lua: killed the one who asks
 *   host: released (why?)
 *   host: done */
#include <miniloop.h>

#include <errno.h>
#include <lauxlib.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static const char *const script =
    "local ml = require 'miniloop'\n"
    "local function ask(question, seconds)\n"
    "  local answer = coroutine.yield(syscall.ask(question, seconds))\n"
    "  print('lua: the answer to ' .. question .. ' is ' .. answer)\n"
    "end\n"
    "print 'lua: asking'\n"
    "local task = ml.spawn(ask, 'life', 0.05)\n"
    "ml.yield()\n"
    "print 'lua: something else meanwhile'\n"
    "task:wait()\n"
    "print 'lua: asking again'\n"
    "task = ml.spawn(ask, 'why?', 3600)\n"
    "ml.yield()\n"
    "task:kill()\n"
    "print 'lua: killed the one who asks'\n";

/* What the call and its thread share. */
struct job {
    pthread_t thread;
    ml_completion *completion;
    char question[64];
    struct timespec until; /* when the answer is there */
    int answer;
    pthread_mutex_t lock;
    pthread_cond_t change;
    bool withdrawn; /* nobody wants the answer any more; by `lock` */
};

/* ---- the thread ---------------------------------------------------------- */

/* Lua and the loop are out of reach here, but for ml_complete. */
static void *think(void *data)
{
    struct job *job = (struct job *)data;
    (void)pthread_mutex_lock(&job->lock);
    int err = 0;
    while (!job->withdrawn && err != ETIMEDOUT) {
        err = pthread_cond_timedwait(&job->change, &job->lock, &job->until);
    }
    (void)pthread_mutex_unlock(&job->lock);
    job->answer = 42;
    ml_complete(job->completion); /* always, and last */
    return NULL;
}

/* ---- the job ------------------------------------------------------------- */

static struct job *job_new(const char *question, double seconds)
{
    struct job *job = calloc(1, sizeof *job);
    if (job == NULL || clock_gettime(CLOCK_REALTIME, &job->until) != 0) {
        free(job);
        return NULL;
    }
    double whole = floor(seconds);
    long ns = job->until.tv_nsec + (long)((seconds - whole) * 1e9);
    job->until.tv_sec += (time_t)whole + ns / 1000000000;
    job->until.tv_nsec = ns % 1000000000;
    (void)snprintf(job->question, sizeof job->question, "%s", question);
    (void)pthread_mutex_init(&job->lock, NULL);
    (void)pthread_cond_init(&job->change, NULL);
    return job;
}

static void job_free(struct job *job)
{
    (void)pthread_cond_destroy(&job->change);
    (void)pthread_mutex_destroy(&job->lock);
    free(job);
}

/* Called once, on the loop's thread, when call and thread are through with the
 * job, or the loop is closed: then this waits for the thread. */
static void job_release(void *data)
{
    struct job *job = (struct job *)data;
    (void)pthread_join(job->thread, NULL);
    (void)printf("host: released (%s)\n", job->question);
    job_free(job);
}

/* ---- the system call ----------------------------------------------------- */

static void ask_check(lua_State *L)
{
    (void)luaL_checkstring(L, 1);
    luaL_argcheck(L, luaL_checknumber(L, 2) >= 0, 2, "seconds from now");
    lua_settop(L, 2);
}

/* Starts the thread. The completion comes first: without it there would be
 * nobody to tell. */
static int ask_begin(lua_State *L, ml_call *call)
{
    struct job *job = job_new(lua_tostring(L, ml_call_arg(call, 1)),
                              lua_tonumber(L, ml_call_arg(call, 2)));
    if (job == NULL) {
        return -ENOMEM;
    }
    job->completion = ml_call_later(call, job, job_release);
    if (job->completion == NULL) {
        job_free(job);
        return -ENOMEM;
    }
    if (pthread_create(&job->thread, NULL, think, job) != 0) {
        abort(); /* a host that goes on has more to say here */
    }
    return ML_WAIT;
}

static int ask_attempt(lua_State *L, ml_call *call)
{
    if (ml_call_first(call)) {
        return ask_begin(L, call);
    }
    if (!ml_call_completed(call)) {
        return ML_WAIT;
    }
    const struct job *job = (const struct job *)ml_call_data(call);
    lua_pushinteger(L, job->answer);
    return 1;
}

/* Must not free the job, which the thread still uses: job_release does. */
static void ask_withdraw(ml_call *call)
{
    struct job *job = (struct job *)ml_call_data(call);
    if (job == NULL) {
        return; /* there was no memory for it */
    }
    (void)printf("host: withdrawn (%s)\n", job->question);
    (void)pthread_mutex_lock(&job->lock);
    job->withdrawn = true;
    (void)pthread_cond_signal(&job->change);
    (void)pthread_mutex_unlock(&job->lock);
}

/* For reports of tasks that wait: "ask (life)". */
static void ask_describe(const ml_call *call, char *text, size_t size)
{
    const struct job *job = (const struct job *)ml_call_data(call);
    (void)snprintf(text, size, "(%s)", job->question);
}

static const ml_syscall ask = {.size = sizeof ask,
                               .name = "ask",
                               .check = ask_check,
                               .attempt = ask_attempt,
                               .withdraw = ask_withdraw,
                               .describe = ask_describe};

/* ---- the host ------------------------------------------------------------ */

/* To be called by Lua, for it may raise. */
static int add_calls(lua_State *L)
{
    if (ml_syscall_add(L, &ask) != 0) {
        return luaL_error(L, "there is a syscall.ask already");
    }
    return 0;
}

static int run(ml_loop *loop)
{
    lua_State *L = ml_state(loop);
    lua_pushcfunction(L, add_calls);
    if (lua_pcall(L, 0, 0, 0) != LUA_OK) {
        (void)fprintf(stderr, "host: %s\n", lua_tostring(L, -1));
        return -EINVAL;
    }
    int err = ml_spawn_string(loop, script, "=script", NULL);
    return err != 0 ? err : ml_run(loop, ML_RUN_DEFAULT);
}

int main(void)
{
    ml_options options = {.size = sizeof options};
    ml_loop *loop = NULL;
    options.flags = ML_SYSCALL_GLOBAL | ML_REPORT;
    int err = ml_open(&loop, &options);
    if (err == 0) {
        err = run(loop);
    }
    (void)ml_close(loop); /* it cannot be busy */
    (void)printf("host: %s\n", err == 0 ? "done" : ml_strerror(err));
    return err == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
