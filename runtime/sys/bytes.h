/* bytes.h - buffers of scripts: bytes that are read into and written from the
 * same memory again and again, without a Lua string for each.
 *
 * A buffer may be put to any use while it is being written, but then what goes
 * out is not what was asked for: so it counts its changes, and a write that
 * finds it changed after a wait ends with EBUSY. (To forbid the change would
 * take a lock that a kill would have to undo.) */
#ifndef ML_SYS_BYTES_H
#define ML_SYS_BYTES_H

#include "base/buffer.h"
#include "core/vm.h"

#include <lua.h>
#include <stddef.h>

struct ml_bytes {
    const char *type; /* as in struct ml_descriptor */
    struct ml_vm *vm;
    struct ml_buffer buffer;
    size_t changes; /* counts them */
};

/* The buffer at `index`, or NULL. */
struct ml_bytes *ml_bytes_test(lua_State *L, int index);

/* The buffer at `arg`; raises if it is something else. */
struct ml_bytes *ml_bytes_check(lua_State *L, int arg);

/* Raises unless the value at `arg` is a string, a number, which becomes one, or
 * a buffer. */
void ml_bytes_check_data(lua_State *L, int arg);

/* Of a buffer, see ml_bytes_view. */
const char *ml_bytes_view_buffer(lua_State *L, int index, size_t *length);

/* The bytes of the string or buffer at `index`, which was checked. Good until
 * the buffer is changed. */
static inline const char *ml_bytes_view(lua_State *L, int index, size_t *length)
{
    const char *text = lua_tolstring(L, index, length);
    return text != NULL ? text : ml_bytes_view_buffer(L, index, length);
}

/* Makes room for `need` more bytes. 0; -ENOMEM. */
int ml_bytes_reserve(struct ml_bytes *bytes, size_t need);

/* Says that `n` bytes were written to the tail of its buffer. */
void ml_bytes_produced(struct ml_bytes *bytes, size_t n);

#endif
