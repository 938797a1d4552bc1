-- Runs the contestants of a row in turns, and collects what came out.

local measure = require "bench.lib.measure"
local row = require "bench.lib.row"

local contest = {}

---@class bench.series
---@field name string
---@field kind string                   "ours", "limit" or "peer"
---@field values table<integer, number> by round
---@field figures table[]               { name, unit, values by round }
---@field lost string?                  why it could not run, or failed

---@class bench.result
---@field rounds integer
---@field series bench.series[]
---@field point table?

local function new_series(contestant)
  return {
    name = contestant[1], kind = row.kind(contestant),
    values = {}, figures = {},
  }
end

local function note_figures(series, figures, round)
  for i, figure in ipairs(figures) do
    series.figures[i] = series.figures[i]
      or { name = figure[1], unit = figure[3], values = {} }
    series.figures[i].values[round] = figure[2]
  end
end

-- One run: true, or nil and what was wrong.
local function run_once(r, entry, round)
  local sample, why = measure.run(entry.run)
  if not sample then
    return nil, why
  end
  local right, fault = r.check(sample, entry.size)
  if not right then
    return nil, "wrong answer: " .. (fault or "not what was asked for")
  end
  entry.series.values[round] = r.value(sample, entry.size)
  note_figures(entry.series, r.figures and r.figures(sample, entry.size) or {},
    round)
  return true
end

-- Who can run at all.
local function line_up(r, quick, point)
  local entries = {}
  for i, contestant in ipairs(r.contestants) do
    local size = row.size(r, contestant, quick, point)
    local run, why = row.run(r, contestant, size)
    local series = new_series(contestant)
    series.lost = not run and why or nil
    entries[i] = { run = run, size = size, series = series }
  end
  return entries
end

-- Every second round goes backwards, so that a drift of the machine hits both
-- of a pair alike. Whoever fails once is out: half a series proves nothing.
local function run_round(r, entries, round)
  local first, last, step = 1, #entries, 1
  if round % 2 == 0 then
    first, last, step = last, first, -1
  end
  for i = first, last, step do
    local entry = entries[i]
    if not entry.series.lost then
      local _, why = run_once(r, entry, round)
      entry.series.lost = why
    end
  end
end

---Runs the row, or one of its points.
---@param r bench.row
---@param options { rounds: integer, quick: boolean, point: table? }
---@return bench.result
function contest.run(r, options)
  local entries = line_up(r, options.quick, options.point)
  for round = 1, options.rounds do
    run_round(r, entries, round)
  end
  local series = {}
  for i, entry in ipairs(entries) do
    series[i] = entry.series
  end
  return { rounds = options.rounds, series = series, point = options.point }
end

return contest
