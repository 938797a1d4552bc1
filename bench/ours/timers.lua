-- Timers that are armed and expire, always as many of them: timers.lua N TASKS.
-- The tasks sleep for random times below a second, again and again, until N
-- sleeps have ended. For the virtual clock.
local ml = require "miniloop"
local mark = require "bench.lib.mark"

local n, tasks = math.tointeger(arg[1]), math.tointeger(arg[2])
local count = 0

local function work()
  local sleep, random = ml.sleep, math.random
  repeat
    sleep(random())
    count = count + 1
  until count >= n
  if count == n then
    mark "stop"
    print("count=" .. count)
    os.exit(0, false)
  end
end

for _ = 1, tasks do
  ml.spawn(work)
end
ml.yield() -- all of them sleep
mark "start"
