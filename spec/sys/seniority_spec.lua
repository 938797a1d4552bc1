-- Whom a task may kill, cancel and wait for: C3.4.

local lu = require "luaunit"
local ml = require "miniloop"

local spec = {}

local calls = { kill = ml.kill, cancel = ml.cancel, wait = ml.wait }

local function sleeper()
  return ml.spawn(ml.sleep, math.huge)
end

-- Asserts that each of the calls on the target is refused with the code.
local function refused(target, code)
  for name, call in pairs(calls) do
    local ok, err = call(target)
    lu.assertNil(ok, name)
    lu.assertEquals(err.code, code, name)
    lu.assertEquals(err.op, name)
    local request = syscall[name](target)
    lu.assertEquals(select(2, coroutine.yield(request)).code, code, name)
  end
end

function spec.test_by_id_a_task_has_no_power_over_itself()
  refused(ml.id(), "EPERM")
  lu.assertTrue(ml.spawn(function()
    refused(ml.id(), "EPERM")
  end):wait())
end

function spec.test_by_id_the_loop_and_negative_numbers_are_eperm()
  for _, id in ipairs { 0, -1, -100, math.mininteger } do
    refused(id, "EPERM")
  end
end

function spec.test_by_id_an_older_task_is_eperm_while_it_lives()
  local older = sleeper()
  lu.assertTrue(ml.spawn(function()
    refused(older.id, "EPERM")
    refused(1, "EPERM")
  end):wait())
  lu.assertEquals(older:status(), "waiting")
  older:kill()
end

function spec.test_by_id_an_older_task_is_eperm_when_it_has_ended()
  local older = ml.new(type, 1)
  ml.yield()
  lu.assertTrue(ml.spawn(function()
    refused(older, "EPERM")
  end):wait())
end

function spec.test_by_id_a_younger_task_is_in_ones_power_whoever_made_it()
  local grandchild
  local child = ml.spawn(function()
    grandchild = ml.new(ml.sleep, math.huge)
    ml.sleep(math.huge)
  end)
  ml.yield()
  lu.assertTrue(ml.kill(grandchild))
  lu.assertTrue(ml.cancel(child.id))
  lu.assertEquals(select(2, ml.wait(child)).code, "ECANCELED")
end

function spec.test_by_id_a_younger_task_that_has_ended_is_esrch()
  local id = ml.new(type, 1)
  ml.yield()
  refused(id, "ESRCH")
end

function spec.test_by_id_a_number_never_given_out_is_esrch()
  refused(ml.new(type, 1) + 1, "ESRCH")
  refused(math.maxinteger, "ESRCH")
end

-- A handle is a capability.

function spec.test_a_handle_has_power_over_an_older_task()
  local older = sleeper()
  local younger = ml.spawn(function()
    return older:kill()
  end)
  lu.assertEquals({ younger:wait() }, { true, true })
  lu.assertEquals(older:status(), "cancelled")
end

function spec.test_a_handle_waits_for_an_older_task()
  local older = ml.spawn(function()
    ml.yield()
    ml.yield()
    return "x"
  end)
  local younger = ml.spawn(function()
    return ml.wait(older)
  end)
  lu.assertEquals({ younger:wait() }, { true, true, "x" })
end

function spec.test_a_handle_cancels_an_older_task()
  local older = sleeper()
  lu.assertTrue(ml.spawn(function()
    lu.assertTrue(older:cancel("tired of it"))
  end):wait())
  local _, err = older:wait()
  lu.assertEquals(err.code, "ECANCELED")
  lu.assertEquals(err.reason, "tired of it")
end

function spec.test_a_handle_of_an_ended_task_is_esrch_but_for_wait()
  local task = ml.spawn(type, 1)
  ml.yield()
  for _, call in ipairs { ml.kill, ml.cancel } do
    local ok, err = call(task)
    lu.assertNil(ok)
    lu.assertEquals(err.code, "ESRCH")
  end
  lu.assertEquals({ ml.wait(task) }, { true, "number" })
end

function spec.test_a_handle_of_oneself_may_kill_and_cancel()
  local killed = ml.spawn(function()
    ml.self():kill()
    return "not reached"
  end)
  lu.assertEquals(select(2, killed:wait()).code, "ECANCELED")
  local cancelled = ml.spawn(function()
    ml.self():cancel()
    ml.yield()
    return "not reached"
  end)
  lu.assertEquals(select(2, cancelled:wait()).code, "ECANCELED")
end

function spec.test_seniority_is_that_of_the_task_not_of_its_coroutine()
  local younger = sleeper()
  local generate = coroutine.wrap(function()
    refused(1, "EPERM")
    coroutine.yield(ml.kill(younger.id))
  end)
  lu.assertTrue(generate())
  lu.assertEquals(younger:status(), "cancelled")
end

return spec
