-- C5.5: ml.timeout bounds a call by a deadline, and blocks of it nest.

local child = require "spec.support.child"
local closing = require "spec.support.closing"
local fill = require "spec.support.fill"
local lu = require "luaunit"
local ml = require "miniloop"
local net = require "miniloop.net"
local raises = require "spec.support.raises"

local spec = {}

local function assert_timed_out(got)
  lu.assertEquals(got.n, 2)
  lu.assertNil(got[1])
  lu.assertEquals(got[2].code, "ETIMEDOUT")
  lu.assertEquals(got[2].op, "timeout")
end

-- C5.5
function spec.test_a_timeout_gives_the_results_of_what_it_calls()
  lu.assertEquals(table.pack(ml.timeout(10, function(...)
    ml.yield()
    return ...
  end, 1, nil, 3)), { n = 3, 1, nil, 3 })
  lu.assertEquals(select("#", ml.timeout(10, function() end)), 0)
  lu.assertEquals(table.pack(ml.timeout(10, function()
    return nil, "an error"
  end)), { n = 2, nil, "an error" })
end

function spec.test_a_timeout_lets_errors_through_unchanged()
  local value = {}
  local ok, err = pcall(ml.timeout, 10, error, value)
  lu.assertFalse(ok)
  lu.assertIs(err, value)
end

function spec.test_a_timeout_calls_in_the_same_task()
  local function self() return ml.self() end
  lu.assertIs(ml.timeout(10, self), ml.self())
end

function spec.test_when_time_is_up_it_gives_nil_and_etimedout()
  child.in_virtual_time(function()
    assert_timed_out(table.pack(ml.timeout(1.5, ml.sleep, 100)))
    lu.assertEquals(ml.now(), 1.5)
  end)
end

