-- C5.6, beyond spec/core/cancel_spec.lua: blocks, ml.try, the grace.

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

-- -------------------------------------------------------------------- ml.try

-- C5.6
function spec.test_try_is_a_pcall()
  lu.assertEquals(table.pack(ml.try(function(...) return ... end, 1, nil)),
    { n = 3, true, 1, nil })
  lu.assertEquals(table.pack(ml.try(error, "x", 0)), { n = 2, false, "x" })
  lu.assertEquals(table.pack(ml.try(error)), { n = 2, false, nil })
  lu.assertFalse((ml.try(ml.sleep, "1")))
  raises("bad argument #1 to 'try'", function() ml.try() end)
end

function spec.test_try_lets_the_running_tasks_cancellation_through()
  local log = {}
  local task = blocked_in(function()
    local _ <close> = closing(log, "task")
    ml.try(ml.try, ml.sleep, math.huge)
    table.insert(log, "not reached")
  end)
  task:cancel("why")
  lu.assertEquals(select(2, task:wait()).reason, "why")
  lu.assertEquals(log, { "task" })
end

function spec.test_try_lets_a_blocks_cancellation_through()
  child.in_virtual_time(function()
    local log = {}
    ml.timeout(1, function()
      ml.try(ml.sleep, math.huge)
      table.insert(log, "not reached")
    end)
    ml.group(function(g)
      g:cancel()
      ml.try(ml.sleep, 0)
      table.insert(log, "not reached")
    end)
    lu.assertEquals(log, {})
  end)
end

function spec.test_try_catches_an_ecanceled_from_elsewhere()
  local other = blocked_in(ml.sleep, math.huge)
  other:kill()
  local ok, err = ml.try(other.join, other)
  lu.assertFalse(ok)
  lu.assertEquals(err.code, "ECANCELED")
end

-- ----------------------------------------------------- the order of the blocks

function spec.test_of_a_block_and_the_task_around_it_the_task_counts()
  local reached = false
  local task = ml.spawn(function()
    ml.group(function(g)
      g:cancel("inner")
      ml.self():cancel("outer")
      ml.sleep(0)
    end)
    reached = true
  end)
  lu.assertEquals(select(2, task:wait()).reason, "outer")
  lu.assertFalse(reached)
end

-- C5.5, C5.6
function spec.test_of_two_blocks_that_are_due_together_the_outer_counts()
  local log = {}
  lu.assertEquals(select(2, ml.group(function(outer)
    ml.group(function(inner)
      inner:cancel("inner")
      outer:cancel("outer")
      local _ <close> = closing(log, "inner", function(err)
        table.insert(log, err.reason)
      end)
      ml.sleep(0)
    end)
    table.insert(log, "not reached")
  end)).reason, "outer")
  lu.assertEquals(log, { "inner", "outer" })
end

function spec.test_the_outer_one_is_raised_after_the_inner_was_delivered()
  local log = {}
  local task = ml.spawn(function()
    ml.group(function(g)
      g:cancel("inner")
      local _, err = pcall(ml.sleep, 0)
      table.insert(log, err.reason)
      ml.self():cancel("outer")
      _, err = pcall(ml.sleep, 0)
      table.insert(log, err.reason)
      lu.assertTrue((pcall(ml.sleep, 0))) -- each is delivered once
    end)
  end)
  task:wait()
  lu.assertEquals(log, { "inner", "outer" })
end

-- -------------------------------------------------- before, during, meanwhile

function spec.test_a_member_cancelled_before_it_runs_never_runs()
  local ran = false
  local member, late
  lu.assertNil((ml.group(function(g)
    member = g:spawn(function() ran = true end)
    g:cancel("too early")
    late = g:spawn(function() ran = true end)
  end)))
  lu.assertEquals(member:status(), "cancelled")
  lu.assertEquals(select(2, member:wait()).reason, "too early")
  lu.assertEquals(select(2, late:wait()).reason, "too early")
  lu.assertFalse(ran)
end

