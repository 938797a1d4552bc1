-- What the scenario "transfer" has in common for all: a body that no buffers of
-- the kernel hold goes from one task to another, and in the middle one of them
-- is killed, by turns. The other must see the end, a task that ticks beside
-- them must not be held up, and nothing may be left.

local transfer = {
  rounds = 100,
  body = ("x"):rep(16 << 20),
  chunk = 65536, -- bytes that are received at once, with a pause behind them
  pause = 0.001,
  middle = 0.005, -- seconds from the start to the kill
  patience = 2,   -- seconds in which the other has to be told
}

local WARM = 20 -- rounds after which memory is looked at for the first time

-- This process, as the system sees it.
local function figure(command)
  local pipe <close> = assert(io.popen(command))
  return assert(pipe:read "n")
end

-- The pipe to the command that counts may have both of its ends open still.
local function descriptors()
  local least = math.huge
  for _ = 1, 3 do
    least = math.min(least, figure "ls /proc/$PPID/fd | wc -l")
  end
  return least
end

local function memory()
  collectgarbage()
  collectgarbage()
  return figure "sed -n 's/^RssAnon: *//p' /proc/$PPID/status"
end

local told, late = 0, 0
local descriptors_before, memory_before
local looked = false -- and so held up all others

---The survivor of a round saw the end.
function transfer.told()
  told = told + 1
end

---The task that ticks each millisecond was so many seconds late.
function transfer.late(seconds)
  late = math.max(late, looked and 0 or seconds)
  looked = false
end

---Between two rounds, the i-th of which begins.
function transfer.begin(i)
  if i == WARM then
    descriptors_before, memory_before = descriptors(), memory()
    looked = true
  end
end

---After the last one.
function transfer.finish()
  print(("told %d of %d, left %d descriptors and %d KiB, others %.0f ms late")
    :format(told, transfer.rounds, descriptors() - descriptors_before,
      memory() - memory_before, late * 1000))
end

return transfer
