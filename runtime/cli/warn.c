#include "cli/warn.h"

#include <stdio.h>
#include <string.h>

static void control(struct ml_warn *warn, const char *word)
{
    if (strcmp(word, "@on") == 0) {
        warn->on = true;
    } else if (strcmp(word, "@off") == 0) {
        warn->on = false;
    }
}

/* A message comes in pieces, `more` says that another one follows. The text
 * that lua writes is kept, since tools look for it. */
static void write_warning(void *ud, const char *piece, int more)
{
    struct ml_warn *warn = (struct ml_warn *)ud;
    bool first = !warn->continued;
    warn->continued = more != 0;
    if (first && more == 0 && piece[0] == '@') {
        control(warn, piece);
    } else if (warn->on) {
        /* A standard error that takes nothing cannot be told so. */
        (void)fprintf(stderr, "%s%s%s", first ? "Lua warning: " : "", piece,
                      more != 0 ? "" : "\n");
        (void)fflush(stderr);
    }
}

void ml_warn_install(lua_State *L, struct ml_warn *warn)
{
    lua_setwarnf(L, write_warning, warn);
}
