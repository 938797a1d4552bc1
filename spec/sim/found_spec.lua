-- What random programs have found, each as the shortest that shows it.

local child = require "spec.support.child"
local closing = require "spec.support.closing"
local lu = require "luaunit"
local ml = require "miniloop"

local spec = {}

-- A task whose calls all succeed at once gives way now and then. An answer that
-- waited for its turn was lost with the task. C3.6, C6.1.
function spec.test_no_value_is_lost_with_a_task_that_has_to_give_way()
  local ch, got = ml.channel(300), 0
  for i = 1, 250 do
    ch:send(i)
  end
  local task = ml.spawn(function()
    while true do
      ch:recv()
      got = got + 1
    end
  end)
  ml.yield()
  lu.assertEquals(task:status(), "ready")
  task:kill()
  lu.assertTrue(got < 250)
  lu.assertEquals(got + #ch, 250)
end

-- The same of a lock. C6.2.
function spec.test_no_mutex_stays_with_a_task_that_has_to_give_way()
  for calls = 90, 110 do
    local mutex, event = ml.mutex(), ml.event()
    event:set()
    local task = ml.spawn(function()
      for _ = 1, calls do
        event:wait()
      end
      local _ <close> = mutex:lock()
      ml.sleep(math.huge)
    end)
    ml.yield()
    task:kill()
    lu.assertNotNil(mutex:trylock(), calls)
    mutex:unlock()
  end
end

-- A task that killed itself where nothing can suspend, and then had to wait for
-- its group, was freed while it waited. C3.6.
function spec.test_a_doomed_task_that_waits_for_its_group_leaves_no_wait()
  local log = {}
  local task = ml.spawn(function()
    local _ <close> = closing(log, "task")
    ml.group(function(g)
      g:spawn(function()
        local _ <close> = closing(log, "member")
        ml.sleep(math.huge)
      end)
      ml.yield()
      table.sort({ 1, 2 }, function(a, b)
        ml.self():kill()
        return a < b
      end)
      error("the block fails")
    end)
  end)
  ml.yield()
  lu.assertEquals(select(2, task:wait()).code, "ECANCELED")
  lu.assertEquals(log, { "member", "task" })
end

-- What joins a group while its owner is being killed never runs; the owner's
-- kill did not go on. C3.6, C5.4.
function spec.test_a_kill_goes_on_when_somebody_joins_the_group()
  local log, ran = {}, false
  local task = ml.spawn(function()
    local _ <close> = closing(log, "owner")
    ml.group(function(g)
      g:spawn(function()
        local _ <close> = closing(log, "member", function()
          ml.spawn(function()
            ran = true
          end)
        end)
        ml.sleep(math.huge)
      end)
    end)
  end)
  ml.yield()
  ml.yield()
  task:kill()
  lu.assertEquals(log, { "member", "owner" })
  ml.yield()
  lu.assertFalse(ran)
end

-- The owner of a group, killed by a member that cannot suspend there, was never
-- closed when the member came to its end without suspending. C3.6.
function spec.test_a_kill_goes_on_when_the_member_that_asked_returns()
  local log, task = {}, nil
  task = ml.spawn(function()
    local _ <close> = closing(log, "owner")
    ml.group(function(g)
      g:spawn(function()
        table.sort({ 1, 2 }, function(a, b)
          task:kill()
          return a < b
        end)
      end)
      ml.sleep(math.huge)
    end)
  end)
  lu.assertEquals(select(2, task:wait(1)).code, "ECANCELED")
  lu.assertEquals(log, { "owner" })
end

-- A catcher of signals that a script holds when its loop is closed. C5.10.
function spec.test_a_catcher_of_signals_may_outlive_its_loop()
  child.passes(function()
    _G.caught = ml.signals("HUP")
    ml.spawn(ml.sleep, 0.01)
  end)
end

return spec
