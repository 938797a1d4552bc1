#ifndef TORTURE_CALLS_H
#define TORTURE_CALLS_H

/*
 * The calls that can be made to fail, each once: X(name, codes). "memory"
 * stands for all functions that hand out memory; the others are named after the
 * function of the C library, "epoll_pwait2" after the system call that goes
 * through syscall(). Each has its wrapper in one of the wrap_*.c beside this;
 * what has none stands in unwrapped.lua, with the reason.
 *
 * The codes are those that the manual (man7.org, POSIX) gives for the call as
 * the runtime uses it. Left out are those of a wrong call (EFAULT, EINVAL of a
 * constant that is valid), and those that tell of a state rather than a failure
 * where the state is not there (ENOENT of EPOLL_CTL_MOD). Not each of a call's
 * codes fits each kind of descriptor: see fault_refuse() in fault.h. Codes with
 * no bar between them take the same way through the runtime, which asks for none
 * of them in particular.
 */
#define FAULT_CALLS(X)                                                         \
    X(memory, "ENOMEM")                                                        \
    /* bytes */                                                                \
    X(read, "EAGAIN | EINTR | EIO ECONNRESET ETIMEDOUT ENOBUFS ENOMEM")        \
    X(write, "EAGAIN | EINTR | EPIPE ECONNRESET | EIO ENOSPC EDQUOT EFBIG "    \
             "EPERM ENOBUFS")                                                  \
    X(writev, "EAGAIN | EINTR | EPIPE ECONNRESET | EIO ENOSPC EDQUOT EFBIG "   \
              "EPERM ENOBUFS")                                                 \
    X(recvmsg, "EAGAIN | EINTR | ECONNREFUSED ECONNRESET ENOTCONN ETIMEDOUT "  \
               "ENOMEM")                                                       \
    X(sendmsg, "EAGAIN | EINTR | EPIPE ECONNRESET | ENOBUFS ENOMEM EACCES "    \
               "EMSGSIZE ENETDOWN ENETUNREACH EHOSTUNREACH ENOTCONN "          \
               "ETIMEDOUT")                                                    \
    X(sendto, "EAGAIN | EINTR | EPIPE ECONNRESET | ENOBUFS ENOMEM EACCES "     \
              "EMSGSIZE ENETDOWN ENETUNREACH EHOSTUNREACH ECONNREFUSED "       \
              "ENOTCONN EDESTADDRREQ ETIMEDOUT")                               \
    X(sendfile, "EAGAIN | EINTR | EINVAL | EIO ENOMEM EOVERFLOW ESPIPE EPIPE " \
                "ECONNRESET")                                                  \
    X(pread, "EINTR | EIO EISDIR EOVERFLOW")                                   \
    /* sockets */                                                              \
    X(socket, "EACCES EAFNOSUPPORT EMFILE ENFILE ENOBUFS ENOMEM "              \
              "EPROTONOSUPPORT")                                               \
    X(socketpair, "EAFNOSUPPORT EMFILE ENFILE EOPNOTSUPP ENOBUFS ENOMEM")      \
    X(accept4, "EAGAIN | EINTR | ECONNABORTED EPERM EPROTO ENETDOWN "          \
               "ENOPROTOOPT EHOSTDOWN ENONET EHOSTUNREACH ENETUNREACH "        \
               "ETIMEDOUT | EMFILE ENFILE ENOBUFS ENOMEM | EOPNOTSUPP EINVAL") \
    X(connect, "EINTR EINPROGRESS EALREADY | EAGAIN | EADDRNOTAVAIL "          \
               "EAFNOSUPPORT ENETUNREACH EHOSTUNREACH | EACCES EPERM "         \
               "EADDRINUSE ECONNREFUSED ECONNRESET EPROTOTYPE ETIMEDOUT "      \
               "ENOBUFS ENOMEM ENOENT")                                        \
    X(bind, "EADDRINUSE | EACCES EADDRNOTAVAIL EINVAL ENOBUFS ENOMEM ELOOP "   \
            "ENAMETOOLONG ENOENT ENOTDIR EROFS EIO")                           \
    X(listen, "EADDRINUSE EOPNOTSUPP EACCES ENOBUFS")                          \
    X(shutdown, "ENOTCONN ENOBUFS")                                            \
    X(getsockopt, "ENOPROTOOPT EINVAL ENOBUFS ENOMEM EACCES")                  \
    X(setsockopt, "ENOPROTOOPT EINVAL EDOM EISCONN ENOBUFS ENOMEM EPERM "      \
                  "ENODEV EADDRNOTAVAIL")                                      \
    X(getsockname, "ENOBUFS EINVAL")                                           \
    X(getpeername, "ENOTCONN ENOBUFS EINVAL")                                  \
    /* files and descriptors */                                                \
    X(open, "EINTR | EACCES EIO ELOOP EMFILE ENFILE ENOENT ENOMEM ENXIO "      \
            "EOVERFLOW")                                                       \
    X(openat, "EINTR | EACCES EIO ELOOP EMFILE ENAMETOOLONG ENFILE ENOENT "    \
              "ENOMEM ENOTDIR ENXIO EOVERFLOW EPERM EWOULDBLOCK")              \
    X(close, "EINTR | EIO ENOSPC EDQUOT")                                      \
    X(fcntl, "EACCES EINVAL EPERM ENOMEM")                                     \
    X(dup3, "EBUSY EINTR | EMFILE")                                            \
    X(pipe, "EMFILE ENFILE")                                                   \
    X(fstat, "EIO ENOMEM EOVERFLOW")                                           \
    X(stat, "ENOENT ENOTDIR | EACCES EIO ELOOP ENAMETOOLONG ENOMEM EOVERFLOW") \
    X(lstat, "ENOENT ENOTDIR | EACCES EIO ENAMETOOLONG ENOMEM EOVERFLOW")      \
    X(chmod, "EACCES EIO ELOOP ENAMETOOLONG ENOENT ENOMEM ENOTDIR EPERM "      \
             "EROFS")                                                          \
    X(unlink, "ENOENT | EACCES EBUSY EIO EISDIR ELOOP ENOMEM ENOTDIR EPERM "   \
              "EROFS")                                                         \
    /* waiting */                                                              \
    X(poll, "EINTR | EAGAIN ENOMEM")                                           \
    X(pselect, "EINTR | ENOMEM")                                               \
    X(epoll_create1, "EMFILE ENFILE ENOMEM")                                   \
    X(epoll_ctl, "EPERM | ENOMEM ENOSPC")                                      \
    X(epoll_wait, "EINTR")                                                     \
    X(epoll_pwait2, "EINTR | ENOSYS EPERM")                                    \
    /* threads, names, the rest */                                             \
    X(pthread_create, "EAGAIN EPERM")                                          \
    X(pthread_mutex_init, "EAGAIN ENOMEM EPERM")                               \
    X(pthread_cond_init, "EAGAIN ENOMEM")                                      \
    X(getaddrinfo, "EAI_MEMORY | EAI_AGAIN EAI_BADFLAGS EAI_FAIL EAI_FAMILY "  \
                   "EAI_NONAME EAI_SERVICE EAI_SOCKTYPE | EMFILE EINTR EIO")   \
    X(if_nametoindex, "ENODEV EMFILE ENFILE")                                  \
    X(if_indextoname, "ENXIO EMFILE ENFILE")                                   \
    X(getentropy, "EIO ENOSYS")                                                \
    X(dlopen, "ENOENT")                                                        \
    X(dlsym, "ENOENT")

#endif
