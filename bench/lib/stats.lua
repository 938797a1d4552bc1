-- What can be said of a series of measurements without assuming anything of
-- how they are distributed: medians, quantiles, and an interval for the median
-- from the order of the values alone. On a machine that others use too, some
-- runs are far off in one direction; an average would follow them.

local stats = {}

---A copy in ascending order.
---@param values number[]
---@return number[]
function stats.sorted(values)
  local copy = table.move(values, 1, #values, 1, {})
  table.sort(copy)
  return copy
end

---The value below which the share `q` of the values lies, interpolated between
---neighbours; nil of no values.
---@param values number[]
---@param q number from 0 to 1
---@return number?
function stats.quantile(values, q)
  local sorted = stats.sorted(values)
  if #sorted == 0 then
    return nil
  end
  local place = 1 + q * (#sorted - 1)
  local below = math.floor(place)
  local above = math.min(below + 1, #sorted)
  return sorted[below] + (place - below) * (sorted[above] - sorted[below])
end

---The median; nil of no values.
---@param values number[]
---@return number?
function stats.median(values)
  return stats.quantile(values, 0.5)
end

-- How many of the n values to leave out at each end: the true median lies below
-- the k-th smallest with the chance that of n fair coins at most k - 1 show
-- heads. nil when even the extremes are not sure enough: n is below 6.
local function left_out(n, confidence)
  local term, below, k = 0.5 ^ n, 0, 0
  while below + term <= (1 - confidence) / 2 do
    below = below + term
    k = k + 1
    term = term * (n - k + 1) / k
  end
  return k > 0 and k - 1 or nil
end

---The interval that holds the median of what the values are samples of, in at
---least 95 % of such series; nil of fewer than 6 values, for which there is
---none.
---@param values number[]
---@return number? low
---@return number? high
function stats.interval(values)
  local skip = left_out(#values, 0.95)
  if not skip then
    return nil
  end
  local sorted = stats.sorted(values)
  return sorted[1 + skip], sorted[#sorted - skip]
end

---@class bench.summary
---@field median number
---@field low number    of the 95 % interval, or the least value
---@field high number   of the 95 % interval, or the greatest value
---@field sure boolean  whether low and high are the interval
---@field count integer

---nil of no values.
---@param values number[]
---@return bench.summary?
function stats.summary(values)
  if #values == 0 then
    return nil
  end
  local low, high = stats.interval(values)
  return {
    median = stats.median(values),
    low = low or math.min(table.unpack(values)),
    high = high or math.max(table.unpack(values)),
    sure = low ~= nil,
    count = #values,
  }
end

---The quotients of what was measured in the same round, for the rounds that
---have both.
---@param above table<integer, number>
---@param below table<integer, number>
---@param rounds integer
---@return number[]
function stats.ratios(above, below, rounds)
  local ratios = {}
  for round = 1, rounds do
    if above[round] and below[round] then
      ratios[#ratios + 1] = above[round] / below[round]
    end
  end
  return ratios
end

return stats
