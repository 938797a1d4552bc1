#include "fault.h"

#include <errno.h>

struct fault_plan fault_plans[FAULT_CALL_COUNT];

#define FAULT_NAME(name) #name,
const char *const fault_names[FAULT_CALL_COUNT] = {FAULT_CALLS(FAULT_NAME)};
#undef FAULT_NAME

int fault_strike(enum fault_call call)
{
    struct fault_plan *plan = &fault_plans[call];
    long n = atomic_fetch_add_explicit(&plan->count, 1, memory_order_relaxed);
    if (n + 1 < plan->first || n + 1 > plan->last) {
        return 0;
    }
    errno = plan->code;
    return plan->code;
}

void fault_reset(void)
{
    for (int call = 0; call < FAULT_CALL_COUNT; call++) {
        struct fault_plan *plan = &fault_plans[call];
        atomic_store(&plan->count, 0);
        plan->first = plan->last = 0;
        plan->code = 0;
    }
}
