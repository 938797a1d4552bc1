-- Timeouts within timeouts: the nearest deadline acts, and ends only the block
-- that it belongs to.
--
--   ./dev run examples/18_timeouts.lua
local ml = require "miniloop"

local function fetch(part, seconds)
  ml.sleep(seconds)
  return part
end

print(ml.timeout(0.5, function()
  local first = ml.timeout(0.05, fetch, "first", 0.01)
  local second = ml.timeout(0.05, fetch, "second", 10) or "nothing"
  return first .. " and " .. second
end))

print(ml.timeout(0.05, function()
  print(ml.timeout(10, fetch, "inner", 5)) -- never printed
end))

print(ml.timeout(0.05, function()
  ml.shield(fetch, "kept", 0.1) -- is not cut
  print "the shield held"
  ml.sleep(1) -- is
end))
