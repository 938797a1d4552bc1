-- ml.run: C5.11. It is for those outside of tasks, which is where a script of
-- the stock interpreter is.

local child = require "spec.support.child"
local closing = require "spec.support.closing"
local lu = require "luaunit"
local ml = require "miniloop"
local raises = require "spec.support.raises"

local spec = {}

-- Runs f in the stock interpreter, where its assertions count.
local function outside(f)
  local result = child.run(f, { stock = true })
  lu.assertEquals(result.err, "")
  lu.assertEquals(result.status, 0)
  return result
end

function spec.test_it_gives_the_results_of_the_function()
  outside(function()
    lu.assertEquals(select("#", ml.run(function() end)), 0)
    local results = table.pack(ml.run(function()
      ml.sleep(0)
      return 1, nil, "x", nil
    end))
    lu.assertEquals(results, { n = 4, 1, nil, "x", nil })
  end)
end

function spec.test_it_raises_the_functions_own_error_unchanged()
  outside(function()
    for _, value in ipairs { "text", 42, {}, false } do
      local ok, caught = pcall(ml.run, function()
        ml.sleep(0)
        error(value, 0)
      end)
      lu.assertFalse(ok)
      lu.assertTrue(rawequal(caught, value))
    end
  end)
end

function spec.test_the_function_is_task_one_of_a_loop_of_its_own()
  outside(function()
    for _ = 1, 3 do
      lu.assertEquals(ml.run(ml.id), 1)
      lu.assertEquals(ml.run(function()
        return ml.new(type, 1)
      end), 2)
    end
  end)
end

-- Calls of C within each other share one stack, to which Lua sets a limit.
function spec.test_tasks_are_as_deep_in_calls_as_who_runs_them()
  outside(function()
    local function nest(n, f, ...)
      if n == 0 then
        return f(...)
      end
      return select(2, pcall(nest, n - 1, f, ...))
    end
    local function calls_left()
      local n = 0
      local function go_down()
        n = n + 1
        pcall(go_down)
      end
      go_down()
      return n
    end
    coroutine.wrap(function()
      local all = ml.run(calls_left)
      lu.assertEquals(nest(50, ml.run, calls_left), all - 50)
    end)()
  end)
end

function spec.test_it_stays_until_no_task_is_left()
  outside(function()
    local log = {}
    local result = ml.run(function()
      ml.new(function()
        ml.sleep(5)
        table.insert(log, ml.now())
      end)
      return "first"
    end, { clock = "virtual" })
    lu.assertEquals(result, "first")
    lu.assertEquals(log, { 5.0 })
  end)
end

function spec.test_a_virtual_clock_begins_at_its_own_time()
  outside(function()
    local start = os.time()
    for _ = 1, 3 do
      lu.assertEquals(ml.run(function()
        ml.sleep(1e6)
        return ml.now()
      end, { clock = "virtual" }), 1e6)
    end
    lu.assertTrue(os.time() - start < 60)
    lu.assertTrue(ml.run(ml.now, { clock = "real" }) > 0)
  end)
end

function spec.test_the_poller_and_the_seed_may_be_chosen()
  outside(function()
    for _, poller in ipairs { "auto", "select", "sim" } do
      for seed = 1, 3 do
        local line = ml.run(function()
          local file <close> = assert(io.popen("echo x"))
          ml.wait_io_read(file)
          return file:read()
        end, { poller = poller, seed = seed })
        lu.assertEquals(line, "x")
      end
    end
  end)
end

function spec.test_wrong_options_are_misuse()
  outside(function()
    local run = ml.run
    local f = ml.id
    raises("has no field 'clok'; did you mean 'clock'?",
      function() run(f, { clok = "virtual" }) end)
    raises("has no field 'zzz'", function() run(f, { zzz = 1 }) end)
    raises("'real' or 'virtual'", function() run(f, { clock = "x" }) end)
    raises("option 'clock' is a string", function() run(f, { clock = 1 }) end)
    raises("no poller 'x'", function() run(f, { poller = "x" }) end)
    raises("option 'poller'", function() run(f, { poller = {} }) end)
    raises("option 'seed'", function() run(f, { seed = "1" }) end)
    raises("option 'seed'", function() run(f, { seed = 1.5 }) end)
    raises("bad argument #2 to 'run'", function() run(f, "virtual") end)
    raises("bad argument #2 to 'run'", function() run(f, { "virtual" }) end)
    raises("bad argument #1 to 'run'", function() run() end)
    raises("bad argument #1 to 'run'", function() run({}) end)
  end)
end

function spec.test_it_is_refused_inside_of_a_task()
  raises("cannot call 'run' here", function() ml.run(print) end)
  local wrapped = coroutine.wrap(ml.run)
  lu.assertStrContains(select(2, pcall(wrapped, print)),
    "cannot call 'run' here")
  outside(function()
    local message = ml.run(function()
      return select(2, pcall(ml.run, print))
    end)
    lu.assertStrContains(message, "cannot call 'run' here")
  end)
end

function spec.test_a_deadlock_raises_edeadlk()
  local result = child.run(function()
    local ok, err = pcall(ml.run, function()
      ml.sleep(math.huge)
    end)
    print(ok, err.code, err.op)
  end, { stock = true })
  lu.assertEquals(result.out, "false\tEDEADLK\trun\n")
  lu.assertStrContains(result.err, "task 1 can never go on")
end

