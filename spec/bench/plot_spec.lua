-- The image of the bench.

local lu = require "luaunit"
local plot = require "bench.lib.plot"
local sample = require "spec.bench.sample"

-- The names of the elements, in order; fails unless they are nested as XML
-- wants, attributes are quoted, and no bare "&" or "<" is left.
local function elements(text)
  local open, names = {}, {}
  for tag, between in text:gmatch("<([^>]*)>([^<]*)") do
    local closing = tag:match("^/(%a+)$")
    if closing then
      lu.assertEquals(table.remove(open), closing)
    else
      local name, attributes, slash = tag:match("^(%a+)(.-)(/?)$")
      lu.assertEquals(attributes:gsub('%s+[%w:-]+="[^"&<]*"', ""), "", tag)
      names[#names + 1] = name
      open[#open + 1] = slash == "" and name or nil
    end
    lu.assertNil(between:gsub("&%a+;", ""):find("&"), between)
  end
  lu.assertEquals(open, {})
  return names
end

local function count(names, wanted)
  local n = 0
  for _, name in ipairs(names) do
    n = n + (name == wanted and 1 or 0)
  end
  return n
end

-- Where the discs and rings stand, from left to right.
local function places(text)
  local list = {}
  for x in text:gmatch('<circle cx="([%d.]+)"') do
    list[#list + 1] = tonumber(x)
  end
  table.sort(list)
  return list
end

local spec = {}

function spec.test_it_is_well_formed_whatever_the_names()
  local names = elements(plot.svg { sample.record(), sample.record() })
  lu.assertEquals(names[1], "svg")
  lu.assertEquals(count(names, "svg"), 1)
end

function spec.test_a_dot_for_each_that_ran()
  local names = elements(plot.svg { sample.record() })
  lu.assertEquals(count(names, "circle"), 3)
end

-- The limit costs half of ours and the peer twice as much: so they stand as far
-- from us on either side.
function spec.test_the_axis_is_logarithmic()
  local x = places(plot.svg { sample.record() })
  lu.assertAlmostEquals(x[2] - x[1], x[3] - x[2], 0.5)
  lu.assertTrue(x[2] - x[1] > 10)
end

function spec.test_what_cannot_be_compared_is_left_out()
  local record = sample.record()
  record.row.alone = true
  local names = elements(plot.svg { record })
  lu.assertEquals(count(names, "circle"), 0)
end

-- Two sizes of two contestants. Ours doubles and the limit is flat.
function spec.test_growth_is_drawn_as_curves()
  local text = plot.svg { sample.growth() }
  lu.assertEquals(count(elements(text), "circle"), 4)
  local y = {}
  for from, to, colour in
    text:gmatch('<line [^>]-y1="([%d.]+)" [^>]-y2="([%d.]+)" stroke="(#%x+)"')
  do
    y[colour] = tonumber(from) - tonumber(to)
  end
  lu.assertEquals(y["#222222"], 0)
  lu.assertTrue(y["#c0392b"] > 0)
end

-- Of labels in the same line, none touches the next.
function spec.test_labels_do_not_overlap()
  local record = sample.record()
  local first = record.results[1].series
  for i = 1, 8 do
    local copy = { figures = {}, kind = "peer", values = first[3].values }
    copy.name = "somebody " .. i
    first[#first + 1] = copy
  end
  local taken, labels = {}, 0
  local pattern = '<text x="([%d.]+)" y="([%d.]+)"[^>]*middle"[^>]*>([^<]+)<'
  for x, y, label in plot.svg { record }:gmatch(pattern) do
    labels = labels + 1
    local half = #label * 6.2 / 2
    for _, other in ipairs(taken[y] or {}) do
      lu.assertTrue(math.abs(x - other.x) >= half + other.half, label)
    end
    taken[y] = taken[y] or {}
    table.insert(taken[y], { x = tonumber(x), half = half })
  end
  lu.assertTrue(labels >= 11)
end

return spec
