-- The statuses that a run ends with (C8.4), and what is reported then (C4.4,
-- C4.5, C4.6). os.exit has a file of its own, and so have signals.

local lu = require "luaunit"
local command = require "spec.support.command"

local run, expect = command.run, command.expect

local function eval(chunk, ...)
  local words = { ... }
  table.move({ "--virtual-time", "-l", "ml=miniloop", "-e", chunk }, 1, 5,
    #words + 1, words)
  return run(words)
end

local spec = {}

function spec.test_0_when_all_is_well()
  expect(eval "ml.spawn(ml.sleep, 1)", 0, "", "")
end

function spec.test_0_when_somebody_took_the_failure()
  expect(eval "print(ml.wait(ml.spawn(error, 'x', 0)))", 0, nil, "")
end

-- C4.4: a failure that nobody takes.

function spec.test_1_when_nobody_took_a_failure()
  local result = eval [[
    ml.new(function() error "x" end)
    ml.sleep(1)
    print "goes on"
  ]]
  expect(result, 1, "goes on\n")
  lu.assertStrMatches(result.err, ".*miniloop: task 2 failed: .*:1: x\n.*")
  lu.assertStrContains(result.err, "stack traceback:")
  lu.assertStrContains(result.err, "spawned at:\n    (command line):1")
end

-- C4.5: the script dies.

function spec.test_1_when_the_script_dies_and_the_others_are_cancelled()
  local result = eval [[
    ml.spawn(function()
      local ok, err = pcall(ml.sleep, 1000)
      print(ok, err.code, ml.now())
    end)
    ml.sleep(1)
    error "x"
  ]]
  expect(result, 1, "false\tECANCELED\t1.0\n")
  lu.assertStrContains(result.err, "miniloop: task 1 failed: (command line):6: "
    .. "x\n  stack traceback:\n")
end

function spec.test_the_run_goes_on_when_the_script_returns()
  expect(eval "ml.spawn(function() ml.sleep(10) print(ml.now()) end)", 0,
    "10.0\n", "")
end

function spec.test_an_error_value_without_a_text_is_reported()
  local result = eval "error {}"
  expect(result, 1, "")
  lu.assertStrContains(result.err, "miniloop: task 1 failed: table: 0x")
  result = eval "error(setmetatable({}, { __tostring = error }))"
  expect(result, 1, "")
  lu.assertStrContains(result.err, "an error value of type table that has no "
    .. "text")
  result = eval "error()"
  expect(result, 1, "")
  lu.assertStrContains(result.err, "miniloop: task 1 failed: nil\n")
end

-- C8.4: what cannot be loaded.

function spec.test_2_when_the_script_is_missing()
  expect(run { "/nosuch/script.lua" }, 2, "",
    "miniloop: cannot open /nosuch/script.lua: No such file or directory\n")
end

function spec.test_2_when_the_script_is_a_directory()
  local result = run { "/" }
  expect(result, 2, "")
  lu.assertStrContains(result.err, "miniloop: cannot read /")
end

function spec.test_2_when_a_part_has_a_syntax_error()
  expect(run { "-e", "x x" }, 2, "",
    "miniloop: (command line):1: syntax error near 'x'\n")
  local result = run({ "-" }, { stdin = "\nx x" })
  expect(result, 2, "", "miniloop: stdin:2: syntax error near 'x'\n")
  command.with_file("x x", function(path)
    expect(run { path }, 2, "",
      ("miniloop: %s:1: syntax error near 'x'\n"):format(path))
  end)
end

function spec.test_what_cannot_be_loaded_ends_the_run()
  local result = run { "-l", "ml=miniloop", "-e", [[
    ml.spawn(function()
      local ok, err = pcall(ml.sleep, 1000)
      print(err.reason)
    end)
    ml.sleep(0)
  ]], "-e", "x x", "-e", "print 'never'" }
  expect(result, 2, "the script could not be loaded\n",
    "miniloop: (command line):1: syntax error near 'x'\n")
end

function spec.test_1_when_a_module_of_l_cannot_be_loaded()
  local result = run { "-l", "nosuch" }
  expect(result, 1, "")
  lu.assertStrContains(result.err, "module 'nosuch' not found")
end

-- C4.6: deadlock.

function spec.test_13_when_nothing_can_wake_the_tasks()
  local result = eval [[
    local kid = ml.spawn(function() ml.sleep(math.huge) end)
    kid.name = "kid"
    ml.sleep(1)
    ml.wait(kid)
  ]]
  expect(result, 13, "")
  lu.assertStrContains(result.err, "miniloop: task 1 can never go on: it waits "
    .. "in wait for task 2\n  stack traceback:\n")
  lu.assertStrContains(result.err, "miniloop: task 2 (kid) can never go on: it "
    .. "waits in sleep for ever\n")
  lu.assertStrContains(result.err, "  spawned at:\n    (command line):1\n")
end

function spec.test_13_beats_1()
  local result = eval "ml.new(error, 'x') ml.sleep(math.huge)"
  expect(result, 13, "")
  lu.assertStrContains(result.err, "task 2 failed")
end

function spec.test_the_time_limit_is_nothing_that_can_wake()
  expect(eval("ml.sleep(math.huge)", "--timeout=1000"), 13, "")
  expect(run { "--timeout=1000", "-l", "ml=miniloop", "-e",
    "ml.sleep(math.huge)" }, 13, "")
end

function spec.test_a_loop_for_ever_has_no_deadlock()
  expect(eval("ml.sleep(math.huge)", "--forever", "--timeout=10"), 124, "", "")
end

-- C8.4: the time limit.

function spec.test_124_when_the_time_is_over()
  expect(eval([[
    local ok, err = pcall(ml.sleep, 1000)
    print(ok, err.code, err.reason, ml.now())
  ]], "--timeout=10"), 124, "false\tECANCELED\ttimeout\t10.0\n", "")
end

function spec.test_124_in_real_time()
  expect(run { "--timeout=0.05", "-l", "ml=miniloop", "-e", [[
    local start = ml.now()
    local ok, err = pcall(ml.sleep, 1000)
    print(err.reason, ml.now() - start < 0.5)
  ]] }, 124, "timeout\ttrue\n", "")
end

function spec.test_124_for_a_task_that_computes()
  expect(run { "--timeout=0.02", "-e", [[
    local _ <close> = setmetatable({}, { __close = function()
      print "closed"
    end })
    while true do end
  ]] }, 124, "closed\n", "")
end

function spec.test_a_time_limit_that_is_not_reached_is_nothing()
  expect(run { "--timeout=1000", "-e", "print 'done'" }, 0, "done\n", "")
  expect(run { "--timeout=inf", "-e", "print 'done'" }, 0, "done\n", "")
  expect(eval("print 'done'", "--timeout=1000"), 0, "done\n", "")
end

function spec.test_an_exit_during_the_clean_up_beats_124()
  expect(eval([[
    pcall(ml.sleep, 1000)
    os.exit(3)
  ]], "--timeout=10"), 3, "", "")
end

function spec.test_2_beats_13()
  expect(eval "x x", 2, "")
end

return spec
