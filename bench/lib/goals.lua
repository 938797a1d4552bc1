-- Which goals hold. One does when the lower end of the interval of the ratio,
-- or of the figure itself, is at or under it.

local stats = require "bench.lib.stats"

local goals = {}

---@class bench.verdict
---@field text string             the goal
---@field summary bench.summary?  of the ratio, or the figure
---@field state string            "holds", "missed", "unknown" (lost, or too
---                               few rounds to say)
---@field why string?             of "unknown"

---The series of that name, or nil.
---@param result bench.result
---@param name string?   the first
---@return bench.series?
function goals.find(result, name)
  for _, series in ipairs(result.series) do
    if not name or series.name == name then
      return series
    end
  end
  return nil
end

-- The values of the series, or those of one of its figures.
local function values_of(series, figure)
  if not figure then
    return series.values
  end
  for _, candidate in ipairs(series.figures) do
    if candidate.name == figure then
      return candidate.values
    end
  end
  return {}
end

-- The values of the rounds that have one, as a list.
local function packed(values, rounds)
  local list = {}
  for round = 1, rounds do
    list[#list + 1] = values[round]
  end
  return list
end

---What came out for a series, or for the figure of it.
---@param series bench.series
---@param rounds integer
---@param figure string?
---@return bench.summary?
function goals.value(series, rounds, figure)
  return stats.summary(packed(values_of(series, figure), rounds))
end

---The ratio of two series, over the rounds that both have.
---@param above bench.series
---@param below bench.series
---@param rounds integer
---@param figure string?
---@return bench.summary?
function goals.ratio(above, below, rounds, figure)
  return stats.summary(stats.ratios(values_of(above, figure),
    values_of(below, figure), rounds))
end

local function describe(goal, unit)
  local words = { goal.who and goal.who .. ":" or nil }
  words[#words + 1] = goal.figure
  words[#words + 1] = ("at most %g"):format(goal.at_most)
  if goal.of then
    words[#words + 1] = "x " .. goal.of
  elseif not goal.figure then
    words[#words + 1] = unit
  end
  return table.concat(words, " ")
end

-- The summary that the goal is about; nil and why there is none.
local function examine(goal, result)
  local who = goals.find(result, goal.who)
  local of = goal.of and goals.find(result, goal.of)
  for _, series in ipairs { who, of } do
    if series.lost then
      return nil, ("%s is lost"):format(series.name)
    end
  end
  local summary
  if of then
    summary = goals.ratio(who, of, result.rounds, goal.figure)
  elseif not goal.of then
    summary = goals.value(who, result.rounds, goal.figure)
  end
  return summary, "nothing to compare"
end

---@param r bench.row
---@param goal bench.goal
---@param result bench.result
---@return bench.verdict
local function judge(r, goal, result)
  local verdict = { text = describe(goal, r.unit) }
  local summary, why = examine(goal, result)
  verdict.summary = summary
  if not summary or not summary.sure then
    verdict.state = "unknown"
    verdict.why = summary and "too few rounds to claim anything" or why
  else
    verdict.state = summary.low <= goal.at_most and "holds" or "missed"
  end
  return verdict
end

---What became of the row's goals.
---@param r bench.row
---@param result bench.result
---@return bench.verdict[]
function goals.judge(r, result)
  local verdicts = {}
  for i, goal in ipairs(r.goals or {}) do
    verdicts[i] = judge(r, goal, result)
  end
  return verdicts
end

return goals
