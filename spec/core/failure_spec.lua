-- Tasks that die of an error: C4.4 and C4.5.

local child = require "spec.support.child"
local closing = require "spec.support.closing"
local lu = require "luaunit"
local ml = require "miniloop"

local spec = {}

-- A line on standard error, to see what was reported before and after it.
local function mark(text)
  io.stderr:write("-- ", text, "\n")
end

-- ------------------------------------------------------------------ observed

function spec.test_a_failure_that_is_waited_for_is_no_news()
  child.passes(function()
    local function fail()
      ml.yield()
      error "x"
    end
    local task = ml.spawn(fail)
    lu.assertNil((task:wait()))
    lu.assertNil((ml.wait(ml.new(fail))))
    lu.assertFalse((pcall(task.join, ml.spawn(fail))))
    local late = ml.spawn(fail)
    ml.sleep(0.9)
    lu.assertEquals(late:status(), "failed")
    lu.assertNil((late:wait(0)))
    ml.sleep(10)
  end, { virtual = true })
end

function spec.test_one_waiter_is_enough_for_all()
  child.passes(function()
    local task = ml.spawn(function()
      ml.sleep(1)
      error "x"
    end)
    local impatient = ml.spawn(ml.wait, task, 0.5)
    local killed = ml.spawn(ml.wait, task)
    local patient = ml.spawn(ml.wait, task)
    ml.sleep(0.7)
    killed:kill()
    lu.assertEquals(select(3, impatient:wait()).code, "ETIMEDOUT")
    lu.assertEquals(select(3, patient:wait()).code, "EFAILED")
  end, { virtual = true })
end

-- Once it cannot be reported any more.
function spec.test_what_a_task_died_of_is_let_go_with_its_handle()
  child.in_virtual_time(function()
    local seen = setmetatable({}, { __mode = "k" })
    local function take()
      ml.spawn(function()
        local err = {}
        seen[err] = true
        error(err)
      end):wait()
    end
    ml.spawn(take):wait() -- a task has its last error as long as it lives
    ml.sleep(2)
    collectgarbage()
    collectgarbage()
    lu.assertNil(next(seen))
  end)
end

-- ----------------------------------------------------------------- traceback

local function culprit()
  error "x"
end

local function traceback_of(f)
  local _, err = ml.spawn(f):wait()
  return err.traceback
end

function spec.test_the_traceback_leads_to_the_error_through_blocks()
  for _, block in ipairs { ml.shield, ml.group } do
    lu.assertStrContains(traceback_of(function()
      block(function()
        ml.yield()
        culprit()
      end)
    end), "in upvalue 'culprit'")
  end
  lu.assertStrContains(traceback_of(function()
    ml.timeout(1, ml.shield, ml.group, culprit)
  end), "in function <")
end

function spec.test_the_traceback_is_of_the_error_that_the_task_died_of()
  local trace = traceback_of(function()
    pcall(ml.timeout, 1, culprit)
    error("another", 0)
  end)
  lu.assertNotStrContains(trace, "culprit")
  lu.assertNotStrContains(trace, "miniloop.timeout")
end

function spec.test_an_error_in_clean_up_has_its_own_traceback()
  local value = {}
  local trace = traceback_of(function()
    local _ <close> = closing({}, "last", function()
      error(value)
    end)
    ml.timeout(1, error, value)
  end)
  lu.assertStrContains(trace, "closing.lua")
end

-- ---------------------------------------------------------------- unobserved

function spec.test_without_a_handle_it_is_reported_at_once()
  local result = child.run(function()
    ml.new(function()
      ml.sleep(2)
      error("boom", 0)
    end)
    ml.sleep(2)
    mark "before"
    ml.yield()
    mark "after"
    ml.sleep(5)
    print "went on"
  end, { virtual = true })
  lu.assertStrMatches(result.err,
    "%-%- before\nminiloop: task 2 failed: boom\n.*%-%- after\n")
  lu.assertEquals(result.out, "went on\n")
  lu.assertEquals(result.status, 1)
end

