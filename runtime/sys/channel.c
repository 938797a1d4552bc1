/* channel.c - ml.channel: values from task to task, first in, first out.
 *
 * A value lives in one of three places. While its sender waits it is on the
 * sender's stack, at its argument. In the buffer, or handed to a receiver that
 * has not run yet, it is in the channel's table of slots, under a key that only
 * grows: so older values have smaller keys, and a value that comes back from a
 * receiver that was killed can be put before the others without moving any.
 * The C side knows keys; withdrawing a call moves keys, and needs no Lua. */
#include "core/arg.h"
#include "core/call.h"
#include "core/loop.h"
#include "core/misuse.h"
#include "core/request.h"
#include "core/task.h"
#include "sys/place.h"
#include "sys/sys.h"

#include <errno.h>
#include <string.h>

static const char *const METATABLE = "miniloop.channel";

/* User values of a channel. */
enum {
    SLOTS = 1,
    REASON,
    USERVALUES = REASON
};

struct channel {
    struct ml_vm *vm;
    struct ml_place place; /* where it was made */
    struct ml_queue senders, receivers;
    lua_Integer capacity;
    int64_t head, tail; /* keys of what is buffered: head <= key < tail */
    int64_t *returned;  /* keys that came back, sorted; older than head */
    size_t nreturned;
    size_t given; /* handed over, and not yet received */
    size_t room;  /* of `returned`: at least nreturned + given */
    bool closed;
};

static struct channel *check_channel(lua_State *L, int arg)
{
    return (struct channel *)ml_arg_udata(L, arg, METATABLE);
}

static bool is_full(const struct channel *ch)
{
    return ch->tail - ch->head >= ch->capacity;
}

/* ---- slots ---------------------------------------------------------------------- */

/* Sets the slot `key` of the channel at `index` to the value on top, which it
 * takes off. May raise a memory error. */
static void slot_put(lua_State *L, int index, int64_t key)
{
    (void)lua_getiuservalue(L, index, SLOTS);
    lua_insert(L, -2);
    lua_rawseti(L, -2, key);
    lua_pop(L, 1);
}

/* Pushes the value of the slot and empties it. */
static void slot_take(lua_State *L, int index, int64_t key)
{
    (void)lua_getiuservalue(L, index, SLOTS);
    lua_rawgeti(L, -1, key);
    lua_pushnil(L);
    lua_rawseti(L, -3, key);
    lua_remove(L, -2);
}

/* While nothing is in the slots, the keys may begin anew, which keeps them in
 * the array part of the table. */
static void keys_rewind(struct channel *ch)
{
    if (ch->head == ch->tail && ch->given == 0 && ch->nreturned == 0) {
        ch->head = 1;
        ch->tail = 1;
    }
}

/* Makes room to take back one more. 0; -ENOMEM. */
static int returned_reserve(struct channel *ch)
{
    size_t need = ch->nreturned + ch->given + 1;
    if (need <= ch->room) {
        return 0;
    }
    size_t room = ch->room > 0 ? ch->room * 2 : 4;
    int64_t *keys =
        ml_alloc_resize(&ch->vm->alloc, ch->returned, ch->room * sizeof *keys,
                        room * sizeof *keys);
    if (keys == NULL) {
        return -ENOMEM;
    }
    ch->returned = keys;
    ch->room = room;
    return 0;
}

static void returned_add(struct channel *ch, int64_t key)
{
    size_t i = ch->nreturned++;
    for (; i > 0 && ch->returned[i - 1] > key; i--) {
        ch->returned[i] = ch->returned[i - 1];
    }
    ch->returned[i] = key;
}

static int64_t returned_shift(struct channel *ch)
{
    int64_t key = ch->returned[0];
    ch->nreturned--;
    memmove(ch->returned, ch->returned + 1,
            ch->nreturned * sizeof *ch->returned);
    return key;
}

/* ---- send ------------------------------------------------------------------------ */

/* The receiver that has waited longest gets the slot. */
static void give(struct channel *ch, ml_call *receiver, int64_t key)
{
    receiver->number = key;
    ch->given++;
    ml_call_wake(receiver, ML_WOKE_GIVEN);
}

