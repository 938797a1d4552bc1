#include "histogram.h"

/* Values below HISTOGRAM_STEPS have a class each. From there on a class is
 * known by the value's highest bit, and the six bits behind it. */
static int class_of(int64_t value)
{
    if (value < HISTOGRAM_STEPS) {
        return value > 0 ? (int)value : 0;
    }
    int top = 63 - __builtin_clzll((unsigned long long)value);
    int step = (int)(value >> (top - 6)) - HISTOGRAM_STEPS;
    int class = (top - 5) * HISTOGRAM_STEPS + step;
    return class < HISTOGRAM_CLASSES ? class : HISTOGRAM_CLASSES - 1;
}

/* The least value of a class. */
static int64_t class_value(int class)
{
    if (class < HISTOGRAM_STEPS) {
        return class;
    }
    int top = class / HISTOGRAM_STEPS + 5;
    return (int64_t)(class % HISTOGRAM_STEPS + HISTOGRAM_STEPS) << (top - 6);
}

void histogram_add(struct histogram *histogram, int64_t value)
{
    histogram->counts[class_of(value)]++;
    histogram->total++;
    if (value > histogram->most) {
        histogram->most = value;
    }
}

int64_t histogram_share(const struct histogram *histogram, double share)
{
    uint64_t wanted = (uint64_t)(share * (double)histogram->total);
    uint64_t below = 0;
    for (int class = 0; class < HISTOGRAM_CLASSES; class ++) {
        below += histogram->counts[class];
        if (below > wanted) {
            return class_value(class);
        }
    }
    return histogram->most;
}
