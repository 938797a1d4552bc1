-- C5.3: what a group does when a task in it fails, and how that is reported.

local child = require "spec.support.child"
local closing = require "spec.support.closing"
local lu = require "luaunit"
local ml = require "miniloop"

local spec = {}

local function forever()
  ml.sleep(math.huge)
end

function spec.test_a_members_error_is_raised_from_the_group_unchanged()
  for _, value in ipairs { "text", 42, false, {}, print } do
    local ok, err = pcall(ml.group, function(g)
      g:spawn(error, value, 0)
    end)
    lu.assertFalse(ok)
    lu.assertTrue(rawequal(err, value))
  end
end

function spec.test_an_error_without_a_value_fails_the_group_too()
  local ok, err = pcall(ml.group, function(g)
    g:spawn(error)
  end)
  lu.assertFalse(ok)
  lu.assertNil(err)
end

function spec.test_a_failure_cancels_the_other_members_and_the_block()
  local log = {}
  local ok, err = pcall(ml.group, function(g)
    local _ <close> = closing(log, "block", function(e)
      table.insert(log, e.code)
      lu.assertStrContains(tostring(e), "a task of its group failed")
    end)
    g:spawn(function()
      local _ <close> = closing(log, "other", function(e)
        table.insert(log, e.code)
      end)
      forever()
    end)
    g:spawn(function()
      ml.yield()
      error("boom", 0)
    end)
    forever()
  end)
  lu.assertEquals({ ok, err }, { false, "boom" })
  table.sort(log)
  lu.assertEquals(log, { "ECANCELED", "ECANCELED", "block", "other" })
end

function spec.test_the_group_waits_for_the_clean_up_of_who_it_cancelled()
  child.in_virtual_time(function()
    local ok, err = pcall(ml.group, function(g)
      g:spawn(function()
        pcall(ml.sleep, math.huge)
        ml.sleep(3)
      end)
      g:spawn(error, "boom", 0)
    end)
    lu.assertEquals({ ok, err }, { false, "boom" })
    lu.assertEquals(ml.now(), 3.0)
  end)
end

