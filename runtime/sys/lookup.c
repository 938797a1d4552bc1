#include "sys/lookup.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

/* Two hold it: the call, and the completion that the worker is to make. Both
 * let go on the loop's thread, or, if the loop is closed, one after the other,
 * so the count needs no lock. */
struct ml_lookup {
    int refs;
    enum {
        LOOKUP_NEW,
        LOOKUP_AWAY, /* a worker has it: `answer` is not to be looked at */
        LOOKUP_DONE
    } state;
    struct ml_endpoint endpoint;
    struct ml_lookup_use use;
    struct ml_resolution *answer; /* owned; NULL: none yet, or no memory */
};

struct ml_lookup *ml_lookup_new(const struct ml_endpoint *endpoint,
                                struct ml_lookup_use use)
{
    struct ml_lookup *lookup = calloc(1, sizeof *lookup);
    if (lookup != NULL) {
        lookup->refs = 1;
        lookup->endpoint = *endpoint;
        lookup->use = use;
    }
    return lookup;
}

void ml_lookup_unref(struct ml_lookup *lookup)
{
    if (lookup != NULL && --lookup->refs == 0) {
        ml_resolution_free(lookup->answer);
        free(lookup);
    }
}

void ml_lookup_withdraw(ml_call *call)
{
    ml_lookup_unref(ml_call_data(call));
    ml_call_setdata(call, NULL);
}

/* Makes room for an answer that needs no worker. */
static int lookup_settle(struct ml_lookup *lookup, size_t count)
{
    lookup->answer = calloc(1, sizeof *lookup->answer +
                                   count * sizeof lookup->answer->addresses[0]);
    if (lookup->answer == NULL) {
        return -ENOMEM;
    }
    lookup->answer->count = count;
    lookup->state = LOOKUP_DONE;
    return 0;
}

struct ml_lookup *ml_lookup_list(size_t count, struct ml_address **addresses)
{
    static const struct ml_endpoint nothing = {.kind = ML_ENDPOINT_INET};
    static const struct ml_lookup_use any = {.family = AF_UNSPEC};
    struct ml_lookup *lookup = ml_lookup_new(&nothing, any);
    if (lookup != NULL && lookup_settle(lookup, count) != 0) {
        ml_lookup_unref(lookup);
        return NULL;
    }
    *addresses = lookup != NULL ? lookup->answer->addresses : NULL;
    return lookup;
}

/* ---- names -------------------------------------------------------------- */

/* On a worker's thread. */
static void lookup_work(void *data)
{
    struct ml_lookup *lookup = (struct ml_lookup *)data;
    const struct ml_endpoint *endpoint = &lookup->endpoint;
    lookup->answer =
        ml_resolve(endpoint->host, endpoint->service, lookup->use.family,
                   lookup->use.socktype, lookup->use.passive);
}

static void lookup_release(void *data)
{
    ml_lookup_unref((struct ml_lookup *)data);
}

static int lookup_offload(struct ml_lookup *lookup, ml_call *call)
{
    lookup->refs++;
    int err = ml_call_offload(call, lookup_work, lookup, lookup_release);
    if (err != 0) {
        lookup->refs--;
        return err;
    }
    lookup->state = LOOKUP_AWAY;
    return ML_WAIT;
}

/* ---- numbers ------------------------------------------------------------ */

static int lookup_numeric(const struct ml_lookup *lookup,
                          struct ml_address *out)
{
    const struct ml_endpoint *endpoint = &lookup->endpoint;
    const struct ml_lookup_use *use = &lookup->use;
    int err = ml_address_numeric(endpoint, use->passive, out);
    if (err != 0 || use->family == AF_UNSPEC ||
        ml_address_family(out) == use->family) {
        return err;
    }
    if (endpoint->kind != ML_ENDPOINT_INET || endpoint->host[0] != '\0') {
        return -EAFNOSUPPORT;
    }
    /* (Nobody asks for the wildcard and for a family.) */
    ml_address_loopback(out, use->family, endpoint->port);
    return 0;
}

static int lookup_begin(struct ml_lookup *lookup, ml_call *call)
{
    struct ml_address address;
    int err = lookup_numeric(lookup, &address);
    if (err == -ENOENT) {
        return lookup_offload(lookup, call);
    }
    if (err == 0) {
        err = lookup_settle(lookup, 1);
    }
    if (err == 0) {
        lookup->answer->addresses[0] = address;
    }
    return err;
}

int ml_lookup_attempt(struct ml_lookup *lookup, ml_call *call)
{
    ml_call_setdata(call, lookup);
    if (lookup->state == LOOKUP_NEW) {
        return lookup_begin(lookup, call);
    }
    if (lookup->state == LOOKUP_AWAY && !ml_call_completed(call)) {
        return ML_WAIT;
    }
    lookup->state = LOOKUP_DONE;
    return lookup->answer != NULL ? -lookup->answer->error : -ENOMEM;
}

const struct ml_resolution *ml_lookup_answer(const struct ml_lookup *lookup)
{
    return lookup->answer;
}

const struct ml_endpoint *ml_lookup_endpoint(const struct ml_lookup *lookup)
{
    return &lookup->endpoint;
}
