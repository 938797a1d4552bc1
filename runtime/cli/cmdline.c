#include "cli/cmdline.h"

#include "api/report.h"
#include "base/nearest.h"
#include "poll/poll.h"

#include <errno.h>
#include <lualib.h>
#include <math.h>
#include <miniloop.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

/* Longest list of names that a suggestion is looked for in. */
enum {
    NAMES_MAX = 32
};

/* ---- what is printed ----------------------------------------------------- */

static const char *const USAGE =
    "usage: miniloop [options] [script.lua [arguments]]\n"
    "\n"
    "Runs a Lua script as the first task of an event loop, until no task is\n"
    "left. Without a script, standard input is run if it is not a terminal.\n"
    "\n"
    "  -e CHUNK          run this piece of Lua first; may be repeated\n"
    "  -l MODULE         require MODULE into the global of its name\n"
    "  -l NAME=MODULE    require MODULE into the global NAME\n"
    "  -                 run standard input as the script\n"
    "  --                what follows is the script, whatever it looks like\n"
    "  -W                turn Lua's warnings on\n"
    "  -v, --version     print versions and pollers\n"
    "  -h, --help        print this\n"
    "\n"
    "  --forever         stay when no task is left\n"
    "  --timeout=S       cancel everything after S seconds, with status 124\n"
    "  --grace=S         give cancelled tasks S seconds for clean-up (5)\n"
    "  --max-memory=N    hold at most N bytes; N may end in K, M or G\n"
    "  --virtual-time    jump the clock ahead when nothing is ready\n"
    "  --poller=NAME     what to wait with; --version lists them (auto)\n"
    "  --seed=N          the order of the simulated poller\n"
    "  --allow-bytecode  let binary chunks be loaded\n";

/* Standard output that does not take it is the reader's affair. */
static void print_version(void)
{
    (void)printf("miniloop %s\nLua %s\npollers: auto", ml_version(),
                 ml_lua_origin());
    for (const struct ml_poll_ops *const *ops = ml_poll_all(); *ops != NULL;
         ops++) {
        (void)printf(", %s", (*ops)->name);
    }
    (void)printf("\n");
    (void)fflush(stdout);
}

static int wrong(void)
{
    (void)fprintf(stderr, "Try: miniloop --help\n");
    return ML_CMDLINE_WRONG;
}

/* ---- options ------------------------------------------------------------- */

/* An option's function returns ML_CMDLINE_RUN, or a status to exit with. */
typedef int (*take_fn)(struct ml_cmdline *line, const char *value);

static int add_part(struct ml_cmdline *line, enum ml_part_kind kind,
                    const char *text, const char *name)
{
    line->parts[line->nparts++] = (struct ml_part){kind, text, name};
    return ML_CMDLINE_RUN;
}

static int take_chunk(struct ml_cmdline *line, const char *value)
{
    line->chunk = true;
    return add_part(line, ML_PART_CHUNK, value, "=(command line)");
}

static int take_module(struct ml_cmdline *line, const char *value)
{
    return add_part(line, ML_PART_MODULE, value, NULL);
}

static int take_warnings(struct ml_cmdline *line, const char *value)
{
    (void)value;
    line->warnings = true;
    return ML_CMDLINE_RUN;
}

static int take_version(struct ml_cmdline *line, const char *value)
{
    (void)value;
    line->version = true;
    return ML_CMDLINE_RUN;
}

static int take_help(struct ml_cmdline *line, const char *value)
{
    (void)line;
    (void)value;
    (void)fputs(USAGE, stdout);
    return EXIT_SUCCESS;
}

static int take_forever(struct ml_cmdline *line, const char *value)
{
    (void)value;
    line->flags |= ML_FOREVER;
    return ML_CMDLINE_RUN;
}

static int take_virtual_time(struct ml_cmdline *line, const char *value)
{
    (void)value;
    line->flags |= ML_VIRTUAL_TIME;
    return ML_CMDLINE_RUN;
}

static int take_bytecode(struct ml_cmdline *line, const char *value)
{
    (void)value;
    line->bytecode = true;
    return ML_CMDLINE_RUN;
}

static int read_seconds(const char *option, const char *value, double *out)
{
    char *end = NULL;
    double seconds = strtod(value, &end);
    if (end == value || *end != '\0' || isnan(seconds) || seconds < 0) {
        ml_report_error("%s takes a number of seconds, which '%s' is not",
                        option, value);
        return wrong();
    }
    *out = seconds;
    return ML_CMDLINE_RUN;
}

