-- A million timers, many of which are withdrawn before their time, and a clock
-- on the wall that jumps by an hour: nothing is early, and nothing is lost.
--
--   ./dev torture clock [TIMERS]

package.path = "?.lua;" .. package.path

local ml = require "miniloop"
local process = require "spec.torture.lib.process"
local shell = require "bench.lib.shell"
local verdict = require "spec.torture.lib.verdict"
local words = require "spec.torture.lib.words"

local AT_ONCE = 1000
local LONGEST = 0.02 -- seconds

-- ---------------------------------------------- under a clock that jumps

-- The other process, whose wall clock says what the file says (libfaketime).
local function jump(path)
  local function set(offset)
    local file <close> = assert(io.open(path, "w"))
    file:write(offset)
  end
  local worst = 0
  for _, offset in ipairs { "+3600", "-3600", "+0" } do
    local wall, start = os.time(), ml.now()
    local task = ml.spawn(ml.sleep, 0.2)
    ml.sleep(0.05)
    set(offset)
    task:wait()
    worst = math.max(worst, math.abs(ml.now() - start - 0.2))
    assert(ml.now() - start >= 0.2)
    print(("%s: the wall clock moved by %d s, a sleep of 0.2 s took %.4f s")
      :format(offset, os.time() - wall, ml.now() - start))
  end
  print(worst)
end

if arg[1] == "jump" then
  return jump(arg[2])
end

local function under_faketime()
  local library = shell.line("ls /usr/lib/*/faketime/libfaketime.so.1")
  if not library then
    return print "skipped: there is no libfaketime"
  end
  local path = os.tmpname()
  shell.write(path, "+0")
  local _, text = shell.run(("env LD_PRELOAD=%s FAKETIME_TIMESTAMP_FILE=%s"
    .. " FAKETIME_NO_CACHE=1 DONT_FAKE_MONOTONIC=1"
    .. " FAKETIME_DONT_FAKE_MONOTONIC=1 %s spec/torture/clock.lua jump %s")
    :format(library, path, process.miniloop, path))
  os.remove(path)
  print((text:gsub("\n[^\n]*$", "")))
  local moved = text:match("moved by (%d+)")
  verdict.at_least("the wall clock jumped by", tonumber(moved) or 0, 3599, "s")
  verdict.at_most("a sleep meanwhile was off by",
    tonumber(text:match("[^\n]+$")) or math.huge, 0.1, "s")
end

-- -------------------------------------------------------------- a million

local timers = words.count(arg[1], "TIMERS", 1000000)
local made, ended, withdrawn, early, late = 0, 0, 0, 0, {}

-- A timer: a sleep, or a timeout of which something else comes first.
local function timer(event)
  local time = math.random() * LONGEST
  local start = ml.now()
  made = made + 1
  if made % 3 == 0 then
    ml.timeout(time * 10, event.wait, event, time)
  else
    ml.sleep(time)
  end
  local over = ml.now() - start - time
  early = early + (over < 0 and 1 or 0)
  late[#late % 100000 + 1] = over
  ended = ended + 1
end

local function timers_for_ever(event)
  while true do
    timer(event)
  end
end

local event = ml.event()
local list = {}
for i = 1, AT_ONCE do
  list[i] = ml.spawn(timers_for_ever, event)
end
while made < timers do
  for _ = 1, 20 do
    local i = math.random(AT_ONCE)
    list[i]:kill()
    withdrawn = withdrawn + 1
    list[i] = ml.spawn(timers_for_ever, event)
  end
  ml.sleep(0.0005)
end
for _, task in ipairs(list) do
  task:kill()
end
print(("%d timers, %d came, %d were withdrawn"):format(made, ended,
  withdrawn + AT_ONCE))
verdict.at_most("came early", early, 0, "")
verdict.holds(made - ended <= withdrawn + AT_ONCE, "none was lost")
verdict.times("the others were late by", late, 50)
under_faketime()
verdict.finish()
