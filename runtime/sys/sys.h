/* sys.h - the families of system calls, one file each.
 *
 * Each family has a function that adds its requests to `syscall` and its
 * functions to the module table on top of L. All of them may raise. */
#ifndef ML_SYS_SYS_H
#define ML_SYS_SYS_H

#include "core/vm.h"

#include <miniloop.h>

struct ml_group;

void ml_sys_task_open(lua_State *L, struct ml_vm *vm);      /* task.c */
void ml_sys_time_open(lua_State *L, struct ml_vm *vm);      /* time.c */
void ml_sys_io_open(lua_State *L, struct ml_vm *vm);        /* io.c */
void ml_sys_event_open(lua_State *L, struct ml_vm *vm);     /* event.c */
void ml_sys_scope_open(lua_State *L, struct ml_vm *vm);     /* scope.c */
void ml_sys_group_open(lua_State *L, struct ml_vm *vm);     /* group.c */
void ml_sys_signal_open(lua_State *L, struct ml_vm *vm);    /* signal.c */
void ml_sys_list_open(lua_State *L, struct ml_vm *vm);      /* list.c */
void ml_sys_choice_open(lua_State *L, struct ml_vm *vm);    /* choice.c */
void ml_sys_channel_open(lua_State *L, struct ml_vm *vm);   /* channel.c */
void ml_sys_mutex_open(lua_State *L, struct ml_vm *vm);     /* mutex.c */
void ml_sys_semaphore_open(lua_State *L, struct ml_vm *vm); /* semaphore.c */
void ml_sys_condition_open(lua_State *L, struct ml_vm *vm); /* condition.c */
void ml_sys_net_open(lua_State *L, struct ml_vm *vm);       /* net.c */
void ml_sys_stream_open(lua_State *L, struct ml_vm *vm);    /* stream_open.c */

/* The parts of net.c, which add to the table on top as well. */
void ml_sys_bytes_open(lua_State *L, struct ml_vm *vm);    /* bytes.c */
void ml_sys_connect_open(lua_State *L, struct ml_vm *vm);  /* connect.c */
void ml_sys_listener_open(lua_State *L, struct ml_vm *vm); /* listener.c */
void ml_sys_resolve_open(lua_State *L, struct ml_vm *vm);  /* resolve.c */
void ml_sys_serve_open(lua_State *L, struct ml_vm *vm);    /* serve.c */
void ml_sys_udp_open(lua_State *L, struct ml_vm *vm);      /* udp.c */

/* Adds `def` to `syscall`, and as a function of its name to the table on top;
 * a NULL-terminated list of them. */
void ml_sys_add(lua_State *L, struct ml_vm *vm, const ml_syscall *const *defs);

/* Spawns a task into the group (NULL: the loop) from the function and `nargs`
 * arguments on top of L, and pushes its handle. Returns 1. */
int ml_sys_spawn(lua_State *L, struct ml_loop *loop, struct ml_group *group,
                 int nargs);

/* Makes a metatable of that name for objects of the API, whose unknown fields
 * are misuse (`what` names them in errors: "a stream"), and leaves its table of
 * methods, still empty, on the stack. */
void ml_object_type(lua_State *L, struct ml_vm *vm, const char *metatable,
                    const char *what);

/* Sets a function that makes the call `def` as `name` in the table on top. */
void ml_sys_method(lua_State *L, struct ml_vm *vm, const char *name,
                   const ml_syscall *def);

#endif
