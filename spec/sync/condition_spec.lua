-- C6.2: the condition.

local child = require "spec.support.child"
local lu = require "luaunit"
local ml = require "miniloop"
local raises = require "spec.support.raises"

local spec = {}

-- A task that has run until it blocks in f(...).
local function blocked_in(f, ...)
  local task = ml.spawn(f, ...)
  ml.yield()
  lu.assertEquals(task:status(), "waiting")
  return task
end

-- Tasks that wait for the condition, in this order; they note their numbers.
local function waiters(condition, n, log)
  local tasks = {}
  for i = 1, n do
    tasks[i] = blocked_in(function()
      lu.assertTrue(condition:wait())
      table.insert(log, i)
    end)
  end
  return tasks
end

local function turns()
  for _ = 1, 3 do
    ml.yield()
  end
end

-- C6.2
function spec.test_a_notification_wakes_the_one_that_has_waited_longest()
  local condition, log = ml.condition(), {}
  waiters(condition, 3, log)
  for i = 1, 3 do
    condition:notify()
    turns()
    lu.assertEquals(#log, i)
    lu.assertEquals(log[i], i)
  end
end

function spec.test_a_notification_may_be_for_so_many_or_for_all()
  local condition, log = ml.condition(), {}
  waiters(condition, 5, log)
  condition:notify(0)
  turns()
  lu.assertEquals(log, {})
  condition:notify(2)
  turns()
  lu.assertEquals(log, { 1, 2 })
  condition:notify_all()
  turns()
  lu.assertEquals(log, { 1, 2, 3, 4, 5 })
  waiters(condition, 2, log)
  condition:notify(100)
  turns()
  lu.assertEquals(#log, 7)
end

function spec.test_a_notification_that_nobody_waits_for_is_forgotten()
  local condition = ml.condition()
  condition:notify()
  condition:notify_all()
  lu.assertEquals(select(2, condition:wait(0)).code, "ETIMEDOUT")
end

function spec.test_a_notified_waiter_that_is_killed_passes_it_on()
  local condition, log = ml.condition(), {}
  local tasks = waiters(condition, 3, log)
  condition:notify()
  tasks[1]:kill()
  turns()
  lu.assertEquals(log, { 2 })
  tasks[3]:kill()
end

function spec.test_a_waiter_that_is_killed_is_passed_over()
  for _, ending in ipairs { "kill", "cancel" } do
    local condition, log = ml.condition(), {}
    local tasks = waiters(condition, 2, log)
    tasks[1][ending](tasks[1])
    condition:notify()
    turns()
    lu.assertEquals(log, { 2 })
  end
end

function spec.test_a_wait_for_a_condition_times_out() -- C2.7
  child.in_virtual_time(function()
    local condition, mutex = ml.condition(), ml.mutex()
    local ok, err = condition:wait(1)
    lu.assertNil(ok)
    lu.assertEquals({ err.code, err.op }, { "ETIMEDOUT", "wait" })
    lu.assertEquals(select(2, condition:wait(nil, 1)).code, "ETIMEDOUT")
    lu.assertEquals(ml.now(), 2.0)
    mutex:lock()
    lu.assertEquals(select(2, condition:wait(mutex, 1)).code, "ETIMEDOUT")
    lu.assertEquals(ml.now(), 3.0)
    mutex:unlock() -- it is locked again
  end)
end

-- ------------------------------------------------------------- with a mutex

function spec.test_the_mutex_is_unlocked_meanwhile_and_locked_again_after()
  local condition, mutex = ml.condition(), ml.mutex()
  local ready = false
  local waiter = blocked_in(function()
    local _ <close> = mutex:lock()
    while not ready do
      lu.assertTrue(condition:wait(mutex))
    end
    return mutex:unlock()
  end)
  mutex:lock()
  ready = true
  condition:notify()
  ml.yield()
  lu.assertEquals(waiter:status(), "waiting") -- for the mutex
  mutex:unlock()
  lu.assertEquals({ waiter:wait() }, { true, true })
end

function spec.test_the_mutex_is_held_again_after_a_timeout()
  child.in_virtual_time(function()
    local condition, mutex = ml.condition(), ml.mutex()
    local waiter = ml.spawn(function()
      mutex:lock()
      local ok, err = condition:wait(mutex, 1)
      lu.assertNil(ok)
      lu.assertEquals(err.code, "ETIMEDOUT")
      lu.assertEquals(ml.now(), 5.0) -- it came when the mutex was free
      return mutex:unlock()
    end)
    ml.yield()
    mutex:lock()
    ml.sleep(5)
    mutex:unlock()
    lu.assertEquals({ waiter:wait() }, { true, true })
  end)
end

function spec.test_the_mutex_is_held_again_after_a_cancel()
  local condition, mutex = ml.condition(), ml.mutex()
  local waiter = blocked_in(function()
    mutex:lock()
    local ok, err = pcall(condition.wait, condition, mutex)
    lu.assertFalse(ok)
    lu.assertEquals(err.code, "ECANCELED")
    return mutex:unlock()
  end)
  mutex:lock()
  waiter:cancel()
  ml.yield()
  lu.assertEquals(waiter:status(), "waiting")
  mutex:unlock()
  lu.assertEquals({ waiter:wait() }, { true, true })
end

function spec.test_a_cancel_while_it_waits_for_the_mutex_comes_after_it()
  local condition, mutex = ml.condition(), ml.mutex()
  local log = {}
  local waiter = blocked_in(function()
    mutex:lock()
    table.insert(log, (pcall(condition.wait, condition, mutex)))
    table.insert(log, mutex:unlock())
    table.insert(log, (pcall(ml.sleep, 0)))
  end)
  mutex:lock()
  condition:notify()
  ml.yield()
  waiter:cancel()
  ml.yield()
  mutex:unlock()
  waiter:wait()
  lu.assertEquals(log, { true, true, false })
end

function spec.test_a_killed_waiter_has_no_mutex()
  local condition, mutex = ml.condition(), ml.mutex()
  local function wait()
    mutex:lock()
    condition:wait(mutex)
    mutex:unlock()
  end
  local first, second = blocked_in(wait), blocked_in(wait)
  first:kill() -- it waits for the condition
  mutex:lock()
  condition:notify()
  ml.yield()
  second:kill() -- it waits for the mutex
  local third = blocked_in(wait)
  condition:notify()
  ml.yield()
  mutex:unlock()
  third:kill() -- it was just handed the mutex
  lu.assertNotNil(mutex:trylock())
  mutex:unlock()
end

-- C6.2: one that was handed the mutex, and had not run yet.
function spec.test_a_waiter_that_is_killed_with_the_mutex_in_hand_hands_it_on()
  local condition, mutex = ml.condition(), ml.mutex()
  local killed = blocked_in(function()
    mutex:lock()
    condition:wait(mutex)
  end)
  mutex:lock()
  condition:notify()
  ml.yield()
  local after = blocked_in(function()
    local _ <close> = mutex:lock()
    return "locked"
  end)
  mutex:unlock()
  killed:kill()
  lu.assertEquals({ after:wait(1) }, { true, "locked" })
  lu.assertTrue(mutex:trylock() ~= nil)
end

function spec.test_of_a_queue_and_a_condition_everything_is_taken_once()
  local condition, mutex = ml.condition(), ml.mutex()
  local queue, taken = {}, {}
  ml.group(function(g)
    for _ = 1, 5 do
      g:spawn(function()
        for _ = 1, 20 do
          local _ <close> = mutex:lock()
          while #queue == 0 do
            condition:wait(mutex)
          end
          table.insert(taken, table.remove(queue, 1))
        end
      end)
    end
    for i = 1, 100 do
      local _ <close> = mutex:lock()
      table.insert(queue, i)
      condition:notify()
      if i % 7 == 0 then
        ml.yield()
      end
    end
  end)
  table.sort(taken)
  for i = 1, 100 do
    lu.assertEquals(taken[i], i)
  end
end

function spec.test_the_misuse_of_a_condition_is_told()
  local condition, mutex = ml.condition(), ml.mutex()
  raises("the mutex must be locked", function() condition:wait(mutex) end)
  raises("a mutex", function() condition:wait("x") end)
  raises("a mutex", function() condition:wait({}, 1) end)
  raises("a mutex", function() condition:wait(1, 2) end)
  raises("number expected, got string", function() condition:wait(nil, "1") end)
  raises("a time cannot be NaN", function() condition:wait(0 / 0) end)
  raises("bad argument #1 to 'notify'", function() condition:notify("1") end)
  raises("did you mean 'notify'?", function() return condition.notfy end)
end

return spec
