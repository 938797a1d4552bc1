#ifndef TORTURE_WRAP_H
#define TORTURE_WRAP_H

#include "fault.h"

/* The wrapper of a call that either fails, and answers `failed`, or is made. */
#define FAULT_WRAP(name, type, failed, parameters, arguments)             \
    type __real_##name parameters;                                        \
    type __wrap_##name parameters;                                        \
    type __wrap_##name parameters                                         \
    {                                                                     \
        return fault_strike(FAULT_##name) != 0 ? (failed)                 \
                                               : __real_##name arguments; \
    }

/* The same where the call answers with the code. */
#define FAULT_WRAP_CODE(name, parameters, arguments)       \
    int __real_##name parameters;                          \
    int __wrap_##name parameters;                          \
    int __wrap_##name parameters                           \
    {                                                      \
        int code = fault_strike(FAULT_##name);             \
        return code != 0 ? code : __real_##name arguments; \
    }

#endif
