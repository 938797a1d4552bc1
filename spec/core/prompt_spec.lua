-- Calls that never wait, yielded over and over: C3.kill, C3.cancel.

local lu = require "luaunit"
local ml = require "miniloop"

local spec = {}

-- More than a task may do before it gives way.
local MANY = 25000

-- Gives what the others did while f was called many times.
local function turns_during(f)
  local turns = 0
  local other = ml.spawn(function()
    while true do
      turns = turns + 1
      ml.yield()
    end
  end)
  for _ = 1, MANY do
    f()
  end
  other:kill()
  return turns
end

function spec.test_a_kill_that_is_refused_gives_way_and_keeps_its_answer()
  lu.assertTrue(turns_during(function()
    local value, err = coroutine.yield(syscall.kill(0))
    lu.assertNil(value)
    lu.assertEquals(err.code, "EPERM")
  end) > 0)
end

function spec.test_a_cancel_gives_way_after_it_has_cancelled()
  local task = ml.spawn(function()
    ml.shield(ml.sleep, 1000)
  end)
  ml.yield()
  lu.assertTrue(turns_during(function()
    lu.assertIs(coroutine.yield(syscall.cancel(task)), true)
  end) > 0)
  task:kill()
end

-- What has an answer of use is made when it is its turn, and not before.
function spec.test_one_that_is_killed_while_it_gives_way_has_made_no_task()
  local made, told = 0, 0
  local function count()
    made = made + 1
  end
  local maker = ml.spawn(function()
    for _ = 1, MANY do
      coroutine.yield(syscall.new(count))
      told = told + 1
    end
  end)
  ml.yield()
  maker:kill()
  ml.yield()
  lu.assertTrue(told > 0 and told < MANY)
  lu.assertEquals(made, told)
end

-- The answer is lost with the task, the kill is not.
function spec.test_one_that_is_killed_while_it_gives_way_has_killed()
  local victims = {}
  local killer = ml.spawn(function()
    for i = 1, MANY do
      victims[i] = ml.spawn(ml.sleep, 1000)
      coroutine.yield(syscall.kill(victims[i]))
    end
  end)
  ml.yield()
  ml.yield()
  killer:kill()
  lu.assertTrue(#victims > 0)
  for _, victim in ipairs(victims) do
    lu.assertEquals(victim:status(), "cancelled")
  end
end

return spec
