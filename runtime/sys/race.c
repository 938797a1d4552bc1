#include "sys/race.h"

#include "core/call.h"
#include "net/io.h"
#include "net/socket.h"
#include "sys/descriptor.h"

#include <errno.h>
#include <string.h>

/* How long to wait, in nanoseconds, for a Unix listener that has no room: twice
 * as long each time. The system has nothing better to offer. */
#define PAUSE_MIN INT64_C(5000000)
#define PAUSE_MAX INT64_C(80000000)

int ml_race_init(struct ml_race *race, struct ml_vm *vm,
                 const struct ml_resolution *field, int64_t now)
{
    memset(race, 0, sizeof *race);
    race->vm = vm;
    race->field = field;
    race->start = now;
    race->again = ML_TIME_NEVER;
    race->pause = PAUSE_MIN;
    race->runners =
        ml_alloc_new(&vm->alloc, field->count * sizeof *race->runners);
    return race->runners != NULL ? 0 : -ENOMEM;
}

/* Nothing may stay in the poller for a number that is about to be free. */
static void runner_close(struct ml_race *race, const struct ml_runner *runner)
{
    ml_descriptor_forget(race->vm, runner->fd);
    (void)ml_io_close(runner->fd); /* nothing was written to it */
}

void ml_race_term(struct ml_race *race)
{
    while (race->count > 0) {
        runner_close(race, &race->runners[--race->count]);
    }
    ml_alloc_free(&race->vm->alloc, race->runners,
                  race->field->count * sizeof *race->runners);
    race->runners = NULL;
}

/* ---- failures ----------------------------------------------------------- */

/* Of an address that could not even be tried there is little to tell. */
static bool is_telling(int err)
{
    return err != ENETUNREACH && err != EHOSTUNREACH && err != EADDRNOTAVAIL &&
           err != EAFNOSUPPORT && err != ENETDOWN;
}

/* Notes a failure; the next attempt need not wait any more. */
static void race_fail(struct ml_race *race, size_t address, int err,
                      int64_t now)
{
    if (race->error == 0 || is_telling(err) || !is_telling(race->error)) {
        race->error = err;
        race->failed = address;
    }
    race->start = now;
}

/* ---- one attempt -------------------------------------------------------- */

static int runner_start(int fd, const struct ml_address *local,
                        const struct ml_address *to)
{
    if (local != NULL) {
        if (ml_address_family(local) != ml_address_family(to)) {
            return -EAFNOSUPPORT;
        }
        if (bind(fd, &local->base, local->len) != 0) {
            return -errno;
        }
    }
    return ml_socket_connect(fd, to);
}

/* Begins the next attempt: a connected descriptor, -EINPROGRESS, or -errno. */
static int race_attempt(struct ml_race *race)
{
    const struct ml_address *to = &race->field->addresses[race->next++];
    int fd = ml_socket_open(ml_address_family(to), SOCK_STREAM, 0);
    if (fd < 0) {
        return fd;
    }
    int err = runner_start(fd, race->local, to);
    if (err == 0) {
        return fd;
    }
    if (err == -EINPROGRESS || err == -EAGAIN) {
        race->runners[race->count++] = (struct ml_runner){
            .fd = fd, .address = race->next - 1, .again = err == -EAGAIN};
        return -EINPROGRESS;
    }
    (void)ml_io_close(fd); /* the error that matters is the earlier one */
    return err;
}

/* What has become of an attempt: 0, -EINPROGRESS, -EAGAIN, or -errno. */
static int runner_look(struct ml_race *race, struct ml_runner *runner)
{
    if (!runner->again) {
        return ml_socket_connect_result(runner->fd);
    }
    int err =
        ml_socket_connect(runner->fd, &race->field->addresses[runner->address]);
    runner->again = err == -EAGAIN;
    return err;
}

/* ---- all of them -------------------------------------------------------- */

static bool race_due(const struct ml_race *race, int64_t now)
{
    return race->next < race->field->count && race->start <= now;
}

/* Begins the attempts that are due; as ml_race_run. */
static int race_start(struct ml_race *race, int64_t now)
{
    while (race_due(race, now)) {
        int fd = race_attempt(race);
        if (fd >= 0) {
            return fd;
        }
        if (fd == -EINPROGRESS) {
            race->start = ml_time_add(now, race->stagger);
        } else {
            race_fail(race, race->next - 1, -fd, now);
        }
    }
    return -EINPROGRESS;
}

static void race_drop(struct ml_race *race, size_t i)
{
    race->count--;
    memmove(&race->runners[i], &race->runners[i + 1],
            (race->count - i) * sizeof race->runners[0]);
}

/* Looks at those under way, the oldest first; as ml_race_run. */
static int race_look(struct ml_race *race, int64_t now)
{
    for (size_t i = 0; i < race->count;) {
        struct ml_runner runner = race->runners[i];
        int err = runner_look(race, &race->runners[i]);
        if (err == -EINPROGRESS || err == -EAGAIN) {
            i++;
            continue;
        }
        race_drop(race, i);
        if (err == 0) {
            return runner.fd;
        }
        runner_close(race, &runner);
        race_fail(race, runner.address, -err, now);
    }
    return -EINPROGRESS;
}

/* Plans when to ask those again whose listener had no room. */
static void race_plan(struct ml_race *race, int64_t now)
{
    race->again = ML_TIME_NEVER;
    for (size_t i = 0; i < race->count; i++) {
        if (race->runners[i].again) {
            race->again = ml_time_add(now, race->pause);
        }
    }
    if (race->again != ML_TIME_NEVER && race->pause < PAUSE_MAX) {
        race->pause *= 2;
    }
}

int ml_race_run(struct ml_race *race, int64_t now)
{
    int fd;
    do {
        fd = race_start(race, now);
        if (fd == -EINPROGRESS) {
            fd = race_look(race, now);
        }
    } while (fd == -EINPROGRESS && race_due(race, now));
    if (fd >= 0) {
        return fd;
    }
    race_plan(race, now);
    return race->count > 0 || race->next < race->field->count ? -EINPROGRESS
                                                              : -race->error;
}

int ml_race_declare(const struct ml_race *race, ml_call *call)
{
    if (race->next < race->field->count && race->start < call->alarm) {
        call->alarm = race->start;
    }
    if (race->again < call->alarm) {
        call->alarm = race->again;
    }
    for (size_t i = 0; i < race->count; i++) {
        const struct ml_runner *runner = &race->runners[i];
        int err =
            runner->again ? 0 : ml_call_wait_fd(call, runner->fd, ML_WRITE);
        if (err != 0) {
            return err;
        }
    }
    return 0;
}
