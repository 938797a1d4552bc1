#include "base/cap.h"

/* A part of what is kept back is so small a share of the cap, but neither less
 * nor more than handlers and reports have a use for. */
enum {
    SHARE = 32,
    RESERVE_MIN = 32 * 1024,
    RESERVE_MAX = 512 * 1024,
    STEPS = 4 /* of a part: what has to come together for another collection */
};

void ml_cap_init(struct ml_cap *cap, size_t limit, const size_t *held)
{
    size_t reserve = limit / SHARE;
    reserve = reserve < RESERVE_MIN ? RESERVE_MIN : reserve;
    reserve = reserve > RESERVE_MAX ? RESERVE_MAX : reserve;
    *cap = (struct ml_cap){.limit = limit, .reserve = reserve, .held = held};
}

/* How much may be held with so many parts kept back. */
static size_t cap_end(const struct ml_cap *cap, size_t parts)
{
    size_t kept = parts * cap->reserve;
    return cap->limit > kept ? cap->limit - kept : 0;
}

static bool fits(const struct ml_cap *cap, size_t more, size_t end)
{
    size_t held = *cap->held;
    return held <= end && more <= end - held;
}

size_t ml_cap_room(const struct ml_cap *cap)
{
    return cap_end(cap, 2);
}

static enum ml_cap_level level_now(const struct ml_cap *cap)
{
    bool cleanup = cap->distress && cap->level == ML_CAP_TASK;
    return cleanup ? ML_CAP_CLEANUP : cap->level;
}

static bool admits(const struct ml_cap *cap, size_t more,
                   enum ml_cap_level level)
{
    return fits(cap, more, cap_end(cap, (size_t)(ML_CAP_REPORT - level)));
}

bool ml_cap_fits(const struct ml_cap *cap, size_t more)
{
    return admits(cap, more, level_now(cap));
}

bool ml_cap_admit(struct ml_cap *cap, size_t more)
{
    if (cap->distress && fits(cap, more, cap_end(cap, 3))) {
        cap->distress = false;
    }
    if (ml_cap_fits(cap, more)) {
        cap->refusals = 0;
        return true;
    }
    cap->refusals++;
    cap->distress = cap->distress || cap->refusals > 1;
    return false;
}

bool ml_cap_admit_own(const struct ml_cap *cap, size_t more)
{
    bool report = cap->level == ML_CAP_REPORT;
    return admits(cap, more, report ? ML_CAP_REPORT : ML_CAP_CLEANUP);
}

bool ml_cap_scarce(const struct ml_cap *cap)
{
    size_t held = *cap->held;
    return held > ml_cap_room(cap) &&
           held > cap->settled + cap->reserve / STEPS;
}

void ml_cap_settle(struct ml_cap *cap)
{
    cap->settled = *cap->held > ml_cap_room(cap) ? *cap->held : 0;
}

enum ml_cap_level ml_cap_enter(struct ml_cap *cap, enum ml_cap_level level)
{
    if (cap == NULL) {
        return ML_CAP_TASK;
    }
    enum ml_cap_level before = cap->level;
    cap->level = level > before ? level : before;
    return before;
}

void ml_cap_leave(struct ml_cap *cap, enum ml_cap_level before)
{
    if (cap != NULL) {
        cap->level = before;
    }
}
