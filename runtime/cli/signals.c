#include "cli/signals.h"

#include "api/report.h"
#include "core/failure.h"
#include "core/loop.h"
#include "core/mailbox.h"
#include "core/scope.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/time.h>
#include <unistd.h>

/* Once the run is to end, a timer looks after it this often (ns). A task that
 * has not given way between two looks computes. */
static const int64_t TICK = 40000000;

/* The process ends at so many looks after the grace time at the earliest: half
 * a second. They are counted, for a process that a busy machine has kept from
 * running shall have had its chance as well. */
enum {
    LAST_LOOKS = 12
};

/* What the timer can be set to at least (ns). */
static const int64_t LEAST_TIME = 1000;

enum {
    CAUGHT = 4
};

static const int caught[CAUGHT] = {SIGINT, SIGTERM, SIGQUIT, SIGALRM};

/* The run that the handlers are for. There is no other way for them to find it
 * than a global; only the command has one. All of it is the loop's thread's:
 * handlers that are called on others pass the signal on. */
static struct run {
    ml_loop *loop; /* NULL: none */
    pthread_t thread;
    struct sigaction before[CAUGHT];
    volatile sig_atomic_t cause; /* what ends the run: SIGINT, SIGTERM, or
                                    SIGALRM for the timeout; 0: nothing yet */
    volatile sig_atomic_t over;  /* looks since the end of the grace time */
    volatile sig_atomic_t asked; /* SIGQUIT: tasks are to be listed */
    bool told;                   /* the tasks were cancelled */
    bool timed;                  /* the timer is ours */
    int64_t since;               /* when `cause` came */
    unsigned turn;               /* of the loop, when last looked at */

    /* A script's own hook that a listing displaced, and where. */
    lua_State *hooked;
    lua_Hook hook;
    int mask, count;
} run;

/* ---- the task that runs -------------------------------------------------- */

static const char *reason(void)
{
    switch (run.cause) {
    case SIGINT:
        return "interrupted";
    case SIGTERM:
        return "terminated";
    default:
        return "timeout";
    }
}

static void on_interrupt(lua_State *L, lua_Debug *ar);

/* To be called on the loop's thread, also by a handler: as lua.c does, whose
 * authors vouch for lua_sethook there. */
static void interrupt(lua_State *L)
{
    lua_sethook(L, on_interrupt, LUA_MASKCOUNT, 1);
}

/* The grace time is over. Where Lua cannot suspend the task, it gets the error
 * at every instruction, until that has taken it to where it can. */
static void stop(lua_State *L, struct ml_task *task)
{
    if (!ml_task_halt(L, task)) {
        interrupt(L);
        (void)ml_scope_raise(L, &task->own->scope);
    }
}

/* Tells the task of its cancellation, unless it knows and has time left for
 * clean-up. A task that is closed after a kill is left alone. */
static void tell(lua_State *L, struct ml_task *task)
{
    if (task->state == ML_TASK_DYING) {
        return;
    }
    if (ml_task_cancel(task, L, LUA_NOREF, reason(), run.loop->grace) != 0) {
        (void)luaL_error(L, "%s", reason()); /* no memory for more */
    }
    struct ml_scope *scope = ml_scope_pending(task);
    if (run.over > 0) {
        stop(L, task);
    } else if (scope != NULL) {
        (void)ml_scope_raise(L, scope);
    }
}

/* Lua calls no hook in a finalizer, so none is broken off. */
static void on_interrupt(lua_State *L, lua_Debug *ar)
{
    (void)ar;
    lua_sethook(L, NULL, 0, 0);
    if (run.loop != NULL && run.cause != 0 && run.loop->vm->task != NULL) {
        tell(L, run.loop->vm->task);
    }
}

/* ---- the list of tasks --------------------------------------------------- */

static void list_tasks(lua_State *L)
{
    run.asked = 0;
    ml_list_each (item, &run.loop->live) {
        ml_failures_show(ml_container_of(item, struct ml_task, live), L);
    }
    if (run.loop->ntasks == 0) {
        ml_report_error("no task is left");
    }
}

/* Puts the script's own hook back, then lists: unless the loop was faster. */
static void on_list(lua_State *L, lua_Debug *ar)
{
    bool mine = L == run.hooked;
    (void)ar;
    lua_sethook(L, mine ? run.hook : NULL, mine ? run.mask : 0, run.count);
    run.hooked = NULL;
    if (run.loop != NULL && run.asked != 0) {
        list_tasks(L);
    }
}

static void list_from(lua_State *L)
{
    lua_Hook hook = lua_gethook(L);
    if (hook == on_list || hook == on_interrupt) {
        return; /* an interruption is the more important */
    }
    run.hooked = L;
    run.hook = hook;
    run.mask = lua_gethookmask(L);
    run.count = lua_gethookcount(L);
    lua_sethook(L, on_list, LUA_MASKCOUNT, 1);
}

/* ---- handlers ------------------------------------------------------------ */

/* Passes a signal on that came on a thread of a module's. */
static bool elsewhere(int sig)
{
    if (pthread_equal(pthread_self(), run.thread) != 0) {
        return false;
    }
    (void)pthread_kill(run.thread, sig);
    return true;
}

/* In real time, whatever the loop's clock shows. */
static int64_t now(void)
{
    struct ml_clock clock;
    ml_clock_real(&clock);
    return clock.now(&clock);
}

