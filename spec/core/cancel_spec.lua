-- Cancellation of a whole task: C3.cancel and C5.6.

local child = require "spec.support.child"
local closing = require "spec.support.closing"
local lu = require "luaunit"
local ml = require "miniloop"

local spec = {}

-- A task that has run until it blocks in f(...).
local function blocked_in(f, ...)
  local task = ml.spawn(f, ...)
  ml.yield()
  lu.assertEquals(task:status(), "waiting")
  return task
end

local function assert_cancelled(task, reason)
  local ok, err = task:wait()
  lu.assertNil(ok)
  lu.assertEquals(err.code, "ECANCELED")
  lu.assertEquals(err.task, task.id)
  lu.assertEquals(err.reason, reason)
  lu.assertEquals(task:status(), "cancelled")
end

-- --------------------------------------------------------------- its answers

-- C3.cancel
function spec.test_a_cancel_answers_true_also_when_it_is_asked_for_again()
  for _, cancel in ipairs {
    ml.cancel,
    function(...) return coroutine.yield(syscall.cancel(...)) end,
    ml.self().cancel,
  } do
    local task = blocked_in(ml.sleep, math.huge)
    lu.assertEquals({ cancel(task, "first") }, { true })
    lu.assertEquals({ cancel(task, "second") }, { true })
    assert_cancelled(task, "first")
    lu.assertEquals(select(2, cancel(task)).code, "ESRCH")
  end
end

function spec.test_the_reason_is_any_value()
  local reason = {}
  local task = blocked_in(ml.sleep, math.huge)
  task:cancel(reason)
  assert_cancelled(task, reason)
  task = blocked_in(ml.sleep, math.huge)
  task:cancel()
  assert_cancelled(task, nil)
end

-- -------------------------------------------------------- where it is raised

function spec.test_it_is_an_error_at_the_suspension_point()
  local event = ml.event()
  local other = ml.spawn(ml.sleep, math.huge)
  for _, wait in ipairs {
    function() ml.sleep(math.huge) end,
    function() ml.sleep(1000) end,
    function() event:wait() end,
    function() event:wait(1000) end,
    function() other:wait() end,
    function() other:join() end,
    function() coroutine.yield(syscall.sleep(math.huge)) end,
    function() coroutine.wrap(ml.sleep)(math.huge) end,
  } do
    local ok, err
    local task = blocked_in(function()
      ok, err = pcall(wait)
      return "went on"
    end)
    task:cancel("why")
    lu.assertEquals({ task:wait() }, { true, "went on" })
    lu.assertFalse(ok)
    lu.assertTrue(ml.iserror(err))
    lu.assertEquals({ err.code, err.op, err.reason, err.task },
      { "ECANCELED", "cancel", "why", task.id })
  end
  other:kill()
end

function spec.test_a_task_that_runs_gets_it_at_its_next_call_that_may_block()
  local log = {}
  local task = ml.spawn(function()
    ml.self():cancel()
    table.insert(log, ml.id())
    table.insert(log, ml.spawn(type, 1).id)
    ml.kill(log[2])
    table.insert(log, "still here")
    local ok, err = pcall(ml.wait, 0) -- would have been refused at once
    table.insert(log, ok)
    table.insert(log, err.code)
  end)
  task:wait()
  lu.assertEquals(log, { task.id, task.id + 1, "still here", false,
    "ECANCELED" })
end

function spec.test_a_task_that_gave_way_gets_it_at_its_next_call()
  local log = {}
  local task = ml.spawn(function()
    ml.yield()
    table.insert(log, "back from yield")
    ml.yield()
    table.insert(log, "not reached")
  end)
  ml.yield()
  task:cancel()
  assert_cancelled(task)
  lu.assertEquals(log, { "back from yield" })
end

-- One whose calls all succeed gives way in the midst of one now and then.
function spec.test_a_task_that_gave_way_in_a_call_gets_it_there()
  local done = ml.spawn(type, 1)
  done:wait()
  local calls = 0
  local task = ml.spawn(function()
    while true do
      done:wait()
      calls = calls + 1
    end
  end)
  ml.yield()
  local before = calls
  lu.assertTrue(before > 0)
  lu.assertEquals({ task:status(), task:cancel() }, { "ready", true })
  lu.assertEquals(select(2, task:wait()).code, "ECANCELED")
  lu.assertEquals(calls, before)
end

function spec.test_an_answer_already_made_is_delivered_first()
  local log = {}
  local event = ml.event()
  local task = blocked_in(function()
    table.insert(log, event:wait())
    table.insert(log, select(2, pcall(event.wait, event)).code)
  end)
  event:set()
  task:cancel()
  task:wait()
  lu.assertEquals(log, { true, "ECANCELED" })
