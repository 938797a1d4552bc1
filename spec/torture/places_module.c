/* The Lua module `places`: where in the program calls are made that can fail.
 *
 * A place is a call and the innermost functions that it is made from. That a
 * case asks for memory a hundred thousand times says little: it does so in a few
 * hundred places, most of which other cases have as well. A sweep that makes each
 * place fail once is through in minutes.
 *
 * The places that were tried stand in a file that the processes of a sweep share:
 * as numbers made of addresses relative to the program, which are the same in
 * each. A case that is measured notes what is not among them; if the case can be
 * judged, its places are taken, and no other case has them.
 *
 * Or each case has its own places, and of each the first three times, and those at
 * which their number has doubled: what comes of a failure depends on how far the
 * case had come, too. */

#include "fault.h"

#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <lauxlib.h>
#include <lua.h>
#include <pthread.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

FAULT_API int luaopen_places(lua_State *L);

enum {
    DEPTH = 12,      /* functions that make a place */
    SLOTS = 1 << 18, /* of a table of places, a power of 2; more than half of
                        it is never used */
    FOUND_MAX = 1 << 15,
    FIRST = 3 /* times of a place that a case has for itself */
};

/* The program's own code lies within so many bytes of its data. */
static const intptr_t NEAR = (intptr_t)1 << 30;

struct found {
    uint64_t place;
    enum fault_call call;
    long n; /* the how-manieth of these calls it was */
};

/* What a case has found, for the process that made its copy. */
struct notes {
    int count;
    struct found found[FOUND_MAX];
};

static _Atomic uint64_t *tried; /* SLOTS, in the file */
static struct notes *notes;
static bool own; /* of each case, whatever others have tried */
static struct seen {
    uint64_t place;
    long times;
} seen[SLOTS]; /* by this copy */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* ---- a place --------------------------------------------------------------- */

static uint64_t mix(uint64_t hash, uint64_t value)
{
    hash = (hash ^ value) * UINT64_C(0x9e3779b97f4a7c15);
    return hash ^ (hash >> 29);
}

/* Never 0. What is not of the program itself lies elsewhere each time. */
static uint64_t place_of(enum fault_call call)
{
    void *frames[DEPTH + 4];
    int count = backtrace(frames, DEPTH + 4);
    uint64_t hash = mix(1, (uint64_t)call);
    for (int i = 0; i < count; i++) {
        intptr_t offset =
            (intptr_t)((uintptr_t)frames[i] - (uintptr_t)(void *)fault_plans);
        if (offset > -NEAR && offset < NEAR) {
            hash = mix(hash, (uint64_t)offset);
        }
    }
    return hash | 1;
}

static bool is_tried(uint64_t place)
{
    for (uint64_t i = place >> 1;; i++) {
        uint64_t there = tried[i % SLOTS];
        if (there == place || there == 0) {
            return there == place;
        }
    }
}

/* How often it was seen, with this time. */
static long count_seen(uint64_t place)
{
    uint64_t i = place >> 1;
    while (seen[i % SLOTS].place != 0 && seen[i % SLOTS].place != place) {
        i++;
    }
    seen[i % SLOTS].place = place;
    return ++seen[i % SLOTS].times;
}

/* False if it was there. */
static bool add_tried(uint64_t place)
{
    for (uint64_t i = place >> 1;; i++) {
        uint64_t there = 0;
        if (atomic_compare_exchange_strong(&tried[i % SLOTS], &there, place)) {
            return true;
        }
        if (there == place) {
            return false;
        }
    }
}

static bool is_wanted(uint64_t place)
{
    long times = count_seen(place);
    bool doubled = (times & (times - 1)) == 0;
    return own ? times <= FIRST || doubled : times == 1 && !is_tried(place);
}

static void note_call(enum fault_call call, long n)
{
    if (own && call == FAULT_memory) {
        return; /* each is too many */
    }
    uint64_t place = place_of(call);
    (void)pthread_mutex_lock(&lock);
    if (notes->count < FOUND_MAX && is_wanted(place)) {
        notes->found[notes->count++] = (struct found){place, call, n};
    }
    (void)pthread_mutex_unlock(&lock);
}

/* ---- the module ------------------------------------------------------------ */

static void *map_shared(lua_State *L, size_t size, int fd)
{
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
                        MAP_SHARED | (fd < 0 ? MAP_ANONYMOUS : 0), fd, 0);
    if (memory == MAP_FAILED) {
        (void)luaL_error(L, "no memory to note places in");
    }
    return memory;
}

/* places.open(path): what was tried stands there; the file need not exist. */
static int open_file(lua_State *L)
{
    size_t size = SLOTS * sizeof *tried;
    int fd = open(luaL_checkstring(L, 1), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (fd < 0 || ftruncate(fd, (off_t)size) != 0) {
        return luaL_error(L, "%s: cannot be made", lua_tostring(L, 1));
    }
    tried = map_shared(L, size, fd);
    (void)close(fd);
    return 0;
}

/* places.watch(own): in a copy: the places of calls are noted from here on, those
 * that nobody has tried or the case's own. */
static int watch(lua_State *L)
{
    own = lua_toboolean(L, 1);
    notes->count = 0;
    (void)place_of(FAULT_memory); /* it opens a library when first used */
    fault_note_call = note_call;
    return 0;
}

/* places.unwatch() */
static int unwatch(lua_State *L)
{
    (void)L;
    fault_note_call = NULL;
    return 0;
}

/* places.take(): what the last copy has found and, if others count, nobody has
 * taken: a list of { call = NAME, n = N }. */
static int take(lua_State *L)
{
    lua_Integer count = 0;
    lua_newtable(L);
    for (int i = 0; i < notes->count; i++) {
        const struct found *found = &notes->found[i];
        if (tried == NULL || add_tried(found->place)) {
            lua_createtable(L, 0, 2);
            lua_pushstring(L, fault_names[found->call]);
            lua_setfield(L, -2, "call");
            lua_pushinteger(L, found->n);
            lua_setfield(L, -2, "n");
            lua_rawseti(L, -2, ++count);
        }
    }
    return 1;
}

int luaopen_places(lua_State *L)
{
    static const luaL_Reg functions[] = {{"open", open_file},
                                         {"watch", watch},
                                         {"unwatch", unwatch},
                                         {"take", take},
                                         {NULL, NULL}};
    notes = map_shared(L, sizeof *notes, -1);
    luaL_newlib(L, functions);
    return 1;
}
