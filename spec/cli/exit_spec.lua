-- C8.4: os.exit, from wherever it is called.

local lu = require "luaunit"
local command = require "spec.support.command"

local run, expect = command.run, command.expect

-- `closing(name [, f])` prints the name, and calls f, when it is closed;
-- `napper(name)` spawns a task that holds one and sleeps.
local prelude = [[
  local ml = require "miniloop"
  local function closing(name, f)
    return setmetatable({}, { __close = function()
      print(name)
      if f then
        f()
      end
    end })
  end
  local function napper(name, f)
    return ml.spawn(function()
      local _ <close> = closing(name, f)
      ml.sleep(1000)
    end)
  end
]]

local function eval(chunk)
  return run { "-e", prelude:gsub("\n", " ") .. chunk }
end

local spec = {}

function spec.test_the_status_is_what_lua_makes_of_the_argument()
  for argument, status in pairs { [""] = 0, ["true"] = 0, ["false"] = 1,
    ["7"] = 7, ["7.0"] = 7, ["'7'"] = 7, ["nil"] = 0 } do
    expect(eval(("os.exit(%s)"):format(argument)), status, "", "")
  end
end

function spec.test_a_bad_argument_raises_at_the_caller()
  expect(eval "print(pcall(function() os.exit({}) end))", 0,
    "false\t(command line):1: bad argument #1 to 'exit' (number expected, got "
    .. "table)\n", "")
end

function spec.test_it_closes_the_callers_variables_then_those_of_the_others()
  expect(eval [[
    for name = 2, 4 do napper(name) end
    local _ <close> = closing("outer")
    ml.sleep(0)
    local _ <close> = closing("inner")
    os.exit(3)
  ]], 3, "inner\nouter\n4\n3\n2\n", "")
end

-- C3.6 holds here, too.
function spec.test_kills_that_its_handlers_ask_for_follow_in_their_order()
  expect(eval [[
    local a, b = napper("a"), napper("b")
    napper("asks", function() a:kill() b:kill() end)
    ml.sleep(0)
    os.exit(0)
  ]], 0, "asks\na\nb\n", "")
end

function spec.test_it_may_be_called_by_any_task()
  expect(eval [[
    local _ <close> = closing("main")
    napper("sleeper")
    ml.spawn(function()
      local _ <close> = closing("caller")
      os.exit(4)
    end)
    ml.spawn(print, "never")
    ml.sleep(1000)
  ]], 4, "caller\nsleeper\nmain\n", "")
end

function spec.test_it_is_seen_by_no_pcall_and_nothing_runs_after_it()
  expect(eval [[
    napper("sleeper")
    ml.spawn(print, "never")
    pcall(function()
      local _ <close> = closing("caller")
      os.exit(5)
    end)
    print "never"
  ]], 5, "caller\n", "")
end

function spec.test_it_closes_coroutines_that_the_caller_is_inside_of()
  expect(eval [[
    local _ <close> = closing("task")
    coroutine.wrap(function()
      local _ <close> = closing("outer")
      coroutine.wrap(function()
        local _ <close> = closing("inner")
        os.exit(6)
      end)()
    end)()
  ]], 6, "inner\nouter\ntask\n", "")
end

function spec.test_handlers_cannot_suspend()
  local result = eval [[
    local _ <close> = closing("second")
    local _ <close> = closing("first", function() ml.sleep(1) end)
    os.exit(7)
  ]]
  expect(result, 7, "first\nsecond\n")
  lu.assertStrContains(result.err, "task 1, while it was being closed")
  lu.assertStrContains(result.err, "cannot call 'sleep' here")
end

function spec.test_an_exit_inside_a_handler_changes_the_status_only()
  expect(eval [[
    napper("other", function() os.exit(9) print "goes on" end)
    ml.sleep(0)
    local _ <close> = closing("last")
    local _ <close> = closing("first", function() os.exit(8) end)
    os.exit(7)
  ]], 9, "first\nlast\nother\ngoes on\n", "")
end

function spec.test_a_handler_that_spawns_gets_no_task_run()
  expect(eval [[
    local _ <close> = closing("closed", function() ml.spawn(print, "never") end)
    os.exit(7)
  ]], 7, "closed\n", "")
end

function spec.test_an_exit_in_the_handler_of_a_kill_ends_the_run()
  expect(eval [[
    local victim = napper("victim", function() os.exit(11) end)
    napper("other")
    ml.sleep(0)
    local _ <close> = closing("killer")
    ml.kill(victim)
    print "never"
  ]], 11, "victim\nkiller\nother\n", "")