end

function spec.test_a_task_that_was_cancelled_before_it_ran_never_runs()
  local ran = false
  local task = ml.spawn(function()
    ran = true
  end)
  lu.assertTrue(task:cancel("too early"))
  lu.assertEquals(task:status(), "cancelled")
  ml.yield()
  lu.assertFalse(ran)
  local err = select(2, task:wait())
  lu.assertEquals({ err.code, err.reason }, { "ECANCELED", "too early" })
end

function spec.test_it_is_delivered_once()
  local log = {}
  local task = blocked_in(function()
    local ok = pcall(ml.sleep, math.huge)
    table.insert(log, ok)
    for _ = 1, 3 do
      table.insert(log, (pcall(ml.sleep, 0)))
    end
    return "cleaned up"
  end)
  task:cancel()
  lu.assertEquals({ task:wait() }, { true, "cleaned up" })
  lu.assertEquals(log, { false, true, true, true })
end

-- ------------------------------------------------------------------ clean-up

function spec.test_variables_are_closed_in_reverse_and_may_block()
  local log = {}
  local task = blocked_in(function()
    for i = 1, 3 do
      local _ <close> = closing(log, "gone " .. i)
    end
    local _ <close> = closing(log, "first", function(err)
      table.insert(log, err.code)
    end)
    local _ <close> = closing(log, "second", function()
      ml.sleep(0)
      table.insert(log, "slept")
    end)
    ml.sleep(math.huge)
  end)
  task:cancel()
  assert_cancelled(task)
  lu.assertEquals(log, {
    "gone 1", "gone 2", "gone 3", "second", "slept", "first", "ECANCELED",
  })
end

function spec.test_a_coroutine_is_closed_before_its_resumer_goes_on()
  local log = {}
  local task = blocked_in(function()
    local _ <close> = closing(log, "task")
    local co = coroutine.create(function()
      local _ <close> = closing(log, "coroutine")
      ml.sleep(math.huge)
    end)
    local ok, err = coroutine.resume(co)
    table.insert(log, coroutine.status(co))
    table.insert(log, ok)
    error(err)
  end)
  task:cancel()
  assert_cancelled(task)
  lu.assertEquals(log, { "coroutine", "dead", false, "task" })
end

function spec.test_a_generator_that_it_ends_is_closed_and_raises_it()
  local log = {}
  local task = blocked_in(function()
    local _ <close> = closing(log, "task")
    for _ in coroutine.wrap(function()
      local _ <close> = closing(log, "outer")
      coroutine.wrap(function()
        local _ <close> = closing(log, "inner")
        ml.sleep(math.huge)
      end)()
    end) do
      lu.fail("not reached")
    end
  end)
  task:cancel("why")
  assert_cancelled(task, "why")
  lu.assertEquals(log, { "inner", "outer", "task" })
end

function spec.test_an_error_in_clean_up_takes_its_place()
  local log = {}
  local task = blocked_in(function()
    local _ <close> = closing(log, "first", function(err)
      table.insert(log, err)
    end)
    local _ <close> = closing(log, "second", function()
      error("boom", 0)
    end)
    ml.sleep(math.huge)
  end)
  task:cancel()
  local _, err = task:wait()
  lu.assertEquals(err.code, "EFAILED")
  lu.assertEquals(err.value, "boom")
  lu.assertEquals(log, { "second", "first", "boom" })
end

-- ----------------------------------------------------------------- the grace

function spec.test_clean_up_may_block_for_five_seconds_in_all()
  child.in_virtual_time(function()
    local log = {}
    local task = blocked_in(function()
      local _ <close> = closing(log, "first", function()
        table.insert(log, (pcall(ml.sleep, 3)))
        table.insert(log, ml.now())
      end)
      local _ <close> = closing(log, "second", function()
        table.insert(log, (pcall(ml.sleep, 3)))
        table.insert(log, ml.now())
      end)
      ml.sleep(math.huge)
    end)
    task:cancel()
    assert_cancelled(task)
    lu.assertEquals(log, { "second", true, 3.0, "first", false, 5.0 })
  end)
end

function spec.test_after_the_grace_each_call_gives_way_and_raises_again()
  child.in_virtual_time(function()
    local turns, raised = 0, 0
    local task = blocked_in(function()
      while true do
        local ok, err = pcall(ml.sleep, math.huge)
        raised = raised + 1
        lu.assertFalse(ok)
        lu.assertEquals(err.code, "ECANCELED")
      end
    end)
    task:cancel()
    ml.sleep(5)
    local before = raised
    for _ = 1, 10 do
      turns = turns + 1
      ml.yield()
    end
    -- It has had one turn for each of ours, and no more.
    lu.assertAlmostEquals(raised - before, turns, 1)
    task:kill()
  end)
