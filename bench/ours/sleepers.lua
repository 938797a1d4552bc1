-- Tasks that sleep for random times: sleepers.lua N TASKS SECONDS, N sleeps in
-- all, of less than SECONDS each.
local ml = require "miniloop"
local mark = require "bench.lib.mark"

local n, tasks = math.tointeger(arg[1]), math.tointeger(arg[2])
local each, seconds, count = n // tasks, tonumber(arg[3]), 0

local function work()
  local sleep, random = ml.sleep, math.random
  for _ = 1, each do
    sleep(random() * seconds)
  end
  count = count + 1
end

-- With a turn for the others after each thousand, as a server would.
local function run()
  for i = 1, tasks do
    ml.spawn(work)
    if i % 1000 == 0 then
      ml.yield()
    end
  end
end

mark "start"
ml.group(run)
mark "stop"
print("count=" .. count)
