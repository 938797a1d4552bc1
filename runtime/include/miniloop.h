/* miniloop.h - embed the miniloop runtime in a C program.
 *
 * A loop runs tasks; a task is a Lua coroutine. Any number of loops may live
 * in a process, each on a Lua state of its own or on one that the host brings;
 * there is no global state. The library installs no signal handler, starts no
 * thread and writes no output unless it is asked to.
 *
 * Errors. A function that returns int gives 0 or a positive answer when all
 * went well and -errno when not. No function raises a Lua error unless its
 * comment says so; those that do are for C functions that Lua calls, or for
 * lua_pcall. What the library calls back (a posted function, on_failure,
 * withdraw, describe, release, work) must not raise any: there is nobody to
 * catch it. A check and an attempt may.
 *
 * Threads. A loop and its Lua state belong to one thread at a time, the loop's
 * thread below. From other threads call only ml_post, ml_hold, ml_release,
 * ml_wake, ml_stop and ml_complete; the host must see to it that the loop is
 * still open when they are called (ml_complete alone may come later). None is
 * for signal handlers.
 *
 * Processes. After fork() the loops are the parent's: they share its pollers and
 * its descriptors with the child, which must neither run nor close them. It may
 * open others.
 *
 * Ownership. A loop is freed by ml_close, and before a state that the host
 * brought is closed. Strings that are given to the library are copied or used
 * up before it returns; an ml_syscall is not, and must outlive the state.
 *
 * Times are seconds, as in Lua: HUGE_VAL is for ever; what is negative, or no
 * number, counts as 0. */
#ifndef MINILOOP_H
#define MINILOOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" { /* Lua's functions, too: its own header does not say so */
#endif

#include <lua.h>

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
    int64_t task;          /* the task's id */
    const char *name;      /* the task's name, if it was given one */
    const char *message;   /* the error value as text */
    const char *traceback; /* where the error was raised */
    const char *spawned;   /* where the task was spawned, a line a generation */
    const char *kind;      /* "failed", "deadlock", "close" (an error in a
                              to-be-closed variable of a task that was killed),
                              "killed" (no memory was there to cancel it),
                              "finalizer" (a blocking call in one, which cannot
                              be), "task" (none: the command lists tasks) */
    const char *waiting;   /* deadlock, task: what the task waits for */
} ml_failure;

/* Flags of ml_options. */
enum {
    ML_FOREVER = 1, /* the loop stays when no task is left; no deadlock */
    /* The clock jumps to the next deadline where a run would wait for it, and so
     * never under ML_RUN_NOWAIT. */
    ML_VIRTUAL_TIME = 2,
    /* Leave the state's `coroutine` and `require` alone. Then tasks ask by
     * ml.perform(request), not by yielding it, and neither a coroutine that a
     * task makes nor a module that it loads can block. */
    ML_KEEP_GLOBALS = 4,
    /* The loop may install signal handlers, for scripts that ask for them. */
    ML_SIGNALS = 8,
    ML_REPORT = 16, /* write failures to standard error, without on_failure */
    ML_SYSCALL_GLOBAL = 32, /* set the global `syscall` */
    ML_SCRIPT = 64 /* task 1 is the script: its death ends the others */
};

/* How a loop is made. Set `size` to sizeof(ml_options) and the rest to zero
 * where the default will do. A host and a library of different releases work
 * together: what the host's struct lacks is zero, and what the library does
 * not know must be. */
