/* race.h - connecting to the first of several addresses that answers.
 *
 * A name often has addresses of which some lead nowhere: IPv6 that the network
 * does not carry, a machine that is down. To try one after the other costs a
 * time-out each. So (RFC 8305, "Happy Eyeballs") the next attempt begins a
 * moment after the one before, or at once when that one fails, families taking
 * turns; the first connection wins and the others are closed.
 *
 * Nothing of Lua here: whoever runs a race calls ml_race_run whenever something
 * that ml_race_declare has declared comes. */
#ifndef ML_SYS_RACE_H
#define ML_SYS_RACE_H

#include "base/clock.h"
#include "core/vm.h"
#include "net/resolve.h"

#include <miniloop.h>
#include <stddef.h>
#include <stdint.h>

/* One attempt to connect. */
struct ml_runner {
    int fd;
    size_t address; /* its place in the field */
    bool again;     /* a Unix socket whose listener had no room: ask again */
};

struct ml_race {
    struct ml_vm *vm;
    const struct ml_resolution *field; /* the caller's, outlives the race */
    const struct ml_address *local;    /* to bind to, or NULL; the caller's */
    int64_t stagger;                   /* ns between two attempts */
    int64_t start;                     /* when the next attempt begins */
    int64_t again;                     /* when to ask again */
    int64_t pause;                     /* ns between asking again */
    size_t next;                       /* addresses that were tried */
    size_t count;                      /* attempts under way */
    struct ml_runner *runners;         /* room for all addresses; owned */
    int error;                         /* the most telling failure, positive */
    size_t failed;                     /* the address that it is of */
};

/* Begins a race at time `now`. 0; -ENOMEM. */
int ml_race_init(struct ml_race *race, struct ml_vm *vm,
                 const struct ml_resolution *field, int64_t now);

/* Goes on with it: a connected descriptor, which is the caller's; -EINPROGRESS
 * while attempts are under way; else, when all have failed, what the most
 * telling of them said. */
int ml_race_run(struct ml_race *race, int64_t now);

/* Declares what the race waits for, and at what time to run it again at the
 * latest. 0; -ENOMEM. */
int ml_race_declare(const struct ml_race *race, ml_call *call);

/* Closes what is under way. Must not use Lua. */
void ml_race_term(struct ml_race *race);

#endif
