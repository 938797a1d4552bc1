-- Echo for a long time, with connections that come and go: ./dev bench soak
-- [SECONDS] runs this (600 seconds unless given).
--
-- Our server and the limit serve in turns, a slice each, under the same load.
-- What must be seen: no wrong answer, no descriptor kept, no memory kept, and
-- p99 of ours at most 1.2 times that of the limit.

package.path = "?.lua;" .. package.path

local grid = require "bench.lib.grid"
local measure = require "bench.lib.measure"
local stats = require "bench.lib.stats"

local SLICE = 5            -- seconds
local P99_AT_MOST = 1.2    -- times the limit's
local GROWTH_AT_MOST = 5   -- per cent, of memory
local GROWTH_ALLOWED = 128 -- KiB in any case: less is the allocator's doing

local seconds = tonumber(arg[1] or 600)
if not seconds or seconds < 1 then
  io.stderr:write("usage: ./dev bench soak [SECONDS]\n")
  os.exit(2)
end

-- Short runs have short slices: six pairs of them at least.
local slice = math.min(SLICE, seconds / 12)
local pairs_of_slices = math.max(6, math.floor(seconds / slice / 2))

local function run()
  return measure.run {
    program = { "build/miniloop", "bench/ours/echo.lua", "{port}" },
    client = {
      "build/miniloop", "bench/tools/soak.lua", "{port}",
      tostring(slice), tostring(pairs_of_slices), measure.bin,
    },
    timeout = math.ceil(seconds * 1.5) + 60,
  }
end

-- The values of a field of all slices, in order.
local function each(sample, field)
  local values = {}
  for i = 1, pairs_of_slices do
    values[i] = sample["s" .. i][field]
  end
  return values
end

local function sum(values)
  local total = 0
  for _, value in ipairs(values) do
    total = total + value
  end
  return total
end

local failed = 0

local function verdict(good, format, ...)
  print(("%s: %s"):format(good and "holds" or "missed", format:format(...)))
  failed = failed + (good and 0 or 1)
end

local function judge_latency(sample)
  local ours, limit = each(sample, "ours_p99_ns"), each(sample, "limit_p99_ns")
  local ratio = stats.summary(stats.ratios(ours, limit, pairs_of_slices))
  verdict(ratio.low <= P99_AT_MOST,
    "p99 at most %g x limit (%s, %s; medians %s and %s µs)", P99_AT_MOST,
    grid.number(ratio.median), grid.interval(ratio),
    grid.number(stats.median(ours) / 1000),
    grid.number(stats.median(limit) / 1000))
end

-- What a program takes at first to have, it may keep: so growth is counted from
-- a fifth of the time on.
local function from_a_fifth(values)
  return table.move(values, math.ceil(#values / 5), #values, 1, {})
end

local function judge_memory(sample)
  local memory = from_a_fifth(each(sample, "anon_kb"))
  local first, last = memory[1], memory[#memory]
  local growth = (last / first - 1) * 100
  verdict(growth <= GROWTH_AT_MOST or last - first <= GROWTH_ALLOWED,
    "memory grows by at most %g %% (%.1f %%, from %d to %d KiB)",
    GROWTH_AT_MOST, growth, first, last)
end

local function judge_descriptors(sample)
  local open = from_a_fifth(each(sample, "fds"))
  local most = math.max(table.unpack(open))
  verdict(most == open[1],
    "no descriptor is kept (%d open at first, at most %d later)",
    open[1], most)
end

local sample, why = run()
if not sample then
  print("lost: " .. why)
  os.exit(1)
end
print(("soak: %d slices of %g s each: %d answers, %d connections of ours")
  :format(2 * pairs_of_slices, slice, sum(each(sample, "ours_requests")),
    sum(each(sample, "ours_opened"))))
judge_latency(sample)
judge_memory(sample)
judge_descriptors(sample)
os.exit(failed == 0)
