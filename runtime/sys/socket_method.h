/* socket_method.h - methods that every object with a socket has.
 *
 * For streams, listeners and datagram sockets alike: whatever begins with a
 * struct ml_descriptor. Put them into the table of methods as they are. What
 * the system refuses is `nil, err`; of a closed object, EBADF. */
#ifndef ML_SYS_SOCKET_METHOD_H
#define ML_SYS_SOCKET_METHOD_H

#include "net/address.h"

#include <lua.h>

/* object:address(): the text of the socket's own address. */
int ml_socket_method_address(lua_State *L);

/* object:setoption(name, value): true. The names are those of
 * net/socket_option.h; an unknown one is misuse. */
int ml_socket_method_setoption(lua_State *L);

/* object:getoption(name): a boolean or an integer. */
int ml_socket_method_getoption(lua_State *L);

/* Pushes the text of an address; may raise a memory error. */
void ml_socket_pushaddress(lua_State *L, const struct ml_address *address);

#endif
