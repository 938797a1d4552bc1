-- Waiting for a task: C2.7, C3.wait, C3.5, and the cycles of C3.4.

local child = require "spec.support.child"
local lu = require "luaunit"
local ml = require "miniloop"

local spec = {}

local function sleeper()
  return ml.spawn(ml.sleep, math.huge)
end

-- --------------------------------------------------------------- the answers

-- C3.wait
function spec.test_a_wait_answers_true_and_what_the_task_returned()
  local cases = {
    table.pack(),
    table.pack(nil),
    table.pack("x"),
    table.pack(false),
    table.pack(1, 2, 3),
    table.pack(nil, nil),
    table.pack(nil, 1, nil, 2, nil),
    table.pack(nil, "an error"),
  }
  for _, case in ipairs(cases) do
    local function f()
      return table.unpack(case, 1, case.n)
    end
    local expected = table.pack(true, table.unpack(case, 1, case.n))
    local by_id = table.pack(ml.wait(ml.new(f)))
    lu.assertEquals(by_id, expected)
    local by_handle = table.pack(ml.spawn(f):wait())
    lu.assertEquals(by_handle, expected)
    local by_request = table.pack(coroutine.yield(syscall.wait(ml.new(f))))
    lu.assertEquals(by_request, expected)
  end
end

function spec.test_a_wait_hands_on_hundreds_of_results()
  local task = ml.spawn(function()
    return table.unpack({}, 1, 700)
  end)
  lu.assertEquals(select("#", task:wait()), 701)
  lu.assertEquals(select("#", task:wait()), 701)
end

function spec.test_a_wait_suspends_until_the_task_has_ended()
  child.in_virtual_time(function()
    local id = ml.new(function()
      ml.sleep(5)
      return "late"
    end)
    lu.assertEquals({ ml.wait(id) }, { true, "late" })
    lu.assertEquals(ml.now(), 5.0)
  end)
end

function spec.test_a_task_that_was_killed_is_ecanceled()
  local task = sleeper()
  local waiter = ml.spawn(ml.wait, task)
  ml.yield()
  task:kill()
  for _, answer in ipairs {
    table.pack(task:wait()), { select(2, waiter:wait()) },
  } do
    lu.assertNil(answer[1])
    lu.assertEquals(answer[2].code, "ECANCELED")
    lu.assertEquals(answer[2].op, "wait")
    lu.assertEquals(answer[2].task, task.id)
  end
end

function spec.test_a_task_that_died_is_efailed_with_value_and_traceback()
  local value = { "the value" }
  local function deep()
    error(value)
  end
  local id = ml.new(function()
    deep()
  end)
  local ok, err = ml.wait(id)
  lu.assertNil(ok)
  lu.assertEquals(err.code, "EFAILED")
  lu.assertEquals(err.task, id)
  lu.assertIs(err.value, value)
  lu.assertStrContains(err.traceback, "in upvalue 'deep'")
end

function spec.test_an_error_without_a_value_fails_too()
  local ok, err = ml.spawn(error):wait()
  lu.assertNil(ok)
  lu.assertEquals(err.code, "EFAILED")
  lu.assertNil(err.value)
end

function spec.test_errors_of_every_kind_arrive_as_they_are()
  for _, value in ipairs {
    "text", 42, true, false, {}, print, io.stdout, syscall.id(),
  } do
    local _, err = ml.spawn(error, value, 0):wait()
    lu.assertEquals(err.code, "EFAILED")
    lu.assertTrue(rawequal(err.value, value))
  end
end

function spec.test_a_runtime_error_has_its_position()
  local _, err = ml.spawn(function()
    return 1 + nil
  end):wait()
  lu.assertStrMatches(err.value, ".*wait_spec%.lua:%d+: attempt to perform.*")
end

-- -------------------------------------------------------------- the timeouts

-- C2.7
function spec.test_a_wait_times_out()
  child.in_virtual_time(function()
    local task = ml.spawn(ml.sleep, 10)
    for _, wait in ipairs {
      function(...) return ml.wait(...) end,
      function(...) return task.wait(...) end,
      function(...) return coroutine.yield(syscall.wait(...)) end,
    } do
      local start = ml.now()
      local ok, err = wait(task, 1.5)
      lu.assertNil(ok)
      lu.assertEquals(err.code, "ETIMEDOUT")
      lu.assertEquals(err.op, "wait")
      lu.assertEquals(ml.now() - start, 1.5)
    end
    lu.assertEquals(task:status(), "waiting")
    lu.assertTrue(task:wait(100))
    lu.assertEquals(ml.now(), 10.0)
  end)
