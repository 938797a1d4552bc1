-- The curves of growth: what an operation costs by the number of those that are
-- there, ours and the limit's, on logarithmic axes. Flat is good.

local goals = require "bench.lib.goals"
local grid = require "bench.lib.grid"
local svg = require "bench.lib.svg"

local curves = {}

local margin, columns, height = 24, 3, 190
local colours = svg.colours

---@class bench.curve
---@field kind string
---@field points number[][]  size and cost

-- A curve for ours, and one for the limit if there is one.
local function curves_of(record)
  local list = {}
  for i, series in ipairs(record.results[1].series) do
    local curve = { kind = series.kind, points = {} }
    for _, result in ipairs(record.results) do
      local _, size = next(result.point)
      local value = goals.value(result.series[i], result.rounds)
      if value and value.median > 0 then
        table.insert(curve.points, { math.max(size, 1), value.median })
      end
    end
    list[#list + 1] = series.kind ~= "peer" and curve or nil
  end
  return list
end

-- The least and the greatest of one coordinate, in whole powers of ten.
local function range_of(list, coordinate)
  local low, high = math.huge, -math.huge
  for _, curve in ipairs(list) do
    for _, point in ipairs(curve.points) do
      low = math.min(low, math.floor(math.log(point[coordinate], 10)))
      high = math.max(high, math.ceil(math.log(point[coordinate], 10)))
    end
  end
  return low, math.max(high, low + 1)
end

-- From a value to its place between two ends.
local function scale_of(list, coordinate, from, to)
  local low, high = range_of(list, coordinate)
  return function(value)
    return from + (to - from) * (math.log(value, 10) - low) / (high - low)
  end, low, high
end

local function draw_curve(out, curve, x, y)
  local last
  for _, point in ipairs(curve.points) do
    local here = { x(point[1]), y(point[2]) }
    out[#out + 1] = last and svg.line(last, here, colours[curve.kind])
    out[#out + 1] = svg.dot(here[1], here[2], curve.kind)
    last = here
  end
end

-- A size in few characters: "100k".
local function size_text(power)
  local unit = ({ [0] = "", "k", "M", "G" })[power // 3]
  return ("%d%s"):format(10 ^ (power % 3) // 1 | 0, unit)
end

local function draw_axes(out, box, x, y)
  for power = x.low, x.high do
    local at = x.of(10.0 ^ power)
    out[#out + 1] = svg.label(at, box.bottom + 14, colours.quiet,
      size_text(power))
  end
  for power = y.low, y.high do
    local at = y.of(10.0 ^ power)
    out[#out + 1] = svg.line({ box.left, at }, { box.right, at }, colours.grid)
    out[#out + 1] = svg.text(box.left - 4, at + 4, colours.quiet,
      grid.number(10.0 ^ power), 'text-anchor="end"')
  end
end

-- One chart into the box.
local function draw_chart(out, record, box)
  local list = curves_of(record)
  local x, y = {}, {}
  x.of, x.low, x.high = scale_of(list, 1, box.left + 12, box.right - 20)
  y.of, y.low, y.high = scale_of(list, 2, box.bottom, box.top)
  local title = record.row.title:gsub("`", ""):gsub("^growth: ", "")
  out[#out + 1] = svg.bold(box.left - 30, box.top - 14,
    title:match("^[^,]*") .. ", " .. record.row.unit)
  draw_axes(out, box, x, y)
  for i = #list, 1, -1 do
    draw_curve(out, list[i], x.of, y.of)
  end
end

local function grown(records)
  local list = {}
  for _, record in ipairs(records) do
    local first = record.results[1]
    list[#list + 1] = first.point and not first.series[1].lost and record
      or nil
  end
  return list
end

---Draws the charts of the records that have some, from y on; where they end.
---@param out string[]
---@param records bench.record[]
---@param y number
---@param width number
---@return number
function curves.draw(out, records, y, width)
  local list = grown(records)
  if #list == 0 then
    return y
  end
  out[#out + 1] = svg.bold(margin, y + 24, "Cost by the number of tasks, timers"
    .. " or connections that are there (flat is good; rings: the limit)")
  local step = (width - 2 * margin) / columns
  for i, record in ipairs(list) do
    local left = margin + (i - 1) % columns * step + 40
    local top = y + 66 + (i - 1) // columns * height
    draw_chart(out, record, {
      left = left, right = left + step - 60,
      top = top, bottom = top + height - 70,
    })
  end
  return y + 56 + (#list + columns - 1) // columns * height
end

return curves
