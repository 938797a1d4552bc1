#define _POSIX_C_SOURCE 200809L

#include "base/clock.h"

#include <assert.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>

#define NS_PER_SECOND      INT64_C(1000000000)
#define NS_PER_MILLISECOND INT64_C(1000000)
#define LONGEST_SECONDS    INT64_C(100000000)

static int64_t real_now(struct ml_clock *clock)
{
    struct timespec ts;

    (void)clock;
    /* Can fail only if the system lacks the clock; nothing works then. */
    if (clock_gettime(CLOCK_MONOTONIC, &ts) != 0)
        abort();
    return (int64_t)ts.tv_sec * NS_PER_SECOND + ts.tv_nsec;
}

static int64_t virtual_now(struct ml_clock *clock)
{
    return clock->virtual_now;
}

static void virtual_advance(struct ml_clock *clock, int64_t to)
{
    if (to > clock->virtual_now)
        clock->virtual_now = to;
}

void ml_clock_real(struct ml_clock *clock)
{
    *clock = (struct ml_clock){real_now, NULL, 0};
}

void ml_clock_virtual(struct ml_clock *clock)
{
    *clock = (struct ml_clock){virtual_now, virtual_advance, 0};
}

void ml_clock_nap(int64_t ns)
{
    struct timespec ts = ml_time_to_spec(ns);

    (void)nanosleep(&ts, NULL); /* to wake early does no harm */
}

int64_t ml_time_from_seconds(double seconds)
{
    double ns = seconds * 1e9;
    int64_t whole;

    assert(!isnan(seconds) && "a time is a number");
    if (!(ns > 0))
        return 0;
    if (ns >= 0x1p63) /* INT64_MAX itself is not a double */
        return isinf(seconds) ? ML_TIME_NEVER : ML_TIME_LAST;
    whole = (int64_t)ns;
    /* Past 2^53 a double has no fraction, so adding 1 cannot overflow. */
    return (double)whole < ns ? whole + 1 : whole;
}

double ml_time_to_seconds(int64_t ns)
{
    return ns == ML_TIME_NEVER ? (double)INFINITY : (double)ns / 1e9;
}

int64_t ml_time_add(int64_t now, int64_t delta)
{
    assert(now >= 0 && delta >= 0 && "time does not go back");
    if (delta == ML_TIME_NEVER)
        return ML_TIME_NEVER;
    return delta > ML_TIME_LAST - now ? ML_TIME_LAST : now + delta;
}

int ml_time_to_ms(int64_t ns)
{
    int64_t ms;

    if (ns < 0)
        return -1;
    ms = ns / NS_PER_MILLISECOND + (ns % NS_PER_MILLISECOND != 0);
    return ms > INT_MAX ? INT_MAX : (int)ms;
}

struct timespec ml_time_to_spec(int64_t ns)
{
    struct timespec ts = {LONGEST_SECONDS, 0};

    if (ns / NS_PER_SECOND < LONGEST_SECONDS) {
        ts.tv_sec = (time_t)(ns / NS_PER_SECOND);
        ts.tv_nsec = (long)(ns % NS_PER_SECOND);
    }
    return ts;
}
