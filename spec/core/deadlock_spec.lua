-- When nothing can ever wake the tasks that remain: C4.6, and C4.7.

local child = require "spec.support.child"
local closing = require "spec.support.closing"
local command = require "spec.support.command"
local lu = require "luaunit"
local ml = require "miniloop"
local pipe = require "spec.support.pipe"

local spec = {}

local function assert_deadlock(result)
  lu.assertStrContains(result.err, "can never go on")
  lu.assertEquals(result.status, 13)
end

function spec.test_each_is_reported_with_what_it_waits_for_and_where()
  local result = child.run(function()
    local event = ml.event()
    local sleeper = ml.spawn(ml.sleep, math.huge)
    sleeper.name = "sleeper"
    local function wait_for_the_event()
      event:wait()
    end
    ml.new(function()
      wait_for_the_event()
    end)
    ml.new(ml.wait, sleeper)
    print "the script returns"
  end)
  assert_deadlock(result)
  lu.assertEquals(result.out, "the script returns\n")
  lu.assertStrMatches(result.err,
    ".*task 2 %(sleeper%) can never go on: it waits in sleep for ever\n.*")
  lu.assertStrMatches(result.err,
    ".*task 3 can never go on: it waits in wait for the event "
      .. "made at [%w_/]*deadlock_spec.lua:%d+\n.*")
  lu.assertStrMatches(result.err,
    ".*task 4 can never go on: it waits in wait for task 2\n.*")
  lu.assertStrMatches(result.err, ".*deadlock_spec%.lua:%d+: in [^\n]*"
    .. "wait_for_the_event.*")
  local _, spawned = result.err:gsub("spawned at:", "")
  lu.assertEquals(spawned, 3)
end

function spec.test_the_coroutine_in_which_a_task_waits_is_shown_first()
  local result = child.run(function()
    local event = ml.event()
    coroutine.wrap(function()
      event:wait()
    end)()
  end)
  assert_deadlock(result)
  lu.assertStrMatches(result.err, ".*\n  coroutine inside the task\n"
    .. "  stack traceback:\n[^\n]*'wait'\n[^\n]*deadlock_spec.*"
    .. "\n  stack traceback:\n.*deadlock_spec.*")
end

function spec.test_the_script_itself_may_be_stuck()
  local result = child.run(function()
    ml.event():wait()
    print "not reached"
  end)
  assert_deadlock(result)
  lu.assertStrContains(result.err, "task 1 can never go on")
  lu.assertEquals(result.out, "")
end

function spec.test_a_task_stuck_in_a_generator_shows_where()
  local result = child.run(function()
    local function inside_the_generator()
      ml.sleep(math.huge)
    end
    coroutine.wrap(function()
      inside_the_generator()
    end)()
  end)
  assert_deadlock(result)
  lu.assertStrContains(result.err, "inside_the_generator")
end

function spec.test_the_tasks_are_killed()
  local result = child.run(function()
    local _ <close> = closing({}, "", function()
      print "main closed"
    end)
    ml.new(function()
      local _ <close> = closing({}, "", function()
        print "task closed"
        ml.new(print, "never runs")
      end)
      pcall(ml.sleep, math.huge)
      print "not reached"
    end)
    ml.sleep(math.huge)
  end)
  assert_deadlock(result)
  lu.assertEquals(result.out, "task closed\nmain closed\n")
end

function spec.test_a_lock_that_nobody_will_open_is_one()
  local result = child.run(function()
    local opened = ml.event()
    for _ = 1, 3 do
      ml.new(opened.wait, opened)
    end
    ml.new(function()
      return -- and was to open it
    end)
  end)
  assert_deadlock(result)
  for id = 2, 4 do
    lu.assertStrContains(result.err, ("task %d can never go on"):format(id))
  end
end

function spec.test_it_is_found_as_soon_as_the_last_timer_is_gone()
  local result = child.run(function()
    local event = ml.event()
    ml.new(function()
      event:wait()
    end)
    ml.new(function()
      assert(select(2, event:wait(5)).code == "ETIMEDOUT")
      print(ml.now())
    end)
  end, { virtual = true })
  assert_deadlock(result)
  lu.assertEquals(result.out, "5.0\n")
end

function spec.test_it_is_found_when_a_kill_takes_the_last_hope()
  local result = child.run(function()
    local event = ml.event()
    local hope = ml.spawn(function()
      ml.sleep(1)
      event:set()
    end)
    ml.yield()
    hope:kill()
    event:wait()
  end)
  assert_deadlock(result)
end