/* Puts the value at `arg` into a new slot. 0; -ENOMEM. */
static int send_store(lua_State *L, struct channel *ch, int index, int arg)
{
    int err = returned_reserve(ch);
    if (err != 0) {
        return err;
    }
    keys_rewind(ch);
    lua_pushvalue(L, arg);
    slot_put(L, index, ch->tail);
    ch->tail++;
    return 0;
}

static int answer_true(lua_State *L)
{
    lua_pushboolean(L, 1);
    return 1;
}

static int send_now(lua_State *L, struct channel *ch, ml_call *call)
{
    int err = send_store(L, ch, ml_call_arg(call, 1), ml_call_arg(call, 2));
    if (err != 0) {
        return err;
    }
    ml_call *receiver = ml_queue_first(&ch->receivers);
    if (receiver != NULL) {
        give(ch, receiver, ch->head++);
    }
    return answer_true(L);
}

static int wait_in(lua_State *L, ml_call *call, struct ml_queue *queue,
                   int timeout)
{
    if (call->woke == ML_WOKE_NOT && !ml_misuse_absent(L, timeout)) {
        ml_call_bound(call, lua_tonumber(L, timeout));
    }
    luaL_checkstack(L, 2, "channel"); /* its value may be taken from here */
    int err = ml_declare_queue(call, queue);
    return err != 0 ? err : ML_WAIT;
}

static int send_attempt(lua_State *L, ml_call *call)
{
    struct channel *ch = lua_touserdata(L, ml_call_arg(call, 1));
    call->data = ch;
    if (call->woke == ML_WOKE_GIVEN) { /* a receiver took it */
        return answer_true(L);
    }
    if (ch->closed) {
        return -EPIPE;
    }
    if (ml_queue_first(&ch->receivers) != NULL || !is_full(ch)) {
        return send_now(L, ch, call);
    }
    return wait_in(L, call, &ch->senders, ml_call_arg(call, 3));
}

static void send_check(lua_State *L)
{
    (void)check_channel(L, 1);
    ml_arg_check(L, !ml_misuse_absent(L, 2), 2, "nil cannot be sent");
    (void)ml_misuse_opt_seconds(L, 3, 0);
    lua_settop(L, 3);
}

/* ---- recv ------------------------------------------------------------------------- */

/* Pushes the value of a sender that waits, which has sent it then. */
static void take_from_sender(lua_State *L, ml_call *sender)
{
    lua_State *S = sender->task->leaf;
    lua_pushvalue(S, ml_call_arg(sender, 2));
    lua_xmove(S, L, 1);
    ml_call_wake(sender, ML_WOKE_GIVEN);
}

/* A place in the buffer gets free: the sender that has waited longest moves up. */
static void refill(lua_State *L, struct channel *ch, int index)
{
    ml_call *sender = ml_queue_first(&ch->senders);
    if (sender == NULL) {
        return;
    }
    /* What may fail comes first: the value stays with its sender until then. */
    lua_State *S = sender->task->leaf;
    lua_pushvalue(S, ml_call_arg(sender, 2));
    lua_xmove(S, L, 1);
    slot_put(L, index, ch->tail);
    ch->tail++;
    ml_call_wake(sender, ML_WOKE_GIVEN);
}

/* A lone nil at the end; with the error, if it was closed with one. */
static int answer_closed(lua_State *L, int index)
{
    lua_pushnil(L);
    if (lua_getiuservalue(L, index, REASON) != LUA_TNIL) {
        return 2;
    }
    lua_pop(L, 1);
    return 1;
}

static int recv_attempt(lua_State *L, ml_call *call)
{
    int index = ml_call_arg(call, 1);
    struct channel *ch = lua_touserdata(L, index);
    if (call->woke == ML_WOKE_GIVEN) {
        ch->given--;
        slot_take(L, index, call->number);
        return 1;
    }
    if (ch->nreturned > 0) {
        slot_take(L, index, returned_shift(ch));
        return 1;
    }
    if (ch->head < ch->tail) {
        refill(L, ch, index); /* may fail: nothing is taken before */
        slot_take(L, index, ch->head++);
        return 1;
    }
    ml_call *sender = ml_queue_first(&ch->senders);
    if (sender != NULL) {
        take_from_sender(L, sender);
        return 1;
    }
    if (ch->closed) {
        return answer_closed(L, index);
    }
    return wait_in(L, call, &ch->receivers, ml_call_arg(call, 2));
}

