-- What a torture found: each figure is printed with its limit, and one that is
-- missed makes the status 1.

local shell = require "bench.lib.shell"
local stats = require "bench.lib.stats"

local verdict = {}

local missed = 0

---@param good boolean
---@param text string what was to be, and what it was
function verdict.holds(good, text)
  print(("%s  %s"):format(good and "ok    " or "MISSED", text))
  missed = missed + (good and 0 or 1)
end

---@param what string
---@param value number
---@param limit number
---@param unit string
function verdict.at_most(what, value, limit, unit)
  verdict.holds(value <= limit, ("%s: %.4g %s (at most %g)"):format(what, value,
    unit, limit))
end

---@param what string
---@param value number
---@param limit number
---@param unit string
function verdict.at_least(what, value, limit, unit)
  verdict.holds(value >= limit, ("%s: %.5g %s (at least %g)"):format(what,
    value, unit, limit))
end

---Of times in seconds: the median, p99 and the longest are printed in
---milliseconds, and p99 is held to the limit.
---@param what string
---@param times number[]
---@param limit number of p99, in milliseconds
function verdict.times(what, times, limit)
  local function ms(q)
    return (stats.quantile(times, q) or math.huge) * 1000
  end
  verdict.holds(ms(0.99) <= limit,
    ("%s: p99 %.3g ms (at most %g), p50 %.3g ms, worst %.3g ms, of %d")
      :format(what, ms(0.99), limit, ms(0.5), ms(1), #times))
end

---Ends the process: status 1 if something was missed. Times need a machine that
---does nothing else, so its load is told with what was missed.
function verdict.finish()
  local load = (shell.read("/proc/loadavg") or ""):match("%S+")
  if missed > 0 and load then
    print(("%d missed, at a load of %s"):format(missed, load))
  end
  os.exit(missed == 0)
end

return verdict
