-- C5.10 and C3.signal: signals as something to wait for.

local child = require "spec.support.child"
local lu = require "luaunit"
local ml = require "miniloop"
local raises = require "spec.support.raises"

local spec = {}

-- Begins to send the signal to the process that calls. (os.execute would
-- ignore SIGINT meanwhile.)
local function send(name)
  local stat <close> = assert(io.open("/proc/self/stat"))
  local pid = stat:read("a"):match("%d+")
  return assert(io.popen(("kill -%s %s"):format(name, pid)))
end

-- The same, and it has arrived when this returns.
local function raise(name)
  send(name):close()
end

local function skip_without_proc()
  local stat = io.open("/proc/self/stat")
  lu.skipIf(not stat, "no /proc to read the own process id from")
  stat:close()
end

spec.before_each = skip_without_proc

-- C5.10
function spec.test_signals_are_caught_until_closed()
  local result = child.run(function()
    do
      local s <close> = ml.signals("USR1", "USR2")
      raise "USR1"
      lu.assertEquals(s:wait(), "USR1")
      raise "USR2"
      lu.assertEquals(s:wait(), "USR2")
    end
    print("closed")
    raise "USR1"
    print("not reached")
  end)
  lu.assertEquals({ result.out, result.err }, { "closed\n", "" })
  lu.assertTrue(result.signal ~= nil or result.status > 128)
end

-- C5.10: one that nobody has any more is closed.
function spec.test_a_catcher_that_is_collected_catches_no_more()
  local result = child.run(function()
    ml.signals("USR1")
    collectgarbage()
    collectgarbage()
    raise "USR1"
    print("not reached")
  end)
  lu.assertEquals({ result.out, result.err }, { "", "" })
  lu.assertTrue(result.signal ~= nil or result.status > 128)
end

function spec.test_a_task_that_waits_is_woken()
  child.passes(function()
    local s <close> = ml.signals("USR1")
    local task = ml.spawn(s.wait, s)
    ml.yield()
    raise "USR1"
    lu.assertEquals({ task:wait(10) }, { true, "USR1" })
  end)
end

function spec.test_who_waits_for_another_signal_is_not_woken()
  child.passes(function()
    local hup, usr1 = ml.signals("HUP"), ml.signals("USR1")
    local task = ml.spawn(hup.wait, hup)
    ml.yield()
    raise "USR1"
    lu.assertEquals(usr1:wait(10), "USR1")
    ml.yield()
    lu.assertEquals(task:status(), "waiting")
    task:cancel()
  end)
end

-- C5.10: what came for one that is closed is nothing to the next.
function spec.test_a_signal_of_an_earlier_catcher_is_not_told_again()
  child.passes(function()
    local earlier = ml.signals("USR1")
    raise "USR1"
    earlier:close()
    local s <close> = ml.signals("USR1")
    lu.assertEquals(select(2, s:wait(0.01)).code, "ETIMEDOUT")
  end)
end

-- C5.10: until the last of those who want it is closed.
function spec.test_a_signal_is_caught_by_each_who_wants_it()
  child.passes(function()
    local first, second = ml.signals("USR1", "USR2"), ml.signals("USR1")
    raise "USR1"
    lu.assertEquals({ first:wait(10), second:wait(10) }, { "USR1", "USR1" })
    first:close()
    raise "USR1"
    lu.assertEquals(second:wait(10), "USR1")
    second:close()
  end)
end

function spec.test_at_least_one_of_each_is_kept()
  child.passes(function()
    local s <close> = ml.signals("USR1", "USR2", "HUP")
    for _ = 1, 3 do
      raise "USR2"
      raise "HUP"
      raise "USR1"
    end
    local seen = {}
    for _ = 1, 3 do
      seen[s:wait()] = true
      raise "CONT" -- not caught, and no harm
    end
    lu.assertEquals(seen, { USR1 = true, USR2 = true, HUP = true })
  end)
end

function spec.test_one_of_each_is_kept_from_round_to_round()
  child.passes(function()
    local s <close> = ml.signals("USR1", "USR2")
    raise "USR2"
    ml.sleep(0.001) -- the loop has taken note of it
    raise "USR1"
    ml.sleep(0.001)
    local seen = { s:wait(10), s:wait(10) }
    table.sort(seen)
    lu.assertEquals(seen, { "USR1", "USR2" })
  end)
end

function spec.test_names_gives_them_one_by_one()
  child.passes(function()
    local s <close> = ml.signals("USR1", "USR2")
    local seen = {}
    raise "USR1"
    for name in s:names() do
      table.insert(seen, name)
      if #seen == 3 then
        break
      end
      raise(name == "USR1" and "USR2" or "USR1")
    end
    lu.assertEquals(seen, { "USR1", "USR2", "USR1" })
  end)
