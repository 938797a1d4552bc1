/* main.c - the load generator for echo, HTTP and HTTPS servers.
 *
 *   load echo|http|https HOST:PORT [NAME=VALUE ...]
 *
 * Prints what it found as NAME=VALUE, a line each, times in nanoseconds. Exits
 * with 1 if anything went wrong: an answer that is not right to the byte, a
 * connection that the server ended, time that was up. */
#include "idle.h"
#include "options.h"
#include "secure.h"
#include "traffic.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

int64_t load_now(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t); /* cannot fail */
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* Has measure take a sample of the server. */
static void mark(const struct load_options *options, const char *name)
{
    char line[16];
    if (options->marks) {
        printf("MARK %s\n", name);
        (void)fflush(stdout);
        (void)!fgets(line, sizeof line, stdin); /* none: nobody measures */
    }
}

static void sleep_for(double seconds)
{
    struct timespec t = {.tv_sec = (time_t)seconds};
    t.tv_nsec = (long)((seconds - (double)t.tv_sec) * 1e9);
    (void)nanosleep(&t, NULL); /* no signal is caught */
}

static long resumed_by(const struct traffic *traffic)
{
    return traffic->secure != NULL ? secure_resumed(traffic->secure) : 0;
}

static void run_measured(struct traffic *traffic, struct histogram *latency)
{
    const struct load_options *options = traffic->options;
    struct load_result *result = traffic->result;
    long answered = traffic->answered;
    long dialled = traffic->dialled;
    long resumed = resumed_by(traffic);
    traffic->latency = latency;
    mark(options, "start");
    int64_t begun = load_now();
    if (traffic_run(traffic, options->requests, options->seconds)) {
        result->wall = load_now() - begun;
        mark(options, "stop");
        result->requests = traffic->answered - answered;
        result->opened = traffic->dialled - dialled;
        result->resumed = resumed_by(traffic) - resumed;
    }
}

static void run_traffic(const struct load_options *options,
                        const struct request *request,
                        struct histogram *latency, struct load_result *result)
{
    struct traffic traffic;
    if (traffic_begin(&traffic, options, request, result) &&
        (options->warm == 0 || traffic_run(&traffic, options->warm, 0))) {
        run_measured(&traffic, latency);
    }
    traffic_end(&traffic);
}

static void run(const struct load_options *options,
                const struct request *request, struct histogram *latency,
                struct load_result *result)
{
    struct idle idle;
    mark(options, "empty");
    if (idle_open(&idle, options, request, result)) {
        mark(options, "idle");
        sleep_for(options->quiet);
        mark(options, "quiet");
        run_traffic(options, request, latency, result);
        idle_check(&idle, result);
    } else {
        result->errors++;
    }
    idle_close(&idle);
}

static void print_share(const struct histogram *latency, const char *name,
                        double share)
{
    printf("%s_ns=%lld\n", name, (long long)histogram_share(latency, share));
}

static void print_result(const struct load_result *result,
                         const struct histogram *latency)
{
    printf("requests=%ld\nerrors=%ld\nopened=%ld\nresumed=%ld\n"
           "wall_ns=%lld\n",
           result->requests, result->errors, result->opened, result->resumed,
           (long long)result->wall);
    print_share(latency, "p50", 0.5);
    print_share(latency, "p90", 0.9);
    print_share(latency, "p99", 0.99);
    print_share(latency, "p999", 0.999);
    printf("max_ns=%lld\n", (long long)latency->most);
}

int main(int argc, char **argv)
{
    static struct histogram latency;
    struct load_options options;
    struct load_result result = {0};
    struct request request;
    if (!options_read(&options, argc, argv)) {
        return 2;
    }
    if (!request_init(&request, &options)) {
        (void)fputs("load: no memory, or no such file\n", stderr);
        return 1;
    }
    run(&options, &request, &latency, &result);
    request_term(&request);
    print_result(&result, &latency);
    if (result.errors > 0) {
        (void)fprintf(stderr, "load: %s\n", result.failure);
    }
    return result.errors > 0;
}
