-- C8.5: SIGINT, SIGTERM and SIGQUIT.

local lu = require "luaunit"
local command = require "spec.support.command"

local SIGINT, SIGTERM = 2, 15

-- `closing(name [, f])` prints the name, and calls f, when it is closed. The
-- child says "ready" when it may be signalled.
local prelude = [[
  local ml = require "miniloop"
  local function closing(name, f)
    return setmetatable({}, { __close = function()
      if f then
        f()
      end
      print(name)
    end })
  end
  local function ready()
    print "ready"
  end
]]

-- Starts a chunk with the options given, and waits until it is ready.
local function start(chunk, ...)
  local words = { ... }
  words[#words + 1] = "-e"
  words[#words + 1] = prelude:gsub("\n", " ") .. chunk
  local process = command.start(words)
  local line = process:line()
  if line ~= "ready" then
    error(process:finish().err)
  end
  return process
end

-- Sends the signals and gives the result.
local function interrupted(process, ...)
  local _ <close> = process
  for _, signal in ipairs { ... } do
    process:kill(signal)
  end
  return process:finish()
end

local function expect(result, signal, out, err)
  local told = ("\n%s\n%s"):format(result.out, result.err)
  lu.assertEquals(result.signal or "status " .. result.status, signal, told)
  lu.assertEquals(result.out, out, told)
  if err then
    lu.assertEquals(result.err, err, told)
  end
end

local spec = {}

-- ---------------------------------------------------------- cancel, and die

local sleeper = [[
  local _ <close> = closing("outer", function() ml.sleep(0.01) end)
  ml.spawn(function()
    local ok, err = pcall(ml.sleep, 1000)
    print(err.code, err.reason)
  end)
  ml.spawn(ready)
  ml.sleep(1000)
]]

function spec.test_SIGINT_cancels_cleans_up_and_ends_by_the_signal()
  expect(interrupted(start(sleeper), "INT"), SIGINT,
    "ECANCELED\tinterrupted\nouter\n", "")
end

function spec.test_SIGTERM_cancels_cleans_up_and_ends_by_the_signal()
  expect(interrupted(start(sleeper), "TERM"), SIGTERM,
    "ECANCELED\tterminated\nouter\n", "")
end

function spec.test_a_loop_that_waits_for_ever_is_woken()
  expect(interrupted(start("ready()", "--forever"), "INT"), SIGINT, "", "")
  expect(interrupted(start(
    "local _ <close> = closing 'closed' ready() ml.sleep(math.huge)",
    "--forever"), "TERM"), SIGTERM, "closed\n", "")
end

function spec.test_a_virtual_clock_is_no_hindrance()
  expect(interrupted(start(
    "local _ <close> = closing 'closed' ready() ml.sleep(math.huge)",
    "--forever", "--virtual-time"), "TERM"), SIGTERM, "closed\n", "")
end

function spec.test_what_is_left_after_the_grace_time_is_killed()
  local result = interrupted(start([[
    local _ <close> = closing("outer")
    local _ <close> = closing("inner", function() ml.sleep(1000) end)
    ready()
    ml.sleep(1000)
  ]], "--grace=0.05"), "INT")
  expect(result, SIGINT, "outer\n", "")
end

function spec.test_finalizers_run_before_the_end()
  expect(interrupted(start [[
    setmetatable({}, { __gc = function() print "gc" end })
    ready()
    ml.sleep(1000)
  ]], "INT"), SIGINT, "gc\n", "")
end

function spec.test_a_failure_in_clean_up_is_reported()
  local result = interrupted(start [[
    local _ <close> = closing("closed", function() error "oops" end)
    ready()
    ml.sleep(1000)
  ]], "INT")
  expect(result, SIGINT, "")
  lu.assertStrContains(result.err, "miniloop: task 1 failed")
  lu.assertStrContains(result.err, "oops")
end

-- ------------------------------------------------------------- a second one

-- Its clean-up says so, and takes for ever.
local slow = [[
  local _ <close> = closing("closed", function()
    print "cleaning up"
    ml.sleep(1000)
  end)
  ready()
  ml.sleep(1000)
]]

local function twice(first, second)
  local process <close> = start(slow)
  process:kill(first)
  lu.assertEquals(process:line(), "cleaning up")
  process:kill(second)
  return process:finish()
end

function spec.test_a_second_signal_ends_it_at_once()
  expect(twice("INT", "INT"), SIGINT, "", "")
  expect(twice("INT", "TERM"), SIGTERM, "", "")
  expect(twice("TERM", "INT"), SIGINT, "", "")
end

-- ------------------------------------------------------- a task that computes

function spec.test_a_task_that_computes_is_cancelled()
  expect(interrupted(start [[
    local _ <close> = closing("closed")
    ready()
    local ok, err = pcall(function()
      local _ <close> = closing("inner")
      while true do end
    end)
    print(ok, err.code, err.reason)
    ml.sleep(0.01)
    print("clean-up may block")
  ]], "INT"), SIGINT,
    "inner\nfalse\tECANCELED\tinterrupted\nclean-up may block\nclosed\n", "")
end

-- By the clock of the processor: what a busy machine takes does not count.
function spec.test_a_task_that_computes_is_cancelled_within_100_ms()
  local process <close> = start [[
    ready()
    local from
    pcall(function()
      os.execute("kill -TERM $PPID")
      from = os.clock()
      while true do end
    end)
    local spent = os.clock() - from
    print(spent < 0.1 or spent)
  ]]
  expect(process:finish(), SIGTERM, "true\n", "")
end

-- What gives way soon is told at its next call, not in the midst of its work,
-- also while others keep the loop from telling it.
function spec.test_tasks_that_compute_for_a_moment_are_not_interrupted()
  local process <close> = start [[
    ready()
    local did = 0
    for i = 1, 1000 do
      ml.spawn(function()
        if i == 1 then
          os.execute("kill -TERM $PPID")
        end
        local stop = os.clock() + 0.0002
        while os.clock() < stop do end
        did = did + 1
      end)
    end
    pcall(ml.sleep, 1000)
    print(did)
  ]]
  expect(process:finish(), SIGTERM, "1000\n", "")
end

function spec.test_all_tasks_that_compute_are_cancelled()
  expect(interrupted(start [[
    for name = 1, 3 do
      ml.spawn(function()
        local _ <close> = closing(name)
        if name == 1 then
          ready()
        end
        while true do end
      end)
    end
  ]], "TERM"), SIGTERM, "1\n2\n3\n", "")
end

function spec.test_a_task_that_computes_after_a_close_is_cancelled()
  expect(interrupted(start [[
    local _ <close> = closing("closed")
    coroutine.close(coroutine.create(print))
    ready()
    while true do end
  ]], "INT"), SIGINT, "closed\n", "")
end

function spec.test_a_generator_that_computes_is_cancelled()
  expect(interrupted(start [[
    local _ <close> = closing("task")
    ready()
    coroutine.wrap(function()
      local _ <close> = closing("generator")
      while true do end
    end)()
  ]], "INT"), SIGINT, "generator\ntask\n", "")
end

function spec.test_clean_up_of_a_coroutine_that_computes_is_cancelled()
  expect(interrupted(start [[
    local _ <close> = closing("closed")
    local co = coroutine.create(function()
      local _ <close> = closing("not reached", function()
        ready()
        while true do end
      end)
      coroutine.yield()
    end)
    coroutine.resume(co)
    local ok, err = coroutine.close(co)
    print(ok, err.code)
  ]], "INT"), SIGINT, "false\tECANCELED\nclosed\n", "")
end

function spec.test_a_comparator_that_computes_is_cancelled()
  expect(interrupted(start [[
    local _ <close> = closing("task")
    ready()
    table.sort({ 3, 2, 1 }, function()
      while true do end
    end)
  ]], "INT"), SIGINT, "task\n", "")
end

function spec.test_clean_up_that_computes_has_the_grace_time()
  expect(interrupted(start([[
    local _ <close> = closing("closed", function()
      local stop = os.clock() + 0.15
      while os.clock() < stop do end
    end)
    ready()
    while true do end
  ]], "--grace=20"), "INT"), SIGINT, "closed\n", "")
end

-- Each of these catches every error that it gets, and computes on.

local function killed_at_last(chunk, out)
  local result = interrupted(start([[
    local _ <close> = closing("closed")
    ml.spawn(function()
      local _ <close> = closing("other")
      ml.sleep(1000)
    end)
    local function spin()
      while true do end
    end
    ml.sleep(0)
    ready()
  ]] .. chunk, "--grace=0.1"), "INT")
  expect(result, SIGINT, out or "closed\nother\n", "")
end

function spec.test_a_loop_of_pcall_is_killed_after_the_grace_time()
  killed_at_last "while true do pcall(spin) end"
end

function spec.test_a_loop_of_coroutines_is_killed_after_the_grace_time()
  killed_at_last "while true do coroutine.resume(coroutine.create(spin)) end"
end

function spec.test_a_comparator_of_pcall_is_killed_after_the_grace_time()
  killed_at_last [[
    while true do
      pcall(table.sort, { 3, 2, 1 }, function()
        while true do pcall(spin) end
      end)
    end
  ]]
end

function spec.test_what_cannot_be_killed_ends_with_the_process()
  -- Nothing of Lua's can be closed then.
  killed_at_last([[
    setmetatable({}, { __gc = spin })
    collectgarbage()
  ]], "")
  killed_at_last("local _ = (('a'):rep(60)):find(('a-'):rep(60) .. 'b')", "")
end

function spec.test_a_timeout_ends_what_cannot_be_killed_too()
  local result = command.run { "--timeout=0.01", "--grace=0", "-e",
    "(('a'):rep(60)):find(('a-'):rep(60) .. 'b')" }
  command.expect(result, 124, "", "")
end

-- ------------------------------------------------------- where it may come

function spec.test_a_read_that_blocks_the_process_is_broken_off()
  local path = os.tmpname()
  local process <close> = command.start({ "-e", [[
    print "ready"
    print(io.read())
    require "miniloop".sleep(1000)
  ]] }, {
    shell = ("rm %s; mkfifo %s; exec 3<>%s; rm %s"):gsub("%%s", path),
    input = "<&3",
  })
  lu.assertEquals(process:line(), "ready")
  os.execute("sleep 0.1") -- until it reads
  expect(interrupted(process, "INT"), SIGINT,
    "nil\tInterrupted system call\t4\n", "")
end

function spec.test_a_look_up_of_a_name_is_cancelled()
  local process <close> = start([[
    local net = require "miniloop.net"
    ml.spawn(ready)
    net.connect("miniloop-spec.invalid:80")
    ml.sleep(1000)
  ]], "--grace=1")
  expect(interrupted(process, "INT"), SIGINT, "", "")
end

function spec.test_an_exit_in_clean_up_beats_the_signal()
  local result = interrupted(start [[
    local _ <close> = closing("closed", function() os.exit(5) end)
    ready()
    ml.sleep(1000)
  ]], "TERM")
  command.expect(result, 5, "", "")
end

function spec.test_a_signal_that_was_ignored_stays_ignored()
  local process <close> = command.start({ "-e", [[
    print "ready"
    require "miniloop".sleep(0.1)
    print "undisturbed"
  ]] }, { ignored = "INT" })
  lu.assertEquals(process:line(), "ready")
  command.expect(interrupted(process, "INT"), 0, "undisturbed\n", "")
end

function spec.test_children_start_with_signals_as_ever()
  local process <close> = start [[
    local child = io.popen("kill -TERM $$; echo not killed")
    ready()
    print(child:read("a"), select(2, child:close()))
  ]]
  command.expect(process:finish(), 0, "\tsignal\t15\n", "")
end

-- ------------------------------------------------------------------ SIGQUIT

-- Waits until the child has written to standard error what ends so.
local function wait_for(process, text)
  for _ = 1, 500 do
    local file <close> = io.open(process.err)
    if file:read("a"):find(text, 1, true) then
      return
    end
    os.execute("sleep 0.01")
  end
end

function spec.test_SIGQUIT_prints_all_tasks_and_goes_on()
  local process <close> = start [[
    local task = ml.spawn(function()
      local nap = coroutine.wrap(function() ml.sleep(1000) end)
      nap()
    end)
    task.name = "napper"
    ml.spawn(ready)
    ml.wait(task)
  ]]
  process:kill("QUIT")
  wait_for(process, "spawned at:\n")
  local result = interrupted(process, "TERM")
  lu.assertEquals(result.signal, SIGTERM) -- so it went on
  for _, text in ipairs {
    "miniloop: task 1: waiting in wait for task 2\n  stack traceback:\n",
    "    [C]: in function 'miniloop.wait'\n",
    "miniloop: task 2 (napper): waiting in sleep\n",
    "    [C]: in function 'miniloop.sleep'\n",
    "  spawned at:\n    (command line):1",
  } do
    lu.assertStrContains(result.err, text)
  end
end

function spec.test_SIGQUIT_shows_a_task_that_computes()
  local process <close> = start [[
    ml.spawn(ml.sleep, 1000)
    local function spin()
      ready()
      while true do end
    end
    spin()
  ]]
  process:kill("QUIT")
  wait_for(process, "task 2: ready")
  local err = interrupted(process, "TERM").err
  lu.assertStrContains(err, "miniloop: task 1: running\n")
  lu.assertStrContains(err, "in local 'spin'")
  lu.assertStrContains(err, "miniloop: task 2: ready\n")
end

function spec.test_SIGQUIT_leaves_the_hook_of_a_script_alone()
  local process <close> = start [[
    local lines = 0
    debug.sethook(function() lines = lines + 1 end, "l")
    ready()
    local stop = os.clock() + 0.1
    while os.clock() < stop do
    end
    local before = lines
    while lines == before do
    end
    print("hooked", debug.gethook() ~= nil)
  ]]
  process:kill("QUIT")
  local result = process:finish()
  command.expect(result, 0, "hooked\ttrue\n")
  lu.assertStrContains(result.err, "miniloop: task 1: running\n")
end

function spec.test_SIGQUIT_says_when_no_task_is_left()
  local process <close> = start("ready()", "--forever")
  os.execute("sleep 0.05") -- until task 1 has ended
  process:kill("QUIT")
  wait_for(process, "no task is left\n")
  expect(interrupted(process, "TERM"), SIGTERM, "",
    "miniloop: no task is left\n")
end

-- Clean-up after a kill cannot be cancelled, and is not broken off.
function spec.test_a_task_that_closes_after_a_kill_is_left_alone()
  local process = start [[
    local task = ml.spawn(function()
      local _ <close> = closing("closed", function()
        ready()
        local stop = ml.now() + 0.25
        while ml.now() < stop do end
      end)
      ml.sleep(1000)
    end)
    ml.yield()
    task:kill()
    ml.sleep(1000)
  ]]
  expect(interrupted(process, "INT"), SIGINT, "closed\n")
end

-- On a virtual clock the limit may pass while a signal is on its way.
function spec.test_the_signal_counts_that_came_during_a_timeout()
  local process = start([[
    local _ <close> = closing("closed", function()
      ready()
      local stop = os.clock() + 0.25
      while os.clock() < stop do end
    end)
    ml.sleep(1000)
  ]], "--virtual-time", "--timeout=5")
  expect(interrupted(process, "TERM"), SIGTERM, "closed\n")
end

return spec
