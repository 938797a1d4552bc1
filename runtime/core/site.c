#include "core/site.h"

#include "base/cast.h"
#include "core/vm.h"

#include <lauxlib.h>
#include <stdbool.h>
#include <string.h>

/* The name of the file is left out: every spawn comes here, and few files spawn
 * at the same line. */
static size_t site_hash(const struct ml_site *parent, int line)
{
    return ((size_t)line * 31U + (size_t)parent / sizeof *parent) %
           ML_SITE_BUCKETS;
}

static const struct ml_site *site_ref(const struct ml_site *site)
{
    if (site != NULL) {
        struct ml_site *shared = ml_unconst(site);
        shared->refs++;
    }
    return site;
}

static struct ml_site *site_new(struct ml_sites *sites,
                                const struct ml_site *parent,
                                const lua_Debug *ar)
{
    struct ml_site *site =
        ml_alloc_resize(&sites->alloc, NULL, 0, sizeof *site);
    if (site != NULL) {
        site->parent = site_ref(parent);
        site->refs = 1;
        site->line = ar->currentline;
        site->depth = parent != NULL ? parent->depth + 1 : 0;
        memcpy(site->source, ar->short_src, sizeof site->source);
    }
    return site;
}

static bool site_is(const struct ml_site *site, const struct ml_site *parent,
                    const lua_Debug *ar)
{
    return site->parent == parent && site->line == ar->currentline &&
           strcmp(site->source, ar->short_src) == 0;
}

/* The spawner's own place again, or a chain that got too long, is not drawn
 * out: the new task shares the node's parent. */
static const struct ml_site *site_parent(const struct ml_site *parent,
                                         const lua_Debug *ar)
{
    if (parent != NULL && (site_is(parent, parent->parent, ar) ||
                           parent->depth >= ML_SITE_DEPTH)) {
        return parent->parent;
    }
    return parent;
}

/* The runtime's own modules: who called them has made the task. */
static bool is_ours(const lua_Debug *ar)
{
    return ar->source[0] == '@' && ar->source[1] == 'm' &&
           (strcmp(ar->source, "@miniloop.lua") == 0 ||
            strncmp(ar->source, "@miniloop/", strlen("@miniloop/")) == 0);
}

/* The innermost Lua function that is a script's, seen from level 1 on. */
static bool find_caller(lua_State *L, lua_Debug *ar)
{
    for (int level = 1; ml_vm_frame(L, level, "Sl", ar); level++) {
        if (!is_ours(ar) && (level == 1 || ar->currentline >= 0)) {
            return ar->currentline >= 0;
        }
    }
    return false;
}

const struct ml_site *ml_site_here(struct ml_sites *sites, lua_State *L,
                                   const struct ml_site *parent)
{
    lua_Debug ar;
    if (!find_caller(L, &ar)) {
        return site_ref(parent);
    }
    parent = site_parent(parent, &ar);
    size_t bucket = site_hash(parent, ar.currentline);
    for (struct ml_site *s = sites->buckets[bucket]; s != NULL; s = s->next) {
        if (site_is(s, parent, &ar)) {
            s->refs++;
            return s;
        }
    }
    struct ml_site *site = site_new(sites, parent, &ar);
    if (site != NULL) {
        site->next = sites->buckets[bucket];
        sites->buckets[bucket] = site;
    }
    return site;
}

static void site_free(struct ml_sites *sites, struct ml_site *site)
{
    size_t bucket = site_hash(site->parent, site->line);
    struct ml_site **at = &sites->buckets[bucket];
    while (*at != site) {
        at = &(*at)->next;
    }
    *at = site->next;
    ml_alloc_free(&sites->alloc, site, sizeof *site);
}

void ml_site_unref(struct ml_sites *sites, const struct ml_site *site)
{
    while (site != NULL) { /* a parent may go with its last child */
        struct ml_site *mine = ml_unconst(site);
        if (--mine->refs > 0) {
            return;
        }
        site = mine->parent;
        site_free(sites, mine);
    }
}

void ml_site_push(lua_State *L, const struct ml_site *site)
{
    luaL_Buffer b;
    luaL_buffinit(L, &b);
    for (; site != NULL; site = site->parent) {
        lua_pushfstring(L, "%s:%d", site->source, site->line);
        luaL_addvalue(&b);
        if (site->parent != NULL) {
            luaL_addstring(&b, "\n");
        }
    }
    luaL_pushresult(&b);
}
