-- Compares what a run has reached with the lists of what is not reached:
--
--   miniloop spec/coverage/run.lua [--update] [--core] EXPORT SOURCES
--
-- EXPORT is what llvm-cov export has written, SOURCES the folder of the layers.
-- Prints the share of each layer, and fails when a list is not what was found;
-- with --update the lists are made so, and what lacks a reason is under "Why?".
-- With --core, of the core alone.

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

local function read_arguments(words)
  local options = {}
  for _, word in ipairs(words) do
    local name = word:match("^%-%-(%a+)$")
    if name then
      options[name] = true
    else
      table.insert(options, word)
    end
  end
  return options
end

local function compare(options, wanted)
  local sources = export.read(options[1], options[2])
  local sums, total, faults = {}, {}, 0
  for _, layer in ipairs(wanted) do
    local sum, wrong = check(sources, layer, options.update)
    sums[layer] = sum
    add_up(total, sum)
    faults = faults + wrong
  end
  for _, layer in ipairs(wanted) do
    print_share(layer, sums[layer])
  end
  if #wanted > 1 then
    print_share("all", total)
  end
  return faults
end

local options = read_arguments(arg)
local faults = compare(options, options.core and { "core" } or layers)
if faults > 0 and not options.update then
  print(("%d places where spec/coverage/*.txt is not what was found"):format(
    faults))
  os.exit(1)
end
