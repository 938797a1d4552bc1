/* System calls of the host's own: what is asked and answered. */

#include "api_fixture.h"

static int withdrawn; /* how often a call was */

static void withdraw(ml_call *call)
{
    (void)call;
    withdrawn++;
}

/* ---- arguments and answers ----------------------------------------------- */

/* add(a, b [, c]): c is 100 unless given. */
static void add_check(lua_State *L)
{
    (void)luaL_checknumber(L, 1);
    (void)luaL_checknumber(L, 2);
    (void)luaL_optnumber(L, 3, 0);
    lua_settop(L, 3);
    if (lua_isnil(L, 3)) {
        lua_pushinteger(L, 100);
        lua_replace(L, 3);
    }
}

static int add_attempt(lua_State *L, ml_call *call)
{
    lua_Number sum = 0;
    CHECK_EQ(ml_call_nargs(call), 3);
    for (int n = 1; n <= ml_call_nargs(call); n++) {
        sum += lua_tonumber(L, ml_call_arg(call, n));
    }
    lua_pushnumber(L, sum);
    lua_pushliteral(L, "sum");
    return 2;
}

static const ml_syscall add = {.size = sizeof add,
                               .name = "add",
                               .check = add_check,
                               .attempt = add_attempt,
                               .withdraw = withdraw};

static ml_loop *open_adding(void)
{
    ml_loop *loop = open_loop(0);
    CHECK_EQ(add_call(loop, &add), 0);
    withdrawn = 0;
    return loop;
}

/* C9.1 */
static void test_a_call_of_the_host_is_a_request_like_any(void)
{
    ml_loop *loop = open_adding();
    spawn(loop, "local ml = require 'miniloop'\n"
                "local request = syscall.add(1, 2)\n"
                "text = tostring(request)\n"
                "a, b = coroutine.yield(request)\n"
                "c = coroutine.yield(request) + ml.perform(syscall.add(1, 2, "
                "3))");
    run(loop);
    CHECK(global_is(loop, "text", "syscall.add(1, 2, 100)"));
    CHECK(global_is(loop, "a", "103.0"));
    CHECK(global_is(loop, "b", "sum"));
    CHECK(global_is(loop, "c", "109.0"));
    CHECK_EQ(withdrawn, 0); /* it had its answers */
    close_loop(loop);
}

/* C2.1 */
static void test_wrong_arguments_raise_where_the_request_is_made(void)
{
    ml_loop *loop = open_adding();
    spawn(loop, "local ok\n"
                "ok, err = pcall(function() local x = syscall.add(1) end)");
    run(loop);
    CHECK(global_is(loop, "err",
                    "spec:2: bad argument #2 to 'add' (number expected, got no "
                    "value)"));
    close_loop(loop);
}

static int push_add(lua_State *L)
{
    ml_syscall_push(L, &add);
    lua_setglobal(L, "add");
    return 0;
}

static int perform_add(lua_State *L)
{
    lua_pushinteger(L, 10);
    return ml_perform(L, &add);
}

/* C9.1 */
static void test_a_call_is_made_by_a_function_without_a_request(void)
{
    ml_loop *loop = open_loop(0);
    lua_pushcfunction(ml_state(loop), push_add);
    CHECK_MUST(lua_pcall(ml_state(loop), 0, 0, 0) == LUA_OK);
    define(loop, "perform", perform_add);
    spawn(loop, "a = add(1, 2); b, c = perform(1, 2)\n"
                "ok, err = pcall(add, 'x')");
    run(loop);
    CHECK(global_is(loop, "a", "103.0"));
    CHECK(global_is(loop, "b", "13.0"));
    CHECK(global_is(loop, "c", "sum"));
    do_string(
        ml_state(loop),
        "assert(err:find('number expected, got string'), err)\n"
        "local ok, err = pcall(add, 1, 2)\n"
        "assert(err:find(\"cannot call 'add' here: not inside a task\"))\n"
        "ok, err = pcall(perform, 1, 2)\n"
        "assert(err:find('not inside a task'))");
    close_loop(loop);
}

/* C9.1: from where there is no line to be told. */
static void test_a_request_may_be_made_by_the_host_itself(void)
{
    ml_loop *loop = open_adding();
    lua_State *L = ml_state(loop);
    lua_getglobal(L, "syscall");
    lua_getfield(L, -1, "add");
    lua_pushinteger(L, 1);
    lua_pushinteger(L, 2);
    CHECK_MUST(lua_pcall(L, 2, 1, 0) == LUA_OK);
    lua_setglobal(L, "request");
    lua_settop(L, 0);
    spawn(loop, "a = coroutine.yield(request)");
    run(loop);
    CHECK(global_is(loop, "a", "103.0"));
    close_loop(loop);
}