function spec.test_it_is_found_when_no_descriptor_is_waited_for_any_more()
  for _, finish in ipairs {
    function(p, task)
      p.writer:write("x")
      task:wait()
    end,
    function(p, task)
      ml.close(p.reader)
      task:wait()
    end,
    function(_, task) task:wait() end,
    function(_, task) task:kill() end,
    function(_, task) task:cancel() end,
  } do
    assert_deadlock(child.run(function()
      local p <close> = pipe()
      local task = ml.spawn(ml.wait_io_read, p.reader, 0.02)
      ml.sleep(0)
      finish(p, task)
      ml.event():wait()
    end))
  end
end

function spec.test_failures_are_reported_before_it_and_thirteen_beats_one()
  local result = child.run(function()
    local task = ml.spawn(error, "boom", 0)
    ml.new(error, "at once", 0)
    ml.sleep(math.huge)
    assert(task)
  end)
  assert_deadlock(result)
  lu.assertStrMatches(result.err, ".*task 3 failed: at once.*"
    .. "task 2 failed: boom.*task 1 can never go on.*")
end

function spec.test_a_ring_of_a_thousand_is_reported_one_by_one()
  local result = child.run(function()
    local events = {}
    for i = 1, 1000 do
      events[i] = ml.event()
    end
    for i = 1, 1000 do
      ml.new(function()
        events[i]:wait()
        events[i % 1000 + 1]:set()
      end)
    end
  end)
  assert_deadlock(result)
  local _, count = result.err:gsub("can never go on", "")
  lu.assertEquals(count, 1000)
end

-- ------------------------------------------------------- what is no deadlock

function spec.test_a_finite_timer_can_wake()
  child.passes(function()
    ml.sleep(1e8)
    local never = ml.event()
    assert(select(2, never:wait(1e8)).code == "ETIMEDOUT")
  end, { virtual = true })
end

function spec.test_a_descriptor_can_wake()
  local result = child.passes(function()
    local file <close> = assert(io.popen("sleep 0.05; echo woken"))
    ml.wait_io_read(file)
    print(file:read())
  end)
  lu.assertEquals(result.out, "woken\n")
end

function spec.test_a_task_that_is_ready_can_wake_another()
  child.passes(function()
    local event = ml.event()
    ml.new(function()
      for _ = 1, 1000 do
        ml.yield()
      end
      event:set()
    end)
    event:wait()
  end)
end

-- C4.7

-- The child, a moment from now, dies of a signal that cannot be caught.
local function die_soon()
  assert(os.execute("(sleep 0.3; kill -KILL $PPID) >/dev/null 2>&1 &"))
end

local function assert_had_to_be_killed(result)
  lu.assertEquals(result.err, "")
  lu.assertEquals(result.signal or result.status - 128, 9)
end

function spec.test_a_loop_for_ever_stays_and_has_no_deadlock()
  assert_had_to_be_killed(child.run(function()
    ml.new(function()
      ml.event():wait()
    end)
    die_soon()
  end, { options = "--forever" }))
end

function spec.test_a_loop_for_ever_stays_when_no_task_is_left()
  assert_had_to_be_killed(child.run(die_soon, { options = "--forever" }))
end

-- A member of a group, that many groups within each other, waits for the owner
-- of the outermost. A circle is refused if it is not too long to be looked for;
-- then it is a deadlock.
local function circle(depth)
  return ([[
    local ml = require "miniloop"
    local root
    local function nest(n)
      if n > 0 then
        return ml.group(function(group) group:spawn(nest, n - 1) end)
      end
      ml.yield()
      print(select(2, root:wait()).code)
    end
    root = ml.spawn(nest, %d)
  ]]):format(depth)
end

-- C5.8
function spec.test_a_circle_through_nested_groups_is_refused()
  local result = command.eval(circle(10))
  command.expect(result, 0, "EDEADLK\n", "")
end

function spec.test_a_circle_too_long_to_be_looked_for_is_a_deadlock()
  local result = command.eval(circle(20))
  lu.assertEquals(result.out, "")
  assert_deadlock(result)
end

function spec.test_a_circle_among_very_many_members_is_a_deadlock()
  local result = child.run(function()
    local root
    root = ml.spawn(function()
      ml.group(function(group)
        for _ = 1, 300 do
          group:spawn(ml.sleep, math.huge)
        end
        group:spawn(ml.wait, root)
      end)
    end)
    local member = ml.tasks()[2]
    ml.sleep(0)
    lu.assertTrue(member ~= nil)
  end)
  assert_deadlock(result)
end

-- C4.6: one that nobody waits with keeps nothing alive.
function spec.test_a_catcher_that_nobody_waits_with_is_no_hope()
  assert_deadlock(child.run(function()
    local signals <close> = ml.signals("USR1")
    lu.assertTrue(signals ~= nil)
    ml.event():wait()
  end))
end

return spec
