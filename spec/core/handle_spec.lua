-- Handles: C5.2, with join and the collection of what nobody holds.

local child = require "spec.support.child"
local lu = require "luaunit"
local ml = require "miniloop"

local spec = {}

local function sleeper()
  return ml.spawn(ml.sleep, math.huge)
end

function spec.test_spawn_gives_a_handle_with_the_tasks_id()
  local got
  local task = ml.spawn(function(...)
    got = table.pack(ml.id(), ...)
  end, nil, "x", nil)
  task:wait()
  lu.assertEquals(got, { n = 4, task.id, nil, "x", nil })
end

function spec.test_a_task_has_one_handle()
  local inside
  local task = ml.spawn(function()
    inside = ml.self()
    return ml.self()
  end)
  lu.assertIs(task:join(), task)
  lu.assertIs(inside, task)
  lu.assertIs(ml.self(), ml.self())
end

function spec.test_self_inside_a_coroutine_is_the_tasks()
  lu.assertIs(coroutine.wrap(ml.self)(), ml.self())
end

-- ------------------------------------------------------------- name and text

function spec.test_a_name_may_be_set_and_taken_away()
  local task = sleeper()
  lu.assertNil(task.name)
  task.name = "worker"
  lu.assertEquals(task.name, "worker")
  task.name = nil
  lu.assertNil(task.name)
  task.name = "again"
  task:kill()
  lu.assertEquals(task.name, "again")
end

function spec.test_a_name_stays_though_nobody_holds_the_handle()
  local got
  ml.spawn(function()
    ml.self().name = "worker"
    collectgarbage()
    collectgarbage()
    ml.yield()
    got = ml.self().name
  end)
  ml.yield()
  collectgarbage()
  ml.yield()
  lu.assertEquals(got, "worker")
end

function spec.test_a_name_is_not_handed_down_to_the_next_task()
  for i = 1, 5 do
    local task = ml.spawn(type, i)
    lu.assertNil(task.name)
    task.name = "worker " .. i
    task:wait()
  end
end

function spec.test_a_name_that_is_set_after_the_end_stays()
  local task = ml.spawn(type, 1)
  task:wait()
  task.name = "late"
  lu.assertEquals(task.name, "late")
  lu.assertStrContains(tostring(task), "late")
end

function spec.test_a_handle_prints_id_name_and_status()
  local task = sleeper()
  ml.yield()
  lu.assertEquals(tostring(task), ("task %d: waiting"):format(task.id))
  task.name = "worker"
  task:kill()
  lu.assertEquals(tostring(task),
    ("task %d (worker): cancelled"):format(task.id))
end

-- -------------------------------------------------------------------- status

function spec.test_the_status_follows_the_task()
  local inside
  local task = ml.spawn(function()
    inside = ml.self():status()
    ml.yield()
    ml.sleep(0)
  end)
  lu.assertEquals(task:status(), "ready")
  ml.yield()
  lu.assertEquals(inside, "running")
  lu.assertEquals(task:status(), "ready")
  ml.yield()
  lu.assertEquals(task:status(), "waiting")
  task:wait()
  lu.assertEquals(task:status(), "done")
end

function spec.test_the_status_tells_how_a_task_ended()
  local failed, killed, fresh = ml.spawn(error, "x"), sleeper(), sleeper()
  fresh:kill()
  ml.yield()
  failed:wait()
  killed:kill()
  lu.assertEquals(failed:status(), "failed")
  lu.assertEquals(killed:status(), "cancelled")
  lu.assertEquals(fresh:status(), "cancelled")
end

function spec.test_the_main_task_runs_while_it_looks()
  lu.assertEquals(ml.self():status(), "running")
end

-- ---------------------------------------------------------------------- join

function spec.test_join_gives_the_results()
  for _ = 1, 2 do
    local task = ml.spawn(function()
      return 1, nil, 3, nil
    end)
    lu.assertEquals(table.pack(task:join()), { n = 4, 1, nil, 3, nil })
    lu.assertEquals(table.pack(task:join()), { n = 4, 1, nil, 3, nil })
  end
  lu.assertEquals(select("#", ml.spawn(function() end):join()), 0)