/* A receiver that was killed had been given a value: it goes to the next one,
 * or back to where it came from. */
static void recv_withdraw(ml_call *call)
{
    struct channel *ch = call->data;
    if (call->woke != ML_WOKE_GIVEN) {
        return;
    }
    ml_call *next = ml_queue_first(&ch->receivers);
    ch->given--;
    if (next != NULL) {
        give(ch, next, call->number);
    } else {
        returned_add(ch, call->number);
    }
}

static void recv_check(lua_State *L)
{
    (void)check_channel(L, 1);
    (void)ml_misuse_opt_seconds(L, 2, 0);
    lua_settop(L, 2);
}

static int recv_first(lua_State *L, ml_call *call)
{
    call->data = lua_touserdata(L, ml_call_arg(call, 1));
    return recv_attempt(L, call);
}

static void channel_describe(const ml_call *call, char *text, size_t size)
{
    const struct channel *ch = call->data;
    ml_place_text(&ch->place, "on the channel", text, size);
}

static const ml_syscall sys_send = {.size = sizeof(ml_syscall),
                                    .name = "send",
                                    .check = send_check,
                                    .attempt = send_attempt,
                                    .describe = channel_describe};

static const ml_syscall sys_recv = {.size = sizeof(ml_syscall),
                                    .name = "recv",
                                    .check = recv_check,
                                    .attempt = recv_first,
                                    .withdraw = recv_withdraw,
                                    .describe = channel_describe};

/* ---- the channel as an object ---------------------------------------------------- */

static int channel_close(lua_State *L)
{
    struct channel *ch = check_channel(L, 1);
    lua_settop(L, 2);
    if (!ch->closed) {
        ch->closed = true;
        (void)lua_setiuservalue(L, 1, REASON);
        ml_queue_wake_all(&ch->receivers);
        ml_queue_wake_all(&ch->senders);
    }
    return answer_true(L);
}

static int channel_gc(lua_State *L)
{
    struct channel *ch = check_channel(L, 1);
    ml_alloc_free(&ch->vm->alloc, ch->returned,
                  ch->room * sizeof *ch->returned);
    ch->returned = NULL;
    ch->room = 0;
    return 0;
}

static int channel_len(lua_State *L)
{
    const struct channel *ch = check_channel(L, 1);
    lua_pushinteger(L, (lua_Integer)(ch->tail - ch->head) +
                           (lua_Integer)ch->nreturned);
    return 1;
}

static int channel_new(lua_State *L)
{
    struct ml_vm *vm = ml_vm_upvalue(L);
    lua_Integer capacity = ml_misuse_absent(L, 1) ? 0 : ml_misuse_integer(L, 1);
    ml_arg_check(L, capacity >= 0, 1, "a capacity cannot be negative");
    struct channel *ch = lua_newuserdatauv(L, sizeof *ch, USERVALUES);
    memset(ch, 0, sizeof *ch);
    ch->vm = vm;
    ch->capacity = capacity;
    ch->head = 1;
    ch->tail = 1;
    ml_queue_init(&ch->senders);
    ml_queue_init(&ch->receivers);
    lua_newtable(L);
    (void)lua_setiuservalue(L, -2, SLOTS);
    ml_place_here(&ch->place, L);
    luaL_setmetatable(L, METATABLE);
    return 1;
}

void ml_sys_channel_open(lua_State *L, struct ml_vm *vm)
{
    static const luaL_Reg methods[] = {{"close", channel_close}, {NULL, NULL}};
    (void)ml_request_add(L, vm, &sys_send);
    (void)ml_request_add(L, vm, &sys_recv);
    ml_vm_pushclosure(L, vm, channel_new, 0);
    lua_setfield(L, -2, "channel");
    ml_object_type(L, vm, METATABLE, "a channel");
    ml_vm_setfuncs(L, vm, methods);
    ml_sys_method(L, vm, "send", &sys_send);
    ml_sys_method(L, vm, "recv", &sys_recv);
    lua_pop(L, 1);
    luaL_getmetatable(L, METATABLE);
    ml_vm_pushclosure(L, vm, channel_gc, 0);
    lua_setfield(L, -2, "__gc");
    ml_vm_pushclosure(L, vm, channel_len, 0);
    lua_setfield(L, -2, "__len");
    lua_pop(L, 1);
}
