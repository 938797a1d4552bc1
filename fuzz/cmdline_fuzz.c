/* The command line: words of any kind. What it makes of them lies inside of them,
 * and it never reads beyond the last one. */
#include "cli/cmdline.h"
#include "fuzz.h"

#include <math.h>

enum {
    WORDS = 12
};

/* Words are separated by a 0; the name of the command comes first. */
static int split(char *text, size_t n, char **argv)
{
    static char name[] = "miniloop";
    int argc = 1;
    char *at = text;

    argv[0] = name;
    while (at < text + n && argc < WORDS) {
        argv[argc++] = at;
        at += strlen(at) + 1;
    }
    argv[argc] = NULL;
    return argc;
}

static bool is_word(const char *text, int argc, char **argv)
{
    for (int i = 0; i < argc; i++) {
        if (text >= argv[i] && text <= argv[i] + strlen(argv[i])) {
            return true;
        }
    }
    return false;
}

static void check_line(const struct ml_cmdline *line)
{
    FUZZ_CHECK(line->script >= 1 && line->script <= line->argc);
    FUZZ_CHECK(line->grace >= 0 && !isnan(line->timeout));
    for (int i = 0; i < line->nparts; i++) {
        const struct ml_part *part = &line->parts[i];
        FUZZ_CHECK(part->text == NULL
                       ? part->kind == ML_PART_SCRIPT
                       : is_word(part->text, line->argc, line->argv));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *argv[WORDS + 1];
    struct ml_cmdline line;
    char *text = malloc(size + 1);

    FUZZ_CHECK(text != NULL);
    memcpy(text, data, size);
    text[size] = '\0';
    int argc = split(text, size, argv);
    int status = ml_cmdline_read(&line, argc, argv);
    FUZZ_CHECK(status >= ML_CMDLINE_RUN && status <= ML_CMDLINE_WRONG);
    if (status == ML_CMDLINE_RUN) {
        check_line(&line);
    }
    ml_cmdline_free(&line);
    free(text);
    return 0;
}
