#include "api/report.h"

#include "core/blame.h"

#include <lauxlib.h>
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

static void add_title(luaL_Buffer *b, const ml_failure *failure)
{
    lua_State *L = b->L;
    const char *verb = " failed";
    if (is_kind(failure, "deadlock")) {
        verb = " can never go on";
    } else if (is_kind(failure, "close")) {
        verb = ", while it was being closed";
    } else if (is_kind(failure, "finalizer")) {
        verb = ", in a finalizer that ran in it";
    } else if (is_kind(failure, "task")) {
        verb = "";
    }
    luaL_addstring(b, "miniloop: ");
    luaL_addstring(b, colour(is_kind(failure, "task") ? BOLD : RED));
    lua_pushfstring(L, "task %I", (LUAI_UACINT)failure->task);
    luaL_addvalue(b);
    if (failure->name != NULL) {
        lua_pushfstring(L, " (%s)", failure->name);
        luaL_addvalue(b);
    }
    luaL_addstring(b, verb);
    luaL_addstring(b, colour(PLAIN));
}

static void add_message(luaL_Buffer *b, const ml_failure *failure)
{
    if (failure->message != NULL) {
        luaL_addstring(b, ": ");
        luaL_addstring(b, failure->message);
    }
    if (failure->waiting != NULL) {
        luaL_addstring(b, is_kind(failure, "task") ? " in " : ": it waits in ");
        luaL_addstring(b, failure->waiting);
    }
}

/* Adds each line indented; those that begin with tabs stand below others. */
static void add_lines(luaL_Buffer *b, const char *text, size_t length,
                      const char *indent)
{
    const char *end = text + length;
    while (text < end) {
        const char *newline = memchr(text, '\n', (size_t)(end - text));
        const char *stop = newline != NULL ? newline : end;
        luaL_addstring(b, "\n");
        luaL_addstring(b, indent);
        luaL_addstring(b, *text == '\t' ? "  " : "");
        text += strspn(text, "\t");
        luaL_addlstring(b, text, (size_t)(stop - text));
        text = newline != NULL ? newline + 1 : end;
    }
}

/* Of a task whose function is one of C there is no more than the heading. */
static void add_traceback(luaL_Buffer *b, const char *traceback)
{
    size_t length = ml_blame_length(traceback);
    if (length > sizeof "stack traceback:" - 1) {
        add_lines(b, traceback, length, "  ");
    }
}

void ml_report_failure(struct ml_loop *loop, lua_State *L,
                       const ml_failure *failure, void *ud)
{
    luaL_Buffer b;
    (void)loop;
    (void)ud;
    luaL_buffinit(L, &b);
    add_title(&b, failure);
    add_message(&b, failure);
    if (failure->traceback != NULL) {
        add_traceback(&b, failure->traceback);
    }
    if (failure->spawned != NULL) {
        luaL_addstring(&b, "\n  spawned at:");
        add_lines(&b, failure->spawned, strlen(failure->spawned), "    ");
    }
    luaL_addstring(&b, "\n");
    luaL_pushresult(&b);
    /* Nothing can be done about a standard error that does not take it. */
    (void)fputs(lua_tostring(L, -1), stderr);
    (void)fflush(stderr);
    lua_pop(L, 1);
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
