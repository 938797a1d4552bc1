-- Timers armed and cancelled while others wait: cancel.lua N TIMERS.
local ml = require "miniloop"
local mark = require "bench.lib.mark"

local n, timers = math.tointeger(arg[1]), math.tointeger(arg[2])
local count = 0

local function work()
  count = count + 1
end

ml.group(function(group)
  for _ = 1, timers do
    group:spawn(ml.sleep, 1000 + math.random() * 1000)
  end
  ml.yield() -- all of them sleep
  mark "start"
  local timeout, random = ml.timeout, math.random
  for _ = 1, n do
    timeout(1000 + random() * 1000, work)
  end
  mark "stop"
  group:cancel()
end)
print("count=" .. count)
