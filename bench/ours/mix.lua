-- How late others wake while tasks compute: mix.lua N K SLEEPERS. K tasks take
-- 5 ms of CPU at a time and yield, the others sleep 1 ms again and again, until
-- each has done so N times. What other programs do makes them later, but not by
-- the clock of our own CPU time, which runs on while somebody computes.
local ml = require "miniloop"

local n, k, sleepers =
  math.tointeger(arg[1]), math.tointeger(arg[2]), math.tointeger(arg[3])
local late, spent, running = {}, {}, sleepers

local function compute()
  while running > 0 do
    local stop = os.clock() + 0.005
    repeat until os.clock() >= stop
    ml.yield()
  end
end

local function sleep()
  for _ = 1, n do
    local start, clock = ml.now(), os.clock()
    ml.sleep(0.001)
    late[#late + 1] = ml.now() - start - 0.001
    spent[#spent + 1] = os.clock() - clock
  end
  running = running - 1
end

ml.group(function(group)
  for _ = 1, k do
    group:spawn(compute)
  end
  for _ = 1, sleepers do
    group:spawn(sleep)
  end
end)
table.sort(late)
table.sort(spent)
print(("p50_ms=%g"):format(late[#late // 2 + 1] * 1e3))
print(("p99_ms=%g"):format(late[#late * 99 // 100 + 1] * 1e3))
print(("spent_p99_ms=%g"):format(spent[#spent * 99 // 100 + 1] * 1e3))
print("early=" .. (late[1] < 0 and 1 or 0))
print("count=" .. #late)
