/* fault.h - what fault.c decides and fault_calls.c asks. */
#ifndef PEERS_FAULT_H
#define PEERS_FAULT_H

#include <stdbool.h>

enum fault_kind {
    FAULT_NOTHING,
    FAULT_MEMORY,
    FAULT_CALLS
};

/* Counts a request of that kind; true if it is to be refused. Any thread. */
bool fault_refuses(enum fault_kind kind);

#endif
