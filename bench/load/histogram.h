/* histogram.h - latencies: counted in classes, so that a long run takes no more
 * memory than a short one. A class is at most 1/64 of its value wide. */
#ifndef BENCH_LOAD_HISTOGRAM_H
#define BENCH_LOAD_HISTOGRAM_H

#include <stdint.h>

enum {
    HISTOGRAM_STEPS = 64, /* classes between a power of two and the next */
    HISTOGRAM_CLASSES = HISTOGRAM_STEPS * 40
};

struct histogram {
    uint64_t counts[HISTOGRAM_CLASSES];
    uint64_t total;
    int64_t most;
};

/* Notes one value, in nanoseconds. */
void histogram_add(struct histogram *histogram, int64_t value);

/* The value below which `share` (0 to 1) of them are; 0 if there is none. */
int64_t histogram_share(const struct histogram *histogram, double share);

#endif
