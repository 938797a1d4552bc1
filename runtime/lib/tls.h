/* tls.h - TLS for scripts: contexts as objects, and streams that carry it. */
#ifndef ML_LIB_TLS_H
#define ML_LIB_TLS_H

#include "core/vm.h"
#include "proto/tls.h"

#include <lua.h>

/* The name of the metatable of contexts. */
#define ML_TLS_CONTEXT_TYPE "miniloop.tls.context"

/* What scripts see of a context: a userdata. */
struct ml_tls_object {
    struct ml_tls_context *context; /* a reference; NULL while it is made */
};

/* ---- tls_fault.c -------------------------------------------------------- */

/* What an options table, or what may stand in its place, is to be good for. */
enum ml_tls_purpose {
    ML_TLS_FOR_CONTEXT,  /* what connections have in common */
    ML_TLS_FOR_CONNECT,  /* a client who has a name from elsewhere */
    ML_TLS_FOR_NAMELESS, /* one who has not */
    ML_TLS_FOR_LISTEN,   /* connections that come in */
    ML_TLS_FOR_START     /* an open stream: a client, or a server */
};

/* Why the value at `index` will not do, pushed as a string; or NULL, and
 * nothing is pushed. May raise a memory error. */
const char *ml_tls_options_fault(lua_State *L, int index,
                                 enum ml_tls_purpose purpose);

/* ---- tls_options.c ------------------------------------------------------ */

/* Reads what concerns one connection out of a value without faults, and pushes
 * one value that keeps it alive. */
void ml_tls_options_use(lua_State *L, int index, struct ml_tls_use *use);

/* Pushes the context that a value without faults means: one that it is, or
 * names; one of its own; or the state's. Returns 1; or 2 if that failed, and
 * `nil, err` was pushed. */
int ml_tls_options_context(lua_State *L, struct ml_vm *vm, int index);

/* Pushes a context made of the table without faults at `index`. The same. */
int ml_tls_options_make(lua_State *L, struct ml_vm *vm, int index);

/* ---- tls_library.c ------------------------------------------------------ */

/* The functions of OpenSSL, opened the first time; or NULL, and `nil, err` was
 * pushed. They live as long as the state. May raise. */
const struct ml_tls_library *ml_tls_library_get(lua_State *L);

/* Pushes the state's own context, for clients that ask for nothing special:
 * nil until one was set; sets it to the value on top, which it takes off. Only
 * where the library is. */
void ml_tls_library_push(lua_State *L);
void ml_tls_library_set(lua_State *L);

/* ---- tls_stream.c ------------------------------------------------------- */

/* Adds what concerns streams to the family's table on top, and the methods
 * starttls, handshake and tls to streams. */
void ml_tls_stream_open(lua_State *L, struct ml_vm *vm);

/* ---- tls_peer.c --------------------------------------------------------- */

/* Pushes a table of what became of a connection's handshake, which is done. */
void ml_tls_peer_push(lua_State *L, const struct ml_tls *tls);

#endif