typedef struct ml_options {
    size_t size;
    /* The host's state; NULL: the loop opens one of its own, with Lua's
     * standard libraries. */
    lua_State *state;
    /* The allocator of a state of the loop's own; NULL: the C library's. */
    lua_Alloc alloc;
    void *alloc_ud;
    /* Bytes that a state of the loop's own may hold, what the runtime keeps in
     * it among them; 0: no limit. To ask for more, when nothing more is to be
     * collected, is a Lua memory error, which belongs to the task that asks. Of
     * the limit a sixteenth (64 KiB to 1 MiB) is kept back for clean-up and
     * reports. -ENOMEM from ml_open: the runtime itself does not fit. */
    size_t memory_limit;
    const char *poller; /* "auto" (NULL), "select", "epoll", ... */
    unsigned flags;     /* ML_... ORed */
    uint64_t seed;      /* for the simulated poller */
    double grace;       /* seconds that cancelled tasks get; 0: 5 seconds */
    /* Called with each failure that nobody took, on the loop's thread, by
     * ml_run or ml_close, neither of which it may call itself. It may spawn,
     * kill and cancel tasks; of a deadlock and while the loop is closed, what it
     * spawns is killed with the others. NULL: failures are silent, unless
     * ML_REPORT is set. */
    void (*on_failure)(ml_loop *loop, const ml_failure *failure, void *ud);
    void *ud; /* for on_failure, and ml_userdata */
} ml_options;

/* Opens a loop into *out, NULL if it fails. Without options (NULL) all are
 * default. The host's state may hold any number of loops, of which one runs at
 * a time. On it, `require "miniloop"` and the modules below it are made
 * available, and the runtime's `coroutine` and `require` are installed unless
 * ML_KEEP_GLOBALS is set; outside of tasks they behave as those of Lua. (Lua's
 * `os.exit` stays: it ends the process without closing the tasks.)
 * 0; -EINVAL (unknown poller, unknown flag, `size` that cannot be, an allocator
 * or a limit together with a state; or a metamethod of the state's globals
 * raised an error), -E2BIG (options that this library does not
 * know), -ENOMEM, or what the poller says (-EMFILE, ...). */
ML_API int ml_open(ml_loop **out, const ml_options *options);

/* Closes a loop: kills its tasks, youngest first, whose to-be-closed variables
 * run; reports what nobody took; hands back what was posted and releases what
 * calls hold; then frees what it made. A state of its own is closed last: its
 * finalizers run when there is no loop any more. One that the host brought
 * stays. Call it from the loop's thread.
 * 0, also for NULL; -EBUSY if the loop is running or being closed (or if a
 * finalizer asks in the midst of a function that spawns or cancels), if one of
 * its tasks is being killed (a handler of that calls this), or if its own state
 * carries other loops: close those first; -ENOMEM if the host left no room on
 * the stack of ml_state, and there is no memory for more: take something off. */
ML_API int ml_close(ml_loop *loop);

/* The main thread of the Lua state that the loop works on. Between calls of
 * ml_run it is the host's to use, as any Lua state: what may raise, under
 * lua_pcall. */
ML_API lua_State *ml_state(ml_loop *loop);

/* The host's pointer `ud` of the options. */
ML_API void *ml_userdata(ml_loop *loop);

/* The loop whose task runs on L's state at this moment, and the task's id in
 * *id unless id is NULL: for C functions that scripts call. Outside of tasks
 * the id is 0, and the loop the one that runs (inside of a posted function,
 * say), or NULL. */
ML_API ml_loop *ml_current(lua_State *L, int64_t *id);

/* Spawns a task from the function and its `nargs` arguments on top of L, which
 * it takes off in any case; L is the loop's state or any coroutine of it. The
 * task's id goes to *id unless id is NULL. It runs when the loop does, behind
 * the tasks that are ready.
 * 0; -EINVAL (what is there cannot be called), -ENOMEM. */
ML_API int ml_spawn(ml_loop *loop, lua_State *L, int nargs, int64_t *id);

/* Spawns a task that runs the C function `fn` with the light userdata `ud` as
 * its argument; it may block as any C function in a task may, by ml_perform.
 * `ud` stays the caller's. 0; -ENOMEM. */
ML_API int ml_spawn_c(ml_loop *loop, lua_CFunction fn, void *ud, int64_t *id);

