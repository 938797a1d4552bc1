-- sleep, yield and the clock: C2.3, C3.sleep, C4.2, C5.1.

local child = require "spec.support.child"
local lu = require "luaunit"
local ml = require "miniloop"

local spec = {}

-- C3.sleep
function spec.test_a_sleep_answers_its_number_and_how_late_it_woke()
  local id, late = coroutine.yield(syscall.sleep(0))
  lu.assertEquals(math.type(id), "integer")
  lu.assertEquals(math.type(late), "float")
  lu.assertTrue(late >= 0 and late < 60)
end

function spec.test_sleeps_are_counted_apart_from_tasks()
  child.in_virtual_time(function()
    lu.assertEquals({ ml.sleep(1) }, { 1, 0.0 })
    local task = ml.spawn(function()
      return (ml.sleep(1))
    end)
    lu.assertEquals({ task:wait() }, { true, 2 })
    lu.assertEquals(coroutine.yield(syscall.sleep(0)), 3)
    lu.assertEquals(ml.new(print), 3)
  end)
end

function spec.test_lateness_is_what_the_clock_shows_beyond_the_deadline()
  local start = ml.now()
  local _, late = ml.sleep(0.001)
  local stop = ml.now()
  lu.assertTrue(late >= 0)
  lu.assertTrue(start + 0.001 + late <= stop + 1e-6)
end

function spec.test_a_task_that_was_kept_from_running_is_told_how_late_it_is()
  local hog = ml.spawn(function()
    local stop = ml.now() + 0.02
    repeat
      local now = ml.now()
    until now >= stop
  end)
  local _, late = ml.sleep(0.001)
  lu.assertTrue(late > 0.01, "late by " .. late)
  hog:wait()
end

-- C2.3
function spec.test_nothing_wakes_early()
  for i = 1, 50 do
    local seconds = i * 0.0001 + 0.0000003
    local start = ml.now()
    ml.sleep(seconds)
    lu.assertTrue(ml.now() - start >= seconds)
  end
end

function spec.test_a_time_shorter_than_the_clock_can_tell_is_not_lost()
  child.in_virtual_time(function()
    local start = ml.now()
    ml.sleep(1e-12)
    lu.assertTrue(ml.now() > start)
    start = ml.now()
    ml.sleep(2 ^ -1074)
    lu.assertTrue(ml.now() > start)
  end)
end

function spec.test_times_count_from_the_call_not_from_the_request()
  child.in_virtual_time(function()
    local request = syscall.sleep(10)
    ml.sleep(7)
    local start = ml.now()
    coroutine.yield(request)
    lu.assertEquals(ml.now() - start, 10.0)
  end)
end

function spec.test_negative_times_count_as_zero()
  for _, seconds in ipairs { 0, -0.0, -1, -1e300, -math.huge } do
    local id = ml.sleep(seconds)
    lu.assertEquals(math.type(id), "integer")
  end
end

