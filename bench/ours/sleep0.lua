-- As yield.lua, by a request made anew each time: sleep0.lua N TASKS.
local ml = require "miniloop"
local mark = require "bench.lib.mark"

local n, tasks = math.tointeger(arg[1]), math.tointeger(arg[2])
local each, count = n // tasks, 0

local function work()
  local yield, sleep = coroutine.yield, syscall.sleep
  for _ = 1, each do
    yield(sleep(0))
  end
  count = count + each
end

ml.group(function(group)
  for _ = 1, tasks do
    group:spawn(work)
  end
  ml.yield() -- all of them have begun
  mark "start"
end)
mark "stop"
print("count=" .. count)
