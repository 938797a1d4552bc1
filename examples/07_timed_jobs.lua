-- Jobs on a steady beat, each at its own, that end in good order.
--
--   ./dev run examples/07_timed_jobs.lua [TIMES [UNIT]]
--
-- Each job is done TIMES times (for ever), once in its period; UNIT is how many
-- seconds the shortest period has (1). With TIMES 2 it prints
--
--   pulse 1
--   report 1
--   pulse 2
--   pulse: done 2 times
--   backup 1
--   report 2
--   report: done 2 times
--   backup 2
--   backup: done 2 times
--
-- Ctrl-C ends it earlier: then, too, each job says how often it was done.

local ml = require "miniloop"

local times = tonumber(arg[1] or math.huge)
local unit = tonumber(arg[2] or 1)

io.stdout:setvbuf "line"

-- A to-be-closed value that calls f, however the block comes to its end.
local function finally(f)
  return setmetatable({}, { __close = f })
end

-- Sleeps until a moment, not for a while: so the beat does not drift by the
-- time that the job itself takes.
local function every(period, name)
  local done = 0
  local _ <close> = finally(function()
    print(("%s: done %d times"):format(name, done))
  end)
  local due = ml.now()
  while done < times do
    due = due + period
    ml.sleep(due - ml.now())
    done = done + 1
    print(name .. " " .. done)
  end
end

ml.spawn(every, 1 * unit, "pulse")
ml.spawn(every, 1.6 * unit, "report")
ml.spawn(every, 2.7 * unit, "backup")
