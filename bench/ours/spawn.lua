-- Tasks that end at once, with handles: spawn.lua N BATCH, BATCH of them alive
-- together, N in all.
local ml = require "miniloop"
local mark = require "bench.lib.mark"

local n, batch = math.tointeger(arg[1]), math.tointeger(arg[2])
local count = 0

local function work()
  count = count + 1
end

local function run()
  local spawn = ml.spawn
  for _ = 1, batch do
    spawn(work)
  end
  ml.yield()
end

run()
count = 0
mark "start"
for _ = 1, n // batch do
  run()
end
mark "stop"
print("count=" .. count)
