-- Ask three mirrors, take the first good answer, and let go of the others: they
-- are cancelled, and what they opened is closed.
--
--   ./dev run examples/15_first_of_three.lua
local ml = require "miniloop"

local function mirror(name, delay, broken)
  return function()
    local _ <close> = setmetatable({}, {
      __close = function() print("closed " .. name) end,
    })
    ml.sleep(delay)
    if broken then
      return nil, name .. " is broken"
    end
    return "the file, from " .. name
  end
end

print(ml.race(
  mirror("slow", 0.3),
  mirror("broken", 0.01, true),
  mirror("quick", 0.05)
))
