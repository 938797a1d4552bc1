#include "api/report.h"

#include <lauxlib.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What a terminal is told to begin and end bold red; nothing elsewhere. */
static const char *colour(bool on)
{
    const char *no_color = getenv("NO_COLOR");
    if (isatty(STDERR_FILENO) == 0 ||
        (no_color != NULL && no_color[0] != '\0')) {
        return "";
    }
    return on ? "\033[1;31m" : "\033[0m";
}

static void add_title(luaL_Buffer *b, const ml_failure *failure)
{
    lua_State *L = b->L;
    const char *verb = " failed";
    if (strcmp(failure->kind, "deadlock") == 0) {
        verb = " can never go on";
    } else if (strcmp(failure->kind, "close") == 0) {
        verb = ", while it was being closed";
    }
    luaL_addstring(b, "miniloop: ");
    luaL_addstring(b, colour(true));
    lua_pushfstring(L, "task %I", (LUAI_UACINT)failure->task);
    luaL_addvalue(b);
    if (failure->name != NULL) {
        lua_pushfstring(L, " (%s)", failure->name);
        luaL_addvalue(b);
    }
    luaL_addstring(b, verb);
    luaL_addstring(b, colour(false));
}

/* Indents each line of a traceback or a list of places. */
static void add_lines(luaL_Buffer *b, const char *text)
{
    while (*text != '\0') {
        const char *end = strchr(text, '\n');
        size_t length = end != NULL ? (size_t)(end - text) : strlen(text);
        luaL_addstring(b, "\n    ");
        while (length > 0 && *text == '\t') {
            text++;
            length--;
        }
        luaL_addlstring(b, text, length);
        text += length;
        text += *text == '\n' ? 1 : 0;
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
    if (failure->waiting != NULL) {
        luaL_addstring(&b, ": it waits in ");
        luaL_addstring(&b, failure->waiting);
    }
    if (failure->message != NULL) {
        luaL_addstring(&b, ": ");
        luaL_addstring(&b, failure->message);
    }
    if (failure->traceback != NULL) {
        add_lines(&b, failure->traceback);
    }
    if (failure->spawned != NULL) {
        luaL_addstring(&b, "\n  spawned at:");
        add_lines(&b, failure->spawned);
    }
    luaL_addstring(&b, "\n");
    luaL_pushresult(&b);
    /* Nothing can be done about a standard error that does not take it. */
    (void)fputs(lua_tostring(L, -1), stderr);
    (void)fflush(stderr);
    lua_pop(L, 1);
}
