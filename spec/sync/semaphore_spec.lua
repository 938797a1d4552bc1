-- C6.2: the semaphore, and C3.acquire of it.

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

-- C6.2
function spec.test_so_many_tasks_have_it_at_a_time()
  local semaphore = ml.semaphore(3)
  local inside, most = 0, 0
  ml.group(function(g)
    for _ = 1, 20 do
      g:spawn(function()
        local _ <close> = semaphore:acquire()
        inside = inside + 1
        most = math.max(most, inside)
        ml.yield()
        inside = inside - 1
      end)
    end
  end)
  lu.assertEquals({ inside, most }, { 0, 3 })
end

function spec.test_a_release_is_for_the_one_that_has_waited_longest()
  local semaphore = ml.semaphore(0)
  local first = blocked_in(semaphore.acquire, semaphore)
  local second = blocked_in(semaphore.acquire, semaphore)
  lu.assertTrue(semaphore:release()) -- by who never acquired it
  lu.assertEquals(select(2, semaphore:acquire(0)).code, "ETIMEDOUT")
  lu.assertTrue(first:wait())
  lu.assertEquals(second:status(), "waiting")
  semaphore:release()
  lu.assertTrue(second:wait())
  semaphore:release()
  lu.assertNotNil(semaphore:acquire(0))
end

function spec.test_a_place_handed_to_a_killed_task_goes_on()
  local semaphore = ml.semaphore(0)
  local first = blocked_in(semaphore.acquire, semaphore)
  local second = blocked_in(semaphore.acquire, semaphore)
  semaphore:release()
  first:kill()
  lu.assertTrue(second:wait())
  local third = blocked_in(semaphore.acquire, semaphore)
  semaphore:release()
  third:kill()
  lu.assertNotNil(semaphore:acquire(0))
end

function spec.test_a_waiter_that_is_killed_or_cancelled_takes_no_place()
  for _, ending in ipairs { "kill", "cancel" } do
    local semaphore = ml.semaphore(0)
    local waiter = blocked_in(semaphore.acquire, semaphore)
    waiter[ending](waiter)
    semaphore:release()
    lu.assertNotNil(semaphore:acquire(0))
    waiter:wait()
  end
end

function spec.test_an_acquire_times_out() -- C2.7
  child.in_virtual_time(function()
    local semaphore = ml.semaphore(0)
    local guard, err = semaphore:acquire(2)
    lu.assertNil(guard)
    lu.assertEquals({ err.code, err.op }, { "ETIMEDOUT", "acquire" })
    lu.assertEquals(ml.now(), 2.0)
    semaphore:release()
    lu.assertNotNil(semaphore:acquire(0))
  end)
end

-- C3.acquire
function spec.test_the_request_acquires_a_semaphore()
  local semaphore = ml.semaphore(1)
  lu.assertIs(ml.perform(syscall.acquire(semaphore)), semaphore)
  local waiter = blocked_in(ml.perform, syscall.acquire(semaphore))
  semaphore:release()
  lu.assertTrue(waiter:wait())
end

function spec.test_the_misuse_of_a_semaphore_is_told()
  local semaphore = ml.semaphore(1)
  raises("bad argument #1 to 'semaphore'", function() ml.semaphore() end)
  raises("bad argument #1 to 'semaphore'", function() ml.semaphore("1") end)
  raises("a count cannot be negative", function() ml.semaphore(-1) end)
  local full = ml.semaphore(math.maxinteger)
  raises("it has all the places", function() full:release() end)
  lu.assertEvalToTrue(full:acquire(0))
  lu.assertTrue(full:release())
  raises("number expected, got string", function() semaphore:acquire("1") end)
  raises("did you mean 'acquire'?", function() return semaphore.aquire end)
end

return spec
