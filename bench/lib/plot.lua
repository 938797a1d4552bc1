-- The plot of the report: for each row, what the others cost as a multiple of
-- what we cost, on a logarithmic axis; then the curves of growth. An SVG image.

local curves = require "bench.lib.curves"
local goals = require "bench.lib.goals"
local svg = require "bench.lib.svg"

local plot = {}

local width, margin, lane_height = 960, 24, 14
local colours = svg.colours

-- ---------------------------------------------------------------------- data

---@class bench.dot
---@field name string
---@field kind string
---@field x number      the multiple of our cost

-- The dots of a record from the cheapest on, or nil when there is nothing to
-- compare.
local function dots_of(record)
  local result = record.results[1]
  local ours = result.series[1]
  if record.row.alone or result.point or ours.lost then
    return nil
  end
  local dots = { { name = ours.name, kind = "ours", x = 1 } }
  for i = 2, #result.series do
    local series = result.series[i]
    local ratio = goals.ratio(ours, series, result.rounds)
    if ratio and ratio.median > 0 and not series.lost then
      dots[#dots + 1] =
        { name = series.name, kind = series.kind, x = 1 / ratio.median }
    end
  end
  table.sort(dots, function(a, b)
    return a.x < b.x
  end)
  return #dots > 1 and dots or nil
end

-- The powers of ten that hold all the dots.
local function range_of(rows)
  local low, high = 0, 0
  for _, row in ipairs(rows) do
    low = math.min(low, math.floor(math.log(row.dots[1].x, 10)))
    high = math.max(high, math.ceil(math.log(row.dots[#row.dots].x, 10)))
  end
  return low, math.max(high, low + 1)
end

-- -------------------------------------------------------------------- layout

-- Gives each label the first lane in which it does not touch another; each
-- stands centred under its dot, as far as the image is wide. The number of
-- lanes.
local function place_labels(dots, scale)
  local ends = {}
  for _, dot in ipairs(dots) do
    local half = (#dot.name + 1) * svg.char_width / 2
    local centre = math.min(math.max(scale(dot.x), half), width - half)
    local lane = 1
    while ends[lane] and ends[lane] > centre - half do
      lane = lane + 1
    end
    ends[lane] = centre + half
    dot.lane, dot.label_x = lane, centre
  end
  return #ends
end

local function draw_row(out, row, scale, y)
  out[#out + 1] = svg.bold(margin, y + 12, row.title)
  local axis = y + 28
  out[#out + 1] = svg.line({ margin, axis }, { width - margin, axis },
    colours.grid)
  local lanes = place_labels(row.dots, scale)
  local function label_y(dot)
    return axis + 6 + dot.lane * lane_height
  end
  for _, dot in ipairs(row.dots) do
    out[#out + 1] = svg.line({ scale(dot.x), axis },
      { dot.label_x, label_y(dot) - 9 }, colours.grid)
  end
  for _, dot in ipairs(row.dots) do
    out[#out + 1] = svg.label(dot.label_x, label_y(dot), colours[dot.kind],
      dot.name)
    out[#out + 1] = svg.dot(scale(dot.x), axis, dot.kind)
  end
  return axis + 6 + lanes * lane_height + 16
end

local function draw_ticks(out, low, high, scale, bottom)
  for power = low, high do
    local x = scale(10.0 ^ power)
    out[#out + 1] = svg.line({ x, 54 }, { x, bottom },
      power == 0 and colours.ours or colours.grid)
    out[#out + 1] = svg.label(x, 48, colours.quiet,
      ("%g x"):format(10.0 ^ power))
  end
end

local function rows_of(records)
  local rows = {}
  for _, record in ipairs(records) do
    local dots = dots_of(record)
    rows[#rows + 1] = dots
      and { title = record.row.title:gsub("`", ""), dots = dots }
  end
  return rows
end

-- The rows from y = 72 on; where they end.
local function draw_rows(out, rows)
  local low, high = range_of(rows)
  local function scale(x)
    return margin * 2 + (width - margin * 4)
      * (math.log(x, 10) - low) / (high - low)
  end
  local body, y = {}, 72
  for _, row in ipairs(rows) do
    y = draw_row(body, row, scale, y)
  end
  draw_ticks(out, low, high, scale, y - 8)
  table.move(body, 1, #body, #out + 1, out)
  return y
end

---The whole image.
---@param records bench.record[]
---@return string
function plot.svg(records)
  local out = {
    svg.bold(margin, 24, "Cost as a multiple of miniloop's (left of the red"
      .. " line: cheaper; rings: the limit)"),
  }
  local y = draw_rows(out, rows_of(records))
  y = curves.draw(out, records, y, width)
  return svg.image(width, y, out)
end

return plot
