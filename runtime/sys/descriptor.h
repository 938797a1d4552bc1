/* descriptor.h - what scripts may give where a descriptor is asked for.
 *
 * An integer, an object of miniloop, a Lua file, or any value with a method
 * getfd, fileno or pollfd. The runtime's own objects begin with a struct
 * ml_descriptor and have the field "miniloop.descriptor" in their metatable. */
#ifndef ML_SYS_DESCRIPTOR_H
#define ML_SYS_DESCRIPTOR_H

#include "core/vm.h"

#include <lua.h>
#include <stdbool.h>
#include <stddef.h>

struct ml_descriptor {
    const char *type; /* the name of its metatable, by which C knows it; NULL
                         once it was collected */
    struct ml_vm *vm;
    struct ml_list link; /* in vm->descriptors, while it is open */
    int fd;              /* -1: closed */
    bool socket;
    bool shared; /* its number was given out: others may read and write it */
    /* True if something was read and not yet given to the script (bytes, the
     * end, an error): reading would not block. NULL: never. */
    bool (*held)(const struct ml_descriptor *d);
    /* Finds out whether reading would not block: 1, 0; ML_TRANSPORT_OTHER if the
     * descriptor has to be written to first; or -1 if the descriptor itself
     * tells. NULL: it does. Must not use Lua. */
    int (*look)(struct ml_descriptor *d);
    /* Called once before the descriptor is closed; NULL: nothing to do. Must
     * not use Lua. */
    void (*closing)(struct ml_descriptor *d);
};

/* What an io argument means. */
struct ml_io {
    int fd;                     /* -1: it is closed */
    struct ml_descriptor *mine; /* the runtime's own object, or NULL */
};

/* Pushes a new userdata of `size` bytes that begins with a closed descriptor,
 * with the metatable of that name. The rest is zero. May raise. */
struct ml_descriptor *ml_descriptor_new(lua_State *L, struct ml_vm *vm,
                                        size_t size, const char *metatable);

/* The userdata at `index` if it is of that type, which is told by the address of
 * the name, without a look at its metatable; else NULL. No other C module's can
 * be taken for one: only memory that is a descriptor's has that address there. */
static inline void *ml_descriptor_test(lua_State *L, int index,
                                       const char *type, size_t size)
{
    struct ml_descriptor *d = lua_touserdata(L, index);
    return d != NULL && lua_rawlen(L, index) == size && d->type == type ? d
                                                                        : NULL;
}

/* Makes a metatable of that name for such objects, which closes them when they
 * go out of scope or are collected, and leaves its table of methods, `close`
 * and `getfd` being there, on the stack. `what` names it ("stream"). */
void ml_descriptor_type(lua_State *L, struct ml_vm *vm, const char *metatable,
                        const char *what);

/* Notes that the number is given out: it is level-triggered from now on. */
void ml_descriptor_share(struct ml_descriptor *d);

/* Takes over an open descriptor. */
void ml_descriptor_open(struct ml_descriptor *d, int fd, bool socket);

/* Closes it: whoever waits for it gets EBADF. Closing again is harmless. */
void ml_descriptor_close(struct ml_descriptor *d);

/* The object that has this descriptor open, or NULL. Looks at all that are
 * open. */
struct ml_descriptor *ml_descriptor_find(struct ml_vm *vm, int fd);

/* Says to all loops of the state that `fd` is about to be closed. */
void ml_descriptor_forget(struct ml_vm *vm, int fd);

/* Resumes whoever waits until the descriptor can be read: bytes that are held
 * for the script by now count, and of those no poller knows. */
void ml_descriptor_readable(const struct ml_descriptor *d);

/* Resumes whoever waits until the descriptor can be written: it was shut down,
 * and not every poller tells. */
void ml_descriptor_writable(const struct ml_descriptor *d);

/* Raises unless the value at `arg` could be an io. */
void ml_io_check(lua_State *L, int arg);

/* What the value at `index` means now; may call a method of it. Raises if that
 * does not answer with an integer. */
struct ml_io ml_io_at(lua_State *L, int index);

#endif