function spec.test_with_a_handle_it_is_reported_when_a_second_has_passed()
  local result = child.run(function()
    local task = ml.spawn(error, "boom", 0)
    ml.sleep(0.999)
    mark "before"
    ml.sleep(0.002)
    mark "after"
    ml.sleep(10)
    assert(task)
  end, { virtual = true })
  lu.assertStrMatches(result.err,
    "%-%- before\nminiloop: task 2 failed: boom\n.*%-%- after\n")
  lu.assertEquals(result.status, 1)
end

function spec.test_a_loop_that_is_idle_wakes_to_report()
  local result = child.run(function()
    -- Another process marks the time: here, nothing happens until it ends.
    local file <close> = assert(io.popen("sleep 1.5; echo '-- late' >&2"))
    local task = ml.spawn(error, "boom", 0)
    ml.wait_io_read(file)
    lu.assertEquals(task:status(), "failed")
  end)
  lu.assertStrMatches(result.err, "miniloop: task 2 .*%-%- late\n")
end

function spec.test_with_a_handle_it_is_reported_at_the_end_if_that_is_first()
  local result = child.run(function()
    local task = ml.spawn(error, "boom", 0)
    ml.sleep(0.5)
    mark(task:status())
  end, { virtual = true })
  lu.assertStrMatches(result.err,
    "%-%- failed\nminiloop: task 2 failed: boom\n.*")
  lu.assertEquals(result.status, 1)
end

function spec.test_a_handle_that_was_collected_is_none()
  local result = child.run(function()
    ml.spawn(function()
      ml.sleep(1)
      error("boom", 0)
    end)
    collectgarbage()
    collectgarbage()
    ml.sleep(1)
    ml.yield()
    mark "after"
    ml.sleep(10)
  end, { virtual = true })
  lu.assertStrMatches(result.err, "miniloop: task 2 .*%-%- after\n")
end

function spec.test_a_handle_that_is_collected_later_changes_nothing()
  local result = child.run(function()
    do
      local task = ml.spawn(error, "boom", 0)
      ml.yield()
      assert(task:status() == "failed")
    end
    collectgarbage()
    collectgarbage()
    mark "before"
    ml.sleep(2)
  end, { virtual = true })
  lu.assertStrMatches(result.err, "%-%- before\nminiloop: task 2 .*")
  lu.assertEquals(result.status, 1)
end

function spec.test_who_stopped_waiting_has_not_taken_it()
  local result = child.run(function()
    local task = ml.spawn(function()
      ml.sleep(2)
      error("boom", 0)
    end)
    local waiter = ml.spawn(ml.wait, task)
    assert(select(2, task:wait(1)).code == "ETIMEDOUT")
    waiter:kill()
  end, { virtual = true })
  lu.assertStrContains(result.err, "task 2 failed: boom")
  lu.assertEquals(result.status, 1)
end

function spec.test_to_look_at_the_status_is_not_to_take_it()
  local result = child.run(function()
    local task = ml.spawn(error, "boom", 0)
    ml.yield()
    assert(task:status() == "failed" and tostring(task) and task.id)
  end)
  lu.assertStrContains(result.err, "task 2 failed: boom")
  lu.assertEquals(result.status, 1)
end

function spec.test_a_failure_that_is_taken_after_its_report_is_forgiven()
  local result = child.run(function()
    local task = ml.spawn(error, "boom", 0)
    ml.sleep(3)
    mark "reported"
    assert(select(2, task:wait()).code == "EFAILED")
    assert(select(2, task:wait()).code == "EFAILED")
  end, { virtual = true })
  lu.assertStrMatches(result.err, "miniloop: task 2 .*%-%- reported\n")
  lu.assertEquals(result.status, 0)
end

