-- A task that fails is started again, after a pause that grows; when it fails
-- too often, the supervisor gives up, and that is its own failure.
--
--   ./dev run examples/16_supervisor.lua
local ml = require "miniloop"

local function supervise(name, f, most)
  for attempt = 1, most do
    local ok, err = ml.try(f, attempt)
    if ok then
      return err
    end
    print(("%s failed (%s), attempt %d"):format(name, err, attempt))
    ml.sleep(0.01 * 2 ^ attempt)
  end
  error(name .. " failed too often", 0)
end

print(ml.spawn(supervise, "flaky", function(attempt)
  ml.sleep(0.01)
  if attempt < 3 then
    error("no luck", 0)
  end
  return "done at last"
end, 5):join())

print(pcall(function()
  ml.group(function(g)
    g:spawn(supervise, "hopeless", function() error("never", 0) end, 2)
    ml.sleep(60) -- is cut short: a group fails as one
  end)
end))
