-- Two printers at different paces, until a third task kills them.
--
--   ./dev run examples/01_sleep.lua [FAST [SLOW [LIFE]]]
--
-- FAST and SLOW are the seconds between the lines of a printer (1 and 1.6), and
-- both are killed after LIFE seconds (4.4). Unless told otherwise it prints
--
--   fast 1
--   slow 1
--   fast 2
--   fast 3
--   slow 2
--   fast 4
--   killed 2
--   killed 3
--
-- A task asks the loop by yielding a request, and is resumed with the answer.
-- Add --virtual-time behind `run` to see the same without waiting.

local function seconds(i, default)
  return tonumber(arg[i] or default) or error("usage: FAST SLOW LIFE", 0)
end
local fast, slow, life = seconds(1, 1), seconds(2, 1.6), seconds(3, 4.4)

io.stdout:setvbuf "line"

local function printer(name, pace)
  local count = 0
  while true do
    coroutine.yield(syscall.sleep(pace))
    count = count + 1
    print(name .. " " .. count)
  end
end

-- The script is a task, too: the third one here. By id a task may kill only
-- those that came after it, such as the two that it makes.
local ids = {
  (coroutine.yield(syscall.new(printer, "fast", fast))),
  (coroutine.yield(syscall.new(printer, "slow", slow))),
}
coroutine.yield(syscall.sleep(life))
for _, id in ipairs(ids) do
  assert(coroutine.yield(syscall.kill(id)))
  print("killed " .. id)
end
