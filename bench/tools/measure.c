/* measure.c - runs a program, or a server and its client, and says what it
 * used.
 *
 *   measure [options] -- PROGRAM ...             one program
 *   measure [options] -- SERVER ... -- CLIENT ...
 *
 * The program (the client, if there are two) talks to us on its standard
 * output. A line "MARK name" asks for a sample of what is measured, which is
 * the program, or the server, unless the client is to be: it waits until a line comes on its standard
 * input, so nothing of it runs meanwhile. Lines "key=value" are its answers,
 * and go to our standard output, where we add, also as key=value:
 *
 *   NAME.cpu_ns NAME.wall_ns NAME.rss_kb NAME.anon_kb NAME.fds
 *                   for each mark
 *   exit            the exit status, 128 + n after signal n
 *   timeout         1 if the time was up: all were killed
 *   total.cpu_ns total.wall_ns total.rss_kb             of the whole run
 *
 * "{port}" in the arguments of both stands for a free port of 127.0.0.1. The
 * client is started when the server listens on it. The server is killed when
 * the client has ended. Nothing that they started outlives us. */
#include "process.h"

#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static const char usage[] =
    "usage: measure [options] -- PROGRAM ... [-- CLIENT ...]\n"
    "  --core=N         the core of the program, or the server (any)\n"
    "  --client-core=N  the core of the client (any)\n"
    "  --timeout=S      kill everything after so many seconds (60)\n"
    "  --times=N        run the program so often, and add up (1)\n"
    "  --of-client=1    measure the client, not the server (0)\n"
    "  --gently=1       end the server by SIGTERM, if that helps in 5 s (0)\n";

struct plan {
    int core;
    int client_core;
    int timeout; /* seconds */
    int times;
    int gently;
    int of_client;
    char **program; /* what is measured, unless of_client */
    char **client;  /* NULL: the program itself talks */
    int port;
};

/* What signal handlers have to know. */
static struct process programs[2];
static volatile sig_atomic_t time_is_up;

/* ---------------------------------------------------------------- signals */

static void kill_programs(void)
{
    process_kill(&programs[0]);
    process_kill(&programs[1]);
}

/* Comes again and again, so that none of our waits can have missed it. */
static void on_alarm(int number)
{
    (void)number;
    time_is_up = 1;
    kill_programs();
}

static void on_end(int number)
{
    kill_programs();
    _exit(128 + number);
}

static void handle(int number, void (*handler)(int))
{
    struct sigaction action;

    memset(&action, 0, sizeof action);
    action.sa_handler = handler;
    (void)sigaction(number, &action, NULL);
}

static void bound_time(int seconds)
{
    struct itimerval timer = {{0, 100000}, {seconds, 0}};

    handle(SIGALRM, on_alarm);
    handle(SIGINT, on_end);
    handle(SIGTERM, on_end);
    handle(SIGHUP, on_end);
    handle(SIGPIPE, SIG_IGN);
    (void)setitimer(ITIMER_REAL, &timer, NULL);
}

/* ------------------------------------------------------------------ ports */

static struct sockaddr_in local_address(int port)
{
    struct sockaddr_in address;

    memset(&address, 0, sizeof address);
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons((uint16_t)port);
    return address;
}

/* A port that nobody had a moment ago; 0 if there is none. */
static int free_port(void)
{
    struct sockaddr_in address = local_address(0);
    socklen_t length = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int port = 0;

    if (fd >= 0 && bind(fd, (struct sockaddr *)&address, sizeof address) == 0 &&
        getsockname(fd, (struct sockaddr *)&address, &length) == 0) {
        port = ntohs(address.sin_port);
    }
    (void)close(fd);
    return port;
}

static bool listens(int port)
{
    struct sockaddr_in address = local_address(port);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool yes = connect(fd, (struct sockaddr *)&address, sizeof address) == 0;

    (void)close(fd);
    return yes;
}

static bool await_server(const struct process *server, int port)
{
    const struct timespec pause = {0, 5000000};

    while (!listens(port)) {
        if (time_is_up || !process_alive(server)) {
            return false;
        }
        (void)nanosleep(&pause, NULL);
    }
    return true;
}

/* Puts the port into the arguments that ask for it. The strings stay until the
 * process ends. */
static void fill_port(char **argv, int port)
{
    static const char hole[] = "{port}";

    for (; *argv != NULL; argv++) {
        char *at = strstr(*argv, hole);
        char *filled = NULL;
        if (at != NULL && asprintf(&filled, "%.*s%d%s", (int)(at - *argv),
                                   *argv, port, at + strlen(hole)) > 0) {
            *argv = filled;
        }
    }
}

/* ------------------------------------------------------------------- talk */

static void print_sample(const char *name, const struct sample *s)
{
    (void)printf("%s.cpu_ns=%lld\n%s.wall_ns=%lld\n", name,
                 (long long)s->cpu_ns, name, (long long)s->wall_ns);
    (void)printf("%s.rss_kb=%lld\n%s.anon_kb=%lld\n", name,
                 (long long)s->rss_kb, name, (long long)s->anon_kb);
    (void)printf("%s.fds=%lld\n", name, (long long)s->fds);
}

static void answer_line(char *line, const struct process *talker,
                        const struct process *measured)
{
    struct sample s;

    line[strcspn(line, "\n")] = '\0';
    if (strncmp(line, "MARK ", 5) != 0) {
        (void)printf("%s\n", line);
        return;
    }
    process_sample(measured, &s);
    print_sample(line + 5, &s);
    (void)!write(talker->in, "\n",
                 1); /* it may be gone: that shows elsewhere */
}

