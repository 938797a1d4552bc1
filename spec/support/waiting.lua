local lu = require "luaunit"
local ml = require "miniloop"

-- A task that calls f(...), and by now waits in it.
local function waiting(f, ...)
  local task = ml.spawn(f, ...)
  ml.yield()
  lu.assertEquals(task:status(), "waiting")
  return task
end

return waiting