end

function spec.test_a_coroutine_that_will_not_end_is_not_left()
  child.in_virtual_time(function()
    local left = false
    local task = blocked_in(function()
      coroutine.wrap(function()
        while true do
          pcall(ml.sleep, math.huge)
        end
      end)()
      left = true
    end)
    task:cancel()
    assert_cancelled(task)
    lu.assertFalse(left)
  end)
end

function spec.test_a_task_that_will_not_end_is_killed_after_as_long_again()
  child.passes(function()
    local log = {}
    local task = blocked_in(function()
      local _ <close> = closing(log, "closed")
      while true do
        pcall(ml.sleep, math.huge)
      end
    end)
    local start = ml.now()
    task:cancel("why")
    lu.assertEquals(select(2, task:wait()).code, "ECANCELED")
    local passed = ml.now() - start
    lu.assertTrue(passed >= 0.06 and passed < 30, passed)
    lu.assertEquals(log, { "closed" })
  end, { options = "--grace=0.03" })
end

function spec.test_the_grace_is_what_the_command_was_told()
  child.passes(function()
    local log = {}
    local task = blocked_in(function()
      pcall(ml.sleep, math.huge)
      pcall(ml.sleep, 100)
      table.insert(log, ml.now())
    end)
    task:cancel()
    task:wait()
    lu.assertEquals(log, { 1.5 })
  end, { virtual = true, options = "--grace=1.5" })
end

-- --------------------------------------------------------------- the outcome

function spec.test_a_task_that_catches_it_and_returns_is_done()
  local task = blocked_in(function()
    pcall(ml.sleep, math.huge)
    return "fine"
  end)
  task:cancel()
  lu.assertEquals({ task:wait() }, { true, "fine" })
  lu.assertEquals(task:status(), "done")
end

function spec.test_raised_again_later_it_still_is_the_tasks_own()
  local task = blocked_in(function()
    local _, err = pcall(ml.sleep, math.huge)
    ml.sleep(0)
    error(err)
  end)
  task:cancel("kept")
  assert_cancelled(task, "kept")
end

function spec.test_an_ecanceled_from_elsewhere_is_a_failure()
  local other = blocked_in(ml.sleep, math.huge)
  other:kill()
  local task = ml.spawn(function()
    error(select(2, other:wait()))
  end)
  local _, err = task:wait()
  lu.assertEquals(err.code, "EFAILED")
  lu.assertEquals(err.value.code, "ECANCELED")
  lu.assertEquals(task:status(), "failed")
end

function spec.test_so_is_one_of_another_task_while_it_is_cancelled_itself()
  local other = blocked_in(ml.sleep, math.huge)
  other:kill()
  local task = blocked_in(function()
    local _ <close> = closing({}, "x", function()
      error(select(2, other:wait()))
    end)
    ml.sleep(math.huge)
  end)
  task:cancel()
  lu.assertEquals(select(2, task:wait()).code, "EFAILED")
end

function spec.test_a_cancelled_task_is_no_failure_of_the_run()
  local result = child.run(function()
    local id = ml.new(ml.sleep, math.huge)
    ml.yield()
    ml.cancel(id)
  end)
  lu.assertEquals(result.err, "")
  lu.assertEquals(result.status, 0)
end

function spec.test_a_kill_does_not_wait_for_the_clean_up()
  local log = {}
  local task = blocked_in(function()
    local _ <close> = closing(log, "rest")
    pcall(ml.sleep, math.huge)
    table.insert(log, "cleaning up")
    ml.sleep(math.huge)
  end)
  task:cancel("why")
  ml.yield()
  task:kill()
  lu.assertEquals(log, { "cleaning up", "rest" })
  lu.assertEquals(select(2, task:wait(0)).code, "ECANCELED")
end

-- The first one counts: another is not even kept.
function spec.test_a_second_reason_is_let_go()
  local task = ml.spawn(ml.shield, ml.sleep, math.huge)
  ml.yield()
  task:cancel "first"
  local seen = setmetatable({}, { __mode = "k" })
  ml.spawn(function()
    local reason = {}
    seen[reason] = true
    task:cancel(reason)
  end):wait()
  collectgarbage()
  collectgarbage()
  lu.assertNil(next(seen))
  task:kill()
end

return spec
