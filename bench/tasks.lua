-- What the runtime's own operations cost, in nanoseconds of CPU time each.
--
-- Each row is run five times; the least and the median are printed. Compare
-- them within one run: machines differ, and so do hours of one machine. For the
-- limit of the interpreter itself see the first row, a bare resume and yield.
local ml = require "miniloop"

local N, TIMES = 100000, 5

local function measure(f, n)
  collectgarbage()
  local start = os.clock()
  f(n)
  return (os.clock() - start) / n * 1e9
end

local function row(name, f, n)
  local times = {}
  for i = 1, TIMES do
    times[i] = measure(f, n or N)
  end
  table.sort(times)
  print(("%-44s %7.0f %7.0f"):format(name, times[1], times[TIMES // 2 + 1]))
end

local function in_task(f, ...)
  ml.spawn(f, ...):wait()
end

print(("%-44s %7s %7s"):format("ns of CPU time", "least", "median"))

row("resume and yield of a generator", function(n)
  local gen = coroutine.wrap(function()
    while true do
      coroutine.yield()
    end
  end)
  for _ = 1, n do
    gen()
  end
end)

row("ml.yield, one of 1,000 tasks", function(n)
  ml.group(function(g)
    for _ = 1, 1000 do
      g:spawn(function()
        for _ = 1, n // 1000 do
          ml.yield()
        end
      end)
    end
  end)
end)

row("yield(syscall.sleep(0)), one of 1,000", function(n)
  ml.group(function(g)
    for _ = 1, 1000 do
      g:spawn(function()
        for _ = 1, n // 1000 do
          coroutine.yield(syscall.sleep(0))
        end
      end)
    end
  end)
end)

row("spawn and end, without a handle kept", function(n)
  for _ = 1, n // 200 do
    for _ = 1, 200 do
      ml.spawn(function() end)
    end
    ml.yield()
  end
end)

row("channel, hand-over", function(n)
  local ch = ml.channel()
  ml.spawn(function()
    for i = 1, n do
      ch:send(i)
    end
  end)
  for _ = 1, n do
    ch:recv()
  end
end)

row("channel, buffer of 100", function(n)
  local ch = ml.channel(100)
  ml.spawn(function()
    for i = 1, n do
      ch:send(i)
    end
  end)
  for _ = 1, n do
    ch:recv()
  end
end)

row("mutex, locked and unlocked", function(n)
  local m = ml.mutex()
  for _ = 1, n do
    m:lock()
    m:unlock()
  end
end)

row("timeout, armed and disarmed", function(n)
  local function nothing() end
  for _ = 1, n do
    ml.timeout(10, nothing)
  end
end)

local function ready_choice(size)
  local set, clear, requests = ml.event(), ml.event(), {}
  set:set()
  for i = 1, size do
    requests[i] = syscall.wait(i == size and set or clear)
  end
  return function(n)
    for _ = 1, n do
      ml.any(requests)
    end
  end
end

row("choice of 2, the last is ready", ready_choice(2))
row("choice of 8, the last is ready", ready_choice(8))

row("choice of 2, waits", function(n)
  local a, b = ml.channel(), ml.channel()
  in_task(function()
    ml.spawn(function()
      for i = 1, n do
        b:send(i)
      end
    end)
    local requests = { syscall.recv(a), syscall.recv(b) }
    for _ = 1, n do
      ml.any(requests)
    end
  end)
end)

row("group of one task", function(n)
  for _ = 1, n do
    ml.group(function(g)
      g:spawn(function() end)
    end)
  end
end, N // 10)