static int take_grace(struct ml_cmdline *line, const char *value)
{
    return read_seconds("--grace", value, &line->grace);
}

static int take_timeout(struct ml_cmdline *line, const char *value)
{
    return read_seconds("--timeout", value, &line->timeout);
}

static int take_seed(struct ml_cmdline *line, const char *value)
{
    char *end = NULL;
    errno = 0;
    line->seed = strtoull(value, &end, 0);
    if (end == value || *end != '\0' || errno != 0 || *value == '-') {
        ml_report_error("--seed takes a whole number, which '%s' is not",
                        value);
        return wrong();
    }
    return ML_CMDLINE_RUN;
}

/* By how many bits the unit moves a number; -1: it is none. */
static int unit_shift(const char *unit)
{
    static const char *const units[] = {"", "K", "M", "G", NULL};
    for (int i = 0; units[i] != NULL; i++) {
        if (strcasecmp(unit, units[i]) == 0) {
            return 10 * i;
        }
    }
    return -1;
}

static int take_memory(struct ml_cmdline *line, const char *value)
{
    char *end = NULL;
    errno = 0;
    unsigned long long n = strtoull(value, &end, 10);
    int shift = unit_shift(end);
    if (*value < '0' || *value > '9' || shift < 0 || n == 0) {
        ml_report_error("--max-memory takes a number of bytes, such as 64M, "
                        "which '%s' is not",
                        value);
        return wrong();
    }
    if (errno != 0 || n > SIZE_MAX >> shift) {
        ml_report_error("--max-memory=%s is more than any memory", value);
        return wrong();
    }
    line->memory = (size_t)n << shift;
    line->cap = value;
    return ML_CMDLINE_RUN;
}

static int refuse_poller(const char *name)
{
    const char *names[NAMES_MAX + 1] = {"auto"};
    int n = 1;
    for (const struct ml_poll_ops *const *ops = ml_poll_all();
         *ops != NULL && n < NAMES_MAX; ops++) {
        names[n++] = (*ops)->name;
    }
    const char *near = ml_nearest(name, names);
    if (near != NULL) {
        ml_report_error("there is no poller '%s'; did you mean '%s'?", name,
                        near);
    } else {
        ml_report_error("there is no poller '%s'; --version lists them", name);
    }
    return wrong();
}

static int take_poller(struct ml_cmdline *line, const char *value)
{
    if (strcmp(value, "auto") != 0 && ml_poll_find(value) == NULL) {
        return refuse_poller(value);
    }
    line->poller = value;
    return ML_CMDLINE_RUN;
}

struct option {
    const char *name;
    const char *needs; /* what its argument is; NULL: it has none */
    take_fn take;
};

static const struct option options[] = {
    {"-e", "a chunk of Lua", take_chunk},
    {"-l", "the name of a module", take_module},
    {"-W", NULL, take_warnings},
    {"-v", NULL, take_version},
    {"--version", NULL, take_version},
    {"-h", NULL, take_help},
    {"--help", NULL, take_help},
    {"--forever", NULL, take_forever},
    {"--timeout", "a number of seconds", take_timeout},
    {"--grace", "a number of seconds", take_grace},
    {"--max-memory", "a number of bytes", take_memory},
    {"--virtual-time", NULL, take_virtual_time},
    {"--poller", "the name of a poller", take_poller},
    {"--seed", "a whole number", take_seed},
    {"--allow-bytecode", NULL, take_bytecode},
    {NULL, NULL, NULL},
};

static int refuse_option(const char *word)
{
    const char *names[NAMES_MAX + 1] = {NULL};
    const char *near = NULL;
    int n = 0;
    if (word[1] == '-') { /* one letter is near to any other */
        for (const struct option *o = options; o->name != NULL; o++) {
            names[n++] = o->name;
        }
        near = ml_nearest(word, names);
    }
    int size = (int)strcspn(word, "=");
    if (near != NULL) {
        ml_report_error("there is no option '%.*s'; did you mean '%s'?", size,
                        word, near);
    } else {
        ml_report_error("there is no option '%.*s'", size, word);
    }
    return wrong();
}

/* The option that the word begins with, and in *value what is attached to it
 * (--name=value, -evalue) or NULL; NULL if there is no such option. */
static const struct option *find_option(const char *word, const char **value)
{
    size_t size = word[1] == '-' ? strcspn(word, "=") : 2;
    *value = word[1] == '-' ? word + size + 1 : word + size;
    if (word[size] == '\0') {
        *value = NULL;
    }
    for (const struct option *o = options; o->name != NULL; o++) {
        if (strncmp(o->name, word, size) == 0 && o->name[size] == '\0') {
            return o;
        }
    }
    return NULL;
}