/* Loads the chunk `source` (text only) and spawns a task that runs it. Messages
 * name it by `chunkname` as those of Lua do ("=name", "@file", or the source
 * itself); NULL is "?".
 * 0; -EINVAL if it does not compile: the message is then on top of ml_state's
 * stack, for the caller to pop; -ENOMEM. */
ML_API int ml_spawn_string(ml_loop *loop, const char *source,
                           const char *chunkname, int64_t *id);

/* Loads the file `path` (text only; NULL: standard input) and spawns a task
 * that runs it.
 * 0; -EINVAL if it does not compile, -ENOENT if it cannot be read, for whatever
 * reason: the message is then on top of ml_state's stack, for the caller to
 * pop; -ENOMEM. */
ML_API int ml_spawn_file(ml_loop *loop, const char *path, int64_t *id);

/* Kills the task `id`, which may be of any age: its wait is withdrawn and its
 * to-be-closed variables run before this returns. Of a task that is running,
 * from inside of which this is called, it is the end as soon as it gives way;
 * and what is asked for in the midst of another kill, or of the report of a
 * deadlock, comes right after that.
 * 0; -ESRCH (no living task has this id), -ENOMEM (as ml_close). */
ML_API int ml_kill(ml_loop *loop, int64_t id);

/* Cancels the task `id`: ECANCELED is raised where it waits, with the text
 * `reason` (may be NULL), when the loop runs next; one that has not run yet
 * ends at once. To cancel it again changes nothing.
 * 0; -ESRCH (no living task has this id), -ENOMEM. */
ML_API int ml_cancel(ml_loop *loop, int64_t id, const char *reason);

/* The number of tasks that are alive. */
ML_API size_t ml_tasks(const ml_loop *loop);

/* How long ml_run stays. A round runs the tasks that are ready, once each, then
 * looks at descriptors, timers and posts, and makes those ready that these
 * wake. */
enum {
    ML_RUN_DEFAULT = 0, /* until no task is left, or for ever (ML_FOREVER) */
    ML_RUN_ONCE = 1,    /* one round; waits for something to happen, unless
                           tasks are ready again */
    ML_RUN_NOWAIT = 2   /* one round; never waits */
};

/* Runs the loop.
 * 0 when no task is left, nothing is posted and nobody holds the loop; 1 when
 * it is to be run again (after one round, or after ml_stop);
 * -EDEADLK when nothing could ever wake the tasks that remained: they were
 * reported and killed; -ECHILD, in the place of 0, when tasks have died since
 * the loop was opened of errors that nobody took; -EBUSY from inside of the
 * loop itself, of its closing, or of another one on the same state, and for a
 * finalizer that asks in the midst of a function that spawns or cancels; -EINVAL
 * (unknown mode), -ENOMEM, or the poller's error: then the loop is as it was,
 * and may be run again. */
ML_API int ml_run(ml_loop *loop, int mode);

/* Makes the run in progress return after its round, or the next one, if none
 * is; the tasks stay. Any thread. */
ML_API void ml_stop(ml_loop *loop);

/* A descriptor that becomes readable when ml_run(loop, ML_RUN_NOWAIT) has
 * something to do, other than a deadline; for the host's own poll(). It is the
 * loop's: do not read or close it, and ask for it before each wait, for the
 * loop may come to use another one. Under "auto" the loop moves to its scalable
 * poller at once. -ENOTSUP (select() and pollers like it), or why the poller
 * could not be had (-EMFILE, -ENOMEM, ...). */
ML_API int ml_pollfd(ml_loop *loop);

/* Seconds until the loop has something to do by itself: 0 if tasks are ready
 * or something is posted, HUGE_VAL if only a descriptor, a post or a completion
 * can wake it (or nothing: what ml_run returned tells). */
ML_API double ml_timeout(ml_loop *loop);

/* To be called before the host closes a descriptor that tasks may wait for:
 * what waits for it fails with EBADF, and nothing of it reaches another
 * descriptor that takes its number. Harmless for one that nobody waits for. */
ML_API void ml_forget(ml_loop *loop, int fd);

