#include "cli/script.h"

#include "api/report.h"
#include "core/loop.h"

#include <lauxlib.h>
#include <string.h>

/* A module's global has its name up to this mark: "socket-v3" is `socket`. */
static const char *const VERSION_MARK = "-";

void ml_script_set_arg(lua_State *L, const struct ml_cmdline *line)
{
    /* Without a script the command itself is arg[0]. */
    int zero = line->script < line->argc ? line->script : 0;
    lua_createtable(L, line->argc - zero, zero);
    for (int i = 0; i < line->argc; i++) {
        lua_pushstring(L, line->argv[i]);
        lua_rawseti(L, -2, i - zero);
    }
    lua_setglobal(L, "arg");
}

/* ---- loading ------------------------------------------------------------- */

/* Pushes the arguments: those in `arg` now, which the parts before may have
 * changed. Returns their number. */
static int push_arguments(lua_State *L)
{
    if (lua_getglobal(L, "arg") != LUA_TTABLE) {
        return luaL_error(L, "'arg' is not a table");
    }
    int table = lua_gettop(L);
    int n = (int)luaL_len(L, table);
    luaL_checkstack(L, n + 3, "too many arguments to the script");
    for (int i = 1; i <= n; i++) {
        lua_rawgeti(L, table, i);
    }
    lua_remove(L, table);
    return n;
}

/* Says why the part cannot be loaded; the message is on top. Lua's own, about
 * a binary chunk, does not say which. */
static void say_unloadable(lua_State *L, const struct ml_part *part)
{
    const char *message = lua_tostring(L, -1);
    if (strstr(message, "load a binary chunk") != NULL) {
        ml_report_error("%s: %s; --allow-bytecode permits it",
                        part->text != NULL ? part->text : "stdin", message);
    } else {
        ml_report_error("%s", message);
    }
}

static void cancel_others(ml_loop *loop, void *ud)
{
    (void)ud;
    if (loop != NULL) {
        ml_loop_cancel_all(loop, "the script could not be loaded");
    }
}

/* The end of the task. The others are cancelled from outside of it. */
static int give_up(struct ml_script *script)
{
    script->unloadable = true;
    /* Without memory to ask for that, they run on. */
    (void)ml_post(script->loop, cancel_others, NULL);
    return 0;
}

/* Pushes the part as a function, or a message. */
static bool load_part(lua_State *L, const struct ml_script *script,
                      const struct ml_part *part)
{
    const char *mode = script->line->bytecode ? "bt" : "t";
    int status = LUA_OK;
    if (part->kind == ML_PART_MODULE) {
        lua_getglobal(L, "require");
    } else if (part->kind == ML_PART_CHUNK) {
        status = luaL_loadbufferx(L, part->text, strlen(part->text), part->name,
                                  mode);
    } else {
        status = luaL_loadfilex(L, part->text, mode);
    }
    return status == LUA_OK;
}

/* "NAME=MODULE", or "MODULE" for both. */
static const char *module_of(const struct ml_part *part)
{
    const char *equals = strchr(part->text, '=');
    return equals != NULL ? equals + 1 : part->text;
}

/* Of standard input that nobody asked for, nothing in `arg` is an argument. */
static int push_part_arguments(lua_State *L, const struct ml_script *script,
                               const struct ml_part *part)
{
    if (part->kind == ML_PART_MODULE) {
        lua_pushstring(L, module_of(part));
        return 1;
    }
    bool named = script->line->script < script->line->argc;
    return part->kind == ML_PART_SCRIPT && named ? push_arguments(L) : 0;
}

/* ---- running ------------------------------------------------------------- */

static int wanted_results(const struct ml_part *part)
{
    return part->kind == ML_PART_MODULE ? 1 : 0;
}

/* The part has returned. */
static void finish_part(lua_State *L, const struct ml_part *part)
{
    if (part->kind == ML_PART_MODULE) {
        bool same = module_of(part) == part->text;
        size_t size = strcspn(part->text, same ? VERSION_MARK : "=");
        lua_pushlstring(L, part->text, size);
        lua_insert(L, -2);
        lua_pushglobaltable(L);
        lua_insert(L, -3);
        lua_settable(L, -3);
        lua_pop(L, 1);
    }
}

static int run_parts(lua_State *L, struct ml_script *script, int first);

/* The part of this number was suspended, and has returned. */
static int run_parts_k(lua_State *L, int status, lua_KContext number)
{
    struct ml_script *script = (struct ml_script *)lua_touserdata(L, 1);
    (void)status;
    finish_part(L, &script->line->parts[number]);
    return run_parts(L, script, (int)number + 1);
}

static int run_parts(lua_State *L, struct ml_script *script, int first)
{
    for (int i = first; i < script->line->nparts; i++) {
        const struct ml_part *part = &script->line->parts[i];
        if (!load_part(L, script, part)) {
            say_unloadable(L, part);
            return give_up(script);
        }
        lua_callk(L, push_part_arguments(L, script, part), wanted_results(part),
                  i, run_parts_k);
        finish_part(L, part);
    }
    return 0;
}

/* The main task; its argument is the script. */
static int script_main(lua_State *L)
{
    return run_parts(L, (struct ml_script *)lua_touserdata(L, 1), 0);
}

int ml_script_spawn(struct ml_script *script)
{
    return ml_spawn_c(script->loop, script_main, script, NULL);
}
