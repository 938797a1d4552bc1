-- C6.2: the mutex, and C3.acquire of it; the cycles of C3.4 with mutexes.

local child = require "spec.support.child"
local closing = require "spec.support.closing"
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

-- C6.2
function spec.test_one_task_at_a_time_has_the_mutex()
  local mutex = ml.mutex()
  local inside, most = 0, 0
  ml.group(function(g)
    for _ = 1, 20 do
      g:spawn(function()
        local _ <close> = mutex:lock()
        inside = inside + 1
        most = math.max(most, inside)
        ml.yield()
        inside = inside - 1
      end)
    end
  end)
  lu.assertEquals({ inside, most }, { 0, 1 })
end

function spec.test_the_guard_unlocks_at_the_end_of_its_block()
  local mutex = ml.mutex()
  do
    local _ <close> = mutex:lock()
    lu.assertNil(ml.spawn(mutex.trylock, mutex):join())
  end
  lu.assertNotNil(ml.spawn(mutex.trylock, mutex):join())
  mutex = ml.mutex()
  pcall(function()
    local _ <close> = mutex:lock()
    error("x")
  end)
  do
    local _ <close> = mutex:lock()
    mutex:unlock() -- the guard has nothing more to do
  end
  lu.assertNotNil(mutex:trylock())
  mutex:unlock()
end

function spec.test_trylock_answers_at_once()
  local mutex = ml.mutex()
  local _ <close> = mutex:trylock()
  lu.assertEquals(table.pack(mutex:trylock()).n, 1)
  lu.assertNil((mutex:trylock()))
  mutex:unlock()
  lu.assertNotNil(mutex:trylock())
end

function spec.test_the_tasks_that_wait_have_it_in_their_order()
  local mutex = ml.mutex()
  local order = {}
  mutex:lock()
  for i = 1, 5 do
    blocked_in(function()
      local _ <close> = mutex:lock()
      table.insert(order, i)
    end)
  end
  mutex:unlock()
  -- It is handed over: who comes now, even its last owner, is not first.
  lu.assertNil(mutex:trylock())
  mutex:lock()
  lu.assertEquals(order, { 1, 2, 3, 4, 5 })
  mutex:unlock()
end

function spec.test_a_killed_owner_whose_guard_is_closed_leaves_it_unlocked()
  local mutex = ml.mutex()
  local owner = blocked_in(function()
    local _ <close> = mutex:lock()
    ml.sleep(math.huge)
  end)
  local waiter = blocked_in(mutex.lock, mutex)
  owner:kill()
  lu.assertTrue(waiter:wait())
end

function spec.test_a_waiter_that_is_killed_is_passed_over()
  for _, ending in ipairs { "kill", "cancel" } do
    local mutex = ml.mutex()
    mutex:lock()
    local first = blocked_in(mutex.lock, mutex)
    local second = blocked_in(mutex.lock, mutex)
    first[ending](first)
    mutex:unlock()
    lu.assertTrue(second:wait())
  end
end

function spec.test_a_waiter_that_is_killed_with_it_in_hand_hands_it_on()
  local mutex = ml.mutex()
  mutex:lock()
  local first = blocked_in(mutex.lock, mutex)
  local second = blocked_in(mutex.lock, mutex)
  mutex:unlock()
  first:kill() -- it has not run since
  lu.assertTrue(second:wait())
  mutex = ml.mutex()
  mutex:lock()
  first = blocked_in(mutex.lock, mutex)
  mutex:unlock()
  first:kill()
  lu.assertNotNil(mutex:trylock())
  mutex:unlock()
end

function spec.test_a_timeout_bounds_a_lock()
  child.in_virtual_time(function()
    local mutex = ml.mutex()
    ml.spawn(function()
      local _ <close> = mutex:lock()
      ml.sleep(10)
    end)
    ml.yield()
    lu.assertEquals(select(2, ml.timeout(1, mutex.lock, mutex)).code,
      "ETIMEDOUT")
    mutex:lock()
    lu.assertEquals(ml.now(), 10.0)
    mutex:unlock()
  end)
end

function spec.test_a_mutex_whose_owner_ended_stays_locked_and_is_named()
  local result = child.run(function()
    local mutex = ml.mutex()
    local owner = ml.spawn(mutex.lock, mutex)
    owner:wait()
    assert(not mutex:trylock())
    mutex:lock()
  end)
  lu.assertEquals(result.status, 13)
  lu.assertStrMatches(result.err, ".*mutex[^\n]*task 2.*")
end