/* Has `fn(loop, ud)` called once on the loop's thread, between tasks, in the
 * order of posting; ml_run does not end before. `fn` may do all that a host may
 * outside of the loop but run or close it. Any thread. 0; -ENOMEM. What is
 * still waiting when the loop is closed is called then, with `loop` NULL, to
 * free what `ud` holds. */
ML_API int ml_post(ml_loop *loop, void (*fn)(ml_loop *loop, void *ud),
                   void *ud);

/* Holds the loop open: while holds outnumber releases, ml_run does not end for
 * want of tasks, and nothing is a deadlock. Any thread. */
ML_API void ml_hold(ml_loop *loop);

/* Takes one hold back. Any thread. */
ML_API void ml_release(ml_loop *loop);

/* Ends the wait in progress, or the next one, at once. Any thread. */
ML_API void ml_wake(ml_loop *loop);

/* ---- System calls of the host's own ------------------------------------ */

/* What ml_syscall.attempt returns for "not now": the task waits for what the
 * call declared, and then attempt is called again. */
#define ML_WAIT (-0x7fff)

/* Flags of ml_syscall: the call never returns ML_WAIT, so it is allowed where
 * Lua cannot suspend, and is no point at which a cancellation is raised. What it
 * gives to ml_call_later or ml_call_offload goes on without it, and is released
 * when it came. */
enum {
    ML_SYSCALL_INSTANT = 1
};

/* Directions of ml_call_wait_fd. */
enum {
    ML_READ = 1,
    ML_WRITE = 2
};

/* A system call is one C function that either finishes, fails, or says what
 * to wait for. All of them run on the loop's thread. */
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
     * ML_WAIT, and is called again when any of that came, to declare anew,
     * with whatever it left on the stack still there (in a choice, others may
     * have left theirs above it: note where it is). Wakes may be spurious: look,
     * do not believe. May raise Lua errors: they belong to the task. */
    int (*attempt)(lua_State *L, ml_call *call);
    /* The call ends without answers: its task was killed or cancelled, the time
     * was up, another one of a choice was first, attempt gave -errno or raised
     * an error. Called once; not for a call that was never attempted, and not
     * after answers (those of ml_fail among them), when attempt itself is to
     * see to it. Free what the call holds, except data that have a `release`.
     * Must not use Lua. NULL: nothing to free. */
    void (*withdraw)(ml_call *call);
    /* Writes what the call waits for, at most `size` bytes with the final zero,
     * for reports ("a reply of the database"), without its name. NULL: the
     * name says it. */
    void (*describe)(const ml_call *call, char *text, size_t size);
    /* ML_SYSCALL_... ORed. */
    unsigned flags;
} ml_syscall;

/* Adds `def` as syscall.NAME for all loops of L's state, before or after they
 * are opened; def must outlive the state. May raise a memory error: call it
 * from a C function that Lua called, or under lua_pcall.
 * 0; -EINVAL (no name or attempt, wrong size), -EEXIST (the name is taken). */
ML_API int ml_syscall_add(lua_State *L, const ml_syscall *def);

/* Pushes a Lua function that makes the system call at once, as ml.sleep does
 * for syscall.sleep; def need not have been added, and must outlive the state.
 * May raise a memory error. */
ML_API void ml_syscall_push(lua_State *L, const ml_syscall *def);

/* Makes the system call from a Lua C function that runs in a task:
 * `return ml_perform(L, &def)`, with the arguments as the function's whole
 * stack, and nothing after it, for a task that waits leaves the C function
 * behind. The answers become the function's results. Raises what the call
 * raises, and "not inside a task". */
ML_API int ml_perform(lua_State *L, const ml_syscall *def);

/* The loop that the call runs on. */
ML_API ml_loop *ml_call_loop(const ml_call *call);

/* The stack index of the n-th argument, from 1. */
ML_API int ml_call_arg(const ml_call *call, int n);

