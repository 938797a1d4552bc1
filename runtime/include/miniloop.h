/* miniloop.h - embed the miniloop runtime in a C program.
 *
 * A loop runs tasks; a task is a Lua coroutine. Any number of loops may live
 * in a process, each on a Lua state of its own or on one that the host brings;
 * there is no global state. The library installs no signal handler, starts no
 * thread and writes no output unless it is asked to.
 *
 * Errors. A function that returns int gives 0 or a positive answer when all
 * went well and -errno when not. No function raises a Lua error unless its
 * comment says so, and none may be called from a Lua C function that expects
 * to be left by a longjmp across it.
 *
 * Threads. A loop belongs to the thread that runs it. From other threads call
 * only ml_post, ml_hold, ml_release, ml_wake, ml_stop and ml_complete; the
 * host must see to it that the loop is still open when they are called
 * (ml_complete alone may come later).
 *
 * Times are seconds, as in Lua: HUGE_VAL is for ever, negative counts as 0. */
#ifndef MINILOOP_H
#define MINILOOP_H

#include <lua.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#    define ML_API __attribute__((visibility("default")))
#else
#    define ML_API
#endif

/* A loop with its tasks. */
typedef struct ml_loop ml_loop;

/* One system call in flight: see ml_syscall. */
typedef struct ml_call ml_call;

/* What another thread completes: see ml_call_later. */
typedef struct ml_completion ml_completion;

/* Why a task failed: see ml_options.on_failure. The strings live until the
 * callback returns; those that do not apply are NULL. */
typedef struct ml_failure {
    int64_t task;          /* the task's id; 0 for the loop itself */
    const char *name;      /* the task's name, if it was given one */
    const char *message;   /* the error value as text */
    const char *traceback; /* where the error was raised */
    const char *spawned;   /* where the task was spawned, a line a generation */
    const char *kind;      /* "failed", "deadlock", or "close" (an error in a
                              to-be-closed variable of a task that was killed) */
    const char *waiting;   /* deadlock: what the task waits for */
} ml_failure;

/* Flags of ml_options. */
enum {
    ML_FOREVER = 1,       /* the loop stays when no task is left; no deadlock */
    ML_VIRTUAL_TIME = 2,  /* the clock jumps to the next deadline when idle */
    ML_KEEP_GLOBALS = 4,  /* leave the state's coroutine, require and os alone;
                             `require "miniloop"` still works */
    ML_SIGNALS = 8,       /* the loop may install signal handlers, for scripts
                             that ask to catch signals */
    ML_REPORT = 16,       /* write failures to standard error if on_failure is
                             not given */
    ML_SYSCALL_GLOBAL = 32, /* set the global `syscall` */
    ML_SCRIPT = 64        /* task 1 is the script: its death ends the others */
};

/* How a loop is made. Set `size` to sizeof(ml_options) and the rest to zero
 * where the default will do. */
typedef struct ml_options {
    size_t size;
    lua_State *state;    /* the host's state; NULL: the loop opens its own, with
                            Lua's standard libraries */
    lua_Alloc alloc;     /* allocator for a state of the loop's own; NULL: the
                            C library's */
    void *alloc_ud;
    size_t memory_limit; /* bytes that a state of the loop's own may hold, 0: no
                            limit; reaching it is a Lua memory error */
    const char *poller;  /* "auto" (NULL), "select", "epoll", ... */
    unsigned flags;      /* ML_... ORed */
    uint64_t seed;       /* for the simulated poller */
    double grace;        /* seconds that cancelled tasks get; 0: 5 seconds */
    void (*on_failure)(ml_loop *loop, const ml_failure *failure, void *ud);
    void *ud; /* for on_failure */
} ml_options;

/* Opens a loop into *out.
 * 0; -EINVAL (unknown poller, wrong size), -ENOMEM, or what the poller says
 * (-EMFILE, ...). On the host's state, `require "miniloop"` and the modules
 * below it are made available, and the runtime's `coroutine`, `require` and
 * `os.exit` are installed unless ML_KEEP_GLOBALS is set; outside of tasks they
 * behave as those of Lua. */
ML_API int ml_open(ml_loop **out, const ml_options *options);

/* Closes a loop: kills its tasks, youngest first, then frees what it made. A
 * state of its own is closed, one that the host brought stays. Call it from
 * the loop's thread. -EBUSY if the loop is running; NULL is harmless. */
ML_API int ml_close(ml_loop *loop);

/* The main thread of the Lua state that the loop works on. */
ML_API lua_State *ml_state(ml_loop *loop);

/* The host's pointer `ud` of the options. */
ML_API void *ml_userdata(ml_loop *loop);