function spec.test_integers_and_floats_are_times()
  child.in_virtual_time(function()
    local start = ml.now()
    ml.sleep(1)
    ml.sleep(0.5)
    ml.sleep(math.maxinteger // 10 ^ 10)
    lu.assertTrue(ml.now() - start >= 1.5)
  end)
end

function spec.test_a_huge_time_is_for_ever()
  child.in_virtual_time(function()
    local woke = false
    local tasks = {}
    for _, seconds in ipairs { math.huge, 1e300, math.maxinteger } do
      table.insert(tasks, ml.spawn(function()
        ml.sleep(seconds)
        woke = true
      end))
    end
    ml.sleep(100 * 365 * 24 * 3600)
    lu.assertFalse(woke)
    for _, task in ipairs(tasks) do
      lu.assertEquals(task:status(), "waiting")
      task:kill()
    end
  end)
end

-- C4.6: a time that is finite counts as able to wake, though none lives to see.
function spec.test_a_time_past_all_clocks_is_no_deadlock()
  for _, seconds in ipairs { 1e10, 1e300, math.maxinteger } do
    local result = child.run(function()
      ml.spawn(function()
        ml.sleep(0.001)
        os.exit(7)
      end)
      ml.event():wait(seconds)
    end)
    lu.assertEquals({ result.status, result.err }, { 7, "" })
    result = child.run(function()
      ml.event():wait(seconds)
    end, { options = "--timeout=0.01" })
    lu.assertEquals(result.status, 124, result.err)
  end
end

function spec.test_the_clock_is_monotonic_and_counts_seconds()
  local last = ml.now()
  lu.assertEquals(math.type(last), "float")
  for _ = 1, 1000 do
    local now = ml.now()
    lu.assertTrue(now >= last)
    last = now
  end
  local wall = os.time()
  ml.sleep(0.01)
  lu.assertTrue(ml.now() - last < os.time() - wall + 2)
end

function spec.test_now_reads_the_clock_each_time()
  local start = ml.now()
  for _ = 1, 10000000 do
    if ml.now() > start then
      return
    end
  end
  lu.fail("the clock stands still")
end

function spec.test_virtual_time_stands_still_while_tasks_are_ready()
  child.in_virtual_time(function()
    local start = ml.now()
    for _ = 1, 500 do
      ml.yield()
    end
    lu.assertEquals(ml.now(), start)
    ml.sleep(1000000)
    lu.assertEquals(ml.now(), start + 1000000)
  end)
end

-- C4.2
function spec.test_sleeps_end_in_the_order_of_their_deadlines()
  child.in_virtual_time(function()
    local order = {}
    local times = { 5, 1, 4, 2.5, 3, 2, 0, 0.5 }
    for _, seconds in ipairs(times) do
      ml.new(function()
        ml.sleep(seconds)
        table.insert(order, seconds)
      end)
    end
    ml.sleep(10)
    table.sort(times)
    lu.assertEquals(order, times)
  end)
end

function spec.test_equal_deadlines_end_in_the_order_of_the_requests()
  child.in_virtual_time(function()
    local order = {}
    for i = 1, 200 do
      ml.new(function()
        ml.sleep(1)
        table.insert(order, i)
      end)
    end
    -- The same deadline, reached by another way, comes last.
    ml.yield()
    ml.sleep(1)
    table.insert(order, 201)
    for i = 1, 201 do
      lu.assertEquals(order[i], i)
    end
  end)
end

function spec.test_sleeps_that_are_withdrawn_do_not_disturb_the_order()
  child.in_virtual_time(function()
    local order, tasks = {}, {}
    for i = 1, 100 do
      tasks[i] = ml.spawn(function()
        ml.sleep((i * 37) % 101)
        table.insert(order, (i * 37) % 101)
      end)
    end
    ml.yield()
    for i = 1, 100, 3 do
      tasks[i]:kill()
    end
    ml.sleep(200)
    lu.assertEquals(#order, 66)
    for i = 2, #order do
      lu.assertTrue(order[i - 1] < order[i])
    end
  end)
end

-- C5.1
function spec.test_sleeping_for_no_time_lets_the_others_run()
  local ran = false
  ml.new(function()
    ran = true
  end)
  ml.sleep(0)
  lu.assertTrue(ran)
end

function spec.test_yield_gives_way_to_every_ready_task()
  local count = 0
  for _ = 1, 10 do
    ml.new(function()
      count = count + 1
    end)
  end
  ml.yield()
  lu.assertEquals(count, 10)
end

function spec.test_yield_inside_a_generator_gives_way_to_other_tasks()
  local order = {}
  ml.new(function()
    table.insert(order, "other")
  end)
  local generate = coroutine.wrap(function()
    ml.yield()
    table.insert(order, "generator")
    coroutine.yield("value")
  end)
  lu.assertEquals(generate(), "value")
  lu.assertEquals(order, { "other", "generator" })
end

-- C4.2: also one that was due at once, while a turn took long.
function spec.test_a_sleep_of_no_time_ends_before_a_short_one()
  local order = {}
  local function nap(name, seconds)
    ml.sleep(seconds)
    order[#order + 1] = name
  end
  local tasks = { ml.spawn(nap, "none", 0), ml.spawn(nap, "short", 1e-6) }
  ml.yield()
  local start = ml.now()
  repeat
  until ml.now() - start > 0.001
  for _, task in ipairs(tasks) do
    task:wait()
  end
  lu.assertEquals(order, { "none", "short" })
end

return spec
