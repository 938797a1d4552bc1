/* What was taken for an answer that there was no memory to give: the caller got
 * the error, and nobody got what had been taken. */

#include "api_starving.h"

#include <signal.h>

/* C6.1: of a full channel, the place of the oldest value went to a sender after
 * the value was taken. */
static void test_a_value_whose_receiver_has_no_memory_stays(void)
{
    ml_loop *loop = open_starving(ML_VIRTUAL_TIME);
    spawn(loop, "local ml = require 'miniloop'\n"
                "local ch = ml.channel(2)\n"
                "for i = 1, 100 do ml.spawn(ch.send, ch, i) end\n"
                "ml.sleep(0)\n"
                "wrong, raised = 0, 0\n"
                "for i = 1, 100 do\n"
                "  starve()\n"
                "  local ok, value = pcall(ch.recv, ch)\n"
                "  feed()\n"
                "  if not ok then\n"
                "    raised, value = raised + 1, ch:recv(0)\n"
                "  end\n"
                "  if value ~= i then wrong = wrong + 1 end\n"
                "end\n");
    run(loop);
    CHECK(integer_of(loop, "raised") > 0);
    CHECK_EQ(integer_of(loop, "wrong"), 0);
    close_loop(loop);
}

static int raise_usr2(lua_State *L)
{
    (void)L;
    CHECK_EQ(raise(SIGUSR2), 0);
    return 0;
}

/* C5.10: the name of the signal was made when it counted as told. */
static void test_a_signal_whose_name_there_is_no_memory_for_stays(void)
{
    ml_loop *loop = open_starving(ML_SIGNALS);
    define(loop, "raise_usr2", raise_usr2);
    spawn(loop, "local ml = require 'miniloop'\n"
                "local caught = ml.signals('U' .. ('SR2'):lower():upper())\n"
                "collectgarbage() collectgarbage()\n"
                "raise_usr2() ml.sleep(0.001)\n"
                "starve()\n"
                "raised = not pcall(caught.wait, caught)\n"
                "feed()\n"
                "name = caught:wait(1)\n");
    run(loop);
    CHECK(global_is(loop, "raised", "true"));
    CHECK(global_is(loop, "name", "USR2"));
    close_loop(loop);
}

/* C4.1, C3.any: a choice that had no call left found no memory to note whom it
 * waits for, gave way all the same, and then that task was gone. */
static void test_a_choice_that_cannot_note_its_arms_says_so(void)
{
    ml_loop *loop = open_starving(ML_VIRTUAL_TIME);
    define(loop, "allow", allow);
    spawn(loop, "local ml = require 'miniloop'\n"
                "wrong, raised = 0, 0\n"
                "for at = 0, 10 do for calls = 95, 105 do\n"
                "  ml.yield()\n"
                "  local ch = ml.channel(calls)\n"
                "  for i = 1, calls do ch:send(i) end\n"
                "  local id = ml.new(function() return calls end)\n"
                "  local arms = {syscall.sleep(9), syscall.wait(id)}\n"
                "  allow(at, 1)\n"
                "  local ok, arm, right, value = pcall(ml.any, arms)\n"
                "  feed()\n"
                "  if not ok or not arm then\n"
                "    raised = raised + 1\n"
                "  elseif value ~= calls then\n"
                "    wrong = wrong + 1\n"
                "  end\n"
                "end end\n");
    run(loop);
    CHECK(integer_of(loop, "raised") > 0);
    CHECK_EQ(integer_of(loop, "wrong"), 0);
    close_loop(loop);
}

static const struct check_test tests[] = {
    CHECK_TEST(test_a_value_whose_receiver_has_no_memory_stays),
    CHECK_TEST(test_a_signal_whose_name_there_is_no_memory_for_stays),
    CHECK_TEST(test_a_choice_that_cannot_note_its_arms_says_so),
};

int main(void)
{
    return check_run(tests, sizeof tests / sizeof tests[0]);
}
