/* Threads, names, libraries. */

#include "wrap.h"

#include <errno.h>
#include <net/if.h>
#include <netdb.h>
#include <pthread.h>

FAULT_WRAP_CODE(pthread_create,
                (pthread_t * thread, const pthread_attr_t *attributes,
                 void *(*start)(void *), void *argument),
                (thread, attributes, start, argument))

FAULT_WRAP_CODE(pthread_mutex_init,
                (pthread_mutex_t * lock, const pthread_mutexattr_t *attributes),
                (lock, attributes))

FAULT_WRAP_CODE(pthread_cond_init,
                (pthread_cond_t * condition,
                 const pthread_condattr_t *attributes),
                (condition, attributes))

FAULT_WRAP(if_nametoindex, unsigned, 0, (const char *name), (name))

FAULT_WRAP(if_indextoname, char *, NULL, (unsigned index, char *name),
           (index, name))

FAULT_WRAP(getentropy, int, -1, (void *bytes, size_t n), (bytes, n))

FAULT_WRAP(dlopen, void *, NULL, (const char *name, int flags), (name, flags))

FAULT_WRAP(dlsym, void *, NULL, (void *library, const char *name),
           (library, name))

int __real_getaddrinfo(const char *host, const char *service,
                       const struct addrinfo *hints, struct addrinfo **list);
int __wrap_getaddrinfo(const char *host, const char *service,
                       const struct addrinfo *hints, struct addrinfo **list);

/* An errno comes with EAI_SYSTEM. */
int __wrap_getaddrinfo(const char *host, const char *service,
                       const struct addrinfo *hints, struct addrinfo **list)
{
    int code = fault_strike(FAULT_getaddrinfo);
    if (code != 0) {
        return code > 0 ? EAI_SYSTEM : code;
    }
    return __real_getaddrinfo(host, service, hints, list);
}