function spec.test_the_first_failure_counts_and_all_are_listed()
  local group, first, second
  local ok, err = pcall(ml.group, function(g)
    group = g
    lu.assertEquals(g:failures(), {})
    second = g:spawn(function()
      local _ <close> = closing({}, "x", function()
        error("second", 0)
      end)
      forever()
    end)
    first = g:spawn(function()
      ml.yield()
      local function deep() error("first", 0) end
      deep()
    end)
  end)
  lu.assertEquals({ ok, err }, { false, "first" })
  local failures = group:failures()
  lu.assertEquals(#failures, 2)
  lu.assertIs(failures[1].task, first)
  lu.assertEquals(failures[1].value, "first")
  lu.assertStrContains(failures[1].traceback, "in local 'deep'")
  lu.assertStrMatches(failures[1].spawned, ".*group_failure_spec%.lua:%d+.*")
  lu.assertIs(failures[2].task, second)
  lu.assertEquals(failures[2].value, "second")
end

function spec.test_a_failure_that_its_group_took_is_not_reported()
  child.passes(function()
    local ok = pcall(ml.group, function(g)
      g:spawn(error, "taken", 0)
    end)
    lu.assertFalse(ok)
    ml.sleep(5)
  end, { virtual = true })
end

function spec.test_a_failure_of_a_group_that_nobody_takes_is_reported()
  local result = child.run(function()
    ml.group(function(g)
      g:spawn(error, "untaken", 0)
    end)
  end)
  lu.assertStrContains(result.err, "untaken")
  lu.assertEquals(result.status, 1)
end

-- C4.4
function spec.test_the_report_names_who_failed_and_the_siblings_that_did()
  local result = child.run(function()
    ml.group(function(g)
      g:spawn(function()
        ml.sleep(1)
        error("first", 0)
      end).name = "one"
      for i = 1, 12 do
        g:spawn(function()
          local _ <close> = setmetatable({}, { __close = function()
            error("clean-up " .. i, 0)
          end })
          ml.sleep(10)
        end)
      end
    end)
  end, { virtual = true })
  lu.assertEquals(result.status, 1)
  local place = "[^\n]*group_failure_spec%.lua:%d+"
  lu.assertStrMatches(result.err, "miniloop: task 1 failed: first\n.*"
    .. "  raised by task 2 %(one%) of its group, spawned at " .. place .. ":\n"
    .. "    %[C%]: in function 'error'\n.*"
    .. "  task 3 of its group, spawned at " .. place
    .. ", failed, too: clean%-up 1\n    %[C%]: in function 'error'\n.*"
    .. "  and 3 more of its group failed, too\n")
  lu.assertEquals(select(2, result.err:gsub(", failed, too: ", "")), 9)
  lu.assertNotStrContains(result.err, "[C]: in ?\n")
end

function spec.test_the_report_goes_down_through_nested_groups()
  local task = ml.spawn(function()
    ml.group(function(outer)
      outer:spawn(function()
        ml.group(function(inner)
          inner:spawn(error, "deep", 0)
        end)
      end)
      local _ <close> = setmetatable({}, { __close = function()
        ml.yield()
      end })
      forever()
    end)
  end)
  local _, err = task:wait()
  local id = err.task
  lu.assertEquals(err.value, "deep")
  lu.assertStrMatches(err.traceback, (".*\nraised by task %d of .*"
    .. "\nraised by task %d of .*"):format(id + 1, id + 2))
end

function spec.test_the_report_of_deeply_nested_groups_has_an_end()
  local function fail(n)
    if n == 0 then
      error("bottom", 0)
    end
    ml.group(function(g)
      g:spawn(fail, n - 1)
    end)
  end
  local _, err = ml.spawn(fail, 1000):wait()
  lu.assertEquals(err.value, "bottom")
  lu.assertStrContains(err.traceback, "raised by task")
  lu.assertTrue(#err.traceback > 7000 and #err.traceback < 10000)
  lu.assertEquals(err.traceback:sub(-5), "\n\t...")
end

function spec.test_an_error_that_is_not_the_groups_is_not_blamed_on_it()
  local task = ml.spawn(function()
    pcall(ml.group, function(g)
      g:spawn(error, "caught", 0)
    end)
    error("another", 0)
  end)
  lu.assertNotStrContains(select(2, task:wait()).traceback, "raised by")
end

function spec.test_siblings_are_named_when_the_block_itself_fails()
  local task = ml.spawn(function()
    ml.group(function(g)
      g:spawn(function()
        pcall(forever)
        error("later", 0)
      end)
      ml.yield()
      error("of the block", 0)
    end)
  end)
  local err = select(2, task:wait())
  lu.assertEquals(err.value, "of the block")
  lu.assertStrContains(err.traceback, ", failed, too: later")
end

function spec.test_an_error_of_the_block_cancels_the_members_and_is_raised()
  local log = {}
  local ok, err = pcall(ml.group, function(g)
    g:spawn(function()
      local _ <close> = closing(log, "member", function(e)
        table.insert(log, e.reason)
      end)
      forever()
    end)
    ml.yield()
    error("of the block", 0)
  end)
  lu.assertEquals({ ok, err }, { false, "of the block" })
  lu.assertEquals(log, { "member", "the block failed" })
end

function spec.test_an_error_of_the_block_comes_before_those_of_clean_up()
  local group
  local ok, err = pcall(ml.group, function(g)
    group = g
    g:spawn(function()
      local _ <close> = closing({}, "x", function()
        error("later", 0)
      end)
      forever()
    end)
    ml.yield()
    error("of the block", 0)
  end)
  lu.assertEquals({ ok, err }, { false, "of the block" })
  lu.assertEquals(group:failures()[1].value, "later")
end

function spec.test_a_members_error_comes_before_the_blocks_in_clean_up()
  local ok, err = pcall(ml.group, function(g)
    g:spawn(error, "first", 0)
    local _ <close> = closing({}, "x", function()
      error("of the block", 0)
    end)
    forever()
  end)
  lu.assertEquals({ ok, err }, { false, "first" })
end

function spec.test_to_return_nil_and_an_error_is_not_to_fail()
  local task
  lu.assertEquals(ml.group(function(g)
    task = g:spawn(function()
      return nil, "an error"
    end)
    return "fine"
  end), "fine")
  lu.assertEquals(table.pack(task:wait()), { n = 3, true, nil, "an error" })
end

function spec.test_a_member_that_is_killed_or_cancelled_does_not_fail_it()
  for _, ending in ipairs { "kill", "cancel" } do
    local other
    lu.assertEquals(ml.group(function(g)
      local member = g:spawn(forever)
      other = g:spawn(function()
        ml.yield()
        ml.yield()
        return "went on"
      end)
      ml.yield()
      lu.assertTrue(member[ending](member))
      lu.assertEquals(select(2, member:wait()).code, "ECANCELED")
      return "fine"
    end), "fine")
    lu.assertEquals({ other:wait() }, { true, "went on" })
  end
end

function spec.test_a_member_that_lets_anothers_cancellation_go_fails_it()
  local ok, err = pcall(ml.group, function(g)
    local member = g:spawn(forever)
    g:spawn(member.join, member)
    ml.yield()
    member:kill()
  end)
  lu.assertFalse(ok)
  lu.assertEquals(err.code, "ECANCELED")
end

function spec.test_a_failure_goes_up_through_nested_groups()
  local log = {}
  local value = {}
  local ok, err = pcall(ml.group, function(outer)
    outer:spawn(function()
      local _ <close> = closing(log, "bystander")
      forever()
    end)
    outer:spawn(function()
      ml.group(function(inner)
        inner:spawn(function()
          ml.yield()
          error(value)
        end)
        forever()
      end)
    end)
  end)
  lu.assertFalse(ok)
  lu.assertIs(err, value)
  lu.assertEquals(log, { "bystander" })
end

function spec.test_a_failure_that_is_caught_at_the_inner_group_stays_there()
  lu.assertEquals(ml.group(function(outer)
    outer:spawn(function()
      local ok = pcall(ml.group, function(inner)
        inner:spawn(error, "x", 0)
        forever()
      end)
      lu.assertFalse(ok)
      ml.yield()
    end)
    return "fine"
  end), "fine")
end

-- C5.4: the first line of its traceback is longer than the room for all of it.
function spec.test_a_sibling_with_an_endless_traceback_is_cut_short()
  local result = child.run(function()
    local name = ("x"):rep(10000)
    local fail = assert(load(("local %s = function() return nil + 1 end\n"
      .. "%s()\nreturn 1"):format(name, name)))
    ml.group(function(group)
      group:spawn(function()
        pcall(ml.sleep, 1000)
        fail()
      end)
      ml.yield()
      group:spawn(error, "the first", 0)
    end)
  end)
  lu.assertEquals(result.status, 1)
  lu.assertStrContains(result.err, "task 1 failed: the first")
  lu.assertStrContains(result.err, "task 2 of its group")
  lu.assertStrContains(result.err, "...")
end

-- No line of a script is running where it is spawned.
function spec.test_a_member_from_nowhere_is_named_without_a_place()
  local result = child.run(function()
    ml.group(function(group)
      coroutine.wrap(group.spawn)(group, error, "x", 0)
    end)
  end)
  lu.assertEquals(result.status, 1)
  lu.assertStrContains(result.err, "task 2 of its group")
  lu.assertNotStrContains(result.err, "task 2 of its group, spawned at")
end

-- Frames that say nothing are left out, but not where there is no other.
function spec.test_a_member_that_is_a_c_function_is_told_of()
  local task = ml.spawn(ml.group, function(g)
    g:spawn(coroutine.wrap(error))
    ml.sleep(math.huge)
  end)
  local _, err = task:wait()
  lu.assertStrMatches(err.traceback,
    ".*\nraised by task %d+ of its group, spawned at [^\n]*:\n\t%[C%]: in %?")
end

-- The owner had ignored an error, too, and both may be why.
function spec.test_a_report_has_all_that_there_is_to_tell()
  local task = ml.spawn(function()
    local nothing = ml.wait(0)
    ml.group(function(g)
      g:spawn(function()
        return nothing.field
      end)
    end)
  end)
  local _, err = task:wait()
  lu.assertStrMatches(err.traceback, ".*\nraised by task %d+ of its group,.*"
    .. "\nthe last call of this task that failed gave it nil .*%(EPERM%)")
end

function spec.test_a_line_that_is_too_long_is_left_out_whole()
  local name = ("x"):rep(9000)
  local fail = load(("local function %s() local n = 1 + {} end "
    .. "return function() %s() return 1 end"):format(name, name))()
  local task = ml.spawn(ml.group, function(g)
    g:spawn(fail)
    ml.sleep(math.huge)
  end)
  local _, err = task:wait()
  lu.assertNotStrContains(err.traceback, "\n\n")
  lu.assertNotStrContains(err.traceback, "xxx")
  lu.assertStrContains(err.traceback, "\n\t...")
end

return spec