/* Spawns a task from the function and its `nargs` arguments on top of L, which
 * it takes off; L is the loop's state or any coroutine of it. The task's id
 * goes to *id unless id is NULL. It runs when the loop does.
 * 0; -EINVAL (what is there cannot be called), -ENOMEM. */
ML_API int ml_spawn(ml_loop *loop, lua_State *L, int nargs, int64_t *id);

/* Spawns a task that runs the C function `fn` with the light userdata `ud` as
 * its argument; it may yield as any Lua C function may, by ml_perform.
 * 0; -ENOMEM. */
ML_API int ml_spawn_c(ml_loop *loop, lua_CFunction fn, void *ud, int64_t *id);

/* Loads the chunk `source` (text only) and spawns a task that runs it.
 * 0; -EINVAL if it does not compile: the message is then on top of ml_state's
 * stack; -ENOMEM. */
ML_API int ml_spawn_string(ml_loop *loop, const char *source,
                           const char *chunkname, int64_t *id);

/* Loads the file `path` (text only) and spawns a task that runs it.
 * 0; -EINVAL if it does not compile, -ENOENT if it cannot be read: the message
 * is then on top of ml_state's stack; -ENOMEM. */
ML_API int ml_spawn_file(ml_loop *loop, const char *path, int64_t *id);

/* Kills, or cancels, the task `id` from outside of any task. 0; -ESRCH. */
ML_API int ml_kill(ml_loop *loop, int64_t id);
ML_API int ml_cancel(ml_loop *loop, int64_t id, const char *reason);

/* The number of tasks that are alive. */
ML_API size_t ml_tasks(const ml_loop *loop);

/* How long ml_run stays. */
enum {
    ML_RUN_DEFAULT = 0, /* until no task is left, or for ever (ML_FOREVER) */
    ML_RUN_ONCE = 1,    /* one round; waits for something to happen */
    ML_RUN_NOWAIT = 2   /* one round; never waits */
};

/* Runs the loop. Gives 0 when no task is left, 1 when some are (after one
 * round, or after ml_stop);
 * -EBUSY from inside of the loop itself or of another one on the same state,
 * -EDEADLK when nothing could ever wake the tasks that remained: they were
 * reported and killed; -ECHILD when tasks died of errors that nobody took;
 * or the poller's error. */
ML_API int ml_run(ml_loop *loop, int mode);

/* Makes ml_run return after the round in progress. Any thread. */
ML_API void ml_stop(ml_loop *loop);

/* A descriptor that becomes readable when ml_run(loop, ML_RUN_NOWAIT) has
 * something to do, other than a deadline; for the host's own poll(). Under
 * "auto" the loop moves to its scalable poller. -ENOTSUP under select(). */
ML_API int ml_pollfd(ml_loop *loop);

/* Seconds until the loop has something to do by itself: 0 if tasks are ready,
 * HUGE_VAL if only a descriptor, a post or a completion can wake it. */
ML_API double ml_timeout(ml_loop *loop);

/* Has `fn(loop, ud)` called on the loop's thread, in the order of posting,
 * outside of any task. Any thread. 0; -ENOMEM. What is still waiting when the
 * loop is closed is called then, with `loop` NULL, to free what `ud` holds. */
ML_API int ml_post(ml_loop *loop, void (*fn)(ml_loop *loop, void *ud),
                   void *ud);

/* Holds the loop open: while holds outnumber releases, ml_run does not end for
 * want of tasks, and nothing is a deadlock. Any thread. */
ML_API void ml_hold(ml_loop *loop);
ML_API void ml_release(ml_loop *loop);

/* Ends the wait in progress, or the next one, at once. Any thread. */
ML_API void ml_wake(ml_loop *loop);

/* ---- System calls of the host's own ------------------------------------ */

/* What ml_syscall.attempt returns for "not now": the task waits for what the
 * call declared, and then attempt is called again. */
#define ML_WAIT (-0x7fff)

/* Flags of ml_syscall: the call never returns ML_WAIT, so it is allowed where
 * Lua cannot suspend, and is no point at which a cancellation is raised. */
enum { ML_SYSCALL_INSTANT = 1 };

/* Directions of ml_call_wait_fd. */
enum { ML_READ = 1, ML_WRITE = 2 };

/* A system call is one C function that either finishes, fails, or says what
 * to wait for. */
