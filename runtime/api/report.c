#include "api/report.h"

#include "core/blame.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const RED = "\033[1;31m";
static const char *const BOLD = "\033[1m";
static const char *const PLAIN = "\033[0m";

/* What a terminal is to be told; nothing elsewhere. */
static const char *colour(const char *code)
{
    /* NOLINTNEXTLINE(concurrency-mt-unsafe): no thread sets variables */
    const char *no_color = getenv("NO_COLOR");
    bool wanted =
        isatty(STDERR_FILENO) != 0 && (no_color == NULL || no_color[0] == '\0');
    return wanted ? code : "";
}

static bool is_kind(const ml_failure *failure, const char *kind)
{
    return strcmp(failure->kind, kind) == 0;
}

/* ---- text ------------------------------------------------------------------- */

/* A report is written in one piece, so that those of several processes do not
 * run into each other; one of many pages in several. It needs no memory, for
 * want of memory may be what it tells of. */
struct text {
    size_t length;
    char bytes[8192];
};

/* Nothing can be done about a standard error that does not take it. */
static void text_write(struct text *text)
{
    (void)fwrite(text->bytes, 1, text->length, stderr);
    text->length = 0;
}

static void add(struct text *text, const char *bytes, size_t length)
{
    while (length > 0) {
        size_t room = sizeof text->bytes - text->length;
        size_t n = length < room ? length : room;
        memcpy(text->bytes + text->length, bytes, n);
        text->length += n;
        bytes += n;
        length -= n;
        if (text->length == sizeof text->bytes) {
            text_write(text);
        }
    }
}

static void add_string(struct text *text, const char *string)
{
    add(text, string, strlen(string));
}

/* Adds each line indented; those that begin with tabs stand below others. */
static void add_lines(struct text *text, const char *lines, size_t length,
                      const char *indent)
{
    const char *end = lines + length;
    while (lines < end) {
        const char *newline = memchr(lines, '\n', (size_t)(end - lines));
        const char *stop = newline != NULL ? newline : end;
        add_string(text, "\n");
        add_string(text, indent);
        add_string(text, *lines == '\t' ? "  " : "");
        lines += strspn(lines, "\t");
        add(text, lines, (size_t)(stop - lines));
        lines = newline != NULL ? newline + 1 : end;
    }
}

/* ---- reports ---------------------------------------------------------------- */

static const char *verb_of(const ml_failure *failure)
{
    if (is_kind(failure, "deadlock")) {
        return " can never go on";
    }
    if (is_kind(failure, "close")) {
        return ", while it was being closed";
    }
    if (is_kind(failure, "killed")) {
        return " was killed, for there is no memory to cancel it";
    }
    if (is_kind(failure, "finalizer")) {
        return ", in a finalizer that ran in it";
    }
    return is_kind(failure, "task") ? "" : " failed";
}

static void add_title(struct text *text, const ml_failure *failure)
{
    char task[32];
    (void)snprintf(task, sizeof task, "task %" PRId64, failure->task);
    add_string(text, "miniloop: ");
    add_string(text, colour(is_kind(failure, "task") ? BOLD : RED));
    add_string(text, task);
    if (failure->name != NULL) {
        add_string(text, " (");
        add_string(text, failure->name);
        add_string(text, ")");
    }
    add_string(text, verb_of(failure));
    add_string(text, colour(PLAIN));
}

static void add_message(struct text *text, const ml_failure *failure)
{
    if (failure->message != NULL) {
        add_string(text, ": ");
        add_string(text, failure->message);
    }
    if (failure->waiting != NULL) {
        add_string(text, is_kind(failure, "task") ? " in " : ": it waits in ");
        add_string(text, failure->waiting);
    }
}

/* Of a task whose function is one of C there is no more than the heading. */
static void add_traceback(struct text *text, const char *traceback)
{
    size_t length = ml_blame_length(traceback);
    if (length > sizeof "stack traceback:" - 1) {
        add_lines(text, traceback, length, "  ");
    }
}

void ml_report_failure(struct ml_loop *loop, lua_State *L,
                       const ml_failure *failure, void *ud)
{
    struct text text;
    (void)loop;
    (void)L;
    (void)ud;
    text.length = 0;
    add_title(&text, failure);
    add_message(&text, failure);
    if (failure->traceback != NULL) {
        add_traceback(&text, failure->traceback);
    }
    if (failure->spawned != NULL) {
        add_string(&text, "\n  spawned at:");
        add_lines(&text, failure->spawned, strlen(failure->spawned), "    ");
    }
    add_string(&text, "\n");
    text_write(&text);
    (void)fflush(stderr);
}

void ml_report_error(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    /* As above: there is nobody else to tell. */
    (void)fprintf(stderr, "miniloop: %s", colour(RED));
    /* NOLINTNEXTLINE(clang-analyzer-valist.*): va_start is not seen */
    (void)vfprintf(stderr, format, args);
    (void)fprintf(stderr, "%s\n", colour(PLAIN));
    va_end(args);
}
