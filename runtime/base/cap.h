/* cap.h - the most memory that a Lua state may hold, and who may use the last of
 * it.
 *
 * Lua asks for memory twice: refused the first time it collects what is
 * garbage, refused again it raises an error. With nothing left then, the task
 * that met the error could not even close what it had opened; and somebody has
 * to tell of it. So the last of the memory is kept back, in two parts of one
 * size. Tasks end below both. Once one was refused for good, clean-up may use
 * the first part, until that is free again by some margin; so may, at any time,
 * what the runtime allocates for itself. The second part is left for reports. */
#ifndef ML_BASE_CAP_H
#define ML_BASE_CAP_H

#include <stdbool.h>
#include <stddef.h>

enum ml_cap_level {
    ML_CAP_TASK,    /* what scripts do */
    ML_CAP_CLEANUP, /* handlers of tasks that are killed, and the runtime */
    ML_CAP_REPORT   /* what is told to people */
};

struct ml_cap {
    size_t limit;       /* bytes; 0: no cap */
    size_t reserve;     /* bytes of one part of what is kept back */
    const size_t *held; /* where the bytes held are counted */
    size_t settled;     /* what a collection left, while that was much; or 0 */
    enum ml_cap_level level;
    int refusals;  /* of Lua's requests, since the last that was granted */
    bool distress; /* a request was refused for good */
};

/* `held` must outlive the cap; `limit` 0 is no cap. */
void ml_cap_init(struct ml_cap *cap, size_t limit, const size_t *held);

/* What tasks may fill, in bytes. */
size_t ml_cap_room(const struct ml_cap *cap);

/* Whether Lua may have so many bytes more. The second tells the cap of it. */
bool ml_cap_fits(const struct ml_cap *cap, size_t more);
bool ml_cap_admit(struct ml_cap *cap, size_t more);

/* The same for the runtime's own blocks. */
bool ml_cap_admit_own(const struct ml_cap *cap, size_t more);

/* True if so much is held, more than a collection left the last time, that it
 * is time for the next; which is to be followed by ml_cap_settle. */
bool ml_cap_scarce(const struct ml_cap *cap);
void ml_cap_settle(struct ml_cap *cap);

/* From here on, what is asked for is asked for at this level, if that is more
 * than before. Returns the level before, for ml_cap_leave. `cap` may be NULL. */
enum ml_cap_level ml_cap_enter(struct ml_cap *cap, enum ml_cap_level level);
void ml_cap_leave(struct ml_cap *cap, enum ml_cap_level before);

#endif
