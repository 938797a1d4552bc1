-- ml.event, a flag that tasks wait for.

local lu = require "luaunit"
local ml = require "miniloop"
local raises = require "spec.support.raises"

local spec = {}

function spec.test_all_who_wait_are_resumed_when_it_is_set()
  local event = ml.event()
  local order = {}
  local tasks = {}
  for i = 1, 5 do
    tasks[i] = ml.spawn(function()
      lu.assertTrue(event:wait())
      table.insert(order, i)
    end)
  end
  ml.yield()
  lu.assertEquals(order, {})
  event:set()
  for _, task in ipairs(tasks) do
    lu.assertTrue(task:wait())
  end
  lu.assertEquals(order, { 1, 2, 3, 4, 5 })
end

function spec.test_a_set_event_is_no_wait_until_it_is_cleared()
  local event = ml.event()
  lu.assertFalse(event:isset())
  event:set()
  event:set()
  lu.assertTrue(event:isset())
  lu.assertTrue(event:wait(0))
  event:clear()
  lu.assertFalse(event:isset())
  lu.assertEquals(select(2, event:wait(0)).code, "ETIMEDOUT")
end

function spec.test_who_was_woken_goes_on_though_it_is_cleared_at_once()
  local event = ml.event()
  local task = ml.spawn(event.wait, event)
  ml.yield()
  event:set()
  event:clear()
  lu.assertEquals({ task:wait() }, { true, true })
end

function spec.test_a_wait_times_out() -- C2.7
  local event = ml.event()
  local ok, err = event:wait(0.001)
  lu.assertNil(ok)
  lu.assertEquals(err.code, "ETIMEDOUT")
  event:set()
  lu.assertTrue(event:wait(0.001))
end

function spec.test_an_event_that_nobody_else_holds_is_kept_by_who_waits()
  local event = ml.event()
  local task = ml.spawn(function(e)
    e:wait()
  end, event)
  ml.yield()
  local weak = setmetatable({ event }, { __mode = "v" })
  event = nil
  collectgarbage()
  collectgarbage()
  lu.assertNotNil(weak[1])
  weak[1]:set()
  lu.assertTrue(task:wait())
  lu.assertNil(event)
end

function spec.test_its_misuse_is_told()
  local event = ml.event()
  raises("an event has no field 'sett'; did you mean 'set'?",
    function() return event.sett end)
  raises("bad argument #1 to 'wait'", function() event.wait() end)
  raises("number expected, got string", function() event:wait("1") end)
  raises("a time cannot be NaN", function() event:wait(0 / 0) end)
end

return spec