typedef struct ml_syscall {
    size_t size;      /* sizeof(ml_syscall) */
    const char *name; /* as scripts see it: syscall.NAME */
    /* Checks the arguments, which are 1, 2, ... on L, and raises (luaL_check...,
     * luaL_argerror) if they are wrong; called where the request is made. May
     * fill in defaults. NULL: nothing to check. */
    void (*check)(lua_State *L);
    /* Tries to finish. The n-th argument is at index ml_call_arg(call, n).
     * Pushes the answers and returns their number; or returns -errno, which
     * the task gets as `nil, err`; or declares what to wait for and returns
     * ML_WAIT, and is called again when that came, with whatever it left on
     * the stack still there. Wakes may be spurious: look, do not believe.
     * May raise Lua errors: they belong to the task. */
    int (*attempt)(lua_State *L, ml_call *call);
    /* The call ends without answers: its task was killed or cancelled, the time
     * was up, attempt gave -errno or raised an error. Free what the call holds.
     * Must not use Lua. NULL: nothing to free. */
    void (*withdraw)(ml_call *call);
    /* Writes what the call waits for, for reports ("a reply of the database"),
     * without its name. NULL: the name says it. */
    void (*describe)(const ml_call *call, char *text, size_t size);
    /* ML_SYSCALL_... ORed. */
    unsigned flags;
} ml_syscall;

/* Adds `def` as syscall.NAME for all loops of L's state; def must outlive it.
 * May raise a memory error: call it in a protected environment. 0; -EINVAL
 * (no name or attempt, wrong size), -EEXIST. */
ML_API int ml_syscall_add(lua_State *L, const ml_syscall *def);

/* Pushes a Lua function that makes the system call at once, as ml.sleep does
 * for syscall.sleep. May raise a memory error. */
ML_API void ml_syscall_push(lua_State *L, const ml_syscall *def);

/* Makes the system call from a Lua C function that runs in a task:
 * `return ml_perform(L, &def)`, with the arguments as the function's whole
 * stack. The answers become the function's results. Raises what the call
 * raises, and "not inside a task". */
ML_API int ml_perform(lua_State *L, const ml_syscall *def);

/* The loop that the call runs on. */
ML_API ml_loop *ml_call_loop(const ml_call *call);

/* The stack index of the n-th argument, from 1. */
ML_API int ml_call_arg(const ml_call *call, int n);

/* The number of arguments. */
ML_API int ml_call_nargs(const ml_call *call);

/* A pointer that the call keeps from one attempt to the next; NULL at first. */
ML_API void *ml_call_data(const ml_call *call);
ML_API void ml_call_setdata(ml_call *call, void *data);

/* True in the first attempt. */
ML_API bool ml_call_first(const ml_call *call);

/* Bounds the call: `seconds` after now it fails with ETIMEDOUT, if the attempt
 * made then still says ML_WAIT. A time of 0 tries once. */
ML_API void ml_call_settimeout(ml_call *call, double seconds);

/* Declares, for this wait, that the descriptor becoming ready wakes the call.
 * `events` is ML_READ, ML_WRITE, or both. 0; -EBADF, -ENOMEM. */
ML_API int ml_call_wait_fd(ml_call *call, int fd, int events);

/* Declares, for this wait, that the call is tried again after `seconds`. */
ML_API void ml_call_wait_time(ml_call *call, double seconds);

/* Declares that another thread, or this one later, completes the call: gives
 * what to pass to ml_complete, exactly once and from any thread. `data` is the
 * call's from now on (ml_call_data), and `release(data)` is called exactly
 * once, on the loop's thread, when both sides are through with it: after the
 * completion came and the call ended or was withdrawn; at the latest when the
 * loop is closed. NULL if there is no memory: `data` is still the caller's. */
ML_API ml_completion *ml_call_later(ml_call *call, void *data,
                                    void (*release)(void *data));

/* True once the completion of ml_call_later came. */
ML_API bool ml_call_completed(const ml_call *call);

/* Completes a call. Any thread. To complete one that was withdrawn does
 * nothing but let its data be released. */
ML_API void ml_complete(ml_completion *completion);

/* Has `work(data)` run on a worker thread of the loop's pool, and the call
 * completed when it returns; `data` and `release` as for ml_call_later. `work`
 * must not touch Lua or the loop. 0; -ENOMEM, -EAGAIN (no thread to be had). */
ML_API int ml_call_offload(ml_call *call, void (*work)(void *data), void *data,
                           void (*release)(void *data));

/* Pushes `nil, err` and returns 2: an answer for the world's refusals that
 * carries more than a code; `code` is a positive errno, `op` the call's name,
 * `address` and `reason` may be NULL. May raise a memory error. */
ML_API int ml_fail(lua_State *L, int code, const char *op, const char *address,
                   const char *reason);

/* ---- As a Lua module --------------------------------------------------- */

/* Opens the runtime on L and pushes the module table: what
 * `require "miniloop"` calls. */
ML_API int luaopen_miniloop(lua_State *L);

/* The version of the library, "MAJOR.MINOR.PATCH". */
ML_API const char *ml_version(void);

/* The Lua it was built with and why, one line. */
ML_API const char *ml_lua_origin(void);

#ifdef __cplusplus
}
#endif

#endif