/* ---- adding -------------------------------------------------------------- */

/* C9.1 */
static void test_what_is_no_call_is_not_added(void)
{
    ml_loop *loop = open_adding();
    ml_syscall bad = add;
    CHECK_EQ(add_call(loop, &add), -EEXIST);
    bad.name = "sleep";
    CHECK_EQ(add_call(loop, &bad), -EEXIST);
    bad.name = NULL;
    CHECK_EQ(add_call(loop, &bad), -EINVAL);
    bad.name = "";
    CHECK_EQ(add_call(loop, &bad), -EINVAL);
    bad = add;
    bad.attempt = NULL;
    CHECK_EQ(add_call(loop, &bad), -EINVAL);
    bad = add;
    bad.size--;
    CHECK_EQ(add_call(loop, &bad), -EINVAL);
    spawn(loop, "n = coroutine.yield(syscall.add(1, 2)) // 1 | 0");
    run(loop);
    CHECK_EQ(integer_of(loop, "n"), 103);
    close_loop(loop);
}

/* C9.1: of a state, before a loop is opened on it or after. */
static void test_a_call_is_added_for_all_loops_of_a_state(void)
{
    lua_State *L = state_open();
    lua_pushcfunction(L, add_syscall);
    lua_pushlightuserdata(L, (void *)(size_t)&add);
    CHECK_MUST(lua_pcall(L, 1, 1, 0) == LUA_OK);
    CHECK_EQ(lua_tointeger(L, -1), 0);
    lua_settop(L, 0);
    for (int i = 0; i < 2; i++) {
        ml_loop *loop = open_on(L, 0);
        spawn(loop, "n = coroutine.yield(syscall.add(1, 1)) // 1 | 0");
        run(loop);
        CHECK_EQ(integer_of(loop, "n"), 102);
        close_loop(loop);
    }
    lua_close(L);
}

/* ---- refusals ------------------------------------------------------------ */

static int refuse_attempt(lua_State *L, ml_call *call)
{
    switch (lua_tointeger(L, ml_call_arg(call, 1))) {
    case 1:
        return -ENOSPC;
    case 2:
        return ml_fail(L, ECONNREFUSED, "refuse", "host:1", "because");
    case 3:
        return luaL_error(L, "raised");
    default:
        return 0;
    }
}

static const ml_syscall refuse = {.size = sizeof refuse,
                                  .name = "refuse",
                                  .attempt = refuse_attempt,
                                  .withdraw = withdraw};

/* C2.1, C2.2, C9.1 */
static void test_a_refusal_is_nil_and_an_error_value(void)
{
    ml_loop *loop = open_loop(0);
    CHECK_EQ(add_call(loop, &refuse), 0);
    withdrawn = 0;
    spawn(loop, "local ok, err = coroutine.yield(syscall.refuse(1))\n"
                "a = tostring(ok) .. err.code .. err.op\n"
                "ok, err = coroutine.yield(syscall.refuse(2))\n"
                "b = tostring(ok) .. err.code .. err.op .. err.address .. "
                "err.reason\n"
                "c = select('#', coroutine.yield(syscall.refuse(4)))");
    run(loop);
    CHECK(global_is(loop, "a", "nilENOSPCrefuse"));
    CHECK(global_is(loop, "b", "nilECONNREFUSEDrefusehost:1because"));
    CHECK(global_is(loop, "c", "0"));
    CHECK_EQ(withdrawn, 1); /* ml_fail's is an answer */
    close_loop(loop);
}

/* C9.1: what it held is freed by the task's next call, or its end. */
static void test_an_error_in_an_attempt_belongs_to_its_task(void)
{
    ml_loop *loop = open_loop(0);
    CHECK_EQ(add_call(loop, &refuse), 0);
    withdrawn = 0;
    spawn(loop,
          "local ok\nok, err = pcall(coroutine.yield, syscall.refuse(3))\n"
          "coroutine.yield(syscall.sleep(0)); n = 1");
    spawn(loop, "pcall(coroutine.yield, syscall.refuse(3))");
    run(loop);
    CHECK_EQ(integer_of(loop, "n"), 1);
    CHECK(global_is(loop, "err", "raised"));
    CHECK_EQ(withdrawn, 2);
    close_loop(loop);
}

static void error_report(ml_loop *loop, void *ud)
{
    lua_State *L = ml_state(loop);
    (void)ud;
    lua_settop(L, 0);
    CHECK_EQ(ml_fail(L, EPERM, "try", NULL, NULL), 2);
    CHECK(lua_isnil(L, 1));
    lua_getfield(L, 2, "reason");
    CHECK(lua_isnil(L, -1));
    CHECK(has(luaL_tolstring(L, 2, NULL), "EPERM"));
    lua_settop(L, 0);
}