end

function spec.test_a_timeout_of_zero_tries_once()
  local task = ml.spawn(function()
    return "x"
  end)
  for _, timeout in ipairs { 0, -1, -math.huge } do
    lu.assertEquals(select(2, task:wait(timeout)).code, "ETIMEDOUT")
  end
  lu.assertEquals(task:status(), "ready")
  ml.yield()
  lu.assertEquals({ task:wait(0) }, { true, "x" })
end

function spec.test_a_timeout_that_is_nil_or_huge_never_comes()
  child.in_virtual_time(function()
    local task = ml.spawn(ml.sleep, 1e9)
    local function waits(...)
      return ml.spawn(function(...)
        return ml.wait(...)
      end, task, ...)
    end
    local waiters = { waits(), waits(nil), waits(math.huge), waits(1e300) }
    ml.sleep(0.9e9)
    for _, waiter in ipairs(waiters) do
      lu.assertEquals(waiter:status(), "waiting")
    end
    lu.assertTrue(task:wait())
  end)
end

function spec.test_an_end_in_the_same_round_as_the_timeout_wins()
  child.in_virtual_time(function()
    local task = ml.spawn(function()
      ml.sleep(3)
      return "just in time"
    end)
    ml.yield() -- its timer is the first
    lu.assertEquals({ task:wait(3) }, { true, "just in time" })
  end)
end

-- --------------------------------------------------------------- the waiters

function spec.test_all_who_wait_get_the_answer_in_the_order_of_waiting()
  local order = {}
  local task = ml.spawn(function()
    ml.yield()
    return 1, 2
  end)
  local waiters = {}
  for i = 1, 20 do
    waiters[i] = ml.spawn(function()
      local answer = { task:wait() }
      table.insert(order, i)
      return answer
    end)
  end
  for i, waiter in ipairs(waiters) do
    lu.assertEquals({ waiter:join() }, { { true, 1, 2 } })
    lu.assertEquals(order[i], i)
  end
end

function spec.test_a_waiter_that_is_killed_leaves_the_others_their_answer()
  local task = ml.spawn(function()
    ml.yield()
    ml.yield()
    return "x"
  end)
  local first, second = ml.spawn(ml.wait, task), ml.spawn(ml.wait, task)
  ml.yield()
  first:kill()
  lu.assertEquals({ second:wait() }, { true, true, "x" })
end

-- C3.5
function spec.test_by_id_an_ended_task_is_esrch()
  local done = ml.new(type, 1)
  local failed = ml.spawn(error, "x")
  local killed = ml.new(ml.sleep, math.huge)
  ml.yield()
  failed:wait()
  ml.kill(killed)
  for _, id in ipairs { done, failed.id, killed } do
    local ok, err = ml.wait(id)
    lu.assertNil(ok)
    lu.assertEquals(err.code, "ESRCH")
  end
end

function spec.test_by_handle_an_outcome_is_given_any_number_of_times()
  local done = ml.spawn(function()
    return 1, nil, 3
  end)
  local failed = ml.spawn(error, "x", 0)
  local killed = ml.spawn(type, 1)
  killed:kill()
  for _ = 1, 10 do
    lu.assertEquals(table.pack(done:wait()), { n = 4, true, 1, nil, 3 })
    lu.assertEquals(table.pack(ml.wait(done)), { n = 4, true, 1, nil, 3 })
    lu.assertEquals(select(2, failed:wait()).value, "x")
    lu.assertEquals(select(2, killed:wait()).code, "ECANCELED")
    collectgarbage()
  end
end

function spec.test_an_outcome_is_there_for_who_comes_long_after()
  local task = ml.spawn(function()
    return { "kept" }
  end)
  ml.yield()
  for _ = 1, 1000 do -- the ended task's coroutine serves others meanwhile
    ml.new(type, 1)
  end
  ml.yield()
  collectgarbage()
  lu.assertEquals({ task:wait(0) }, { true, { "kept" } })
end

