#define _GNU_SOURCE 1 /* dprintf's kin */

#include "mode.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    AGAIN_OF = 3, /* one of so many says EAGAIN */
    HASTY_OF = 4, /* one of so many waits ends early */
    WORD_SIZE = 64,
    COUNTED = 4096 /* descriptors above have nothing behind them */
};

int __real_fstat(int fd, struct stat *st);
int __real_getsockopt(int fd, int level, int option, void *value,
                      socklen_t *len);

static struct {
    size_t cap;                  /* of bytes; 0: none */
    size_t from;                 /* behind so many it is longer; 0: never */
    atomic_size_t done[COUNTED]; /* by descriptor */
    atomic_bool shut[COUNTED];
    long eintr; /* every so many calls; 0: never */
    bool again;
    bool one_event;
    bool spurious;
    atomic_ullong state; /* of the random numbers */
    bool interruptible[FAULT_CALL_COUNT];
    atomic_long calls[FAULT_CALL_COUNT];
} mode;

/* --- asked by wrappers ----------------------------------------------------- */

/* splitmix64 */
uint64_t fault_mode_random(void)
{
    const uint64_t step = UINT64_C(0x9e3779b97f4a7c15);
    uint64_t z = atomic_fetch_add(&mode.state, step) + step;
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

int fault_mode_interrupt(enum fault_call call)
{
    if (mode.eintr == 0 || !mode.interruptible[call]) {
        return 0;
    }
    long n = atomic_fetch_add(&mode.calls[call], 1) + 1;
    return n % mode.eintr == 0 ? EINTR : 0;
}

bool fault_mode_again(int fd)
{
    bool shut = fd >= 0 && fd < COUNTED && mode.shut[fd];
    return mode.again && !shut && fault_mode_random() % AGAIN_OF == 0;
}

static bool keeps_bounds(int fd)
{
    struct stat st;
    int type = 0;
    socklen_t len = sizeof type;
    if (__real_fstat(fd, &st) != 0) {
        return true;
    }
    if (S_ISSOCK(st.st_mode)) {
        return __real_getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) != 0 ||
               type != SOCK_STREAM;
    }
    return !S_ISFIFO(st.st_mode) && !S_ISREG(st.st_mode);
}

/* Behind the first bytes, small and large by turns. (A socket of the Unix family
 * is full with a few hundred pieces, however small.) */
static size_t cap_behind(size_t done)
{
    static const size_t caps[] = {1, 4093, 7, 509, 61};
    return mode.from > 0 && done >= mode.from
               ? caps[done % (sizeof caps / sizeof *caps)]
               : mode.cap;
}

size_t fault_mode_cut_at(int fd, size_t n, off_t at)
{
    size_t cap = mode.cap == 0 ? n : cap_behind((size_t)at);
    return n <= cap || keeps_bounds(fd) ? n : cap;
}

size_t fault_mode_cut(int fd, size_t n)
{
    size_t done = fd >= 0 && fd < COUNTED ? mode.done[fd] : 0;
    return fault_mode_cut_at(fd, n, (off_t)done);
}

size_t fault_mode_cut_write(int fd, size_t n)
{
    struct stat st;
    bool whole = mode.cap != 0 && n <= PIPE_BUF && __real_fstat(fd, &st) == 0 &&
                 S_ISFIFO(st.st_mode);
    return whole ? n : fault_mode_cut(fd, n);
}

void fault_mode_done(int fd, ssize_t n)
{
    if (mode.cap != 0 && n > 0 && fd >= 0 && fd < COUNTED) {
        atomic_fetch_add(&mode.done[fd], (size_t)n);
    }
}

void fault_mode_shut(int fd)
{
    if (fd >= 0 && fd < COUNTED) {
        mode.shut[fd] = true;
    }
}

void fault_mode_closed(int fd)
{
    if (fd >= 0 && fd < COUNTED) {
        mode.done[fd] = 0;
        mode.shut[fd] = false;
    }
}