static void test_an_error_value_is_made_anywhere(void)
{
    lua_State *L = state_open(); /* of which the runtime knows nothing yet */
    CHECK_EQ(ml_fail(L, EPERM, "try", "host:1", "because"), 2);
    CHECK(lua_isnil(L, 1));
    lua_getfield(L, 2, "code");
    CHECK(strcmp(lua_tostring(L, -1), "EPERM") == 0);
    lua_close(L);
    ml_loop *loop = open_loop(0);
    CHECK_EQ(ml_post(loop, error_report, NULL), 0);
    run(loop);
    close_loop(loop);
}

/* ---- calls that never wait ----------------------------------------------- */

static int tell_attempt(lua_State *L, ml_call *call)
{
    int64_t id = 0;
    CHECK(ml_call_loop(call) == ml_current(L, &id));
    CHECK(ml_call_first(call) && !ml_call_completed(call));
    lua_pushinteger(L, id * 10 + ml_call_nargs(call));
    return 1;
}

static const ml_syscall tell = {.size = sizeof tell,
                                .name = "tell",
                                .attempt = tell_attempt,
                                .flags = ML_SYSCALL_INSTANT};

static int push_tell(lua_State *L)
{
    ml_syscall_push(L, &tell);
    lua_setglobal(L, "tell");
    return 0;
}

/* C2.5: such a call may be made anywhere in a task. */
static void test_an_instant_call_is_allowed_where_nothing_can_suspend(void)
{
    ml_loop *loop = open_loop(0);
    lua_pushcfunction(ml_state(loop), push_tell);
    CHECK_MUST(lua_pcall(ml_state(loop), 0, 0, 0) == LUA_OK);
    spawn(loop, "a = tell(1, 2)\n"
                "b = ('x'):gsub('x', function() return tell() end)\n"
                "ok, err = pcall(string.gsub, 'x', 'x', function()\n"
                "  require 'miniloop'.sleep(0)\n"
                "end)");
    run(loop);
    CHECK_EQ(integer_of(loop, "a"), 12);
    CHECK(global_is(loop, "b", "10"));
    do_string(ml_state(loop), "assert(not ok and err:find('sleep'), err)\n"
                              "local ok, err = pcall(tell)\n"
                              "assert(not ok and err:find('not inside a "
                              "task'))");
    close_loop(loop);
}

static int hush_attempt(lua_State *L, ml_call *call)
{
    (void)L;
    (void)call;
    return 0;
}

/* C9.1: whether it may wait or not. */
static void test_a_call_may_answer_nothing(void)
{
    static const ml_syscall calls[] = {
        {.size = sizeof *calls, .name = "hush", .attempt = hush_attempt},
        {.size = sizeof *calls,
         .name = "hush_instant",
         .attempt = hush_attempt,
         .flags = ML_SYSCALL_INSTANT},
    };
    ml_loop *loop = open_loop(0);
    CHECK_EQ(add_call(loop, &calls[0]), 0);
    CHECK_EQ(add_call(loop, &calls[1]), 0);
    spawn(loop, "n = select('#', coroutine.yield(syscall.hush()))\n"
                "m = select('#', coroutine.yield(syscall.hush_instant()))");
    run(loop);
    CHECK(global_is(loop, "n", "0"));
    CHECK(global_is(loop, "m", "0"));
    close_loop(loop);
}

/* ---- after an error ------------------------------------------------------ */

/* Declares to wait for the pipe, and raises. */
static int stumble_attempt(lua_State *L, ml_call *call)
{
    int fd = (int)lua_tointeger(L, ml_call_arg(call, 1));
    CHECK_EQ(ml_call_wait_fd(call, fd, ML_READ), 0);
    return luaL_error(L, "raised");
}

static const ml_syscall stumble = {
    .size = sizeof stumble, .name = "stumble", .attempt = stumble_attempt};

/* What an attempt that raised has declared counts for nothing, also where its
 * task is killed next: who waits for the descriptor still does. */
