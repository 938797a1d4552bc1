-- The instructions of our hot paths, as ratios to those of the limit programs,
-- compared with the ratios that bench/instructions keeps: so that a regression
-- shows, whatever else the machine does. ./dev check instructions runs this,
-- with --update it writes down what it finds.
--
-- Both sides run under valgrind --tool=callgrind, on the same Lua, at two
-- lengths each: their difference is what the operations cost, without start-up.

package.path = "?.lua;" .. package.path

local grid = require "bench.lib.grid"
local measure = require "bench.lib.measure"
local row = require "bench.lib.row"
local shell = require "bench.lib.shell"

local kept_at = "bench/instructions"
local log = "build/log/callgrind.log"
local tolerance = 1.03
-- That a path has: what the network does in it varies on a busy machine.
local attempts = 3

-- A path: the size of the shorter run, and the programs; {n} is the size. An
-- echo has its clients in the same process: else it would depend on the speed
-- of both how often there is something to read at the first attempt.
local paths = {
  {
    name = "switch", n = 20000,
    ours = "build/miniloop bench/ours/yield.lua {n} 100",
    limit = "{bin}/limit_switch {n} 100",
  },
  {
    name = "request", n = 20000,
    ours = "build/miniloop bench/ours/sleep0.lua {n} 100",
    limit = "{bin}/limit_switch {n} 100",
  },
  {
    name = "spawn", n = 10000,
    ours = "build/miniloop bench/ours/spawn.lua {n} 100",
    limit = "{bin}/limit_spawn {n} 100 frame",
  },
  {
    name = "spawn_c", n = 10000,
    ours = "{bin}/ours_spawn {n} 100",
    limit = "{bin}/limit_spawn {n} 100 frame",
  },
  {
    name = "timer", n = 10000,
    ours = "build/miniloop --virtual-time bench/ours/timers.lua {n} 100",
    limit = "{bin}/limit_timers {n} 100",
  },
  {
    name = "echo", n = 10000,
    ours = "build/miniloop --poller=epoll bench/ours/pair.lua {n} 20",
    limit = "{bin}/limit_pair {n} 20",
  },
}

local function give_up(...)
  io.stderr:write(table.concat { ... }, "\n")
  os.exit(1)
end

-- Instructions of the whole run of a program.
local function count(path, side, n)
  local program = row.words("valgrind --tool=callgrind --log-file=" .. log
    .. " --callgrind-out-file=/dev/null " .. path[side], { n = n })
  local _, why = measure.run { program = program, timeout = 60 }
  local found = (shell.read(log) or ""):match("Collected : (%d+)")
  if why or not found then
    give_up(path.name, ", ", side, ": ", why or "callgrind counted nothing")
  end
  return math.tointeger(found)
end

-- Instructions of one operation.
local function cost(path, side)
  return (count(path, side, 2 * path.n) - count(path, side, path.n)) / path.n
end

local function read_kept()
  local kept = {}
  local text = shell.read(kept_at) or ""
  for name, ratio in text:gmatch("([%w_]+) ([%d.]+)\n") do
    kept[name] = tonumber(ratio)
  end
  return kept
end

local function write_kept(ratios)
  local lines = {
    "# Our instructions an operation, as multiples of the limit's:",
    "# written by ./dev check instructions --update",
  }
  for _, path in ipairs(paths) do
    lines[#lines + 1] = ("%s %.3f"):format(path.name, ratios[path.name])
  end
  shell.write(kept_at, table.concat(lines, "\n") .. "\n")
end

-- The ratio of ours to the limit, the least of some if it is more than it
-- should be; and both costs.
local function least(path, kept)
  local ours, limit = cost(path, "ours"), cost(path, "limit")
  for _ = 2, attempts do
    if ours / limit <= (kept or math.huge) * tolerance then
      break
    end
    ours = math.min(ours, cost(path, "ours"))
  end
  return ours / limit, ours, limit
end

-- What is said of a ratio, and whether it is well.
local function judge(ratio, kept)
  if not kept then
    return "not in " .. kept_at, false
  elseif ratio > kept * tolerance then
    return ("kept is %.3f: too much"):format(kept), false
  elseif ratio < kept / tolerance then
    return ("kept is %.3f: --update may lower it"):format(kept), true
  end
  return ("kept is %.3f"):format(kept), true
end

local update = arg[1] == "--update"
local kept, ratios, failed = read_kept(), {}, 0
local lines = { { "path", "ours", "limit", "ratio", "" } }
for i, path in ipairs(paths) do
  local ratio, ours, limit = least(path, kept[path.name])
  ratios[path.name] = ratio
  local text, good = judge(ratio, kept[path.name])
  failed = failed + (good and 0 or 1)
  lines[i + 1] = { path.name, ("%.1f"):format(ours), ("%.1f"):format(limit),
    ("%.3f"):format(ratio), update and "" or text }
end
print(grid.text(lines))
if update then
  write_kept(ratios)
else
  print(("%d passed, %d failed"):format(#paths - failed, failed))
  os.exit(failed == 0)
end
