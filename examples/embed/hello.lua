-- What run_script.c runs: two tasks that take turns.

local ml = require "miniloop"

local function count(name, pace)
  for i = 1, 3 do
    print(name .. " " .. i)
    ml.sleep(pace)
  end
end

local left = ml.spawn(count, "left", 0.02)
local right = ml.spawn(count, "right", 0.03)
left:wait()
right:wait()
print("both are done")
