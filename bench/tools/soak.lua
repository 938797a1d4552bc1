-- The client of bench/soak.lua: starts the limit beside the server that is
-- measured, and loads the two in turns.
--
--   miniloop soak.lua PORT SECONDS PAIRS BIN
--
-- After each pair of slices, when no connection is left, there is a mark.

package.path = "?.lua;" .. package.path

local mark = require "bench.lib.mark"
local measure = require "bench.lib.measure"
local shell = require "bench.lib.shell"

local port, seconds, pairs_of_slices, bin = table.unpack(arg, 1, 4)

-- On the core of the server that is measured: the last.
local core = tonumber(shell.line("getconf _NPROCESSORS_ONLN")) - 1

-- In the background, so that the shell, which is what a pipe waits for, ends.
-- Whoever measures kills it with this process's group.
local function start_limit()
  local command = ("taskset -c %d %s/limit_echo 0 &"):format(core, bin)
  local pipe <close> = assert(io.popen(command))
  return assert(pipe:read("n"), "the limit does not run")
end

-- One slice: what the load generator found. Nothing is well if it fails.
local function load(to)
  local command = ("%s/load echo 127.0.0.1:%s connections=50 life=100"
    .. " ends=fin,rst,half,cut seconds=%s deadline=%g")
    :format(bin, to, seconds, seconds + 30)
  local pipe <close> = assert(io.popen(command))
  local found = measure.parse(pipe:read("a"))
  if not pipe:close() then
    os.exit(1)
  end
  return found
end

local function report(slice, who, found)
  for _, name in ipairs { "requests", "opened", "p99_ns" } do
    print(("s%d.%s_%s=%s"):format(slice, who, name, found[name]))
  end
end

local limit = start_limit()
mark("before")
for i = 1, pairs_of_slices do
  local turns = { { "ours", port }, { "limit", limit } }
  for turn = 1, 2 do -- every second pair is the other way round
    local who, to = table.unpack(turns[i % 2 == 0 and 3 - turn or turn])
    report(i, who, load(to))
  end
  os.execute("sleep 0.2") -- the server may have an end to read yet
  mark("s" .. i)
end
os.exit(0)
