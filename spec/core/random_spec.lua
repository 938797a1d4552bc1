-- Random lives of tasks, on the virtual clock and the simulated poller. See
-- spec/support/random_tasks.lua. (C3.6, C4.1)

local child = require "spec.support.child"
local lu = require "luaunit"
local random_tasks = require "spec.support.random_tasks"

local spec = {}

local function live(seed)
  return child.run(function(n)
    print(random_tasks.run(math.tointeger(tonumber(n)), 60))
  end, { virtual = true, poller = "sim", args = { seed } })
end

local function assert_all_closed(result)
  local opened, closed = result.out:match("^(%d+)\t(%d+)\t")
  lu.assertNotNil(opened, result.err)
  lu.assertTrue(tonumber(opened) > 100)
  lu.assertEquals(closed, opened)
end

function spec.test_every_variable_is_closed_once()
  for seed = 1, 5 do
    assert_all_closed(live(seed))
  end
end

function spec.test_the_same_seed_gives_the_same_life()
  local first, second = live(42), live(42)
  assert_all_closed(first)
  lu.assertEquals(second.out, first.out)
  lu.assertEquals(second.err, first.err)
  lu.assertNotEquals(live(43).out, first.out)
end

return spec