static void test_what_a_call_that_raised_has_declared_is_forgotten(void)
{
    ml_loop *loop = open_adding();
    CHECK_EQ(add_call(loop, &stumble), 0);
    spawn(loop, "local ml, net = require 'miniloop', require 'miniloop.net'\n"
                "a, b = net.pair()\n"
                "local fd = a:getfd()\n"
                "ml.spawn(function() heard = ml.wait_io_read(fd) end)\n"
                "ml.spawn(function() ml.group(function(g)\n"
                "  local owner = ml.self()\n"
                "  g:spawn(function()\n"
                "    ok, err = pcall(ml.perform, syscall.stumble(fd))\n"
                "    owner:kill()\n"
                "    ml.yield()\n"
                "    went_on = true\n"
                "  end)\n"
                "  ml.sleep(3600)\n"
                "end) end)\n");
    for (int i = 0; i < 5; i++) {
        CHECK_EQ(ml_run(loop, ML_RUN_NOWAIT), 1);
    }
    CHECK_EQ(ml_tasks(loop), 1); /* and it is no deadlock */
    CHECK(global_is(loop, "ok", "false"));
    CHECK(global_is(loop, "went_on", "nil"));
    do_string(ml_state(loop), "b:writesome 'x'");
    run(loop);
    CHECK(global_is(loop, "heard", "true"));
    close_loop(loop);
}

/* ---- what is told of them ------------------------------------------------- */

static int stay_attempt(lua_State *L, ml_call *call)
{
    (void)L;
    (void)call;
    return ML_WAIT; /* for nothing */
}

static void stay_describe(const ml_call *call, char *text, size_t size)
{
    (void)call;
    (void)snprintf(text, size, "for good");
}

/* Waits by the call for ever; what is told of it. */
static const char *told_of(const char *name, bool described)
{
    ml_loop *loop = open_loop(0);
    const ml_syscall stay = {.size = sizeof stay,
                             .name = name,
                             .attempt = stay_attempt,
                             .describe = described ? stay_describe : NULL};
    CHECK_EQ(add_call(loop, &stay), 0);
    lua_pushstring(ml_state(loop), name);
    lua_setglobal(ml_state(loop), "name");
    spawn(loop, "coroutine.yield(syscall[name]())");
    CHECK_EQ(ml_run(loop, ML_RUN_DEFAULT), -EDEADLK);
    close_loop(loop);
    return heard.waiting;
}

/* C4.6 */
static void test_a_call_that_waits_is_told_by_its_name(void)
{
    char name[300];
    CHECK(strcmp(told_of("stay", false), "stay") == 0);
    CHECK(strcmp(told_of("stay", true), "stay for good") == 0);
    CHECK(strcmp(told_of("x", true), "x for good") == 0);
    memset(name, 'x', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    CHECK(strncmp(told_of(name, true), name, sizeof heard.waiting - 1) == 0);
}

/* ---- in a choice --------------------------------------------------------- */

/* C6.3: a host's own call is an arm like any. */
static void test_a_call_of_the_host_can_win_a_choice(void)
{
    ml_loop *loop = open_adding();
    CHECK_EQ(add_call(loop, &refuse), 0);
    spawn(loop, "local ml = require 'miniloop'\n"
                "i, sum, what = ml.any { syscall.sleep(60),\n"
                "  syscall.add(1, 2), syscall.add(3, 4) }\n"
                "local ok, err\n"
                "j, ok, err = ml.any { syscall.refuse(1), syscall.add(1, 2) }\n"
                "code = err.code");
    run(loop);
    CHECK_EQ(integer_of(loop, "i"), 2);
    CHECK(global_is(loop, "sum", "103.0"));
    CHECK(global_is(loop, "what", "sum"));
    CHECK_EQ(integer_of(loop, "j"), 1);
    CHECK(global_is(loop, "code", "ENOSPC"));
    close_loop(loop);
}

static const struct check_test tests[] = {
    CHECK_TEST(test_a_call_of_the_host_is_a_request_like_any),
    CHECK_TEST(test_wrong_arguments_raise_where_the_request_is_made),
    CHECK_TEST(test_a_call_is_made_by_a_function_without_a_request),
    CHECK_TEST(test_what_is_no_call_is_not_added),
    CHECK_TEST(test_a_call_is_added_for_all_loops_of_a_state),
    CHECK_TEST(test_a_refusal_is_nil_and_an_error_value),
    CHECK_TEST(test_an_error_in_an_attempt_belongs_to_its_task),
    CHECK_TEST(test_an_error_value_is_made_anywhere),
    CHECK_TEST(test_an_instant_call_is_allowed_where_nothing_can_suspend),
    CHECK_TEST(test_a_call_may_answer_nothing),
    CHECK_TEST(test_what_a_call_that_raised_has_declared_is_forgotten),
    CHECK_TEST(test_a_call_that_waits_is_told_by_its_name),
    CHECK_TEST(test_a_request_may_be_made_by_the_host_itself),
    CHECK_TEST(test_a_call_of_the_host_can_win_a_choice),
};

int main(void)
{
    return check_run(tests, sizeof tests / sizeof tests[0]);
}
