-- Jobs go through one channel to as many workers as you like; results come
-- back through another. Closing the channel ends the workers, and the group
-- waits for them.
--
--   ./dev run examples/11_worker_pool.lua [workers] [jobs]
local ml = require "miniloop"

local workers, jobs = tonumber(arg[1] or 3), tonumber(arg[2] or 9)
local todo, done = ml.channel(), ml.channel(jobs)

ml.group(function(g)
  for _ = 1, workers do
    g:spawn(function()
      for n in todo:values() do
        ml.sleep(0.01) -- the work
        done:send(n * n)
      end
    end)
  end
  for n = 1, jobs do
    todo:send(n)
  end
  todo:close()
end)

done:close()
local sum = 0
for square in done:values() do
  sum = sum + square
end
print(("%d jobs, %d workers, sum of squares %d"):format(jobs, workers, sum))
