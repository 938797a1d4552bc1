-- What single operations cost: micro.lua NAME N.
local ml = require "miniloop"
local mark = require "bench.lib.mark"

-- Each does its operation n times and gives how often it was done.
local operations = {}

function operations.generator(n)
  local count = 0
  for _ in coroutine.wrap(function()
    for i = 1, n do
      coroutine.yield(i)
    end
  end) do
    count = count + 1
  end
  return count
end

local function through_channel(n, capacity)
  local channel, count = ml.channel(capacity), 0
  ml.spawn(function()
    for i = 1, n do
      channel:send(i)
    end
  end)
  for _ = 1, n do
    channel:recv()
    count = count + 1
  end
  return count
end

function operations.handover(n)
  return through_channel(n, 0)
end

function operations.buffer(n)
  return through_channel(n, 100)
end

function operations.mutex(n)
  local mutex, count = ml.mutex(), 0
  for _ = 1, n do
    mutex:lock()
    count = count + 1
    mutex:unlock()
  end
  return count
end

function operations.timeout(n)
  local count = 0
  local function work()
    count = count + 1
  end
  for _ = 1, n do
    ml.timeout(10, work)
  end
  return count
end

-- Of that many requests, the last one is ready.
local function choose(n, size)
  local set, clear, requests = ml.event(), ml.event(), {}
  set:set()
  for i = 1, size do
    requests[i] = syscall.wait(i == size and set or clear)
  end
  local count = 0
  for _ = 1, n do
    count = count + (ml.any(requests) == size and 1 or 0)
  end
  return count
end

function operations.choice2(n)
  return choose(n, 2)
end

function operations.choice8(n)
  return choose(n, 8)
end

function operations.choice_waits(n)
  local a, b, count = ml.channel(), ml.channel(), 0
  ml.spawn(function()
    for i = 1, n do
      b:send(i)
    end
  end)
  local requests = { syscall.recv(a), syscall.recv(b) }
  for _ = 1, n do
    count = count + (ml.any(requests) == 2 and 1 or 0)
  end
  return count
end

function operations.group(n)
  local count = 0
  local function work()
    count = count + 1
  end
  for _ = 1, n do
    ml.group(function(group)
      group:spawn(work)
    end)
  end
  return count
end

local operation, n = operations[arg[1]], math.tointeger(arg[2])
mark "start"
local count = operation(n)
mark "stop"
print("count=" .. count)
