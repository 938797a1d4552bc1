-- C6.2: the event, beside spec/sys/event_spec.lua; and C3.wait_event.

local child = require "spec.support.child"
local lu = require "luaunit"
local ml = require "miniloop"
local raises = require "spec.support.raises"

local spec = {}

-- C3.wait_event
function spec.test_the_request_waits_for_an_event_too()
  local event = ml.event()
  local request = syscall.wait(event)
  local task = ml.spawn(ml.perform, request)
  ml.yield()
  lu.assertEquals(task:status(), "waiting")
  event:set()
  lu.assertEquals({ task:wait() }, { true, true })
  lu.assertEquals(table.pack(coroutine.yield(request)), { n = 1, true })
  lu.assertTrue(ml.wait(event))
end

function spec.test_the_request_times_out() -- C2.7
  child.in_virtual_time(function()
    local event = ml.event()
    lu.assertEquals(select(2, ml.perform(syscall.wait(event, 2))).code,
      "ETIMEDOUT")
    lu.assertEquals(ml.now(), 2.0)
  end)
  raises("number expected, got string",
    function() return syscall.wait(ml.event(), "1") end)
end

-- C6.2
function spec.test_a_wait_for_an_event_is_killed_and_cancelled()
  for _, ending in ipairs { "kill", "cancel" } do
    local event = ml.event()
    local first, second = ml.spawn(event.wait, event), ml.spawn(ml.wait, event)
    ml.yield()
    first[ending](first)
    event:set()
    lu.assertEquals(select(2, first:wait()).code, "ECANCELED")
    lu.assertEquals({ second:wait() }, { true, true })
  end
end

return spec