end

function spec.test_a_wait_for_a_signal_times_out() -- C2.7
  child.in_virtual_time(function()
    local s <close> = ml.signals("USR1")
    local name, err = s:wait(2)
    lu.assertNil(name)
    lu.assertEquals({ err.code, ml.now() }, { "ETIMEDOUT", 2.0 })
    lu.assertNil((s:wait(0)))
  end)
end

function spec.test_a_wait_of_a_closed_catcher_is_ebadf()
  local s = ml.signals("USR1")
  local task = ml.spawn(s.wait, s)
  ml.yield()
  lu.assertTrue(s:close())
  lu.assertEquals(select(3, task:wait()).code, "EBADF")
  lu.assertEquals(select(2, s:wait()).code, "EBADF")
  lu.assertTrue(s:close())
  for _ in s:names() do
    lu.fail("not reached")
  end
end

function spec.test_a_wait_for_a_signal_is_cancelled_and_killed()
  for _, ending in ipairs { "kill", "cancel" } do
    local s <close> = ml.signals("USR1")
    local task = ml.spawn(s.wait, s)
    ml.yield()
    task[ending](task)
    lu.assertEquals(select(2, task:wait()).code, "ECANCELED")
  end
end

function spec.test_a_caught_sigint_is_the_scripts()
  child.passes(function()
    local s <close> = ml.signals("INT", "TERM")
    raise "INT"
    raise "TERM"
    local seen = { s:wait(), s:wait() }
    table.sort(seen)
    lu.assertEquals(seen, { "INT", "TERM" })
    ml.sleep(0)
  end)
end

function spec.test_a_wait_for_a_signal_is_no_deadlock()
  child.passes(function()
    local s <close> = ml.signals("USR1")
    -- By the time that the shell is up, nothing is left to do but to wait.
    local shell <close> = send "USR1"
    lu.assertEquals(s:wait(), "USR1")
    lu.assertNotNil(shell)
  end)
end

function spec.test_the_misuse_of_signals_is_told()
  raises("did you mean 'USR1'?", function() ml.signals("SIGUSR1") end)
  raises("did you mean 'TERM'?", function() ml.signals("term") end)
  raises("bad argument #1 to 'signals'", function() ml.signals() end)
  raises("bad argument #2 to 'signals'", function() ml.signals("HUP", 1) end)
  raises("unknown signal", function() return syscall.signal("KILL") end)
end

-- ------------------------------------------------------------ syscall.signal

-- C3.signal
function spec.test_the_system_call_answers_the_name_of_the_signal()
  child.passes(function()
    local task = ml.spawn(function()
      return coroutine.yield(syscall.signal("USR1", "HUP"))
    end)
    ml.yield()
    raise "HUP"
    lu.assertEquals({ task:wait(10) }, { true, "HUP" })
  end)
end

-- C6.3
function spec.test_a_signal_wins_a_choice()
  child.passes(function()
    local task = ml.spawn(ml.any, { syscall.sleep(60),
      syscall.signal("USR1", "USR2") })
    ml.yield()
    raise "USR2"
    lu.assertEquals({ task:wait(10) }, { true, 2, "USR2" })
  end)
end

function spec.test_between_two_calls_one_of_each_is_kept()
  child.passes(function()
    local request = syscall.signal("USR1", "USR2")
    local seen = {}
    local function note()
      seen[coroutine.yield(request)] = true
    end
    ml.any { request, syscall.sleep(0) } -- it has asked: they are caught
    raise "USR1"
    raise "USR2"
    raise "USR1"
    note()
    note()
    lu.assertEquals(seen, { USR1 = true, USR2 = true })
  end)
end

function spec.test_its_names_stay_caught_until_the_task_ends()
  local result = child.run(function()
    ml.spawn(function()
      ml.any { syscall.signal("USR1"), syscall.sleep(0) }
      raise "USR1"
      print("caught")
    end):wait()
    raise "USR1"
    print("not reached")
  end)
  lu.assertEquals(result.out, "caught\n")
  lu.assertTrue(result.signal ~= nil or result.status > 128)
end

function spec.test_every_catcher_gets_the_signal()
  child.passes(function()
    local a <close> = ml.signals("USR1")
    local c <close> = ml.signals("USR1", "USR2")
    raise "USR1"
    lu.assertEquals({ a:wait(10), c:wait(10) }, { "USR1", "USR1" })
  end)
end

function spec.test_a_catcher_gets_no_other_signal()
  child.passes(function()
    local a <close> = ml.signals("USR1")
    local b <close> = ml.signals("USR2")
    raise "USR2"
    lu.assertEquals(b:wait(10), "USR2")
    local _, err = a:wait(0)
    lu.assertEquals(err.code, "ETIMEDOUT")
  end)
end

return spec
