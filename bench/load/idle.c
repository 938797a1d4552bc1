#include "idle.h"

#include "dial.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Sends one request and reads its answer. */
static bool idle_greet(int fd, long id, const struct request *request)
{
    static struct answers answers;
    static char buffer[65536];
    memset(&answers, 0, sizeof answers);
    if (send(fd, request_bytes(request, id, 0), request->size, MSG_NOSIGNAL) !=
        (ssize_t)request->size) {
        return false;
    }
    for (;;) {
        ssize_t n = recv(fd, buffer, sizeof buffer, 0);
        if (n <= 0) {
            return false;
        }
        long ended = request_check(request, &answers, id, buffer, (size_t)n);
        if (ended != 0) {
            return ended == 1;
        }
    }
}

bool idle_open(struct idle *idle, const struct load_options *options,
               const struct request *request, struct load_result *result)
{
    idle->count = 0;
    idle->fds = calloc((size_t)options->idle + 1, sizeof *idle->fds);
    while (idle->fds != NULL && idle->count < options->idle) {
        int fd = dial_open(options, idle->count, true);
        if (fd < 0) {
            break;
        }
        idle->fds[idle->count++] = fd;
        if (!idle_greet(fd, idle->count - 1, request)) {
            break;
        }
    }
    if (idle->fds == NULL || idle->count < options->idle) {
        (void)snprintf(result->failure, sizeof result->failure,
                       "only %ld idle connections could be had: error %d",
                       idle->count, errno);
        return false;
    }
    return true;
}

void idle_check(const struct idle *idle, struct load_result *result)
{
    char byte;
    for (long i = 0; i < idle->count; i++) {
        ssize_t n = recv(idle->fds[i], &byte, 1, MSG_DONTWAIT | MSG_PEEK);
        if (n < 0 && errno == EAGAIN) {
            continue;
        }
        if (result->errors++ == 0) {
            (void)snprintf(result->failure, sizeof result->failure,
                           "idle connection %ld was ended or was sent to", i);
        }
    }
}

void idle_close(struct idle *idle)
{
    for (long i = 0; i < idle->count; i++) {
        (void)close(idle->fds[i]);
    }
    free(idle->fds);
    idle->fds = NULL;
    idle->count = 0;
}
