-- The rows about tasks, for any runtime in Lua: 5.1, LuaJIT or 5.4.
--
--   tasks.lua yield N TASKS | spawn N BATCH | sleepers N TASKS SECONDS
--             | parked N | lateness N SECONDS
--
-- A peer gives what it has: spawn(f), yield(), sleep(seconds), park(), clock()
-- in seconds, and quit(). What it returns from its file is to be called inside
-- of its first task.

local mark = require "bench.lib.mark"

local function finish(peer, count)
  mark "stop"
  print("count=" .. count)
  io.flush()
  peer.quit()
end

local operations = {}

-- Runs `tasks` tasks, each of which calls work(each), and finishes when the
-- last one has ended.
local function crowd(peer, tasks, each, work, begun)
  local left = tasks
  local function task()
    work(each)
    left = left - 1
    if left == 0 then
      finish(peer, tasks * each)
    end
  end
  for i = 1, tasks do
    peer.spawn(task)
    if begun and i % begun == 0 then
      peer.yield()
    end
  end
end

function operations.yield(peer, n, tasks)
  local function work(each)
    local yield = peer.yield
    for _ = 1, each do
      yield()
    end
  end
  mark "start"
  crowd(peer, tasks, n / tasks, work)
end

function operations.sleepers(peer, n, tasks, seconds)
  local function work(each)
    for _ = 1, each do
      peer.sleep(math.random() * seconds)
    end
  end
  mark "start"
  crowd(peer, tasks, n / tasks, work, 1000)
end

function operations.spawn(peer, n, batch)
  local count = 0
  local function work()
    count = count + 1
  end
  mark "start"
  for round = 1, n / batch do
    for _ = 1, batch do
      peer.spawn(work)
    end
    while count < round * batch do
      peer.yield()
    end
  end
  finish(peer, count)
end

function operations.parked(peer, n)
  local count = 0
  local function work()
    count = count + 1
    peer.park()
  end
  mark "start"
  for _ = 1, n do
    peer.spawn(work)
  end
  while count < n do
    peer.yield()
  end
  collectgarbage()
  finish(peer, count)
end

function operations.lateness(peer, n, seconds)
  local late, early = {}, 0
  for i = 1, n do
    local start = peer.clock()
    peer.sleep(seconds)
    late[i] = peer.clock() - start - seconds
    early = early + (late[i] < 0 and 1 or 0)
  end
  table.sort(late)
  print(("p50_us=%g"):format(late[math.floor(n / 2) + 1] * 1e6))
  print(("p99_us=%g"):format(late[math.floor(n * 0.99) + 1] * 1e6))
  print("early=" .. early)
  finish(peer, n)
end

---@param peer table
---@param words string[]   the arguments of the program
return function(peer, words)
  local numbers = {}
  for i = 2, #words do
    numbers[i - 1] = assert(tonumber(words[i]))
  end
  operations[words[1]](peer, numbers[1], numbers[2], numbers[3])
end
