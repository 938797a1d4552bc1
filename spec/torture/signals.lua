-- A thousand signals a second while tasks sleep, read, write, resolve names and
-- run processes: none of it may be told of an interruption, timers are as much
-- on time as without signals, and the bytes are right.
--
--   ./dev torture signals [SECONDS [SIGNALS_A_SECOND]]

package.path = "?.lua;" .. package.path

local ml = require "miniloop"
local net = require "miniloop.net"
local stats = require "bench.lib.stats"
local process = require "spec.torture.lib.process"
local verdict = require "spec.torture.lib.verdict"
local words = require "spec.torture.lib.words"

local TIMER = 0.01 -- seconds
local LIMIT = 10   -- milliseconds that a timer may be late, p99; or twice what
                   -- it is without signals, where the machine is busy

-- The other process: sends so many signals, evenly, and ends.
local function send(pid, rate, seconds)
  local shell <close> = assert(io.popen("exec sh", "w"))
  shell:setvbuf("no")
  local line = ("kill -USR1 %d\n"):format(pid)
  local start, sent = ml.now(), 0
  while sent < rate * seconds do
    local due = math.min((ml.now() - start) * rate, rate * seconds)
    shell:write(line:rep(math.floor(due) - sent))
    sent = math.floor(due)
    ml.sleep(1 / rate)
  end
  print(sent)
end

if arg[1] == "send" then
  return send(math.tointeger(arg[2]), tonumber(arg[3]), tonumber(arg[4]))
end

local seconds = words.count(arg[1], "SECONDS", 5)
local rate = words.count(arg[2], "SIGNALS_A_SECOND", 1000)
local done = { sleeps = 0, bytes = 0, names = 0, processes = 0, signals = 0 }
local late, early = {}, 0 -- by how much timers were late, and how many early
local calm                -- what `late` was before the signals came

local timed = true -- as long as no process is started, which takes its time

local function tick()
  while timed do
    local start = ml.now()
    ml.sleep(TIMER)
    local over = ml.now() - start - TIMER
    late[#late + 1] = over
    early = early + (over < 0 and 1 or 0)
    done.sleeps = done.sleeps + 1
  end
end

local function pattern(from)
  local bytes = {}
  for i = 1, 64 do
    bytes[i] = ("%08x"):format(from + i)
  end
  return table.concat(bytes)
end

local function write(conn)
  for i = 0, math.huge do
    assert(conn:write(pattern(i)))
  end
end

local function read(conn)
  for i = 0, math.huge do
    local bytes = assert(conn:read(512))
    assert(bytes == pattern(i), "the bytes are wrong")
    done.bytes = done.bytes + #bytes
    ml.yield()
  end
end

local function resolve()
  while true do
    assert(net.resolve("localhost"))
    done.names = done.names + 1
    ml.sleep(0.001)
  end
end

local function run()
  while true do
    local pipe <close> = assert(io.popen("echo done"))
    local stream <close> = assert(net.stream(pipe))
    assert(stream:read("l") == "done")
    done.processes = done.processes + 1
  end
end

local function catch()
  local signals <close> = ml.signals("USR1")
  for _ in signals:names() do
    done.signals = done.signals + 1
  end
end

-- With signals for so long, and before that as long without.
local function inflict(g)
  local near, far = net.pair()
  g:spawn(tick)
  g:spawn(resolve)
  g:spawn(write, near)
  g:spawn(read, far)
  ml.sleep(seconds)
  calm, late = late, {}
  local sender = process.start(
    ("%s spec/torture/signals.lua send %d %g %g"):format(process.miniloop,
      process.this().pid, rate, seconds))
  ml.sleep(seconds * 0.8)
  timed = false
  g:spawn(run)
  ml.sleep(seconds * 0.2)
  g:cancel("it is over", { grace = 1 })
  return sender
end

local caught = ml.spawn(catch)
ml.yield() -- from here on USR1 ends nobody
local sender
local ok, err = pcall(ml.group, function(g)
  sender = inflict(g)
end)
local _ <close> = sender
local sent = sender and tonumber(sender:line()) or 0
caught:cancel()
verdict.holds(ok, ok and "nothing failed" or tostring(err))
print(("%d signals sent, told of %d times; %d bytes, %d names, %d processes")
  :format(sent, done.signals, done.bytes, done.names, done.processes))
for _, what in ipairs { "signals", "bytes", "names", "processes" } do
  verdict.at_least(what, done[what], 1, "")
end
verdict.at_most("timers that were early", early, 0, "")
local usual = stats.quantile(calm, 0.99) * 1000
verdict.times(("timers were late (without signals p99 %.3g ms) by")
  :format(usual), late, math.max(LIMIT, 2 * usual))
verdict.finish()
