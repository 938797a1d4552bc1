/* options.h - the command line of the load generator. */
#ifndef BENCH_LOAD_OPTIONS_H
#define BENCH_LOAD_OPTIONS_H

#include "load.h"

/* Reads "echo|http|https HOST:PORT NAME=VALUE ...". False, with a message on standard
 * error, if it cannot. */
bool options_read(struct load_options *options, int argc, char **argv);

#endif