function spec.test_failures_of_others_are_reported_and_the_function_counts()
  local result = child.run(function()
    print(ml.run(function()
      ml.new(error, "boom", 0)
      ml.yield()
      return "fine"
    end))
  end, { stock = true })
  lu.assertEquals(result.out, "fine\n")
  lu.assertStrContains(result.err, "task 2 failed: boom")
  lu.assertEquals(result.status, 0)
end

function spec.test_what_it_raises_is_not_reported_besides()
  outside(function()
    lu.assertFalse((pcall(ml.run, function()
      ml.new(ml.sleep, 10) -- longer than a failure waits to be taken
      ml.yield()
      error "boom"
    end, { clock = "virtual" })))
  end)
end

function spec.test_when_the_function_dies_the_others_are_cancelled()
  outside(function()
    local log = {}
    lu.assertFalse((pcall(ml.run, function()
      ml.new(function()
        local _ <close> = closing(log, "closed", function(err)
          table.insert(log, err.code)
          ml.sleep(1)
          table.insert(log, "cleaned up")
        end)
        ml.sleep(math.huge)
      end)
      ml.yield()
      error "boom"
    end, { clock = "virtual" })))
    lu.assertEquals(log, { "closed", "ECANCELED", "cleaned up" })
  end)
end

function spec.test_a_function_that_is_killed_or_cancelled_raises_ecanceled()
  outside(function()
    for _, how in ipairs { "kill", "cancel" } do
      local ok, err = pcall(ml.run, function()
        local me = ml.self()
        ml.new(function()
          me[how](me)
        end)
        ml.sleep(1000)
      end)
      lu.assertFalse(ok)
      lu.assertEquals(err.code, "ECANCELED")
    end
  end)
end

function spec.test_a_handle_outlives_its_loop()
  outside(function()
    local done, failed = ml.run(function()
      local f = ml.spawn(error, "boom", 0)
      f:wait()
      return ml.spawn(function()
        return "x", nil
      end), f
    end)
    lu.assertEquals(done:status(), "done")
    lu.assertEquals(failed:status(), "failed")
    ml.run(function()
      lu.assertEquals(table.pack(done:wait()), { n = 3, true, "x", nil })
      lu.assertEquals(select(2, failed:wait()).value, "boom")
      lu.assertEquals(select(2, done:kill()).code, "ESRCH")
    end)
  end)
end

function spec.test_a_generator_lives_on_from_one_run_to_the_next()
  outside(function()
    local generate = coroutine.wrap(function()
      for i = 1, 3 do
        ml.sleep(0)
        coroutine.yield(i)
      end
    end)
    for i = 1, 3 do
      lu.assertEquals(ml.run(generate), i)
    end
  end)
end

function spec.test_hundreds_of_runs_leave_no_descriptor()
  outside(function()
    local lfs = require "lfs"
    local function count()
      local n = 0
      for _ in lfs.dir("/proc/self/fd") do
        n = n + 1
      end
      return n
    end
    lu.skipIf(lfs.attributes("/proc/self/fd", "mode") ~= "directory", "/proc")
    local before
    for i = 1, 300 do
      before = i == 2 and count() or before
      pcall(ml.run, function()
        ml.new(type, 1)
        local file <close> = assert(io.open("/dev/null"))
        ml.wait_io_read(file)
        if i % 3 == 0 then
          error "x"
        end
      end, { poller = i % 2 == 0 and "select" or "sim" })
    end
    lu.assertEquals(count(), before)
  end)
end

-- C4.2: a handle is the box of an outcome, whichever loop it was of.
function spec.test_a_task_of_an_earlier_run_keeps_its_outcome()
  local result = child.run(function()
    local failed, slow
    pcall(ml.run, function()
      failed = ml.spawn(error, "x", 0)
      slow = ml.spawn(ml.sleep, 1000)
      ml.yield()
      error "the run ends here"
    end)
    ml.run(function()
      for task, code in pairs { [failed] = "EFAILED", [slow] = "ECANCELED" } do
        lu.assertEquals(select(2, task:wait()).code, code)
        lu.assertFalse((pcall(task.join, task)))
        lu.assertEquals(select(2, ml.kill(task)).code, "ESRCH")
      end
    end)
    print "all told"
  end, { stock = true })
  lu.assertStrContains(result.err, "task 2 failed: x")
  lu.assertEquals({ result.status, result.out }, { 0, "all told\n" })
end

-- C5.7: a mutex is of the task that locked it, not of its number.
function spec.test_a_lock_of_an_earlier_run_is_nobodys()
  outside(function()
    local mutex = ml.mutex()
    ml.run(function()
      mutex:lock()
    end)
    ml.run(function()
      local ok, message = pcall(mutex.unlock, mutex)
      lu.assertFalse(ok)
      lu.assertStrContains(message, "cannot unlock the mutex")
    end)
    getmetatable(mutex).__close(mutex)
  end)
end

-- C2.5: what needs a task says so where there is none.
function spec.test_outside_of_tasks_each_call_names_itself()
  outside(function()
    local core = require "miniloop.core"
    local mutex = ml.mutex()
    for name, call in pairs {
      tasks = core.tasks, traceback = core.traceback, check = core.check,
      locals = ml.locals, kill = function() ml.kill(1) end,
      spawn = function() ml.spawn(print) end,
      new = function() ml.new(print) end,
      signals = function() ml.signals "USR1" end,
      unlock = function() mutex:unlock() end,
      sleep = function() ml.sleep(0) end,
    } do
      local ok, message = pcall(call)
      lu.assertFalse(ok, name)
      lu.assertStrContains(tostring(message), "not inside a task")
    end
  end)
end

return spec
