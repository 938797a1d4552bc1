-- The statistics of the bench.

local lu = require "luaunit"
local stats = require "bench.lib.stats"

local function count(n)
  local values = {}
  for i = 1, n do
    values[i] = i
  end
  return values
end

local spec = {}

function spec.test_the_median_is_the_middle_or_between_two()
  lu.assertEquals(stats.median { 9, 1, 5 }, 5)
  lu.assertEquals(stats.median { 4, 1, 3, 2 }, 2.5)
  lu.assertNil(stats.median {})
end

function spec.test_quantiles_lie_between_neighbours()
  lu.assertEquals(stats.quantile({ 10, 20, 30, 40, 50 }, 0), 10)
  lu.assertEquals(stats.quantile({ 10, 20, 30, 40, 50 }, 1), 50)
  lu.assertAlmostEquals(stats.quantile({ 10, 20, 30, 40, 50 }, 0.9), 46, 1e-9)
end

function spec.test_sorting_leaves_the_values_where_they_are()
  local values = { 3, 1, 2 }
  lu.assertEquals(stats.sorted(values), { 1, 2, 3 })
  lu.assertEquals(values, { 3, 1, 2 })
end

-- Of n values, the places are those of the tables for the sign test.
function spec.test_the_interval_is_from_the_order_of_the_values()
  for n, places in pairs {
    [6] = { 1, 6 }, [8] = { 1, 8 }, [9] = { 2, 8 }, [12] = { 3, 10 },
    [15] = { 4, 12 }, [20] = { 6, 15 }, [30] = { 10, 21 },
  } do
    local low, high = stats.interval(count(n))
    lu.assertEquals({ low, high }, places, n)
  end
end

function spec.test_of_fewer_than_6_values_there_is_no_interval()
  lu.assertNil((stats.interval(count(5))))
  local summary = stats.summary(count(5))
  lu.assertFalse(summary.sure)
  lu.assertEquals({ summary.low, summary.median, summary.high }, { 1, 3, 5 })
end

-- The promise itself: in 95 of 100 series it holds the true median, here of
-- values that are far from any bell curve.
function spec.test_the_interval_holds_the_true_median()
  local seed, held, series = 12345, 0, 2000
  local function random()
    seed = (seed * 1103515245 + 12345) % 2147483648
    return seed / 2147483648
  end
  for _ = 1, series do
    local values = {}
    for i = 1, 15 do
      values[i] = 1 / (1 - random()) -- its median is 2
    end
    local low, high = stats.interval(values)
    held = held + (low <= 2 and 2 <= high and 1 or 0)
  end
  lu.assertTrue(held / series >= 0.95, held / series)
  lu.assertTrue(held / series < 0.985, held / series)
end

function spec.test_an_outlier_does_not_move_the_summary()
  local values = count(15)
  local before = stats.summary(values)
  values[15] = 1e9
  lu.assertEquals(stats.summary(values), before)
end

function spec.test_ratios_are_those_of_rounds_that_have_both()
  lu.assertEquals(
    stats.ratios({ 2, 4, nil, 8 }, { 1, nil, 3, 2 }, 4), { 2.0, 4.0 })
end

return spec
