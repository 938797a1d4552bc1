-- C6.3 and C3.any: a choice over everything that can be waited for.

local child = require "spec.support.child"
local closing = require "spec.support.closing"
local leftovers = require "spec.support.leftovers"
local lu = require "luaunit"
local ml = require "miniloop"
local pipe = require "spec.support.pipe"
local raises = require "spec.support.raises"

local spec = {}

-- A task that has run until it blocks in f(...).
local function blocked_in(f, ...)
  local task = ml.spawn(f, ...)
  ml.yield()
  lu.assertEquals(task:status(), "waiting")
  return task
end

-- ------------------------------------------------------------------ the arms

-- C3.any
function spec.test_it_answers_which_came_first_and_its_answers()
  child.in_virtual_time(function()
    local got = table.pack(coroutine.yield(syscall.any(syscall.sleep(5),
      syscall.sleep(1), syscall.sleep(3))))
    lu.assertEquals(got[1], 2)
    lu.assertEquals(math.type(got[2]), "integer") -- the sleep's own answers
    lu.assertEquals(got[3], 0.0)
    lu.assertEquals(got.n, 3)
    lu.assertEquals(ml.now(), 1.0)
  end)
end

-- C6.3
function spec.test_a_choice_of_one_is_that_one()
  local channel = ml.channel(1)
  channel:send("x")
  lu.assertEquals(table.pack(ml.any { syscall.recv(channel) }),
    { n = 2, 1, "x" })
  lu.assertEquals(table.pack(ml.any { syscall.id() }), { n = 2, 1, ml.id() })
end

-- Makes, for each kind of arm, a request that waits, what completes it, and
-- the answers that are expected then; the pipe, to be closed, and a function
-- that ends the tasks.
local function kinds()
  local pipes = pipe()
  local channel, empty, full = ml.channel(), ml.channel(), ml.channel(1)
  local mutex, semaphore, event = ml.mutex(), ml.semaphore(0), ml.event()
  full:send("first")
  local ending, unlocking = ml.event(), ml.event()
  local owner = blocked_in(function()
    local _ <close> = mutex:lock()
    unlocking:wait()
  end)
  local task = blocked_in(function()
    ending:wait()
    return "result"
  end)
  return {
    recv = { syscall.recv(channel), function() channel:send("x", 0) end, "x" },
    send = { syscall.send(empty, "y"), function()
      lu.assertEquals(empty:recv(0), "y")
    end, true },
    buffer = { syscall.send(full, "z"), function()
      lu.assertEquals(full:recv(0), "first")
      lu.assertEquals(full:recv(0), "z")
    end, true },
    mutex = { syscall.acquire(mutex), function() unlocking:set() end, mutex },
    semaphore = { syscall.acquire(semaphore), function()
      semaphore:release()
    end, semaphore },
    event = { syscall.wait(event), function() event:set() end, true },
    task = { syscall.wait(task), function() ending:set() end, true, "result" },
    read = { syscall.wait_io_read(pipes.reader), function()
      pipes.writer:write("x")
    end, true },
  }, pipes, function()
    task:kill()
    owner:kill()
  end
end

function spec.test_every_kind_of_request_can_win()
  for _, name in ipairs {
    "recv", "send", "buffer", "mutex", "semaphore", "event", "task", "read",
  } do
    local all, pipes <close>, finish = kinds()
    local requests, winner = {}, nil
    for each, kind in pairs(all) do
      table.insert(requests, kind[1])
      if each == name then
        winner = #requests
      end
    end
    local task = blocked_in(ml.any, requests)
    all[name][2]()
    local got = table.pack(task:wait(30))
    lu.assertEquals({ got[1], got[2] }, { true, winner })
    lu.assertEquals({ table.unpack(got, 3) }, { table.unpack(all[name], 3) })
    lu.assertNotNil(pipes)
    finish()
  end
end

function spec.test_a_signal_is_an_arm()
  child.in_virtual_time(function()
    local s <close> = ml.signals("USR1") -- so that it cannot end the process
    lu.assertNotNil(s)
    lu.assertEquals(ml.any { syscall.signal("USR1"), syscall.sleep(1) }, 2)
  end)
end

function spec.test_writing_is_an_arm_that_is_ready()
  local pipes <close> = pipe()
  lu.assertEquals({ ml.any { syscall.wait_io_read(pipes.reader),
    syscall.wait_io_write(pipes.writer) } }, { 2, true })
end

function spec.test_new_kill_and_cancel_are_arms_that_are_done_at_once()
  local task = blocked_in(ml.sleep, math.huge)
  lu.assertEquals({ ml.any { syscall.sleep(10), syscall.kill(task) } },
    { 2, true })
  lu.assertEquals(task:status(), "cancelled")
end

-- ----------------------------------------------------------------- the order

