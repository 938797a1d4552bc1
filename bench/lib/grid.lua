-- What a row says, as a grid of words: for the terminal and for the report.

local goals = require "bench.lib.goals"

local grid = {}

local function digits_of(value)
  local size = math.abs(value)
  if math.type(value) == "integer" or size >= 100 then
    return 0
  end
  return size >= 10 and 1 or (size >= 0.1 or size == 0) and 2 or 3
end

---A number as people read it: three digits, or all before the point.
---@param value number?
---@return string
function grid.number(value)
  if not value then
    return "-"
  end
  local digits = digits_of(value)
  local text = ("%%.%df"):format(digits):format(value)
  if digits > 0 then
    return text
  end
  return (text:reverse():gsub("(%d%d%d)", "%1,"):reverse():gsub("^,", ""))
end

---An interval, or the least and the greatest value in brackets where there are
---too few for one.
---@param summary bench.summary?
---@return string
function grid.interval(summary)
  if not summary then
    return "-"
  end
  local format = summary.sure and "%s .. %s" or "(%s .. %s)"
  return format:format(grid.number(summary.low), grid.number(summary.high))
end

-- The names and units of all figures that any contestant has.
local function figure_heads(result)
  local heads = {}
  for _, series in ipairs(result.series) do
    if #series.figures > #heads then
      heads = series.figures
    end
  end
  return heads
end

-- The two cells about a ratio; of the reference itself they are empty.
local function ratio_cells(series, reference, rounds)
  if series == reference then
    return "", ""
  end
  local ratio = goals.ratio(reference, series, rounds)
  return grid.number(ratio and ratio.median), grid.interval(ratio)
end

local function line_of(series, reference, result, heads)
  local value = goals.value(series, result.rounds)
  local line = { series.name, grid.number(value and value.median) }
  if reference then
    line[3], line[4] = ratio_cells(series, reference, result.rounds)
  end
  for _, head in ipairs(heads) do
    local summary = goals.value(series, result.rounds, head.name)
    line[#line + 1] = grid.number(summary and summary.median)
  end
  return line
end

---A line of heads, and one for each contestant that ran. The ratios are those
---of the first contestant to the others.
---@param r bench.row
---@param result bench.result
---@return string[][]
function grid.result(r, result)
  local reference = not r.alone and #result.series > 1 and result.series[1]
    or nil
  local heads = figure_heads(result)
  local lines = { { "", r.unit } }
  if reference then
    table.move({ "ratio", "95 % interval" }, 1, 2, 3, lines[1])
  end
  for _, head in ipairs(heads) do
    table.insert(lines[1], head.name .. (head.unit and ", " .. head.unit or ""))
  end
  for _, series in ipairs(result.series) do
    if not series.lost then
      lines[#lines + 1] = line_of(series, reference, result, heads)
    end
  end
  return lines
end

-- The cost at a size, divided by that at the least one.
local function growth(results, i, name)
  local here = goals.find(results[i], name)
  local least = goals.find(results[1], name)
  local above = goals.value(here, results[i].rounds)
  local below = goals.value(least, results[1].rounds)
  return above and below and above.median / below.median or nil
end

local function point_line(results, i, key)
  local result = results[i]
  local ours = result.series[1]
  local line = { grid.number(result.point[key]) }
  for _, series in ipairs(result.series) do
    local summary = goals.value(series, result.rounds)
    line[#line + 1] = grid.number(summary and summary.median)
    line[#line + 1] = grid.number(growth(results, i, series.name))
    if series ~= ours then
      line[#line + 1] = grid.number(
        (goals.ratio(ours, series, result.rounds) or {}).median)
    end
  end
  return line
end

---A table of growth: a line for each size; for each contestant its cost, how
---many times that at the least size it is, and the ratio of ours to it.
---@param r bench.row
---@param results bench.result[]
---@return string[][]
function grid.growth(r, results)
  local key = next(results[1].point)
  local head = { key }
  for i, series in ipairs(results[1].series) do
    head[#head + 1] = ("%s, %s"):format(series.name, r.unit)
    head[#head + 1] = "growth"
    head[#head + 1] = i > 1 and "ratio" or nil
  end
  local lines = { head }
  for i in ipairs(results) do
    lines[#lines + 1] = point_line(results, i, key)
  end
  return lines
end

---The contestants that did not run, or failed, and why: a line each.
---@param result bench.result
---@return string[]
function grid.lost(result)
  local lines = {}
  for _, series in ipairs(result.series) do
    if series.lost then
      lines[#lines + 1] = ("%s: %s"):format(series.name, series.lost)
    end
  end
  return lines
end

---What became of a goal, as a line.
---@param verdict bench.verdict
---@return string
function grid.verdict(verdict)
  local found = verdict.summary and (" (%s, %s)"):format(
    grid.number(verdict.summary.median), grid.interval(verdict.summary)) or ""
  local why = verdict.why and ": " .. verdict.why or ""
  return verdict.state .. ": " .. verdict.text .. found .. why
end

---The grid in columns of the width that they need: the first to the left, the
---others to the right.
---@param lines string[][]
---@return string
function grid.text(lines)
  local widths = {}
  for _, line in ipairs(lines) do
    for i, cell in ipairs(line) do
      widths[i] = math.max(widths[i] or 0, utf8.len(cell) or #cell)
    end
  end
  local rows = {}
  for j, line in ipairs(lines) do
    local cells = {}
    for i, cell in ipairs(line) do
      local gap = (" "):rep(widths[i] - (utf8.len(cell) or #cell))
      cells[i] = i == 1 and cell .. gap or gap .. cell
    end
    rows[j] = ("  " .. table.concat(cells, "  ")):gsub("%s+$", "")
  end
  return table.concat(rows, "\n")
end

return grid
