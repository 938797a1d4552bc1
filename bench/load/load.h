/* load.h - the load generator: what it was told to do, and what it found.
 *
 * One thread, one epoll, any number of connections. Each keeps `depth` requests
 * under way, and every byte of the answers is checked. A run goes
 *
 *   idle      connections are opened, have one answer each, and are left alone
 *   quiet     nothing is sent for a while
 *   warm      requests that do not count
 *   measured  until so many requests are answered, or so long and until those
 *             under way are answered
 *
 * and the marks for bench/tools/measure.c stand between these: empty, idle,
 * quiet, start, stop. */
#ifndef BENCH_LOAD_LOAD_H
#define BENCH_LOAD_LOAD_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum load_end {
    END_FIN,  /* closes after the last answer */
    END_RST,  /* resets after the last answer */
    END_HALF, /* ends its direction with the last request, reads to the end */
    END_CUT,  /* resets while requests are under way */
    END_KINDS
};

struct load_options {
    struct sockaddr_in address;
    bool http;        /* else echo */
    bool secure;      /* by TLS */
    bool resume;      /* sessions of TLS */
    bool browser;     /* requests have the fields that browsers send */
    const char *path; /* that is asked for over HTTP */
    const char *body; /* the file with what is to be answered; NULL: hello */
    const char *ca;   /* the file with the certificate that is trusted */
    bool marks;       /* measure is listening */
    long connections; /* that are busy */
    long depth;       /* requests under way on each */
    long size;        /* bytes of a request; of echo */
    long requests;    /* to be measured; 0: by time */
    double seconds;   /* to be measured, if requests is 0 */
    long warm;        /* requests before; 0: none */
    long idle;        /* connections besides, left alone */
    double quiet;     /* seconds without a request */
    long life;        /* requests of a connection before it ends; 0: no end */
    unsigned ends;    /* a set of 1 << enum load_end, taken in turns */
    double deadline;  /* seconds that all may take */
};

struct load_result {
    long requests;     /* answered, measured */
    long errors;       /* connections that broke, answers that were wrong */
    long opened;       /* connections, measured */
    long resumed;      /* of those that have ended, measured */
    int64_t wall;      /* nanoseconds, measured */
    char failure[160]; /* the first one; empty: none */
};

/* Nanoseconds of the monotonic clock. */
int64_t load_now(void);

#endif
