-- C6.1, C3.send and C3.recv: channels.

local child = require "spec.support.child"
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

local function received(channel)
  local list = {}
  for value in channel:values() do
    table.insert(list, value)
  end
  return list
end

-- ------------------------------------------------------------- send and recv

-- C6.1
function spec.test_without_capacity_a_value_goes_from_hand_to_hand()
  local channel = ml.channel()
  local log = {}
  local sender = blocked_in(function()
    for i = 1, 3 do
      lu.assertEquals(table.pack(channel:send(i)), { n = 1, true })
      table.insert(log, "sent " .. i)
    end
  end)
  lu.assertEquals(log, {})
  for i = 1, 3 do
    lu.assertEquals(table.pack(channel:recv()), { n = 1, i })
    ml.yield()
    lu.assertEquals(#log, i)
  end
  sender:wait()
end

function spec.test_a_receiver_that_waits_is_handed_the_value()
  local channel = ml.channel()
  local receiver = blocked_in(channel.recv, channel)
  lu.assertTrue(channel:send("x", 0)) -- no wait
  lu.assertEquals({ receiver:wait() }, { true, "x" })
end

function spec.test_a_capacity_is_how_many_can_be_sent_ahead()
  local channel = ml.channel(3)
  for i = 1, 3 do
    lu.assertTrue(channel:send(i, 0))
  end
  lu.assertEquals(select(2, channel:send(4, 0)).code, "ETIMEDOUT")
  lu.assertEquals(#channel, 3)
  local sender = blocked_in(channel.send, channel, 4)
  lu.assertEquals(channel:recv(), 1)
  lu.assertEquals({ sender:wait() }, { true, true })
  lu.assertEquals(#channel, 3)
  for i = 2, 4 do
    lu.assertEquals(channel:recv(0), i)
  end
  lu.assertEquals(select(2, channel:recv(0)).code, "ETIMEDOUT")
end

function spec.test_values_of_every_kind_but_nil_can_be_sent()
  local channel = ml.channel(1)
  for _, value in ipairs { "x", 42, 1.5, true, false, {}, print, ml.self() } do
    channel:send(value)
    lu.assertTrue(rawequal((channel:recv()), value))
  end
end

-- C3.send C3.recv
function spec.test_requests_send_and_receive_as_the_methods_do()
  local channel = ml.channel(1)
  lu.assertEquals(table.pack(coroutine.yield(syscall.send(channel, "x"))),
    { n = 1, true })
  lu.assertEquals(table.pack(coroutine.yield(syscall.recv(channel))),
    { n = 1, "x" })
  local sender = blocked_in(function()
    channel:send(1)
    return ml.perform(syscall.send(channel, 2))
  end)
  lu.assertEquals(ml.perform(syscall.recv(channel)), 1)
  lu.assertEquals(ml.perform(syscall.recv(channel)), 2)
  lu.assertEquals({ sender:wait() }, { true, true })
  channel:close("over")
  lu.assertEquals(table.pack(ml.perform(syscall.recv(channel))),
    { n = 2, nil, "over" })
  lu.assertEquals(select(2, ml.perform(syscall.send(channel, 1))).code, "EPIPE")
end

-- ---------------------------------------------------------------- the order

function spec.test_values_come_in_the_order_in_which_they_were_sent()
  for capacity = 0, 3 do
    local channel = ml.channel(capacity)
    local got = {}
    local receiver = ml.spawn(function()
      for value in channel:values() do
        table.insert(got, value)
      end
    end)
    for i = 1, 20 do
      channel:send(i)
    end
    channel:close()
    receiver:wait()
    lu.assertEquals(#got, 20)
    for i = 1, 20 do
      lu.assertEquals(got[i], i)
    end
  end
end

function spec.test_receivers_are_served_in_the_order_of_waiting()
  local channel = ml.channel()
  local receivers = {}
  for i = 1, 5 do
    receivers[i] = blocked_in(channel.recv, channel)
  end
  for i = 1, 5 do
    channel:send(i)
  end
  for i = 1, 5 do
    lu.assertEquals({ receivers[i]:wait() }, { true, i })
  end
end

function spec.test_senders_are_served_in_the_order_of_waiting()
  for capacity = 0, 2 do
    local channel = ml.channel(capacity)
    for i = 1, 5 do
      ml.spawn(channel.send, channel, i)
    end
    ml.yield()
    for i = 1, 5 do
      lu.assertEquals(channel:recv(), i)
    end
  end
end

function spec.test_a_new_sender_does_not_overtake_one_that_waits()
  local channel = ml.channel(1)
  channel:send(1)
  blocked_in(channel.send, channel, 2)
  lu.assertEquals(channel:recv(), 1) -- 2 moves up
  lu.assertEquals(select(2, channel:send(3, 0)).code, "ETIMEDOUT")
  lu.assertEquals(channel:recv(), 2)
end

function spec.test_ten_thousand_values_through_many_tasks_are_all_in_order()
  for _, capacity in ipairs { 0, 7 } do
    local channel = ml.channel(capacity)
    local got = {}
    ml.group(function(g)
      local senders = g:spawn(ml.group, function(all)
        for s = 1, 50 do
          all:spawn(function()
            for i = 1, 200 do
              channel:send { s, i }
            end
          end)
        end
      end)
      for r = 1, 20 do
        g:spawn(function()
          local last = {}
          for value in channel:values() do
            local s, i = value[1], value[2]
            assert(i > (last[s] or 0)) -- each sender's in its order
            last[s] = i
            got[#got + 1] = value
            if r % 3 == 0 then
              ml.yield()
            end
          end
        end)
      end
      senders:wait()
      channel:close()
    end)
    lu.assertEquals(#got, 10000)
    local seen = {}
    for _, value in ipairs(got) do
      assert(not seen[value], "a value came twice")
      seen[value] = true
    end
  end
end

-- ----------------------------------------------------------------- the close

function spec.test_a_closed_channel_gives_what_is_buffered_then_a_lone_nil()
  local channel = ml.channel(3)
  channel:send(1)
  channel:send(2)
  lu.assertTrue(channel:close())
  lu.assertEquals(channel:recv(), 1)
  lu.assertEquals(channel:recv(), 2)
  for _ = 1, 3 do
    lu.assertEquals(table.pack(channel:recv()), { n = 1 })
  end
end

function spec.test_closed_with_an_error_it_gives_that_at_the_end()
  local channel = ml.channel(1)
  local why = {}
  channel:send(1)
  channel:close(why)
  lu.assertEquals(channel:recv(), 1)
  for _ = 1, 3 do
    local got = table.pack(channel:recv())
    lu.assertEquals(got.n, 2)
    lu.assertNil(got[1])
    lu.assertIs(got[2], why)
  end
end

function spec.test_a_close_wakes_all_who_wait()
  local channel = ml.channel()
  local receivers, senders = {}, {}
  for i = 1, 3 do
    receivers[i] = blocked_in(channel.recv, channel)
  end
  channel:close("why")
  for i = 1, 3 do
    lu.assertEquals(table.pack(receivers[i]:wait()),
      { n = 3, true, nil, "why" })
  end
  channel = ml.channel()
  for i = 1, 3 do
    senders[i] = blocked_in(channel.send, channel, i)
  end
  channel:close()
  for i = 1, 3 do
    local _, ok, err = senders[i]:wait()
    lu.assertNil(ok)
    lu.assertEquals({ err.code, err.op }, { "EPIPE", "send" })
  end
  lu.assertEquals(table.pack(channel:recv()), { n = 1 }) -- nothing was sent
end

function spec.test_a_close_may_be_repeated_and_the_first_counts()
  local channel = ml.channel()
  lu.assertTrue(channel:close("first"))
  lu.assertTrue(channel:close("second"))
  lu.assertTrue(channel:close())
  lu.assertEquals(select(2, channel:recv()), "first")
end

function spec.test_to_send_to_a_closed_channel_is_epipe()
  local channel = ml.channel(5)
  channel:close("why")
  local ok, err = channel:send(1)
  lu.assertNil(ok)
  lu.assertEquals(err.code, "EPIPE")
  lu.assertEquals(#channel, 0)
end

function spec.test_a_value_in_hand_at_the_close_is_received()
  local channel = ml.channel()
  local receiver = blocked_in(channel.recv, channel)
  channel:send("in hand")
  channel:close()
  lu.assertEquals({ receiver:wait() }, { true, "in hand" })
end

function spec.test_values_ends_at_the_end_and_raises_an_error()
  local channel = ml.channel(2)
  channel:send(false) -- which is a value as any other
  channel:send(2)
  channel:close()
  lu.assertEquals(received(channel), { false, 2 })
  channel = ml.channel(2)
  local why = {}
  channel:send(1)
  channel:close(why)
  local ok, err = pcall(received, channel)
  lu.assertFalse(ok)
  lu.assertIs(err, why)
end

-- -------------------------------------------------------------- the timeouts

function spec.test_send_and_recv_time_out() -- C2.7
  child.in_virtual_time(function()
    local channel = ml.channel()
    local start = ml.now()
    local value, err = channel:recv(1.5)
    lu.assertNil(value)
    lu.assertEquals({ err.code, err.op }, { "ETIMEDOUT", "recv" })
    lu.assertEquals(ml.now() - start, 1.5)
    value, err = channel:send("x", 1.5)
    lu.assertNil(value)
    lu.assertEquals({ err.code, err.op }, { "ETIMEDOUT", "send" })
    lu.assertEquals(ml.now() - start, 3.0)
    lu.assertEquals(select(2, channel:recv(0)).code, "ETIMEDOUT") -- not sent
  end)
end

function spec.test_a_value_that_comes_in_the_round_of_the_timeout_is_not_lost()
  child.in_virtual_time(function()
    local channel = ml.channel(1)
    ml.spawn(function()
      ml.sleep(1)
      channel:send("x")
    end)
    ml.yield()
    lu.assertEquals(channel:recv(1) or channel:recv(0), "x")
  end)
end

-- ------------------------------------------------------ killed and cancelled

-- C3.6
function spec.test_a_value_handed_to_a_killed_receiver_goes_to_the_next()
  local channel = ml.channel()
  local first = blocked_in(channel.recv, channel)
  local second = blocked_in(channel.recv, channel)
  channel:send("x")
  first:kill()
  lu.assertEquals({ second:wait() }, { true, "x" })
end

function spec.test_without_a_next_it_goes_back_to_the_front_in_order()
  for _, capacity in ipairs { 0, 5 } do
    for _, order in ipairs { { 1, 2, 3 }, { 3, 2, 1 }, { 2, 3, 1 } } do
      local channel = ml.channel(capacity)
      local receivers = {}
      for i = 1, 3 do
        receivers[i] = blocked_in(channel.recv, channel)
      end
      for i = 1, 3 do
        channel:send(i)
      end
      local sender = ml.spawn(channel.send, channel, 4)
      for _, i in ipairs(order) do
        receivers[i]:kill()
      end
      ml.yield()
      for i = 1, 4 do
        lu.assertEquals(channel:recv(), i)
      end
      lu.assertTrue(sender:wait())
    end
  end
end

function spec.test_what_came_back_is_received_after_a_close()
  local channel = ml.channel()
  local receiver = blocked_in(channel.recv, channel)
  channel:send("x")
  channel:close()
  receiver:kill()
  lu.assertEquals(received(channel), { "x" })
end

function spec.test_a_killed_sender_sends_nothing()
  for _, ending in ipairs { "kill", "cancel" } do
    for capacity = 0, 1 do
      local channel = ml.channel(capacity)
      if capacity == 1 then
        channel:send("first")
      end
      local sender = blocked_in(channel.send, channel, "killed")
      blocked_in(channel.send, channel, "last")
      sender[ending](sender)
      if capacity == 1 then
        lu.assertEquals(channel:recv(), "first")
      end
      lu.assertEquals(channel:recv(), "last")
    end
  end
end

function spec.test_a_cancelled_receiver_takes_nothing()
  local channel = ml.channel(1)
  local receiver = blocked_in(channel.recv, channel)
  receiver:cancel()
  channel:send("x")
  lu.assertEquals(select(2, receiver:wait()).code, "ECANCELED")
  lu.assertEquals(channel:recv(0), "x")
end

function spec.test_kills_on_both_sides_lose_and_double_nothing()
  local channel = ml.channel(2)
  local got, sent = {}, {}
  local receivers, senders = {}, {}
  for i = 1, 60 do
    senders[i] = ml.spawn(function()
      channel:send(i)
      sent[i] = true
    end)
    receivers[i] = ml.spawn(function()
      table.insert(got, (channel:recv()))
    end)
    if i % 3 == 0 then
      receivers[i // 2]:kill()
      senders[i - 1]:kill()
    end
    if i % 7 == 0 then
      ml.yield()
    end
  end
  for _ = 1, 3 do
    ml.yield()
  end
  channel:close()
  for value in channel:values() do
    table.insert(got, value)
  end
  ml.yield()
  local seen = {}
  for _, value in ipairs(got) do
    lu.assertNil(seen[value])
    seen[value] = true
  end
  for i in pairs(sent) do
    lu.assertTrue(seen[i])
  end
end

function spec.test_a_channel_that_nobody_else_holds_is_kept_by_who_waits()
  local task = ml.spawn(function(channel)
    return channel:recv()
  end, ml.channel())
  ml.yield()
  collectgarbage()
  collectgarbage()
  lu.assertEquals(task:status(), "waiting")
  task:kill()
end

-- ---------------------------------------------------------------- the misuse

function spec.test_values_wants_a_channel()
  local channel = ml.channel()
  local text = "bad argument #1 to 'values' (miniloop.channel expected"
  raises(text, function() channel.values() end)
  raises(text, function() for v in channel.values do assert(not v) end end)
end

function spec.test_the_misuse_of_a_channel_is_told()
  local channel = ml.channel(1)
  raises("nil cannot be sent", function() channel:send(nil) end)
  raises("nil cannot be sent", function() channel:send() end)
  raises("nil cannot be sent", function() return syscall.send(channel) end)
  raises("number expected, got string", function() channel:send(1, "1") end)
  raises("number expected, got string", function() channel:recv("1") end)
  raises("a time cannot be NaN", function() channel:recv(0 / 0) end)
  raises("bad argument #1 to 'recv'", function() return syscall.recv(1) end)
  raises("a capacity cannot be negative", function() ml.channel(-1) end)
  raises("bad argument #1 to 'channel'", function() ml.channel("1") end)
  raises("did you mean 'recv'?", function() return channel.recc end)
  lu.assertEquals(#channel, 0)
end

return spec