-- ---------------------------------------------------------------- the cycles

-- C3.4
function spec.test_waiting_for_oneself_by_handle_is_edeadlk()
  local ok, err = ml.self():wait()
  lu.assertNil(ok)
  lu.assertEquals(err.code, "EDEADLK")
  lu.assertEquals(err.op, "wait")
  lu.assertStrContains(tostring(err),
    ("task %d waits for task %d"):format(ml.id(), ml.id()))
end

function spec.test_a_cycle_of_two_is_refused_and_named()
  local a, b
  a = ml.spawn(function()
    return b:wait()
  end)
  b = ml.spawn(function()
    local ok, err = a:wait()
    return ok, err
  end)
  local _, ok, err = b:wait()
  lu.assertNil(ok)
  lu.assertEquals(err.code, "EDEADLK")
  lu.assertStrContains(err.reason, ("task %d waits for task %d, which waits "
    .. "for task %d"):format(b.id, a.id, b.id))
  lu.assertEquals(a:status(), "ready") -- it waited for b, which has ended
  lu.assertTrue(a:wait())
end

function spec.test_a_ring_of_a_thousand_is_refused_where_it_closes()
  local tasks = {}
  for i = 1, 1000 do
    tasks[i] = ml.spawn(function()
      return tasks[i % 1000 + 1]:wait()
    end)
  end
  local _, ok, err = tasks[1000]:wait()
  lu.assertNil(ok)
  lu.assertEquals(err.code, "EDEADLK")
  for i = 1, 1000 do -- each is named
    lu.assertStrContains(err.reason, ("task %d"):format(tasks[i].id))
  end
  for i = 1, 999 do
    lu.assertTrue(tasks[i]:wait())
  end
end

function spec.test_a_cycle_with_a_timeout_in_it_is_one_too()
  local a, b
  a = ml.spawn(function()
    return b:wait(10)
  end)
  b = ml.spawn(function()
    return select(2, a:wait(10)).code
  end)
  lu.assertEquals({ b:wait() }, { true, "EDEADLK" })
  a:wait()
end

function spec.test_waiting_for_who_waited_once_is_no_cycle()
  local other = ml.spawn(function()
    return ml.self()
  end)
  local _, handle = other:wait()
  local waited = ml.spawn(function()
    other:wait()
    ml.yield()
    return "fine"
  end)
  ml.yield()
  lu.assertIs(handle, other)
  lu.assertEquals({ waited:wait() }, { true, "fine" })
end

function spec.test_a_long_line_of_waits_is_no_cycle()
  local last = ml.spawn(ml.yield)
  for _ = 1, 300 do
    local before = last
    last = ml.spawn(function()
      return before:wait()
    end)
  end
  lu.assertTrue(last:wait())
end

-- ------------------------------------------------------------------ its turn

-- C3.wait C4.1
function spec.test_a_new_task_can_be_waited_for_after_any_number_of_calls()
  for calls = 80, 120 do
    ml.yield()
    local channel = ml.channel(calls)
    for i = 1, calls do
      channel:send(i)
    end
    local id = coroutine.yield(syscall.new(function()
      return calls
    end))
    lu.assertEquals({ coroutine.yield(syscall.wait(id)) }, { true, calls })
  end
end

-- C3.any C4.1
function spec.test_a_new_task_can_be_one_of_a_choice_after_any_number_of_calls()
  for calls = 80, 120 do
    ml.yield()
    local channel = ml.channel(calls)
    for i = 1, calls do
      channel:send(i)
    end
    local id = ml.new(function()
      return calls
    end)
    local inner = syscall.any(syscall.sleep(9), syscall.wait(id))
    local got = { ml.any { syscall.sleep(9), inner } }
    lu.assertEquals(got, { 2, 2, true, calls })
    lu.assertEquals(channel:recv(), 1)
  end
end

-- C4.1
function spec.test_waits_that_are_answered_at_once_let_the_others_run()
  local ended = ml.spawn(function() end)
  ended:wait()
  local turns = 0
  local other = ml.spawn(function()
    while true do
      turns = turns + 1
      ml.yield()
    end
  end)
  for _ = 1, 1000 do
    ended:wait()
    ml.wait(0)
  end
  other:kill()
  lu.assertTrue(turns >= 10)
end

return spec