function spec.test_each_failure_is_reported_once_and_in_order()
  local result = child.run(function()
    local tasks = {}
    for i = 1, 5 do
      tasks[i] = ml.spawn(function()
        ml.sleep(i / 10)
        error("number " .. i, 0)
      end)
    end
    ml.sleep(20)
    assert(#tasks == 5)
  end, { virtual = true })
  local order = {}
  for i in result.err:gmatch("failed: number (%d)") do
    order[#order + 1] = i
  end
  lu.assertEquals(table.concat(order), "12345")
end

-- ---------------------------------------------------------------- the report

function spec.test_the_report_has_name_error_traceback_and_where_it_was_made()
  local result = child.run(function()
    local function inner()
      error("boom")
    end
    local function grandchild()
      ml.self().name = "the worker"
      inner()
    end
    local function made_here()
      ml.new(grandchild)
    end
    ml.new(made_here)
  end)
  lu.assertStrMatches(result.err, "miniloop: task 3 %(the worker%) failed: "
    .. "[^\n]*failure_spec%.lua:%d+: boom\n.*")
  lu.assertStrMatches(result.err, ".*in upvalue 'inner'.*")
  local spawned = result.err:match("spawned at:\n(.*)")
  -- Its own spawning, its parent's, and that of the main task's chunk none.
  lu.assertStrMatches(spawned,
    "%s+%S*failure_spec%.lua:%d+\n%s+%S*failure_spec%.lua:%d+\n.*")
end

function spec.test_the_places_of_spawning_lead_up_to_the_main_task()
  local result = child.run(function()
    local function nest(depth)
      if depth == 0 then
        error "deep"
      elseif depth == 1 then
        ml.new(nest, depth - 1)
      elseif depth == 2 then
        ml.new(nest, depth - 1)
      else
        ml.new(nest, depth - 1)
      end
    end
    nest(3)
  end)
  local lines = {}
  for line in result.err:match("spawned at:\n(.*)"):gmatch(":(%d+)") do
    lines[#lines + 1] = math.tointeger(line)
  end
  lu.assertEquals(#lines, 3)
  lu.assertEquals(lines[1] + 2, lines[2])
  lu.assertEquals(lines[2] + 2, lines[3])
end

function spec.test_a_task_that_spawns_its_successor_has_a_report_of_its_size()
  local result = child.run(function()
    local function again(n)
      if n == 0 then
        error "at last"
      end
      ml.new(again, n - 1)
    end
    again(1000)
  end)
  lu.assertStrContains(result.err, "at last")
  local _, lines = result.err:gsub("\n", "\n")
  lu.assertTrue(lines < 60)
end

function spec.test_places_at_the_same_line_of_two_files_are_two()
  local result = child.run(function()
    for _, name in ipairs { "=one", "=two" } do
      load("local new, f = ... new(f, 'x', 0)", name)(ml.new, error)
    end
  end)
  lu.assertStrContains(result.err, "one:1")
  lu.assertStrContains(result.err, "two:1")
end

function spec.test_the_places_of_very_many_generations_are_not_all_kept()
  local result = child.run(function()
    local function nest(depth)
      if depth == 0 then
        error "deep"
      end
      load(("\n"):rep(depth) .. "local ml = ... ml.new(select(2, ...))")(
        ml, nest, depth - 1)
    end
    nest(40)
  end)
  lu.assertStrContains(result.err, "deep")
  local places = result.err:match("spawned at:\n(.*)")
  local _, count = places:gsub(":%d+", "")
  lu.assertTrue(count > 10 and count < 20)
end

-- Not a number is no other value, itself neither.
function spec.test_an_error_that_is_not_a_number_has_its_traceback()
  local _, err = ml.spawn(function()
    error(0 / 0)
  end):wait()
  lu.assertEquals(math.type(err.value), "float")
  lu.assertStrContains(err.traceback, "in function 'error'")
end

function spec.test_errors_that_are_no_strings_are_reported_as_they_can_be()
  local result = child.run(function()
    for _, value in ipairs {
      setmetatable({}, {
        __tostring = function()
          return "its own text"
        end,
      }),
      setmetatable({}, {
        __tostring = function()
          error "no text"
        end,
      }),
      {}, 42, true, print,
    } do
      ml.new(error, value)
    end
    ml.new(error, nil)
    ml.yield()
    print "went on"
  end)
  lu.assertStrContains(result.err, "task 2 failed: its own text")
  for id = 3, 8 do
    lu.assertStrContains(result.err, ("task %d failed"):format(id))
  end
  lu.assertStrContains(result.err, "task 5 failed: 42")
  lu.assertStrContains(result.err, "task 6 failed: true")
  lu.assertEquals(result.out, "went on\n")
end

function spec.test_the_traceback_goes_through_the_coroutine_that_failed()
  local result = child.run(function()
    ml.new(function()
      local function inside()
        ml.sleep(0)
        error "in a generator"
      end
      coroutine.wrap(inside)()
    end)
  end)
  lu.assertStrContains(result.err, "in a generator")
end

-- ------------------------------------------------------- the others, the end

-- C4.5
function spec.test_when_the_script_returns_the_run_goes_on()
  local result = child.passes(function()
    ml.new(function()
      ml.sleep(100)
      ml.new(function()
        ml.sleep(100)
        print(ml.now())
      end)
    end)
  end, { virtual = true })
  lu.assertEquals(result.out, "200.0\n")
end

function spec.test_when_the_script_dies_the_others_are_cancelled()
  local result = child.run(function()
    ml.new(function()
      local _ <close> = closing({}, "", function(err)
        print("clean-up", err.code)
        ml.sleep(2)
        print("done", ml.now())
      end)
      ml.sleep(math.huge)
    end)
    ml.sleep(1)
    ml.new(print, "never runs")
    error("the script fails", 0)
  end, { virtual = true })
  lu.assertEquals(result.out, "clean-up\tECANCELED\ndone\t3.0\n")
  lu.assertStrContains(result.err, "task 1 failed: the script fails")
  lu.assertEquals(result.status, 1)
end

function spec.test_when_the_script_dies_tasks_that_never_ran_never_run()
  local result = child.run(function()
    ml.new(function()
      ml.group(function(g)
        for _ = 1, 50 do
          g:spawn(print, "never")
        end
      end)
    end)
    ml.yield()
    error "the end"
  end)
  lu.assertEquals(result.status, 1)
  lu.assertEquals(result.out, "")
end

function spec.test_what_will_not_end_then_is_killed_after_the_grace()
  local result = child.run(function()
    ml.new(function()
      local _ <close> = closing({}, "", function()
        print("closed", ml.now())
      end)
      while true do
        pcall(ml.sleep, math.huge)
      end
    end)
    ml.yield()
    error("the script fails", 0)
  end, { virtual = true })
  lu.assertEquals(result.out, "closed\t5.0\n")
  lu.assertEquals(result.status, 1)
end

function spec.test_a_script_that_caught_its_errors_ends_well()
  child.passes(function()
    pcall(error, "x")
    local _, err = ml.spawn(error, "y"):wait()
    assert(err.code == "EFAILED")
  end)
end

function spec.test_the_failure_of_another_task_does_not_end_the_script()
  local result = child.run(function()
    ml.new(error, "boom")
    for i = 1, 3 do
      ml.sleep(1)
      print(i)
    end
  end, { virtual = true })
  lu.assertEquals(result.out, "1\n2\n3\n")
  lu.assertEquals(result.status, 1)
end

-- ---------------------------------------------------------------- the error

-- C2.2: most such ends come of an error that was not looked at.
function spec.test_who_dies_of_a_nil_is_reminded_of_the_error_beside_it()
  local result = child.run(function()
    ml.new(function()
      local handle = ml.wait(0)
      print(handle.id)
    end)
    ml.new(function()
      ml.wait(0)
      error("not of that", 0)
    end)
    ml.sleep(0)
  end)
  local _, count = result.err:gsub("the last call of this task that failed "
    .. "gave it nil and this error:\n    wait: [^\n]+ %(EPERM%)\n", "")
  lu.assertEquals(count, 1, result.err)
end

function spec.test_to_have_had_an_error_changes_no_other_traceback()
  local function traceback(warned)
    local _, err = ml.spawn(function()
      if warned then
        ml.wait(0)
      end
      error "x"
    end):wait()
    return err.traceback
  end
  lu.assertEquals(traceback(true), traceback(false))
end

-- Places are told apart, however they are found.
function spec.test_each_task_is_told_where_it_was_made()
  local result = child.run(function()
    local lines = ("\n"):rep(256)
    load("local ml = ... ml.new(error, 'a', 0)" .. lines
      .. "ml.new(error, 'b', 0)", "=chunk")(ml)
    ml.sleep(0)
  end)
  lu.assertStrMatches(result.err,
    ".* failed: a\n.*    chunk:1\nmin.* failed: b\n.*    chunk:257\n.*")
end

return spec
