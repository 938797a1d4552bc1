-- Compares what a run has reached with the lists of what is not reached:
--
--   miniloop spec/coverage/run.lua [--update] EXPORT SOURCES
--
-- EXPORT is what llvm-cov export has written, SOURCES the folder of the layers.
-- Prints the share of each layer, and fails when a list is not what was found;
-- with --update the lists are made so, and what lacks a reason is under "Why?".

local root = arg[0]:match("^(.*/)spec/coverage/[^/]*$") or ""
package.path = root .. "?.lua;" .. package.path

local export = require "spec.coverage.export"
local gaps = require "spec.coverage.gaps"
local list = require "spec.coverage.list"

-- The layers whose lines a promise is made of; see docs/reliability.md.
local layers = {
  "base", "poll", "net", "proto", "core", "sys", "lib", "api", "cli",
}

local function sorted_names(sources, layer)
  local names = {}
  for name in pairs(sources) do
    if name:sub(1, #layer + 1) == layer .. "/" then
      table.insert(names, name)
    end
  end
  table.sort(names)
  return names
end

local function print_share(layer, sum)
  print(("%-6s %6d lines %7.2f %%   %5d branches %7.2f %%   %4d gaps"):format(
    layer, sum.lines, 100 * sum.lines_reached / sum.lines, sum.sides,
    100 * sum.sides_reached / sum.sides, sum.gaps))
end

local function add_up(total, sum)
  for key, value in pairs(sum) do
    total[key] = (total[key] or 0) + value
  end
end

-- The names of a layer's gaps in order, where each is, and its figures.
local function measure(sources, layer)
  local names, where, sum = {}, {}, { gaps = 0 }
  for _, path in ipairs(sorted_names(sources, layer)) do
    local source = sources[path]
    for _, gap in ipairs(gaps.find(source)) do
      local name = list.name(path:sub(#layer + 2), gap)
      if not where[name] then
        table.insert(names, name)
      end
      where[name] = ("%s:%d"):format(source.path, gap.line)
      sum.gaps = sum.gaps + 1
    end
    add_up(sum, gaps.count(source))
  end
  return names, where, sum
end

-- Returns the figures, and the number of faults of the list.
local function check(sources, layer, update)
  local path = ("%sspec/coverage/%s.txt"):format(root, layer)
  local names, where, sum = measure(sources, layer)
  local paragraphs, faults = list.read(path), 0
  list.compare(paragraphs, names, function(what, name)
    faults = faults + 1
    io.stderr:write(what, ": ", layer, "/", name, "\n")
    if where[name] then
      io.stderr:write("    ", where[name], "\n")
    end
  end)
  if update then
    list.write(path, paragraphs)
  end
  return sum, faults
end

local update = arg[1] == "--update"
local first = update and 2 or 1
local sources = export.read(arg[first], arg[first + 1])
local total, faults = {}, 0
local sums = {}
for _, layer in ipairs(layers) do
  local sum, wrong = check(sources, layer, update)
  sums[layer] = sum
  add_up(total, sum)
  faults = faults + wrong
end
for _, layer in ipairs(layers) do
  print_share(layer, sums[layer])
end
print_share("all", total)
if faults > 0 and not update then
  print(("%d places where spec/coverage/*.txt is not what was found"):format(
    faults))
  os.exit(1)
end
