#include "poll/poll.h"

#include <string.h>

/* A new poller is a file and a line here. */
static const struct ml_poll_ops *const pollers[] = {
#ifdef ML_HAVE_EPOLL
    &ml_poll_epoll,
#endif
    &ml_poll_pollsys, &ml_poll_select, &ml_poll_sim, NULL,
};

const struct ml_poll_ops *const *ml_poll_all(void)
{
    return pollers;
}

const struct ml_poll_ops *ml_poll_find(const char *name)
{
    for (size_t i = 0; pollers[i]; i++) {
        if (strcmp(pollers[i]->name, name) == 0)
            return pollers[i];
    }
    return NULL;
}

const struct ml_poll_ops *ml_poll_best(void)
{
    return pollers[0];
}