-- C5.3
function spec.test_the_reason_of_a_cancel_is_that_of_all_it_reaches()
  local reasons = {}
  local reason = { "any value" }
  local function member()
    local _, err = pcall(ml.sleep, math.huge)
    table.insert(reasons, err.reason)
    error(err, 0)
  end
  local inner, outer
  local _, err = ml.group(function(g)
    outer = g:spawn(function()
      ml.group(function(h)
        inner = h:spawn(member)
      end)
    end)
    g:spawn(member)
    for _ = 1, 3 do
      ml.yield()
    end
    g:cancel(reason)
  end)
  lu.assertIs(err.reason, reason)
  lu.assertEquals(#reasons, 2)
  lu.assertIs(reasons[1], reason)
  lu.assertIs(reasons[2], reason)
  collectgarbage()
  lu.assertIs(select(2, inner:wait()).reason, reason)
  lu.assertIs(select(2, outer:wait()).reason, reason)
end

function spec.test_a_cancel_without_a_reason_says_whose_it_was()
  local err
  ml.group(function(g)
    g:spawn(function()
      err = select(2, pcall(ml.sleep, math.huge))
    end)
    ml.yield()
    g:cancel()
  end)
  lu.assertEquals(err.reason, "its group was cancelled")
end

function spec.test_a_cancel_during_clean_up_changes_nothing()
  local log = {}
  local task = blocked_in(function()
    local _ <close> = closing(log, "closing", function(err)
      ml.sleep(0)
      ml.sleep(0)
      table.insert(log, err.reason)
    end)
    ml.sleep(math.huge)
  end)
  task:cancel("first")
  ml.yield()
  lu.assertTrue(task:cancel("second"))
  lu.assertEquals(select(2, task:wait()).reason, "first")
  lu.assertEquals(log, { "closing", "first" })
end

function spec.test_a_task_that_waits_for_a_cancelled_one_is_cancelled_alone()
  local log = {}
  local inner = blocked_in(function()
    local _ <close> = closing(log, "inner", function() ml.sleep(0) end)
    ml.sleep(math.huge)
  end)
  local outer = blocked_in(function()
    local _ <close> = closing(log, "outer")
    inner:join()
  end)
  inner:cancel("inner's")
  outer:cancel("outer's")
  lu.assertEquals(select(2, outer:wait()).reason, "outer's")
  lu.assertEquals(outer:status(), "cancelled")
  lu.assertEquals(select(2, inner:wait()).reason, "inner's")
  table.sort(log)
  lu.assertEquals(log, { "inner", "outer" })
end

function spec.test_a_cancel_that_races_with_an_answer_comes_after_it()
  local channel, mutex = ml.channel(), ml.mutex()
  local semaphore, event = ml.semaphore(0), ml.event()
  local signal = ml.event()
  local done = blocked_in(signal.wait, signal)
  mutex:lock()
  local cases = {
    { wait = function() return channel:recv() end,
      answer = function() channel:send("x") end },
    { wait = function() return mutex:lock() end,
      answer = function() mutex:unlock() end },
    { wait = function() return semaphore:acquire() end,
      answer = function() semaphore:release() end },
    { wait = function() return event:wait() end,
      answer = function() event:set() end },
    { wait = function() return (ml.any { syscall.recv(channel) }) end,
      answer = function() channel:send("y") end },
    { wait = function() return done:wait() end,
      answer = function()
        signal:set()
        ml.yield()
      end },
  }
  for _, case in ipairs(cases) do
    local log = {}
    local task = blocked_in(function()
      table.insert(log, case.wait() and "answered")
      table.insert(log, select(2, pcall(ml.sleep, 0)).code)
    end)
    case.answer()
    task:cancel()
    task:wait()
    lu.assertEquals(log, { "answered", "ECANCELED" })
  end
end

function spec.test_a_cancel_before_the_answer_comes_first()
  local channel = ml.channel(1)
  local log = {}
  local task = blocked_in(function()
    table.insert(log, select(2, pcall(channel.recv, channel)).code)
    table.insert(log, channel:recv())
  end)
  task:cancel()
  channel:send("not lost")
  task:wait()
  lu.assertEquals(log, { "ECANCELED", "not lost" })
end

-- ----------------------------------------------------------------- the grace

-- Cancels a group whose member blocks for ever again and again; gives when
-- the calls in progress were ended, and when the group ended.
local function cut_off(grace)
  local cuts = {}
  ml.group(function(g)
    g:spawn(function()
      pcall(ml.sleep, math.huge)
      while true do
        pcall(ml.sleep, math.huge)
        table.insert(cuts, ml.now())
        if #cuts > 3 then
          return
        end
      end
    end)
    ml.yield()
    g:cancel("why", grace and { grace = grace })
  end)
  return cuts
end

function spec.test_the_grace_is_five_seconds_unless_set()
  child.in_virtual_time(function()
    lu.assertEquals(cut_off(), { 5.0, 5.0, 5.0, 5.0 })
  end)
end

function spec.test_a_cancel_may_set_the_grace()
  child.in_virtual_time(function()
    lu.assertEquals(cut_off(1), { 1.0, 1.0, 1.0, 1.0 })
  end)
  child.in_virtual_time(function()
    lu.assertEquals(cut_off(30), { 30.0, 30.0, 30.0, 30.0 })
  end)
end

function spec.test_the_command_may_set_the_grace_and_a_cancel_another()
  child.passes(function()
    lu.assertEquals(cut_off()[1], 2.0)
    local before = ml.now()
    lu.assertEquals(cut_off(1)[1], before + 1)
  end, { virtual = true, options = "--grace=2" })
end

function spec.test_the_shortest_grace_that_was_asked_for_counts()
  child.in_virtual_time(function()
    local log = {}
    ml.group(function(g)
      g:spawn(function()
        pcall(ml.sleep, math.huge)
        pcall(ml.sleep, math.huge)
        table.insert(log, ml.now())
      end)
      ml.yield()
      g:cancel("first", { grace = 4 })
      ml.shield(ml.sleep, 0.5)
      g:cancel("longer", { grace = 100 })
      g:cancel("shorter", { grace = 1 })
    end)
    lu.assertEquals(log, { 1.5 }) -- a second from when it was asked for
  end)
end

function spec.test_a_longer_grace_that_is_asked_for_later_changes_nothing()
  child.in_virtual_time(function()
    local log = {}
    ml.group(function(g)
      g:spawn(function()
        pcall(ml.sleep, math.huge)
        pcall(ml.sleep, math.huge)
        table.insert(log, ml.now())
      end)
      ml.yield()
      g:cancel("first", { grace = 1 })
      g:cancel("second", { grace = 100 })
      pcall(ml.sleep, math.huge) -- the block's own grace, too
      pcall(ml.sleep, math.huge)
      table.insert(log, ml.now())
    end)
    lu.assertEquals(log, { 1.0, 1.0 })
  end)
end

function spec.test_a_shorter_grace_never_lengthens_the_time()
  child.in_virtual_time(function()
    local log = {}
    ml.group(function(g)
      g:spawn(function()
        ml.group(function(inner) -- the members of members hear of it, too
          inner:spawn(function()
            pcall(ml.sleep, math.huge)
            pcall(ml.sleep, math.huge)
            table.insert(log, ml.now())
          end)
        end)
      end)
      ml.yield()
      ml.yield()
      g:cancel("first", { grace = 4 })
      ml.shield(ml.sleep, 3.5)
      g:cancel("second", { grace = 3 })
    end)
    lu.assertEquals(log, { 4.0 })
  end)
end

function spec.test_a_shorter_grace_reaches_the_members_of_members()
  child.in_virtual_time(function()
    local log = {}
    ml.group(function(g)
      g:spawn(ml.group, function(inner)
        inner:spawn(function()
          pcall(ml.sleep, math.huge)
          pcall(ml.sleep, math.huge)
          table.insert(log, ml.now())
        end)
      end)
      ml.yield()
      ml.yield()
      g:cancel("first", { grace = 4 })
      ml.shield(ml.sleep, 0.5)
      g:cancel("second", { grace = 1 })
    end)
    lu.assertEquals(log, { 1.5 })
  end)
end

function spec.test_the_grace_is_one_for_all_of_the_clean_up()
  child.in_virtual_time(function()
    local log = {}
    local task = blocked_in(function()
      for i = 3, 1, -1 do
        log[i] = closing({}, "x", function()
          local ok = pcall(ml.sleep, 2)
          log[i] = { ok, ml.now() }
        end)
      end
      local _ <close> = log[3]
      local _ <close> = log[2]
      local _ <close> = log[1]
      ml.sleep(math.huge)
    end)
    task:cancel()
    task:wait()
    lu.assertEquals(log, { { true, 2.0 }, { true, 4.0 }, { false, 5.0 } })
  end)
end

function spec.test_a_blocks_grace_ends_with_the_block()
  child.in_virtual_time(function()
    ml.timeout(1, function()
      pcall(ml.sleep, math.huge)
      ml.sleep(1)
    end)
    lu.assertTrue((pcall(ml.sleep, 100)))
  end)
end

function spec.test_after_the_grace_a_block_raises_at_each_call_and_lives()
  child.in_virtual_time(function()
    local codes = {}
    ml.timeout(1, function()
      for i = 1, 50 do
        codes[i] = select(2, pcall(ml.sleep, math.huge)).code
      end
    end)
    lu.assertEquals(#codes, 50)
    lu.assertEquals(codes[50], "ECANCELED")
    lu.assertEquals(ml.now(), 6.0)
    lu.assertTrue((pcall(ml.sleep, 100)))
  end)
end

function spec.test_a_group_made_in_clean_up_ends_with_the_grace()
  child.in_virtual_time(function()
    local log = {}
    ml.timeout(1, function()
      pcall(ml.sleep, math.huge)
      ml.group(function(g)
        g:spawn(function()
          ml.sleep(2) -- within the grace it works
          table.insert(log, ml.now())
          local _ <close> = closing(log, "member", function()
            table.insert(log, ml.now())
          end)
          ml.sleep(math.huge)
        end)
      end)
    end)
    lu.assertEquals(log, { 3.0, "member", 6.0 })
  end)
end

function spec.test_a_member_that_will_not_end_is_killed_in_the_end()
  -- On the real clock: one that is always ready holds the virtual one up.
  child.passes(function()
    local log = {}
    local start = ml.now()
    ml.group(function(g)
      g:spawn(function()
        local _ <close> = closing(log, "killed")
        while true do
          pcall(ml.sleep, math.huge)
        end
      end)
      ml.yield()
      g:cancel("why", { grace = 0.02 })
    end)
    lu.assertEquals(log, { "killed" })
    lu.assertTrue(ml.now() - start >= 0.04)
  end)
end

function spec.test_a_member_that_shields_itself_is_not_delivered_to()
  child.in_virtual_time(function()
    ml.group(function(g)
      g:spawn(ml.shield, ml.sleep, 100)
      ml.yield()
      g:cancel("why", { grace = 1 })
    end)
    lu.assertEquals(ml.now(), 100.0)
  end)
end

return spec