/* The number of arguments. */
ML_API int ml_call_nargs(const ml_call *call);

/* A pointer that the call keeps from one attempt to the next, and that withdraw
 * still sees; NULL at first. */
ML_API void *ml_call_data(const ml_call *call);
ML_API void ml_call_setdata(ml_call *call, void *data);

/* True in the first attempt. */
ML_API bool ml_call_first(const ml_call *call);

/* Bounds the call, all its waits together: `seconds` after now it fails with
 * ETIMEDOUT, if the attempt made then still says ML_WAIT. A time of 0 tries
 * once. */
ML_API void ml_call_settimeout(ml_call *call, double seconds);

/* Declares, for this wait, that the descriptor becoming ready wakes the call.
 * `events` is ML_READ, ML_WRITE, or both. The descriptor stays the host's; it
 * must be announced by ml_forget before it is closed. One that the poller then
 * refuses to watch (epoll: a regular file) fails the call with its error.
 * 0; -EBADF (negative, or higher than any that is open), -EINVAL (no such
 * event, or the call is instant), -ENOMEM. */
ML_API int ml_call_wait_fd(ml_call *call, int fd, int events);

/* Declares, for this wait, that the call is tried again after `seconds`. */
ML_API void ml_call_wait_time(ml_call *call, double seconds);

/* Declares that another thread, or this one later, completes the call: gives
 * what to pass to ml_complete, exactly once (sooner or later: a few bytes are
 * held until then) and from any thread. Unlike other declarations it lasts
 * until it came; a second one takes the place of the first, as if that had
 * been withdrawn.
 * `data` is the call's from now on (ml_call_data), and `release(data)`, unless
 * it is NULL, is called exactly once, on the loop's thread, when both sides are
 * through with it: after the completion came and the call ended or was
 * withdrawn; at the latest when the loop is closed. A thread that may come
 * later than that must not touch the data without the host's own precautions.
 * NULL if there is no memory: `data` is still the caller's. */
ML_API ml_completion *ml_call_later(ml_call *call, void *data,
                                    void (*release)(void *data));

/* True once the completion of ml_call_later, or the work of ml_call_offload,
 * came; from then on the call alone uses the data. */
ML_API bool ml_call_completed(const ml_call *call);

/* Completes a call. Any thread, also after the loop was closed. To complete one
 * that was withdrawn does nothing but let its data be released. */
ML_API void ml_complete(ml_completion *completion);

/* Has `work(data)` run on a worker thread of the loop's pool, and the call
 * completed when it returns; `data` and `release` as for ml_call_later, but if
 * the loop is closed while `work` runs, `release` is called when it returns, on
 * the worker's thread. `work` must not touch Lua or the loop. 0; -ENOMEM,
 * -EAGAIN (no thread to be had). */
ML_API int ml_call_offload(ml_call *call, void (*work)(void *data), void *data,
                           void (*release)(void *data));

/* Pushes `nil, err` and returns 2: an answer for the world's refusals that
 * carries more than a code; `code` is a positive errno, `op` the call's name,
 * `address` and `reason` may be NULL. For any C function that Lua calls. May
 * raise a memory error. */
ML_API int ml_fail(lua_State *L, int code, const char *op, const char *address,
                   const char *reason);

/* ---- As a Lua module, and about the library ---------------------------- */

/* Opens the runtime on L and pushes the module table, with ml.run to run a loop
 * from Lua: what `require "miniloop"` calls. It needs Lua's base, package, string
 * and table libraries. May raise a memory error. */
ML_API int luaopen_miniloop(lua_State *L);

/* What an error code means, in a few words: one that a function here gave, or
 * any errno, with its sign or without. A constant. Any thread. */
ML_API const char *ml_strerror(int err);

/* The version of the library, "MAJOR.MINOR.PATCH". */
ML_API const char *ml_version(void);

/* The Lua it was built with and why, one line. */
ML_API const char *ml_lua_origin(void);

#ifdef __cplusplus
}
#endif

#endif
