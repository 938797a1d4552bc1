#include "net/quiet.h"

static bool sigpipe_pending(void)
{
    sigset_t pending;

    return sigpending(&pending) == 0 && sigismember(&pending, SIGPIPE) == 1;
}

static sigset_t sigpipe_alone(void)
{
    sigset_t set;

    (void)sigemptyset(&set); /* these two cannot fail for a known signal */
    (void)sigaddset(&set, SIGPIPE);
    return set;
}

void ml_quiet_begin(struct ml_quiet *quiet)
{
    sigset_t set = sigpipe_alone();

    (void)pthread_sigmask(SIG_BLOCK, &set, &quiet->mask);
    quiet->was_pending =
        sigismember(&quiet->mask, SIGPIPE) == 1 && sigpipe_pending();
}

void ml_quiet_end(struct ml_quiet *quiet, bool broken)
{
    sigset_t set = sigpipe_alone();
    int taken;

    if (broken && !quiet->was_pending && sigpipe_pending())
        (void)sigwait(&set, &taken); /* does not wait: it is pending */
    (void)pthread_sigmask(SIG_SETMASK, &quiet->mask, NULL);
}
