#ifndef ML_BASE_CLOCK_H
#define ML_BASE_CLOCK_H

#include <stdint.h>
#include <time.h>

/*
 * Time inside of the runtime is a count of nanoseconds on a clock that never
 * goes back; a point on it is a deadline, and 292 years of it fit. Scripts
 * speak of seconds as floats, from now. The conversion is done once, here, and
 * rounds up, since a sleep may be late but never early.
 */

/* The deadline of what has none; compares later than every real time. */
#define ML_TIME_NEVER INT64_MAX

/* That of what has one past the end of time: 292 years of the clock. It does
 * not come, but who waits for it does not wait in vain. */
#define ML_TIME_LAST (INT64_MAX - 1)

/*
 * A clock behind a small table, so that specs and --virtual-time can replace
 * real waiting by jumping ahead. Embed it; it holds nothing to free.
 */
struct ml_clock {
    /* The time now. Never fails, never goes back. */
    int64_t (*now)(struct ml_clock *clock);
    /* Jumps ahead to `to` (never back); NULL where time passes by itself. */
    void (*advance)(struct ml_clock *clock, int64_t to);
    /* What a virtual clock shows; unused by the real one. */
    int64_t virtual_now;
};

/* A clock that shows CLOCK_MONOTONIC. */
void ml_clock_real(struct ml_clock *clock);

/* A clock that starts at 0 and moves only by its `advance`. */
void ml_clock_virtual(struct ml_clock *clock);

/* Sleeps so long, or less if a signal comes: without any poller. */
void ml_clock_nap(int64_t ns);

/*
 * `seconds` in nanoseconds, rounded up. What is negative gives 0, what is too
 * large ML_TIME_LAST, infinity ML_TIME_NEVER. NaN is the caller's to refuse: it
 * has somebody to tell.
 */
int64_t ml_time_from_seconds(double seconds);

/* Nanoseconds in seconds; ML_TIME_NEVER gives infinity. */
double ml_time_to_seconds(int64_t ns);

/*
 * The deadline `delta` (not negative) after `now`, ML_TIME_LAST if that is past
 * the end of time; ML_TIME_NEVER if `delta` is.
 */
int64_t ml_time_add(int64_t now, int64_t delta);

/*
 * A timeout in whole milliseconds for poll(2) and its kind: rounded up, so
 * that a short one does not become a busy loop; cut to INT_MAX (24 days); -1,
 * "for ever", if it is negative.
 */
int ml_time_to_ms(int64_t ns);

/*
 * A timeout that is not negative as a timespec. It is cut to about 3 years
 * since some systems refuse more.
 */
struct timespec ml_time_to_spec(int64_t ns);

#endif
