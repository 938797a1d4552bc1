-- Five philosophers and five forks. Each takes the lower fork first, so no
-- circle of waiting can close. (Let the last one take them the other way round,
-- and the call that would close the circle gets EDEADLK.)
--
--   ./dev run examples/17_philosophers.lua [meals]
local ml = require "miniloop"

local seats, meals = 5, tonumber(arg[1] or 3)
local forks, eaten = {}, {}
for i = 1, seats do
  forks[i] = ml.mutex()
end

ml.group(function(g)
  for i = 1, seats do
    g:spawn(function()
      local left, right = i, i % seats + 1
      for _ = 1, meals do
        local _ <close> = forks[math.min(left, right)]:lock()
        ml.yield()
        local _ <close> = forks[math.max(left, right)]:lock()
        ml.sleep(0.001)
        eaten[i] = (eaten[i] or 0) + 1
      end
    end)
  end
end)

print("meals: " .. table.concat(eaten, " "))
