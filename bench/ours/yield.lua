-- Tasks that give way to each other: yield.lua N TASKS, N switches in all.
local ml = require "miniloop"
local mark = require "bench.lib.mark"

local n, tasks = math.tointeger(arg[1]), math.tointeger(arg[2])
local each, count = n // tasks, 0

local function work()
  local yield = ml.yield
  for _ = 1, each do
    yield()
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
