-- A task that catches whatever it is told was always ready after its grace: on
-- a virtual clock the time of its kill never came.

local child = require "spec.support.child"
local core = require "miniloop.core"
local lu = require "luaunit"
local ml = require "miniloop"

local spec = {}

-- C5.6
function spec.test_a_task_that_will_not_listen_is_killed_in_the_end()
  child.in_virtual_time(function()
    local task = ml.spawn(function()
      while true do
        pcall(ml.sleep, math.huge)
      end
    end)
    ml.yield()
    task:cancel "enough"
    local _, err = task:wait()
    lu.assertEquals({ err.code, err.reason }, { "ECANCELED", "enough" })
    lu.assertEquals(ml.now(), 10)
  end)
end

-- C5.6
function spec.test_the_books_are_right_while_it_is_made_to_pause()
  child.in_virtual_time(function()
    local task = ml.spawn(function()
      while true do
        pcall(ml.sleep, math.huge)
      end
    end)
    ml.yield()
    task:cancel()
    ml.sleep(7.0005) -- it pauses for a millisecond
    lu.assertEquals(task:status(), "waiting")
    lu.assertTrue(core.check())
  end)
end

return spec
