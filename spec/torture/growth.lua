-- Ten million tasks that end, and ten million timeouts that are not reached:
-- what they take is what they took in the first fifth.
--
--   ./dev torture growth [COUNT]
--
-- Memory goes up and down with Lua's collector, and the allocator keeps some of
-- it, more or less from run to run: so the peaks of the first and of the last
-- fifth are compared, and 2 MiB are let pass. A single block lost each time
-- would be a hundred.

package.path = "?.lua;" .. package.path

local ml = require "miniloop"
local process = require "spec.torture.lib.process"
local verdict = require "spec.torture.lib.verdict"
local words = require "spec.torture.lib.words"

local LIMIT = 5      -- per cent
local ALLOWED = 2048 -- KiB
local AT_ONCE = 1000
local count = words.count(arg[1], "COUNT", 10000000)
local this = process.this()

-- Calls f(AT_ONCE) until there were `count` in all.
local function measure(what, f)
  local peaks, start = { 0, 0, 0, 0, 0 }, ml.now()
  local turns = count // AT_ONCE
  for i = 1, turns do
    f(AT_ONCE)
    if i % math.max(turns // 500, 1) == 0 then
      local fifth = math.min(i * 5 // turns + 1, 5)
      peaks[fifth] = math.max(peaks[fifth], this:memory())
    end
  end
  local first, last = peaks[1], peaks[5]
  local growth = (last / first - 1) * 100
  verdict.holds(growth <= LIMIT or last - first <= ALLOWED,
    ("%d %s (%.0f s), memory from %d to %d KiB: %+.1f %%"):format(count, what,
      ml.now() - start, first, last, growth))
end

local function nothing() end
local event = ml.event()

local kinds = {
  ["tasks"] = function(n)
    for _ = 1, n do
      ml.spawn(nothing)
    end
    ml.yield()
  end,
  ["tasks that waited"] = function(n)
    ml.group(function(g)
      for _ = 1, n do
        g:spawn(ml.sleep, 0)
      end
    end)
  end,
  ["timeouts around what does not wait"] = function(n)
    for _ = 1, n do
      ml.timeout(1000, nothing)
    end
    ml.yield()
  end,
  ["timeouts withdrawn by an event"] = function(n)
    for _ = 1, n do
      ml.spawn(event.wait, event, 1000)
    end
    ml.yield()
    event:set()
    ml.yield()
    event:clear()
  end,
  ["kills"] = function(n)
    local list = {}
    for i = 1, n do
      list[i] = ml.spawn(ml.sleep, 1000)
    end
    ml.yield()
    for i = 1, n do
      list[i]:kill()
    end
  end,
}

-- Each in a process of its own, so that none has what another one has left.
local kind = arg[2]
if kind then
  measure(kind, kinds[kind])
  verdict.finish()
end
local good = true
for name in pairs(kinds) do
  local ok = os.execute(("%s spec/torture/growth.lua %d '%s'"):format(
    process.miniloop, count, name))
  good = good and ok
end
os.exit(good)
