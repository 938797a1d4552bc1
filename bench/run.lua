-- The benchmarks: what we cost, next to the limit and the peers. ./dev bench
-- builds what is needed and runs this; bench/README.md tells how rows are made.

local usage = [[
usage: ./dev bench [--with-peers] [--quick] [ROW ...]
  --with-peers  install the peers that Debian has
  --quick       small sizes, and few rounds unless told: claims nothing
  --ours        leave the peers out
  --rounds=N    more than 15 of them
  --list        print the rows and stop
  --report      write docs/benchmarks.md from the last results, run nothing
]]

package.path = "?.lua;" .. package.path

local contest = require "bench.lib.contest"
local goals = require "bench.lib.goals"
local grid = require "bench.lib.grid"
local machine = require "bench.lib.machine"
local plot = require "bench.lib.plot"
local report = require "bench.lib.report"
local row = require "bench.lib.row"
local shell = require "bench.lib.shell"
local store = require "bench.lib.store"

local function read_options(words)
  local options = { names = {} }
  local flags = { quick = true, ours = true, list = true, report = true }
  for _, word in ipairs(words) do
    local flag = word:match("^%-%-(%a+)$")
    local rounds = word:match("^%-%-rounds=(%d+)$")
    if flags[flag] then
      options[flag] = true
    elseif rounds then
      options.rounds = math.max(15, math.tointeger(rounds))
    elseif word:match("^%-") then
      io.stderr:write("unknown option: ", word, "\n", usage)
      os.exit(2)
    else
      table.insert(options.names, word)
    end
  end
  options.rounds = options.rounds or (options.quick and 5 or 15)
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

local function check_names(names)
  local known = " " .. table.concat(row.names(), " ") .. " "
  for _, name in ipairs(names) do
    if not known:find(" " .. name .. " ", 1, true) then
      io.stderr:write("no such row: ", name, " (there are", known, ")\n")
      os.exit(2)
    end
  end
end

local function load_rows(options)
  local rows = {}
  check_names(options.names)
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

local function show(r, results, seconds)
  print(("%s: %s (%d s)"):format(r.name, r.title, seconds))
  print(grid.text(r.points and grid.growth(r, results)
    or grid.result(r, results[1])))
  for _, result in ipairs(results) do
    for _, line in ipairs(grid.lost(result)) do
      print("  lost: " .. line)
    end
    for _, verdict in ipairs(goals.judge(r, result)) do
      print("  " .. grid.verdict(verdict))
    end
  end
  print()
end

-- True when ours, and the limit, ran to their end.
local function is_sound(results)
  for _, result in ipairs(results) do
    for _, series in ipairs(result.series) do
      if series.lost and series.kind ~= "peer" then
        return false
      end
    end
  end
  return true
end

-- How many rows failed. What a quick run, or one without peers, says is not
-- kept.
local function run_rows(options)
  local failed = 0
  for _, r in ipairs(load_rows(options)) do
    local start = os.time()
    local results = run_row(r, options)
    show(r, results, os.time() - start)
    failed = failed + (is_sound(results) and 0 or 1)
    if not options.quick and not options.ours then
      store.save {
        row = r, results = results, rounds = options.rounds,
        date = os.date("!%Y-%m-%d %H:%M UTC"), version = machine.version(),
      }
    end
  end
  return failed
end

local function write_report()
  local records = store.load(row.names())
  if #records == 0 then
    io.stderr:write("there are no results yet\n")
    os.exit(1)
  end
  shell.write("docs/benchmarks.md",
    report.markdown(records, machine.facts(), "./dev bench --with-peers"))
  shell.write("docs/benchmarks.svg", plot.svg(records))
  print "docs/benchmarks.md and docs/benchmarks.svg are written"
end

io.stdout:setvbuf("line")
local options = read_options(arg)
local count = #options.names > 0 and #options.names or #row.names()
if options.list then
  print(table.concat(row.names(), "\n"))
elseif options.report then
  write_report()
else
  local failed = run_rows(options)
  if #options.names == 0 and not options.quick and not options.ours then
    write_report()
  end
  print(("%d passed, %d failed"):format(count - failed, failed))
  os.exit(failed == 0)
end
