-- Tasks that wait, and whose handles are let go: parked.lua N.
local ml = require "miniloop"
local mark = require "bench.lib.mark"

local n = math.tointeger(arg[1])
local count = 0
local event = ml.event()

local function work()
  count = count + 1
  event:wait()
end

mark "start"
for _ = 1, n do
  ml.spawn(work)
end
ml.yield()
collectgarbage()
mark "stop"
print("count=" .. count)
event:set()
