-- At most so many calls a second, with short bursts: a semaphore whose places
-- a beat gives back. Whoever asks waits his turn, first come first served.
--
--   ./dev run examples/13_rate_limiter.lua [calls a second] [burst]
local ml = require "miniloop"

local rate, burst = tonumber(arg[1] or 100), tonumber(arg[2] or 5)
local places, taken = ml.semaphore(burst), 0

local function limited(f)
  places:acquire()
  taken = taken + 1
  return f()
end

ml.group(function(g)
  ml.every(1 / rate, function()
    if taken > 0 then
      taken = taken - 1
      places:release()
    end
  end)
  local start, calls = ml.now(), 20
  for _ = 1, calls do
    limited(function() end)
  end
  local least = (calls - burst) / rate
  print(("%d calls took at least %.2f s: %s"):format(calls, least,
    ml.now() - start >= least * 0.95))
  g:cancel "enough"
end)
