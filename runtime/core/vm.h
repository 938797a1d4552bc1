/* vm.h - what the runtime keeps for one Lua state: who runs, and the coroutines.
 *
 * There is one `struct ml_vm` for each global Lua state that the runtime was
 * opened on. It is a userdata in the registry, so it lives exactly as long as
 * the state. Every C function of the runtime has it as its first upvalue: so
 * "am I inside a task, and in which" costs two loads and no search. */
#ifndef ML_CORE_VM_H
#define ML_CORE_VM_H

#include "base/alloc.h"
#include "base/cap.h"
#include "base/list.h"
#include "core/collector.h"

#include <lauxlib.h>
#include <lua.h>
#include <stdbool.h>
#include <stdint.h>

struct ml_loop;
struct ml_task;

/* A coroutine that tasks run in, anchored in vm->threads at `slot`. */
struct ml_shell {
    lua_State *co;
    int slot;
};

/* The identity of a metatable, found by the address of its name: to look for
 * the name itself, a string of Lua would have to be made of it each time. */
struct ml_type {
    const char *name;
    const void *metatable;
};

enum {
    ML_TYPES =
        64 /* a power of 2; what falls into one place takes turns there */
};

struct ml_vm {
    /* The coroutine whose Lua code runs now and that may suspend; NULL outside
     * of tasks, and where it could not suspend all the way out. */
    lua_State *active;
    struct ml_task *task; /* the running task, NULL outside */
    /* The coroutine that runs, suspendable or not; NULL outside of all. For
     * signal handlers, which may set a hook on it: so it never names one that
     * could be collected. */
    lua_State *volatile running;
    volatile unsigned turns; /* counts the steps of tasks, for the same */
    struct ml_loop *loop;    /* the loop that runs, NULL when none does */
    lua_State *main;         /* the state's main thread */
    struct ml_alloc alloc;
    struct ml_collector collector;
    struct ml_list loops;       /* all open loops of this state */
    struct ml_list descriptors; /* the open ones of our objects */
    /* Closes what is kept by a task that ends (task->keeps). Must not use
     * Lua. */
    void (*let_go)(struct ml_vm *vm, const struct ml_task *task);
    uint32_t serial; /* counts the loops opened on this state */
    int threads;     /* registry reference: slot -> coroutine */
    int handles;     /* registry reference: slot -> handle, weak values */
    int handle_type; /* registry reference: the metatable of handles */
    int pins;        /* registry reference: slot -> handle with a name */
    int lasts;       /* registry reference: slot -> last error it was given */
    int blames;      /* registry reference: slot -> what its group raised */
    int locals;      /* registry reference: slot -> table of locals */
    int deaths;      /* registry reference: coroutine -> traceback of the error
                     that ended it, weak keys; see core/frame.h */
    int traces;      /* registry reference: slot -> an error, its traceback */
    int handler;     /* registry reference: the tasks' message handler */
    int message;     /* registry reference: the same of their coroutines */
    int syscalls;    /* registry reference: the table `syscall` */
    /* The first request that was made, until any is yielded: a script that ends
     * so has taken requests for calls. */
    struct {
        const char *name; /* NULL: none was made, or one was yielded */
        bool yielded;
        int line;
        char source[LUA_IDSIZE];
    } idle;
    bool used;    /* a script has made use of the runtime */
    bool warned;  /* it was told that a finalizer cannot block */
    bool globals; /* the runtime's `coroutine` and `require` are installed */
    int reserve;  /* stack slots that each coroutine gets beyond its need */
    int closing;  /* depth of coroutine.close inside itself */
    int nthreads; /* entries of the table `threads` */
    int peak;     /* the most there were since the tables were made */
    struct ml_type types[ML_TYPES];
    struct ml_cap *cap; /* of the state's memory; NULL: there is none */
    int nspares;
    struct ml_task *spares; /* tasks that have ended, see core/spare.h */
};

/* The vm of L's state, made on first use. May raise a memory error. */
struct ml_vm *ml_vm_open(lua_State *L);

/* The vm of L's state, or NULL where the runtime was never opened. */
struct ml_vm *ml_vm_get(lua_State *L);

/* The vm of the running C function, from its first upvalue. */
static inline struct ml_vm *ml_vm_upvalue(lua_State *L)
{
    return (struct ml_vm *)lua_touserdata(L, lua_upvalueindex(1));
}

/* Pushes `fn` as a closure whose first upvalue is the vm and whose others are
 * the `n` values on top of the stack, which it takes off. */
void ml_vm_pushclosure(lua_State *L, struct ml_vm *vm, lua_CFunction fn, int n);

/* Sets `fns` (name, function) in the table on top, each with the vm as its
 * upvalue. */
void ml_vm_setfuncs(lua_State *L, struct ml_vm *vm, const luaL_Reg *fns);

/* Sets the slot of one of the vm's tables (a registry reference) to the value on
 * top, which it takes off. Cannot fail for a value of nil. */
void ml_vm_setslot(lua_State *L, int table, int slot);

/* The userdata at `index` if it has the metatable of that name, else NULL, as
 * luaL_testudata, but quick. `name` must be a constant of the program. Needs a
 * slot of the stack; may raise a memory error. */
void *ml_vm_testudata(lua_State *L, struct ml_vm *vm, int index,
                      const char *name);

/* Makes a coroutine for a task. May raise a memory error, and loses nothing
 * then. */
struct ml_shell ml_vm_coroutine(lua_State *L, struct ml_vm *vm);

/* Leaves a coroutine that has ended to the collector. Raises nothing. */
void ml_vm_release(lua_State *L, struct ml_vm *vm, struct ml_shell shell);

/* Looks after memory. A table of Lua never gets smaller by itself: when most of
 * very many tasks are gone, makes those that have an entry for each anew. To be
 * called between the steps of tasks, on a stack with LUA_MINSTACK free slots;
 * raises nothing. */
void ml_vm_trim(lua_State *L, struct ml_vm *vm);

/* True if L is the running coroutine of a task and may suspend here. */
static inline bool ml_vm_suspendable(lua_State *L, const struct ml_vm *vm)
{
    return vm->active == L && lua_isyieldable(L);
}

/* True if a finalizer runs, L being what it is inside of. The collector calls
 * one wherever memory is taken, in the midst of a C function of ours too: so
 * what a finalizer asks for must not free what such a function may be at work
 * on. */
bool ml_vm_finalizing(lua_State *L);

/* What lua_getinfo tells by `what` of the function that is so many levels up in
 * L. False, and nothing is told, if there is none. */
bool ml_vm_frame(lua_State *L, int level, const char *what, lua_Debug *ar);

/* Raises the error for a blocking call made where nothing can suspend; it
 * names the call and the reason. Reports the first one in a finalizer, whose
 * errors Lua hides. Never returns. */
int ml_vm_misplaced(lua_State *L, struct ml_vm *vm, const char *call);

/* The same, not at the line of who called the running C function (level 1), but
 * of a caller further out. */
int ml_vm_misplaced_at(lua_State *L, struct ml_vm *vm, const char *call,
                       int level);

#endif
