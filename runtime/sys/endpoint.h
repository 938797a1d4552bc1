/* endpoint.h - what scripts may give where an address is asked for.
 *
 * Text ("host:port", "[v6]:port", ":port", "unix:/path") or a table: {host=,
 * port=}, {path=}, {fd=}. A value of the wrong type is misuse and raises; text
 * that is no address often comes from a user, so it is refused with EINVAL and
 * a reason. See net/endpoint.h for what is made of it. */
#ifndef ML_SYS_ENDPOINT_H
#define ML_SYS_ENDPOINT_H

#include "net/endpoint.h"
#include "net/io.h"

#include <lua.h>
#include <stddef.h>

/* Room for every text that ml_endpoint_format makes, with its NUL. */
enum {
    ML_ENDPOINT_TEXT_SIZE = 320
};

/* Raises unless the value at `arg` could be an address. */
void ml_endpoint_check(lua_State *L, int arg);

/* What the value at `index`, which ml_endpoint_check let through, means. 0, or
 * -EINVAL and *why, a constant, says what is wrong with it. */
int ml_endpoint_at(lua_State *L, int index, struct ml_endpoint *out,
                   const char **why);

/* Pushes `nil, err` (EINVAL) for the address at `index`. Returns 2. May raise a
 * memory error. */
int ml_endpoint_refuse(lua_State *L, int index, const char *op,
                       const char *why);

/* Writes the endpoint as the user knows it: "localhost:80", "unix:/path",
 * "fd 3". */
void ml_endpoint_format(const struct ml_endpoint *endpoint, char *text,
                        size_t size);

/* Makes an inherited descriptor one of ours: non-blocking and close-on-exec. 0;
 * -EBADF; -EINVAL if it is not of the kind that is asked for; -errno. */
int ml_endpoint_inherit(const struct ml_endpoint *endpoint,
                        enum ml_io_kind kind);

#endif