end

-- C2.7
function spec.test_join_takes_a_timeout()
  local task = ml.spawn(ml.sleep, math.huge)
  for _, timeout in ipairs { 0.001, 0, -1 } do
    local value, err = task:join(timeout)
    lu.assertNil(value)
    lu.assertEquals({ err.code, err.op }, { "ETIMEDOUT", "join" })
  end
  lu.assertFalse((pcall(task.join, task, "1")))
  lu.assertFalse((pcall(task.join, task, 0 / 0)))
  task:kill()
  lu.assertEquals(select(2, pcall(task.join, task, 1)).code, "ECANCELED")
end

function spec.test_join_raises_the_tasks_own_error_unchanged()
  local value = { "mine" }
  for _, raised in ipairs { value, "text", 42, false } do
    local task = ml.spawn(error, raised, 0)
    local ok, caught = pcall(task.join, task)
    lu.assertFalse(ok)
    lu.assertTrue(rawequal(caught, raised))
    lu.assertTrue(rawequal(select(2, pcall(task.join, task)), raised))
  end
end

function spec.test_join_raises_ecanceled_for_one_that_was_cancelled()
  local killed, cancelled = sleeper(), sleeper()
  ml.yield()
  killed:kill()
  cancelled:cancel("because")
  for _, task in ipairs { killed, cancelled } do
    local ok, err = pcall(task.join, task)
    lu.assertFalse(ok)
    lu.assertTrue(ml.iserror(err))
    lu.assertEquals(err.code, "ECANCELED")
    lu.assertEquals(err.task, task.id)
  end
end

function spec.test_join_suspends_until_the_end()
  child.in_virtual_time(function()
    local task = ml.spawn(function()
      ml.sleep(7)
      return ml.now()
    end)
    lu.assertEquals(task:join(), 7.0)
  end)
end

function spec.test_joining_oneself_raises_edeadlk()
  local me = ml.self()
  local ok, err = pcall(me.join, me)
  lu.assertFalse(ok)
  lu.assertEquals(err.code, "EDEADLK")
end

function spec.test_join_works_inside_a_coroutine_and_under_pcall()
  local task = ml.spawn(function()
    ml.yield()
    return "x"
  end)
  local generate = coroutine.wrap(function()
    coroutine.yield(pcall(task.join, task))
  end)
  lu.assertEquals({ generate() }, { true, "x" })
end

-- ------------------------------------------------------------------ lifetime

function spec.test_a_task_lives_though_nobody_holds_its_handle()
  local done = false
  ml.spawn(function()
    for _ = 1, 5 do
      ml.yield()
    end
    done = true
  end)
  for _ = 1, 10 do
    collectgarbage()
    ml.yield()
  end
  lu.assertTrue(done)
end

function spec.test_what_a_task_returned_goes_with_its_handle()
  local weak = setmetatable({}, { __mode = "v" })
  do
    local task = ml.spawn(function()
      return { "big" }
    end)
    weak[1] = task:join()
    weak[2] = task
  end
  collectgarbage()
  collectgarbage()
  lu.assertNil(weak[1])
  lu.assertNil(weak[2])
end

function spec.test_a_name_keeps_the_handle_no_longer_than_its_task()
  local weak = setmetatable({}, { __mode = "v" })
  ml.new(function()
    local me = ml.self()
    me.name = "worker"
    weak[1] = me
  end)
  ml.yield()
  collectgarbage()
  collectgarbage()
  lu.assertNil(weak[1])
end

function spec.test_an_outcome_that_nobody_can_ask_for_is_not_kept()
  local weak = setmetatable({}, { __mode = "v" })
  ml.new(function()
    local value = { "big" }
    weak[1] = value
    return value
  end)
  ml.yield()
  collectgarbage()
  lu.assertNil(weak[1])
end

function spec.test_handles_are_keys_and_equal_only_themselves()
  local a, b = sleeper(), sleeper()
  local set = { [a] = "a", [b] = "b" }
  lu.assertNotEquals(a.id, b.id)
  lu.assertFalse(a == b)
  lu.assertEquals(set[a] .. set[b], "ab")
  a:kill()
  b:kill()
end

return spec
