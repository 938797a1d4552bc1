/* traffic.h - the busy connections. */
#ifndef BENCH_LOAD_TRAFFIC_H
#define BENCH_LOAD_TRAFFIC_H

#include "histogram.h"
#include "load.h"
#include "request.h"

struct secure;
struct traffic_conn;

struct traffic {
    const struct load_options *options;
    const struct request *request;
    struct load_result *result;
    struct histogram *latency; /* of answers, where they count; or NULL */
    struct secure *secure;     /* NULL: no TLS */
    struct traffic_conn *conns;
    int64_t *times; /* when each request under way was asked */
    int epoll;
    int64_t deadline; /* of the clock of load_now */
    long dialled;     /* connections ever opened */
    long budget;      /* requests that may still be asked */
    long asked;       /* requests ever asked */
    long answered;
    long cut;    /* asked, and given up with their connection */
    long ending; /* connections that wait for the server's end */
    bool failed;
};

/* Begins to open the connections. False if that fails. To be ended in any
 * case. `options`, `request` and `result` stay the caller's. */
bool traffic_begin(struct traffic *traffic, const struct load_options *options,
                   const struct request *request, struct load_result *result);

/* Runs until `requests` more are answered, or, if that is 0, for `seconds` and
 * until those under way are answered. False after a failure. */
bool traffic_run(struct traffic *traffic, long requests, double seconds);

void traffic_end(struct traffic *traffic);

#endif