end

function spec.test_an_exit_in_clean_up_ends_the_run()
  expect(eval [[
    napper("other")
    local task = ml.spawn(function()
      local _ <close> = closing("second")
      local _ <close> = closing("first", function() ml.sleep(0) os.exit(12) end)
      ml.sleep(1000)
    end)
    ml.sleep(0)
    task:cancel()
    ml.sleep(1000)
  ]], 12, "first\nsecond\nother\n", "")
end

-- Where Lua cannot suspend the caller, the others are closed there.

function spec.test_in_a_comparator_the_others_are_closed()
  expect(eval [[
    napper("other")
    ml.sleep(0)
    local _ <close> = closing("never")
    table.sort({ 3, 2, 1 }, function() os.exit(13) end)
  ]], 13, "other\n", "")
end

function spec.test_in_a_finalizer_the_others_are_closed()
  expect(eval [[
    napper("other")
    ml.sleep(0)
    setmetatable({}, { __gc = function() os.exit(14) end })
    collectgarbage()
    print "never"
  ]], 14, "other\n", "")
end

function spec.test_in_a_finalizer_of_the_end_the_process_exits()
  expect(eval "setmetatable({}, { __gc = function() os.exit(15) end })", 15,
    "", "")
  expect(eval "setmetatable({}, { __gc = function() os.exit(15, true) end })",
    15, "", "")
end

-- The state, finalizers, and output that is still in buffers.

function spec.test_finalizers_run_only_if_the_state_is_to_be_closed()
  local chunk = "setmetatable({}, { __gc = function() print 'gc' end }) "
  expect(eval(chunk .. "os.exit(true)"), 0, "", "")
  expect(eval(chunk .. "os.exit(true, true)"), 0, "gc\n", "")
  expect(eval(chunk .. "os.exit(3, false)"), 3, "", "")
  -- The first call says so.
  expect(eval(chunk .. [[
    local _ <close> = closing("closed", function() os.exit(4, true) end)
    os.exit(3)
  ]]), 4, "closed\n", "")
  expect(eval(chunk .. [[
    local _ <close> = closing("closed", function() os.exit(4) end)
    os.exit(3, true)
  ]]), 4, "closed\ngc\n", "")
  expect(eval(chunk), 0, "gc\n", "")
end

function spec.test_what_was_written_is_flushed()
  expect(eval "io.write('in the buffer') os.exit(0)", 0, "in the buffer", "")
  expect(eval [[
    io.write('in the buffer')
    table.sort({ 1, 2 }, function() os.exit(0) end)
  ]], 0, "in the buffer", "")
end

function spec.test_a_loop_for_ever_ends()
  expect(run { "--forever", "-e", "os.exit(2)" }, 2, "", "")
end

-- os.exit beats the other statuses.

function spec.test_it_beats_an_untaken_failure()
  local result = eval [[
    ml.spawn(function() error "x" end)
    ml.sleep(0)
    os.exit(0)
  ]]
  expect(result, 0, "")
  lu.assertStrContains(result.err, "task 2 failed")
end

function spec.test_it_beats_a_deadlock()
  local result = eval [[
    local _ <close> = closing("closed", function() os.exit(16) end)
    ml.sleep(math.huge)
  ]]
  expect(result, 16, "closed\n")
  lu.assertStrContains(result.err, "task 1 can never go on")
end

function spec.test_it_beats_a_script_that_died()
  local result = eval [[
    ml.spawn(function()
      local _ <close> = closing("closed", function() os.exit(17) end)
      ml.sleep(1000)
    end)
    ml.sleep(0)
    error "x"
  ]]
  expect(result, 17, "closed\n")
end

-- A kill is under way then.
function spec.test_in_the_clean_up_of_a_task_that_is_killed()
  local result = eval [[
    local victim = napper("victim", function() os.exit(18) end)
    napper "other"
    ml.sleep(0)
    victim:kill()
    print "never"
  ]]
  expect(result, 18, "victim\nother\n", "")
end

-- No task is left then.
function spec.test_in_the_last_finalizer()
  local result = eval [[
    setmetatable({}, { __gc = function()
      print "collected"
      os.exit(19)
    end })
  ]]
  expect(result, 19, "collected\n", "")
end

return spec