int fault_mode_events(int n)
{
    return mode.one_event && n > 1 ? 1 : n;
}

bool fault_mode_hasty(void)
{
    return mode.spurious && fault_mode_random() % HASTY_OF == 0;
}

/* --- read from the environment --------------------------------------------- */

static _Noreturn void refuse(const char *item)
{
    (void)fprintf(stderr, "ML_FAULT: cannot make sense of \"%s\"\n", item);
    _exit(2);
}

/* The number after a colon at `text`, or `otherwise` where there is none. */
static long number(const char *text, long otherwise)
{
    char *end = NULL;
    if (*text == '\0') {
        return otherwise;
    }
    long n = *text == ':' ? strtol(text + 1, &end, 10) : -1;
    if (n < 0 || end == text + 1 || *end != '\0') {
        refuse(text);
    }
    return n;
}

static int call_named(const char *name, size_t length)
{
    for (int call = 0; call < FAULT_CALL_COUNT; call++) {
        if (strlen(fault_names[call]) == length &&
            strncmp(fault_names[call], name, length) == 0) {
            return call;
        }
    }
    return -1;
}

/* CALL:CODE:FIRST[:TIMES] */
static void take_plan(const char *item)
{
    char name[WORD_SIZE];
    long first = 0;
    long times = 1;
    int call = call_named(item, strcspn(item, ":"));
    const char *rest = item + strcspn(item, ":");
    if (call < 0) {
        refuse(item);
    }
    if (/* NOLINTNEXTLINE(cert-err34-c): what is too large is never reached */
        sscanf(rest, ":%31[A-Z_0-9]:%ld:%ld", name, &first, &times) < 2 ||
        fault_code(name) == 0) {
        refuse(item);
    }
    fault_plans[call].code = fault_code(name);
    fault_plans[call].last = times == 0 ? LONG_MAX : first + times - 1;
    fault_plans[call].first = first;
}

/* [:N[:FROM]] */
static void take_short(const char *rest)
{
    mode.cap = 1;
    mode.from = 128;
    /* NOLINTNEXTLINE(cert-err34-c): what is too large cuts nothing */
    if (*rest != '\0' && sscanf(rest, ":%zu:%zu", &mode.cap, &mode.from) < 1) {
        refuse(rest);
    }
}

static bool is_named(const char *item, const char *name, const char **rest)
{
    size_t length = strlen(name);
    *rest = item + length;
    return strncmp(item, name, length) == 0 &&
           (**rest == '\0' || **rest == ':');
}

static void take_item(const char *item)
{
    const char *rest;
    if (is_named(item, "short", &rest)) {
        take_short(rest);
    } else if (is_named(item, "eintr", &rest)) {
        mode.eintr = number(rest, 3);
    } else if (is_named(item, "eagain", &rest)) {
        mode.again = true;
        mode.state = (unsigned long long)number(rest, 1);
    } else if (is_named(item, "spurious", &rest)) {
        mode.spurious = true;
        mode.state = (unsigned long long)number(rest, 1);
    } else if (strcmp(item, "one_event") == 0) {
        mode.one_event = true;
    } else {
        take_plan(item);
    }
}

/* A call that is always interrupted would be made for ever. */
static void find_interruptible(void)
{
    for (int call = 0; call < FAULT_CALL_COUNT; call++) {
        mode.interruptible[call] = strstr(fault_codes[call], "EINTR") != NULL;
    }
    if (mode.eintr == 1) {
        refuse("eintr:1");
    }
}

__attribute__((constructor)) static void take_environment(void)
{
    const char *text = getenv("ML_FAULT"); /* NOLINT: no thread runs yet */
    while (text != NULL && *text != '\0') {
        char item[WORD_SIZE];
        size_t length = strcspn(text, ",");
        if (length >= sizeof item) {
            refuse(text);
        }
        memcpy(item, text, length);
        item[length] = '\0';
        take_item(item);
        text += length + (text[length] == ',');
    }
    find_interruptible();
}