/* Sets the timer: 0 stops it. */
static void set_timer(int64_t first, int64_t then)
{
    run.timed = first > 0;
    struct itimerval timer = {
        .it_value = {.tv_sec = (time_t)(first / 1000000000),
                     .tv_usec = (suseconds_t)(first % 1000000000 / 1000)},
        .it_interval = {.tv_sec = (time_t)(then / 1000000000),
                        .tv_usec = (suseconds_t)(then % 1000000000 / 1000)}};
    (void)setitimer(ITIMER_REAL, &timer, NULL); /* cannot fail */
}

static void handle(int sig, void (*handler)(int), int flags)
{
    struct sigaction action = {.sa_handler = handler, .sa_flags = flags};
    (void)sigemptyset(&action.sa_mask);
    for (int i = 0; i < CAUGHT; i++) {
        (void)sigaddset(&action.sa_mask, caught[i]); /* one at a time */
    }
    (void)sigaction(sig, &action, NULL); /* fails for no signal of ours */
}

/* Ends the process from inside of a handler. */
static void end_now(int sig)
{
    if (sig == SIGALRM) {
        _exit(ML_SIGNALS_TIMEOUT);
    }
    handle(sig, SIG_DFL, 0);
    (void)raise(sig); /* it is blocked until the handler returns */
}

static void on_timer(int sig);

/* The run is to end. Blocking calls of the C library are broken off now, so
 * that their task is told; the timer breaks off none of those to come. */
static void begin_end(int cause)
{
    run.cause = cause;
    run.since = now();
    run.turn = run.loop->vm->turns;
    handle(SIGALRM, on_timer, SA_RESTART);
    set_timer(TICK, TICK);
    ml_mailbox_signal(run.loop->mailbox);
}

/* SIGINT, SIGTERM. */
static void on_end(int sig)
{
    int saved = errno;
    if (elsewhere(sig)) {
        return;
    }
    if (run.cause != 0) {
        end_now(sig);
    } else {
        begin_end(sig);
    }
    errno = saved;
}

static void tick(void)
{
    const struct ml_vm *vm = run.loop->vm;
    int64_t grace = run.loop->grace;
    int64_t spent = now() - run.since;
    run.over += spent >= grace;
    if (spent / 2 >= grace && run.over > LAST_LOOKS) {
        end_now(run.cause);
        return;
    }
    if (vm->running != NULL && (run.over > 0 || run.turn == vm->turns)) {
        interrupt(vm->running);
    }
    run.turn = vm->turns;
}

/* SIGALRM: of the timeout, later of the timer that looks after the end. */
static void on_timer(int sig)
{
    int saved = errno;
    if (elsewhere(sig)) {
        return;
    }
    if (run.cause != 0) {
        tick();
    } else {
        begin_end(sig);
    }
    errno = saved;
}

/* SIGQUIT. */
static void on_ask(int sig)
{
    int saved = errno;
    if (elsewhere(sig)) {
        return;
    }
    run.asked = 1;
    if (run.loop->vm->running != NULL) {
        list_from(run.loop->vm->running);
    }
    ml_mailbox_signal(run.loop->mailbox);
    errno = saved;
}

/* ---- the loop ------------------------------------------------------------ */

/* Called by the loop after a signal. */
static void attend(ml_loop *loop)
{
    if (run.asked != 0) {
        list_tasks(loop->L);
    }
    if (run.cause != 0 && !run.told) {
        run.told = true;
        ml_loop_cancel_all(loop, reason());
    }
}

static void limit_run(ml_loop *loop, int64_t limit)
{
    if (limit == ML_TIME_NEVER) {
        return;
    }
    if (loop->clock.advance != NULL) {
        ml_loop_limit(loop, limit);
        return;
    }
    handle(SIGALRM, on_timer, 0);
    set_timer(limit > LEAST_TIME ? limit : LEAST_TIME, 0);
}

static void catch_signal(int index, void (*handler)(int), int flags)
{
    if (run.before[index].sa_handler != SIG_IGN) {
        handle(caught[index], handler, flags);
    }
}

void ml_signals_start(ml_loop *loop, double timeout)
{
    run = (struct run){.loop = loop, .thread = pthread_self()};
    for (int i = 0; i < CAUGHT; i++) {
        (void)sigaction(caught[i], NULL, &run.before[i]);
    }
    ml_mailbox_attend(loop->mailbox, attend);
    catch_signal(0, on_end, 0);
    catch_signal(1, on_end, 0);
    catch_signal(2, on_ask, SA_RESTART);
    limit_run(loop, ml_time_from_seconds(timeout));
}

int ml_signals_stop(void)
{
    if (run.loop == NULL) {
        return 0;
    }
    if (run.timed) {
        set_timer(0, 0);
    }
    for (int i = 0; i < CAUGHT; i++) {
        (void)sigaction(caught[i], &run.before[i], NULL);
    }
    ml_mailbox_attend(run.loop->mailbox, NULL);
    bool limited = run.loop->limited;
    run.loop = NULL;
    return limited && run.cause == 0 ? SIGALRM : run.cause;
}

void ml_signals_die(int sig)
{
    sigset_t set;
    handle(sig, SIG_DFL, 0);
    (void)sigemptyset(&set);
    (void)sigaddset(&set, sig);
    (void)raise(sig);
    (void)pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}