-- C3.acquire
function spec.test_acquire_locks_a_mutex()
  local mutex = ml.mutex()
  local guard = coroutine.yield(syscall.acquire(mutex))
  lu.assertIs(guard, mutex)
  local waiter = blocked_in(function()
    local _ <close> = ml.perform(syscall.acquire(mutex))
    return "had it"
  end)
  mutex:unlock()
  lu.assertEquals({ waiter:wait() }, { true, "had it" })
  lu.assertNotNil(mutex:trylock())
  mutex:unlock()
end

-- ---------------------------------------------------------------- the misuse

function spec.test_the_owner_alone_may_unlock()
  local mutex = ml.mutex()
  raises("it is not locked", function() mutex:unlock() end)
  mutex:lock()
  local _, err = ml.spawn(function() mutex:unlock() end):wait()
  lu.assertStrContains(err.value,
    ("task %d has locked it, and alone may unlock it"):format(ml.id()))
  lu.assertTrue(mutex:unlock())
end

function spec.test_to_lock_twice_is_misuse()
  local mutex = ml.mutex()
  mutex:lock()
  raises("would wait for itself", function() mutex:lock() end)
  raises("would wait for itself",
    function() ml.perform(syscall.acquire(mutex)) end)
  mutex:unlock()
end

function spec.test_the_misuse_of_a_mutex_is_told()
  local mutex = ml.mutex()
  raises("did you mean 'lock'?", function() return mutex.lokc end)
  raises("a mutex or a semaphore", function() return syscall.acquire(1) end)
end

-- ---------------------------------------------------------------- the cycles

-- C3.4
function spec.test_a_cycle_of_mutexes_is_edeadlk()
  local a, b = ml.mutex(), ml.mutex()
  a:lock()
  local other = blocked_in(function()
    local _ <close> = b:lock()
    local _ <close> = a:lock()
  end)
  local guard, err = b:lock()
  lu.assertNil(guard)
  lu.assertEquals(err.code, "EDEADLK")
  lu.assertStrContains(err.reason, ("task %d"):format(other.id))
  a:unlock()
  lu.assertTrue(other:wait())
  b:lock()
  b:unlock()
end

function spec.test_a_cycle_of_tasks_and_mutexes_is_edeadlk()
  local mutex = ml.mutex()
  mutex:lock()
  local second = blocked_in(mutex.lock, mutex)
  local third = blocked_in(second.wait, second)
  local ok, err = third:wait()
  lu.assertNil(ok)
  lu.assertEquals(err.code, "EDEADLK")
  lu.assertStrContains(err.reason, ("task %d waits for task %d, which waits "
    .. "for task %d, which waits for task %d"):format(ml.id(), third.id,
    second.id, ml.id()))
  mutex:unlock()
  lu.assertTrue(third:wait())
end

function spec.test_a_lock_that_waits_its_turn_is_no_cycle()
  local mutex = ml.mutex()
  mutex:lock()
  local second = blocked_in(function()
    local _ <close> = mutex:lock()
  end)
  mutex:unlock() -- second has it now
  lu.assertTrue(second:wait())
  mutex:lock()
  mutex:unlock()
end

function spec.test_a_cycle_through_a_condition_does_not_hang_the_loop()
  local mutex, condition = ml.mutex(), ml.condition()
  local first = blocked_in(function()
    local _ <close> = mutex:lock()
    condition:wait(mutex)
  end)
  local second = blocked_in(function()
    local _ <close> = mutex:lock()
    first:wait()
  end)
  condition:notify() -- now each of them waits for the other
  ml.yield()
  lu.assertEquals(select(2, first:wait(0)).code, "ETIMEDOUT")
  second:kill()
  lu.assertTrue(first:wait())
end

function spec.test_dining_tasks_that_would_starve_are_told()
  local forks, refused = {}, 0
  for i = 1, 5 do
    forks[i] = ml.mutex()
  end
  ml.group(function(g)
    for i = 1, 5 do
      g:spawn(function()
        local _ <close> = forks[i]:lock()
        ml.yield()
        local right <close>, err = forks[i % 5 + 1]:lock()
        if not right then
          lu.assertEquals(err.code, "EDEADLK")
          refused = refused + 1
        end
      end)
    end
  end)
  lu.assertEquals(refused, 1)
end

function spec.test_a_guard_is_closed_when_its_owner_is_cancelled()
  local mutex = ml.mutex()
  local log = {}
  local owner = blocked_in(function()
    local _ <close> = closing(log, "before")
    local _ <close> = mutex:lock()
    ml.sleep(math.huge)
  end)
  owner:cancel()
  owner:wait()
  lu.assertNotNil(mutex:trylock())
  mutex:unlock()
  lu.assertEquals(log, { "before" })
end

return spec
