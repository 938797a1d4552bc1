-- The report as Markdown: docs/benchmarks.md.

local goals = require "bench.lib.goals"
local grid = require "bench.lib.grid"

local report = {}

local introduction = [[
# Benchmarks

Written by `./dev bench`; do not edit. [bench/README.md](../bench/README.md)
tells how it measures: all contestants of a row in turns, CPU time of user and
system, ratios within a round. A ratio is ours to theirs, so less than 1 means
that we are cheaper; it is the median over the rounds, with the interval that
holds the true one with a chance of 95 %. A goal holds when the lower end of the
interval is at or under it. `limit` is a program in C that does the same with
the stock functions of Lua, or of the kernel, and nothing else.
]]

-- What would end a cell, or begin a tag.
local function cell(text)
  return (text:gsub("|", "\\|"):gsub("<", "&lt;"))
end

local function add_line(out, ...)
  out[#out + 1] = table.concat({ ... })
end

local function add_row(out, cells)
  local escaped = {}
  for i, text in ipairs(cells) do
    escaped[i] = cell(text)
  end
  add_line(out, "| ", table.concat(escaped, " | "), " |")
end

-- The first column to the left, numbers to the right.
local function add_table(out, lines, align)
  add_row(out, lines[1])
  add_line(out, "|---", ("|" .. (align or "---:")):rep(#lines[1] - 1), "|")
  for i = 2, #lines do
    add_row(out, lines[i])
  end
  add_line(out)
end

---The goals of all records, a line each, and how many hold.
---@param records bench.record[]
---@return string[][]
---@return integer holding
---@return integer all
function report.goals(records)
  local lines = { { "row", "goal", "found", "95 % interval", "" } }
  local holding = 0
  for _, record in ipairs(records) do
    for _, result in ipairs(record.results) do
      for _, verdict in ipairs(goals.judge(record.row, result)) do
        local summary = verdict.summary
        lines[#lines + 1] = {
          record.row.name, verdict.text,
          grid.number(summary and summary.median), grid.interval(summary),
          verdict.state .. (verdict.why and ": " .. verdict.why or ""),
        }
        holding = holding + (verdict.state == "holds" and 1 or 0)
      end
    end
  end
  return lines, holding, #lines - 1
end

local function add_record(out, record)
  local r, first = record.row, record.results[1]
  add_line(out, "## ", r.name, "\n")
  local about = r.about and " " .. r.about or ""
  add_line(out, r.title:sub(1, 1):upper(), r.title:sub(2), ".", about,
    (" %d rounds, %s, at %s."):format(record.rounds, record.date,
      record.version), "\n")
  add_table(out, first.point and grid.growth(r, record.results)
    or grid.result(r, first))
  local lost = {}
  for _, result in ipairs(record.results) do
    table.move(grid.lost(result), 1, #grid.lost(result), #lost + 1, lost)
  end
  for _, line in ipairs(lost) do
    add_line(out, "- lost: ", cell(line))
  end
  if #lost > 0 then
    add_line(out)
  end
end

-- Tables of growth come last.
local function in_order(records)
  local plain, growth = {}, {}
  for _, record in ipairs(records) do
    table.insert(record.results[1].point and growth or plain, record)
  end
  return table.move(growth, 1, #growth, #plain + 1, plain)
end

---@param records bench.record[]
---@param facts string[][]   of bench/lib/machine.lua
---@param command string     that makes it
---@return string
function report.markdown(records, facts, command)
  local out = { introduction }
  local lines, holding, all = report.goals(records)
  add_line(out, "To run it again: `", command, "`.\n")
  add_table(out, { { "", "" }, table.unpack(facts) }, "---")
  add_line(out, "![costs relative to miniloop](benchmarks.svg)\n")
  add_line(out, ("## Goals: %d of %d hold\n"):format(holding, all))
  add_table(out, lines, "---")
  for _, record in ipairs(in_order(records)) do
    add_record(out, record)
  end
  return (table.concat(out, "\n"):gsub("\n+$", "\n"))
end

return report
