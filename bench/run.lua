-- The benchmarks: what we cost, next to the limit and the peers. ./dev bench
-- builds what is needed and runs this; bench/README.md tells how rows are made.

local usage = [[
usage: ./dev bench [--with-peers] [--quick] [ROW ...]
  --with-peers  install the peers that Debian has
  --quick       few rounds and small sizes: claims nothing
  --ours        leave the peers out
  --rounds=N    other than 15
  --list        print the rows and stop
  --report      write docs/benchmarks.md from the last results, run nothing
]]

package.path = "?.lua;" .. package.path

local contest = require "bench.lib.contest"
local goals = require "bench.lib.goals"
local grid = require "bench.lib.grid"
local row = require "bench.lib.row"

local function read_options(words)
  local options = { rounds = 15, names = {} }
  local flags = { quick = true, ours = true, list = true, report = true }
  for _, word in ipairs(words) do
    local flag = word:match("^%-%-(%a+)$")
    local rounds = word:match("^%-%-rounds=(%d+)$")
    if flags[flag] then
      options[flag] = true
    elseif rounds then
      options.rounds = math.tointeger(rounds)
    elseif word:match("^%-") then
      io.stderr:write("unknown option: ", word, "\n", usage)
      os.exit(2)
    else
      table.insert(options.names, word)
    end
  end
  options.rounds = options.quick and 5 or options.rounds
  return options
end

local function without_peers(r)
  local kept = {}
  for _, contestant in ipairs(r.contestants) do
    if row.kind(contestant) ~= "peer" then
      kept[#kept + 1] = contestant
    end
  end
  r.contestants = kept
end

local function load_rows(options)
  local rows = {}
  local names = #options.names > 0 and options.names or row.names()
  for i, name in ipairs(names) do
    rows[i] = row.load(name)
    if options.ours then
      without_peers(rows[i])
    end
  end
  return rows
end

-- The quick form has the two least sizes.
local function run_row(r, options)
  local results = {}
  local points = r.points or { false }
  for i = 1, options.quick and math.min(#points, 2) or #points do
    results[i] = contest.run(r, {
      rounds = options.rounds, quick = options.quick,
      point = points[i] or nil,
    })
  end
  return results
end

-- True when ours, and the limit, ran to their end.
local function show(r, results)
  print(("%s: %s"):format(r.name, r.title))
  print(grid.text(r.points and grid.growth(r, results)
    or grid.result(r, results[1])))
  local sound = true
  for _, result in ipairs(results) do
    for _, line in ipairs(grid.lost(result)) do
      print("  lost: " .. line)
    end
    for _, series in ipairs(result.series) do
      sound = sound and not (series.lost and series.kind ~= "peer")
    end
    for _, verdict in ipairs(goals.judge(r, result)) do
      print("  " .. grid.verdict(verdict))
    end
  end
  print()
  return sound
end

io.stdout:setvbuf("line")
local options = read_options(arg)
local rows = load_rows(options)
local failed = 0
for _, r in ipairs(rows) do
  if not show(r, run_row(r, options)) then
    failed = failed + 1
  end
end
print(("%d passed, %d failed"):format(#rows - failed, failed))
os.exit(failed == 0)