/* Until the talker closes its output, or the time is up. */
static void talk(struct process *talker, const struct process *measured)
{
    char line[4096];
    FILE *out = fdopen(talker->out, "re");

    while (out != NULL && !time_is_up &&
           fgets(line, sizeof line, out) != NULL) {
        answer_line(line, talker, measured);
    }
    if (out != NULL) {
        (void)fclose(out);
        talker->out = -1;
    }
}

/* -------------------------------------------------------------------- run */

static int64_t now(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static void add_outcome(struct outcome *total, const struct outcome *o)
{
    total->cpu_ns += o->cpu_ns;
    if (total->rss_kb < o->rss_kb) {
        total->rss_kb = o->rss_kb;
    }
    if (total->status == 0) {
        total->status = o->status;
    }
}

/* One program, as often as was asked for. */
static int run_alone(const struct plan *plan, struct outcome *total)
{
    for (int i = 0; i < plan->times && !time_is_up; i++) {
        struct process *p = &programs[0];
        struct outcome o;
        int err = process_start(p, plan->program, plan->core, true);
        if (err != 0) {
            return err;
        }
        talk(p, p);
        process_wait(p, &o);
        process_kill(p); /* what it left behind */
        add_outcome(total, &o);
    }
    return 0;
}

static int run_client(const struct plan *plan, struct outcome *o)
{
    struct process *client = &programs[1];
    struct process *measured = plan->of_client ? client : &programs[0];
    int err = process_start(client, plan->client, plan->client_core, true);

    if (err == 0) {
        talk(client, measured);
        process_wait(client, o);
        process_kill(client);
    }
    return err;
}

/* For servers that have something to say at their end. */
static void ask_to_end(const struct process *server)
{
    const struct timespec pause = {0, 5000000};

    process_end(server);
    for (int i = 0; i < 1000 && process_alive(server) && !time_is_up; i++) {
        (void)nanosleep(&pause, NULL);
    }
}

/* The status is the client's, and the rest that of who is measured. The server
 * must live to the end. */
static int run_pair(const struct plan *plan, struct outcome *total)
{
    struct process *server = &programs[0];
    struct outcome client = {127, 0, 0};
    int err = process_start(server, plan->program, plan->core, false);

    if (err != 0) {
        return err;
    }
    if (await_server(server, plan->port)) {
        err = run_client(plan, &client);
        if (!process_alive(server)) {
            client.status = 126;
        }
    }
    if (plan->gently) {
        ask_to_end(server);
    }
    process_kill(server);
    process_wait(server, total);
    total->status = client.status;
    if (plan->of_client) {
        *total = client;
    }
    return err;
}

static int run(struct plan *plan)
{
    struct outcome total = {0, 0, 0};
    int64_t start = now();
    int err;

    process_adopt();
    bound_time(plan->timeout);
    err =
        plan->client == NULL ? run_alone(plan, &total) : run_pair(plan, &total);
    process_sweep();
    if (err != 0) {
        (void)fprintf(stderr, "measure: cannot start: error %d\n", -err);
        return 1;
    }
    (void)printf("exit=%d\ntimeout=%d\n", total.status, (int)time_is_up);
    (void)printf("total.cpu_ns=%lld\ntotal.wall_ns=%lld\ntotal.rss_kb=%lld\n",
                 (long long)total.cpu_ns, (long long)(now() - start),
                 (long long)total.rss_kb);
    return total.status != 0 || time_is_up;
}

/* --------------------------------------------------------------- the plan */

static bool read_option(const char *word, const char *name, int *value)
{
    size_t length = strlen(name);
    char *end;

    if (strncmp(word, name, length) != 0) {
        return false;
    }
    *value = (int)strtol(word + length, &end, 10);
    return end != word + length && *end == '\0' && *value >= 0;
}

static bool read_options(struct plan *plan, char ***argv)
{
    for (; **argv != NULL && strcmp(**argv, "--") != 0; (*argv)++) {
        if (!read_option(**argv, "--core=", &plan->core) &&
            !read_option(**argv, "--client-core=", &plan->client_core) &&
            !read_option(**argv, "--timeout=", &plan->timeout) &&
            !read_option(**argv, "--times=", &plan->times) &&
            !read_option(**argv, "--of-client=", &plan->of_client) &&
            !read_option(**argv, "--gently=", &plan->gently)) {
            return false;
        }
    }
    return **argv != NULL;
}

/* Cuts the words behind the options into the commands, in place. */
static bool read_plan(struct plan *plan, char **argv)
{
    argv++;
    if (!read_options(plan, &argv)) {
        return false;
    }
    plan->program = ++argv;
    while (*argv != NULL && strcmp(*argv, "--") != 0) {
        argv++;
    }
    if (*argv != NULL) {
        *argv = NULL;
        plan->client = argv + 1;
    }
    return plan->program[0] != NULL &&
           (plan->client == NULL || plan->client[0] != NULL);
}

int main(int argc, char **argv)
{
    struct plan plan = {-1, -1, 60, 1, 0, 0, NULL, NULL, 0};

    if (argc < 1 || !read_plan(&plan, argv)) {
        (void)fputs(usage, stderr);
        return 2;
    }
    plan.port = free_port();
    fill_port(plan.program, plan.port);
    if (plan.client != NULL) {
        fill_port(plan.client, plan.port);
    }
    return run(&plan);
}
