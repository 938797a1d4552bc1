/* cmdline.h - what the words of the command line mean. */
#ifndef ML_CLI_CMDLINE_H
#define ML_CLI_CMDLINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What the script is made of, run one after the other. */
enum ml_part_kind {
    ML_PART_CHUNK,  /* text: a chunk of Lua */
    ML_PART_FILE,   /* text: a path */
    ML_PART_MODULE, /* text: a name for require, as in -l */
    ML_PART_SCRIPT  /* text: a path, or NULL for standard input; gets the
                       arguments */
};

struct ml_part {
    enum ml_part_kind kind;
    const char *text;
    const char *name; /* of a chunk: what messages call it */
};

/* Everything in it is borrowed from the command line and the environment, but
 * for `parts`. */
struct ml_cmdline {
    int argc;
    char **argv;
    int script; /* index in argv; argc if no script was named */
    struct ml_part *parts;
    int nparts;
    const char *poller; /* NULL: auto */
    double grace;       /* seconds */
    double timeout;     /* seconds; HUGE_VAL: none */
    size_t memory;      /* bytes that the run may hold; 0: no limit */
    const char *cap;    /* the same as it was written */
    uint64_t seed;
    unsigned flags; /* ML_FOREVER, ML_VIRTUAL_TIME */
    bool bytecode;  /* binary chunks may be loaded */
    bool warnings;  /* are on from the start */
    bool version;   /* was asked for */
    bool chunk;     /* -e was given */
};

/* Reads the command line. Returns ML_CMDLINE_RUN, or the status to exit with:
 * the line was wrong, and that was said; or all that it asks for was done. */
int ml_cmdline_read(struct ml_cmdline *line, int argc, char **argv);

/* The exit status of a command that was used wrongly. */
enum {
    ML_CMDLINE_RUN = -1,
    ML_CMDLINE_WRONG = 2
};

void ml_cmdline_free(struct ml_cmdline *line);

#endif