function spec.test_whatever_it_waits_for_is_cut_off()
  child.in_virtual_time(function()
    local event, channel, full = ml.event(), ml.channel(), ml.channel(1)
    local mutex, semaphore = ml.mutex(), ml.semaphore(0)
    local condition = ml.condition()
    full:send(1)
    ml.spawn(mutex.lock, mutex):wait()
    local task = ml.spawn(ml.sleep, math.huge)
    for _, wait in ipairs {
      function() ml.sleep(math.huge) end,
      function() event:wait() end,
      function() event:wait(100) end,
      function() channel:recv() end,
      function() channel:send(1) end,
      function() full:send(2) end,
      function() mutex:lock() end,
      function() semaphore:acquire() end,
      function() condition:wait() end,
      function() task:wait() end,
      function() task:join() end,
      function() ml.any { syscall.recv(channel), syscall.sleep(100) } end,
      function() ml.signals("USR1"):wait() end,
      function() ml.wait_io_read(0, 100) ml.sleep(math.huge) end,
      function() coroutine.yield(syscall.sleep(math.huge)) end,
      function() coroutine.wrap(ml.sleep)(math.huge) end,
      function() while true do ml.sleep(0.25) end end,
      function() ml.group(function(g) g:spawn(ml.sleep, 100) end) end,
      function() ml.shield(pcall, error) ml.sleep(math.huge) end,
    } do
      local start = ml.now()
      assert_timed_out(table.pack(ml.timeout(1, wait)))
      lu.assertEquals(ml.now() - start, 1.0)
    end
    lu.assertEquals(full:recv(), 1) -- nothing of it is left behind
    lu.assertEquals(#full, 0)
    task:kill()
  end)
end

-- C5.5
function spec.test_whatever_it_waits_for_in_the_network_is_cut_off()
  child.in_virtual_time(function()
    local near, far = net.pair()
    local listener <close> = assert(net.listen("127.0.0.1:0"))
    local udp <close> = assert(net.udp("127.0.0.1:0"))
    local server <close> = assert(net.serve("127.0.0.1:0", type))
    fill(near)
    for name, wait in pairs {
      recv = function() near:recv() end,
      read = function() near:read("l") end,
      lines = function() for _ in near:lines() do lu.fail("a line") end end,
      write = function() near:write("x") end,
      accept = function() listener:accept() end,
      recvfrom = function() udp:recvfrom() end,
      join = function() server:join() end,
      readable = function() ml.wait_io_read(near) end,
      writable = function() ml.wait_io_write(near) end,
    } do
      local start = ml.now()
      local got = table.pack(ml.timeout(1, wait))
      lu.assertEquals({ got.n, got[2] and got[2].code, ml.now() - start },
        { 2, "ETIMEDOUT", 1.0 }, name)
    end
    near:close()
    far:close()
  end)
end

function spec.test_inside_it_is_ecanceled_for_the_reason_timeout()
  child.in_virtual_time(function()
    local log = {}
    assert_timed_out(table.pack(ml.timeout(1, function()
      local _ <close> = closing(log, "closed", function(err)
        table.insert(log, err.code)
        table.insert(log, err.reason)
        ml.sleep(1) -- clean-up may block
      end)
      ml.sleep(math.huge)
    end)))
    lu.assertEquals(log, { "closed", "ECANCELED", "timeout" })
    lu.assertEquals(ml.now(), 2.0)
  end)
end

function spec.test_if_it_returns_all_the_same_its_results_count()
  child.in_virtual_time(function()
    lu.assertEquals({ ml.timeout(1, function()
      local ok, err = pcall(ml.sleep, math.huge)
      return ok, err.code
    end) }, { false, "ECANCELED" })
    lu.assertTrue((pcall(ml.sleep, 10))) -- nothing of it is left
  end)
end

function spec.test_an_error_in_its_clean_up_takes_its_place()
  child.in_virtual_time(function()
    local ok, err = pcall(ml.timeout, 1, function()
      local _ <close> = closing({}, "x", function() error("boom", 0) end)
      ml.sleep(math.huge)
    end)
    lu.assertEquals({ ok, err }, { false, "boom" })
  end)
end

function spec.test_caught_inside_and_raised_later_it_is_still_the_timeout()
  child.in_virtual_time(function()
    assert_timed_out(table.pack(ml.timeout(1, function()
      local _, err = pcall(ml.sleep, math.huge)
      ml.sleep(2)
      error(err)
    end)))
    lu.assertEquals(ml.now(), 3.0)
  end)
end

function spec.test_raised_again_outside_of_its_block_it_is_an_error()
  local result = child.run(function()
    local kept
    ml.timeout(1, function()
      kept = select(2, pcall(ml.sleep, math.huge))
    end)
    local task = ml.spawn(error, kept)
    local err = select(2, task:wait())
    lu.assertEquals(err.code, "EFAILED")
    lu.assertEquals(err.value.reason, "timeout")
    lu.assertIs(select(2, pcall(ml.timeout, 1, error, kept)), kept)
  end, { virtual = true })
  lu.assertEquals({ result.err, result.status }, { "", 0 })
end

function spec.test_of_nested_blocks_the_nearest_deadline_acts()
  child.in_virtual_time(function()
    local log = {}
    assert_timed_out(table.pack(ml.timeout(3, function()
      assert_timed_out(table.pack(ml.timeout(1, ml.sleep, 10)))
      table.insert(log, ml.now())
      assert_timed_out(table.pack(ml.timeout(1, ml.sleep, 10)))
      table.insert(log, ml.now())
      ml.timeout(100, ml.sleep, 10) -- the outer one's comes first
      table.insert(log, "not reached")
    end)))
    table.insert(log, ml.now())
    lu.assertEquals(log, { 1.0, 2.0, 3.0 })
  end)
end

function spec.test_the_outer_deadline_ends_the_outer_block_alone()
  child.in_virtual_time(function()
    local log = {}
    assert_timed_out(table.pack(ml.timeout(10, function()
      assert_timed_out(table.pack(ml.timeout(1, function()
        ml.timeout(5, function()
          local _ <close> = closing(log, "inner")
          ml.sleep(math.huge)
        end)
        table.insert(log, "not reached")
      end)))
      table.insert(log, ml.now())
      ml.sleep(math.huge)
    end)))
    lu.assertEquals(log, { "inner", 1.0 })
    lu.assertEquals(ml.now(), 10.0)
  end)
end

function spec.test_of_equal_deadlines_none_is_missed()
  child.in_virtual_time(function()
    assert_timed_out(table.pack(ml.timeout(1, function()
      ml.timeout(1, ml.sleep, 10)
      ml.sleep(10)
    end)))
    lu.assertEquals(ml.now(), 1.0)
  end)
end

function spec.test_a_timeout_of_zero_ends_at_the_first_wait()
  for _, seconds in ipairs { 0, -1, -math.huge } do
    local got = table.pack(ml.timeout(seconds, function()
      ml.sleep(0)
      ml.sleep(math.huge)
    end))
    assert_timed_out(got)
    lu.assertEquals(ml.timeout(seconds, tostring, 1), "1")
  end
end

function spec.test_a_huge_timeout_never_comes()
  child.in_virtual_time(function()
    for _, seconds in ipairs { math.huge, 1e300 } do
      lu.assertEquals(ml.timeout(seconds, function()
        ml.sleep(1e8)
        return "x"
      end), "x")
    end
  end)
end

function spec.test_what_is_ready_in_the_same_round_wins()
  child.in_virtual_time(function()
    lu.assertEquals(ml.timeout(1, function()
      local event = ml.event()
      ml.spawn(function()
        ml.sleep(0.5)
        event:set()
      end)
      event:wait()
      return "in time"
    end), "in time")
  end)
end

function spec.test_an_event_that_is_set_in_the_same_round_is_delivered_first()
  child.in_virtual_time(function()
    local event = ml.event()
    local log = {}
    ml.spawn(function()
      ml.sleep(1)
      event:set() -- the answer is made; the deadline acts on what comes after
    end)
    ml.yield()
    assert_timed_out(table.pack(ml.timeout(1.0, function()
      table.insert(log, event:wait())
      ml.sleep(5)
    end)))
    lu.assertTrue(#log <= 1)
    lu.assertEquals(ml.now(), 1.0)
  end)
end

function spec.test_a_block_that_ends_in_time_leaves_no_timer()
  child.in_virtual_time(function()
    for _ = 1, 1000 do
      ml.timeout(1000, ml.yield)
    end
  end)
  local result = child.run(function()
    ml.timeout(1000, ml.yield)
    ml.event():wait() -- found stuck at once: nothing can wake it
  end)
  lu.assertEquals(result.status, 13)
end

function spec.test_a_timeout_inside_a_member_is_its_own()
  child.in_virtual_time(function()
    lu.assertEquals(ml.group(function(g)
      g:spawn(function()
        assert_timed_out(table.pack(ml.timeout(1, ml.sleep, math.huge)))
      end)
      g:spawn(ml.sleep, 5)
      return "fine"
    end), "fine")
    lu.assertEquals(ml.now(), 5.0)
  end)
end

function spec.test_a_timeout_around_a_group_ends_its_members()
  child.in_virtual_time(function()
    local log = {}
    assert_timed_out(table.pack(ml.timeout(1, ml.group, function(g)
      for i = 1, 3 do
        g:spawn(function()
          local _ <close> = closing(log, i, function(err)
            table.insert(log, err.reason)
          end)
          ml.sleep(math.huge)
        end)
      end
    end)))
    lu.assertEquals(log, { 1, "timeout", 2, "timeout", 3, "timeout" })
  end)
end

function spec.test_who_joins_a_group_after_its_timeout_never_runs()
  child.in_virtual_time(function()
    local status
    assert_timed_out(table.pack(ml.timeout(1, ml.group, function(g)
      g:spawn(function()
        pcall(ml.sleep, math.huge)
        status = g:spawn(ml.sleep, math.huge):status()
      end)
    end)))
    lu.assertEquals(status, "cancelled")
    lu.assertEquals(ml.now(), 1.0)
  end)
end

function spec.test_a_timeout_around_a_generator_that_blocks()
  child.in_virtual_time(function()
    local log = {}
    local function numbers()
      local _ <close> = closing(log, "generator")
      for i = 1, math.huge do
        ml.sleep(0.4)
        coroutine.yield(i)
      end
    end
    assert_timed_out(table.pack(ml.timeout(1, function()
      for i in coroutine.wrap(numbers) do
        table.insert(log, i)
      end
    end)))
    lu.assertEquals(log, { 1, 2, "generator" })
  end)
end

function spec.test_a_kill_inside_a_timeout_is_a_kill()
  local log = {}
  local task = ml.spawn(ml.timeout, 100, function()
    local _ <close> = closing(log, "closed")
    pcall(ml.sleep, math.huge)
    table.insert(log, "not reached")
  end)
  ml.yield()
  task:kill()
  lu.assertEquals(log, { "closed" })
  lu.assertEquals(task:status(), "cancelled")
end

function spec.test_the_misuse_of_timeout_is_told()
  raises("bad argument #1 to 'timeout'", function() ml.timeout("1", print) end)
  raises("bad argument #1 to 'timeout'", function() ml.timeout() end)
  raises("a time cannot be NaN", function() ml.timeout(0 / 0, print) end)
  raises("bad argument #2 to 'timeout'", function() ml.timeout(1) end)
  lu.assertTrue((pcall(ml.yield)))
end

-- After so many it is told only now and then: it goes on nevertheless.
function spec.test_who_catches_it_many_times_gets_through()
  child.in_virtual_time(function()
    local told = 0
    local done = ml.timeout(1, function()
      for _ = 1, 300 do
        if not pcall(ml.sleep, math.huge) then
          told = told + 1
        end
      end
      return true
    end)
    lu.assertEquals({ done, told }, { true, 300 })
  end)
end

return spec