function spec.test_of_several_that_are_ready_the_earliest_in_the_list_wins()
  local a, b = ml.channel(1), ml.channel(1)
  local event = ml.event()
  a:send("a")
  b:send("b")
  event:set()
  lu.assertEquals({ ml.any { syscall.recv(b), syscall.recv(a),
    syscall.wait(event) } }, { 1, "b" })
  lu.assertEquals({ ml.any { syscall.recv(b), syscall.recv(a),
    syscall.wait(event) } }, { 2, "a" })
  lu.assertEquals({ ml.any { syscall.recv(b), syscall.recv(a),
    syscall.wait(event) } }, { 3, true })
end

function spec.test_a_sleep_of_no_time_is_ready_now()
  local channel = ml.channel(1)
  lu.assertEquals((ml.any { syscall.recv(channel), syscall.sleep(0) }), 2)
  lu.assertEquals((ml.any { syscall.recv(channel), syscall.sleep(-1) }), 2)
  channel:send("x")
  lu.assertEquals((ml.any { syscall.recv(channel), syscall.sleep(0) }), 1)
  channel:send("x")
  lu.assertEquals((ml.any { syscall.sleep(0), syscall.recv(channel) }), 1)
  lu.assertEquals(channel:recv(0), "x")
end

function spec.test_exactly_one_takes_effect_though_several_are_ready()
  local a, b = ml.channel(1), ml.channel(1)
  local semaphore, mutex = ml.semaphore(1), ml.mutex()
  a:send("kept")
  for _ = 1, 3 do
    lu.assertEquals((ml.any { syscall.sleep(0), syscall.recv(a),
      syscall.send(b, "x"), syscall.acquire(semaphore),
      syscall.acquire(mutex) }), 1)
  end
  lu.assertEquals({ #a, #b }, { 1, 0 })
  lu.assertNotNil(semaphore:acquire(0))
  lu.assertNotNil(mutex:trylock())
end

function spec.test_what_was_handed_over_wins_though_others_got_ready_too()
  local a, b = ml.channel(), ml.channel()
  local event = ml.event()
  local task = blocked_in(ml.any, { syscall.wait(event), syscall.recv(a),
    syscall.recv(b) })
  b:send("b")
  event:set()
  local sender = blocked_in(a.send, a, "a")
  lu.assertEquals({ task:wait() }, { true, 3, "b" })
  lu.assertEquals(sender:status(), "waiting")
  sender:kill()
end

-- --------------------------------------------------------------- the refused

function spec.test_a_request_that_is_refused_has_completed()
  local channel = ml.channel()
  local closed = ml.channel()
  closed:close()
  for code, request in pairs {
    EPERM = syscall.wait(1),
    ESRCH = syscall.kill(1e9 // 1 | 0),
    EDEADLK = syscall.wait(ml.self()),
    EPIPE = syscall.send(closed, 1),
    EBADF = syscall.wait_io_read(1000000),
    ETIMEDOUT = syscall.recv(channel, 0),
  } do
    if code == "EPERM" and ml.id() == 1 then
      request = syscall.wait(0)
    end
    local i, ok, err = ml.any { syscall.sleep(100), request }
    lu.assertEquals(i, 2)
    lu.assertNil(ok)
    lu.assertEquals(err.code, code)
  end
end

function spec.test_an_arm_that_becomes_refused_wins()
  local channel = ml.channel()
  local task = blocked_in(ml.any, { syscall.sleep(100),
    syscall.send(channel, 1) })
  channel:close()
  local _, i, ok, err = task:wait()
  lu.assertEquals({ i, err.code }, { 2, "EPIPE" })
  lu.assertNil(ok)
  channel = ml.channel()
  task = blocked_in(ml.any, { syscall.sleep(100), syscall.recv(channel) })
  channel:close("why")
  lu.assertEquals(table.pack(task:wait()), { n = 4, true, 2, nil, "why" })
end

function spec.test_a_timeout_of_an_arm_completes_it() -- C2.7
  child.in_virtual_time(function()
    local channel = ml.channel()
    local i, value, err = ml.any { syscall.sleep(10),
      syscall.recv(channel, 3), syscall.recv(channel, 4) }
    lu.assertEquals({ i, err.code, err.op }, { 2, "ETIMEDOUT", "recv" })
    lu.assertNil(value)
    lu.assertEquals(ml.now(), 3.0)
  end)
end

-- ---------------------------------------------------------------- the nested

function spec.test_a_nested_choice_answers_its_index_then_the_inners()
  local a, b = ml.channel(1), ml.channel(1)
  local inner = syscall.any(syscall.recv(a), syscall.recv(b))
  local outer = syscall.any(syscall.sleep(100), inner)
  b:send("b")
  lu.assertEquals(table.pack(ml.perform(outer)), { n = 3, 2, 2, "b" })
  a:send("a")
  lu.assertEquals({ ml.any { outer } }, { 1, 2, 1, "a" })
  local task = blocked_in(ml.any, { syscall.any(syscall.any(inner)) })
  b:send("b")
  lu.assertEquals({ task:wait() }, { true, 1, 1, 1, 2, "b" })
end

function spec.test_a_nested_refusal_has_its_indexes_too()
  local closed = ml.channel()
  closed:close()
  local i, j, ok, err = ml.any { syscall.any(syscall.sleep(10),
    syscall.send(closed, 1)) }
  lu.assertEquals({ i, j, err.code }, { 1, 2, "EPIPE" })
  lu.assertNil(ok)
end

function spec.test_choices_nest_to_a_depth_and_no_further()
  local request = syscall.id()
  for _ = 1, 30 do
    request = syscall.any(request)
  end
  lu.assertEquals(select("#", ml.perform(request)), 31)
  for _ = 1, 10 do
    request = syscall.any(request)
  end
  lu.assertErrorMsgContains("too many choices", ml.perform, request)
end

-- --------------------------------------------------------------- the pairing

function spec.test_a_choice_never_pairs_with_itself()
  local channel = ml.channel()
  local task = blocked_in(ml.any, { syscall.send(channel, "mine"),
    syscall.recv(channel) })
  lu.assertEquals({ ml.any { syscall.send(channel, "yours"),
    syscall.recv(channel) } }, { 1, true })
  lu.assertEquals({ task:wait() }, { true, 2, "yours" })
  lu.assertEquals((ml.any { syscall.recv(channel), syscall.send(channel, 1),
    syscall.sleep(0) }), 3)
end

function spec.test_two_choices_meet_on_two_channels_both_ways()
  local a, b = ml.channel(), ml.channel()
  for _, order in ipairs { 1, 2 } do
    local first = blocked_in(ml.any, { syscall.send(a, "a"),
      syscall.recv(b) })
    local second
    if order == 1 then
      second = table.pack(ml.any { syscall.recv(a), syscall.send(b, "b") })
      lu.assertEquals(second, { n = 2, 1, "a" })
      lu.assertEquals({ first:wait() }, { true, 1, true })
    else
      second = table.pack(ml.any { syscall.send(b, "b"), syscall.recv(a) })
      lu.assertEquals(second, { n = 2, 1, true })
      lu.assertEquals({ first:wait() }, { true, 2, "b" })
    end
  end
end

function spec.test_a_ring_of_choices_takes_and_gives_everything_once()
  local channels, sum = {}, 0
  for i = 1, 5 do
    channels[i] = ml.channel()
  end
  local sends, receives = 0, 0
  ml.group(function(g)
    for i = 1, 10 do
      g:spawn(function()
        while true do
          local out, into = channels[i % 5 + 1], channels[(i + 1) % 5 + 1]
          local which, value = ml.any { syscall.send(out, i),
            syscall.recv(into) }
          if which == 1 then
            sends = sends + 1
          else
            receives = receives + 1
            sum = sum + value
          end
          ml.yield()
        end
      end)
    end
    for _ = 1, 200 do
      ml.yield()
    end
    g:cancel()
  end)
  lu.assertEquals(sends, receives)
  lu.assertTrue(sends > 100)
end

-- ---------------------------------------------------------------- the losers

function spec.test_the_losers_are_withdrawn_without_a_trace()
  local before = leftovers.snapshot()
  do
    local all, pipes <close>, finish = kinds()
    local event = ml.event()
    local requests = { syscall.sleep(1000) }
    for _, kind in pairs(all) do
      table.insert(requests, kind[1])
    end
    table.insert(requests, syscall.wait(event))
    local task = blocked_in(ml.any, requests)
    event:set()
    lu.assertEquals({ task:wait() }, { true, #requests, true })
    lu.assertNotNil(pipes)
    -- Nobody is there any more to be handed a value, or to hand one over.
    for _, name in ipairs { "recv", "send", "buffer", "semaphore" } do
      local other = all[name][1]
      lu.assertEquals((ml.any { other, syscall.sleep(0) }), 2)
    end
    for _, name in ipairs { "recv", "semaphore", "mutex" } do
      all[name][2]()
    end
    finish()
  end
  lu.assertNil(leftovers.since(before))
end

function spec.test_a_later_send_is_not_lost_to_a_loser()
  local channel, event = ml.channel(), ml.event()
  local task = blocked_in(ml.any, { syscall.recv(channel),
    syscall.wait(event) })
  event:set()
  -- It is chosen, but has not run yet.
  lu.assertEquals(select(2, channel:send("lost?", 0)).code, "ETIMEDOUT")
  lu.assertEquals({ task:wait() }, { true, 2, true })
  local receiver = blocked_in(channel.recv, channel)
  channel:send("x")
  lu.assertEquals({ receiver:wait() }, { true, "x" })
end

function spec.test_a_loser_that_sends_has_sent_nothing()
  local channel, event = ml.channel(), ml.event()
  local task = blocked_in(ml.any, { syscall.send(channel, "x"),
    syscall.wait(event) })
  event:set()
  task:wait()
  lu.assertEquals(select(2, channel:recv(0)).code, "ETIMEDOUT")
end

function spec.test_a_loser_that_locks_has_no_place_in_the_line()
  local mutex, event = ml.mutex(), ml.event()
  mutex:lock()
  local task = blocked_in(ml.any, { syscall.acquire(mutex),
    syscall.wait(event) })
  event:set()
  task:wait()
  mutex:unlock()
  lu.assertNotNil(mutex:trylock())
  mutex:unlock()
end

function spec.test_a_loser_leaves_no_timer()
  local result = child.run(function()
    local channel = ml.channel(1)
    channel:send("x")
    ml.any { syscall.sleep(1000), syscall.recv(channel) }
    channel:recv() -- found stuck at once: nothing can wake it
  end)
  lu.assertEquals(result.status, 13)
end

-- ------------------------------------------------------ killed and cancelled

function spec.test_a_choice_is_killed_and_cancelled_in_the_middle()
  for _, ending in ipairs { "kill", "cancel" } do
    local all, pipes <close>, finish = kinds()
    local requests, log = { syscall.sleep(1000) }, {}
    for _, kind in pairs(all) do
      table.insert(requests, kind[1])
    end
    local task = blocked_in(function()
      local _ <close> = closing(log, "closed")
      ml.any(requests)
    end)
    task[ending](task)
    lu.assertEquals(select(2, task:wait()).code, "ECANCELED")
    lu.assertEquals(log, { "closed" })
    lu.assertNotNil(pipes)
    finish()
  end
end

function spec.test_what_was_handed_to_a_killed_choice_goes_to_the_next()
  local channel, mutex, semaphore = ml.channel(), ml.mutex(), ml.semaphore(0)
  mutex:lock()
  local arms = { syscall.recv(channel), syscall.acquire(mutex),
    syscall.acquire(semaphore) }
  for i, hand in ipairs {
    function() channel:send("x") end,
    function() mutex:unlock() end,
    function() semaphore:release() end,
  } do
    local first = blocked_in(ml.any, { syscall.sleep(1000),
      table.unpack(arms) })
    local second = blocked_in(function()
      return ml.any(arms)
    end)
    hand()
    first:kill()
    lu.assertEquals(select(2, second:wait()), i)
  end
end

function spec.test_an_answer_comes_before_a_cancel()
  local channel = ml.channel()
  local task = blocked_in(ml.any, { syscall.sleep(1000),
    syscall.recv(channel) })
  channel:send("x")
  task:cancel()
  lu.assertEquals({ task:wait() }, { true, 2, "x" })
end

function spec.test_a_choice_inside_a_generator()
  local channel = ml.channel()
  local task = blocked_in(coroutine.wrap(function()
    return ml.any { syscall.sleep(1000), syscall.recv(channel) }
  end))
  channel:send("x")
  lu.assertEquals({ task:wait() }, { true, 2, "x" })
end

function spec.test_a_request_of_a_choice_is_kept_and_yielded_again()
  local channel = ml.channel(1)
  local request = syscall.any(syscall.recv(channel), syscall.sleep(0))
  for i = 1, 3 do
    channel:send(i)
    lu.assertEquals({ ml.perform(request) }, { 1, i })
  end
  lu.assertEquals((ml.perform(request)), 2)
end

function spec.test_a_choice_of_hundreds()
  local requests, channels = {}, {}
  for i = 1, 300 do
    channels[i] = ml.channel()
    requests[i] = syscall.recv(channels[i])
  end
  local task = blocked_in(ml.any, requests)
  channels[299]:send("x")
  lu.assertEquals({ task:wait() }, { true, 299, "x" })
end

function spec.test_choices_that_succeed_at_once_give_way_too() -- C4.1
  local channel = ml.channel(1)
  local stop = false
  ml.spawn(function() stop = true end)
  for i = 1, 100000 do
    if stop then
      lu.assertTrue(i > 1)
      return
    end
    ml.any { syscall.recv(channel), syscall.sleep(0) }
  end
  lu.fail("the other task was starved")
end

-- ---------------------------------------------------------------- the misuse

function spec.test_the_misuse_of_a_choice_is_told()
  local one = syscall.id()
  raises("at least one request", function() return syscall.any() end)
  raises("bad argument #2 to 'any'", function() syscall.any(one, 1) end)
  raises("at least one request", function() ml.any {} end)
  raises("system-call request", function() ml.any { one, "x" } end)
  raises("bad argument #1 to 'any'", function() ml.any(one) end)
end

return spec