/* Takes the option at argv[*at] and moves on. */
static int take_option(struct ml_cmdline *line, int *at)
{
    const char *word = line->argv[(*at)++];
    const char *value = NULL;
    const struct option *option = find_option(word, &value);
    if (option == NULL ||
        (option->needs == NULL && value != NULL && word[1] != '-')) {
        return refuse_option(word);
    }
    if (option->needs == NULL && value != NULL) {
        ml_report_error("%s takes no argument", option->name);
        return wrong();
    }
    if (option->needs != NULL && value == NULL) {
        if (*at == line->argc) {
            ml_report_error("%s needs %s", option->name, option->needs);
            return wrong();
        }
        value = line->argv[(*at)++];
    }
    return option->take(line, value);
}

/* Sets line->script to what follows the options. */
static int take_options(struct ml_cmdline *line)
{
    int at = 1;
    while (at < line->argc && line->argv[at][0] == '-' &&
           line->argv[at][1] != '\0') {
        if (strcmp(line->argv[at], "--") == 0) {
            at++;
            break;
        }
        int status = take_option(line, &at);
        if (status != ML_CMDLINE_RUN) {
            return status;
        }
    }
    line->script = at < line->argc ? at : line->argc;
    return ML_CMDLINE_RUN;
}

/* ---- the script ---------------------------------------------------------- */

/* Words kept for commands to come. */
static bool is_kept(const char *word)
{
    static const char *const words[] = {
        "run",    "eval",  "test",  "repl", "top", "trace", "prof",
        "bundle", "bench", "serve", "doc",  "new", NULL};
    for (int i = 0; words[i] != NULL; i++) {
        if (strcmp(words[i], word) == 0) {
            return true;
        }
    }
    return false;
}

static int take_script(struct ml_cmdline *line)
{
    const char *word = line->argv[line->script];
    if (is_kept(word)) {
        ml_report_error("there is no command '%s' yet, the word is kept for "
                        "it; a script of that name is ./%s",
                        word, word);
        return wrong();
    }
    if (strcmp(word, "-") == 0) {
        word = NULL;
    }
    return add_part(line, ML_PART_SCRIPT, word, NULL);
}

/* As lua does: with nothing to run, standard input is the script. */
static int take_nothing(struct ml_cmdline *line)
{
    if (isatty(STDIN_FILENO) == 0) {
        return add_part(line, ML_PART_SCRIPT, NULL, NULL);
    }
    (void)fputs(USAGE, stderr);
    return ML_CMDLINE_WRONG;
}

/* What the environment wants run first: LUA_INIT_5_4, or else LUA_INIT. */
static void take_init(struct ml_cmdline *line)
{
    static const char *const names[] = {"=LUA_INIT" LUA_VERSUFFIX, "=LUA_INIT"};
    for (int i = 0; i < 2; i++) {
        /* NOLINTNEXTLINE(concurrency-mt-unsafe): there is no thread yet */
        const char *init = getenv(names[i] + 1);
        if (init != NULL) {
            (void)(init[0] == '@'
                       ? add_part(line, ML_PART_FILE, init + 1, NULL)
                       : add_part(line, ML_PART_CHUNK, init, names[i]));
            return;
        }
    }
}

static int read_line(struct ml_cmdline *line)
{
    take_init(line);
    int status = take_options(line);
    if (status != ML_CMDLINE_RUN) {
        return status;
    }
    if (line->version) {
        print_version();
    }
    if (line->script < line->argc) {
        return take_script(line);
    }
    if (line->chunk) {
        return ML_CMDLINE_RUN;
    }
    return line->version ? EXIT_SUCCESS : take_nothing(line);
}

int ml_cmdline_read(struct ml_cmdline *line, int argc, char **argv)
{
    *line = (struct ml_cmdline){
        .argc = argc, .argv = argv, .grace = 5, .timeout = HUGE_VAL};
    /* A part a word, one for standard input and one for LUA_INIT. */
    line->parts = calloc((size_t)argc + 2, sizeof *line->parts);
    if (line->parts == NULL) {
        ml_report_error("there is no memory for the command line");
        return EXIT_FAILURE;
    }
    return read_line(line);
}

void ml_cmdline_free(struct ml_cmdline *line)
{
    free(line->parts);
}
