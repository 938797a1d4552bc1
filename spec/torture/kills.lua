-- A hundred thousand tasks that wait for all sorts of things are killed at
-- once, and a long chain of tasks each of which kills the next as it is closed.
--
--   ./dev torture kills [TASKS [LINKS]]

package.path = "?.lua;" .. package.path

local core = require "miniloop.core"
local ml = require "miniloop"
local net = require "miniloop.net"
local verdict = require "spec.torture.lib.verdict"
local words = require "spec.torture.lib.words"

local tasks = words.count(arg[1], "TASKS", 100000)
local links = words.count(arg[2], "LINKS", 50000)
local LIMIT = 2 -- seconds of CPU

local closed = 0
local note = setmetatable({}, {
  __close = function()
    closed = closed + 1
  end,
})

-- ------------------------------------------------------------- mixed waits

local event, channel, full = ml.event(), ml.channel(), ml.channel(1)
local mutex, semaphore, condition = ml.mutex(), ml.semaphore(1), ml.condition()
local near, far = net.pair()
local sleeper = ml.detach(ml.sleep, math.huge)
local listener = assert(net.listen("127.0.0.1:0"))

local waits = {
  function() ml.sleep(math.huge) end,
  function() ml.sleep(1000) end,
  function() event:wait() end,
  function() event:wait(1000) end,
  function() channel:recv() end,
  function() full:send(1) end,
  function() mutex:lock() end,
  function() semaphore:acquire() end,
  function() condition:wait() end,
  function() near:recv() end,
  function() listener:accept() end,
  function() sleeper:wait() end,
  function() ml.wait_io_read(far, 1000) end,
  function() ml.timeout(1000, event.wait, event) end,
  function() ml.shield(ml.sleep, 1000) end,
  function() coroutine.wrap(function() event:wait() end)() end,
  function() pcall(pcall, ml.sleep, 1000) end,
  function()
    ml.group(function(g)
      g:spawn(ml.sleep, 1000)
    end)
  end,
  function()
    ml.perform(syscall.any(syscall.sleep(1000), syscall.recv(channel)))
  end,
}

local function wait(i)
  local _ <close> = note
  waits[i % #waits + 1]()
  error "a wait has ended"
end

-- The numbers up to `tasks` in no order.
local function shuffled()
  local order = {}
  for i = 1, tasks do
    local j = math.random(i)
    order[i] = order[j]
    order[j] = i
  end
  return order
end

-- How long it takes to kill so many by this function of their list.
local function storm(name, kill)
  closed = 0
  local list, count = {}, #ml.tasks()
  for i = 1, tasks do
    list[i] = ml.detach(wait, i)
  end
  ml.yield()
  ml.yield()
  local start = os.clock()
  kill(list)
  verdict.at_most(("%d tasks killed, %s"):format(tasks, name),
    os.clock() - start, LIMIT, "s")
  verdict.holds(closed == tasks and #ml.tasks() == count and core.check(),
    ("%d of them were closed, none is left"):format(closed))
end

full:send(1)
local lock <close> = mutex:lock()
local guard <close> = semaphore:acquire()
assert(lock and guard)
storm("oldest first", function(list)
  for i = 1, tasks do
    list[i]:kill()
  end
end)
storm("youngest first", function(list)
  for i = tasks, 1, -1 do
    list[i]:kill()
  end
end)
local order = shuffled()
storm("in no order", function(list)
  for _, i in ipairs(order) do
    list[i]:kill()
  end
end)

-- ---------------------------------------------------- a group, and a chain

closed = 0
local owner = ml.detach(ml.group, function(g)
  for i = 1, tasks do
    g:spawn(wait, i)
  end
  ml.sleep(math.huge)
end)
ml.yield()
ml.yield()
local start = os.clock()
owner:kill()
verdict.at_most(("a group of %d killed with its owner"):format(tasks),
  os.clock() - start, LIMIT, "s")
verdict.holds(closed == tasks, ("%d of them were closed"):format(closed))

closed = 0
local last = ml.detach(wait, 0)
for _ = 2, links do
  local next_one = last
  last = ml.detach(function()
    local _ <close> = setmetatable({}, {
      __close = function()
        closed = closed + 1
        next_one:kill()
      end,
    })
    ml.sleep(math.huge)
  end)
end
ml.yield()
ml.yield()
start = os.clock()
last:kill()
verdict.at_most(("a chain of %d kills"):format(links), os.clock() - start,
  LIMIT, "s")
verdict.holds(closed == links, ("%d of them were closed"):format(closed))
verdict.finish()
