-- A call whose attempt raised (`lines` does so when its time is up) left what
-- it had declared until the next call of its task: one that only gave way was
-- ready, and waited all the same by the books of the loop.

local core = require "miniloop.core"
local lu = require "luaunit"
local ml = require "miniloop"
local net = require "miniloop.net"

local spec = {}

-- C7.4, C3.2
function spec.test_a_call_that_raised_is_over_when_its_task_gives_way()
  local a, b = net.pair()
  local _ <close> = a
  local _ <close> = b
  a:settimeout(0)
  local task = ml.spawn(function()
    local ok, err = pcall(a:lines())
    lu.assertFalse(ok)
    lu.assertEquals(err.code, "ETIMEDOUT")
    coroutine.yield()
  end)
  ml.yield()
  lu.assertEquals(task:status(), "ready")
  lu.assertTrue(core.check())
  lu.assertTrue(task:wait())
end

return spec
