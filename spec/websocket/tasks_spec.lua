-- Several tasks with one WebSocket: turns, back-pressure, times, and what a
-- task leaves that is ended in the midst of it.

local child = require "spec.support.child"
local frames = require "spec.support.frames"
local lu = require "luaunit"
local ml = require "miniloop"
local waiting = require "spec.support.waiting"
local websockets = require "spec.support.websockets"

local spec = {}

local plenty = ("x"):rep(4 << 20)

-- Masked by a key that changes nothing, for Lua is slow at it.
local unmasked = { mask = "\0\0\0\0" }

local function text(far, data)
  far:write(websockets.masked("text", data))
end

-- The next frame that is a message or a part of one.
local function read_data(far)
  local frame
  repeat
    frame = frames.read(far)
  until not frame or frame.kind ~= "pong" and frame.kind ~= "ping"
  return frame
end

-- ----------------------------------------------------------------------- turns

function spec.test_receivers_are_served_in_the_order_in_which_they_came()
  local ws, far = websockets.pair()
  local tasks = {}
  for i = 1, 3 do
    tasks[i] = waiting(ws.recv, ws)
  end
  far:write(websockets.masked("text", "1") .. websockets.masked("text", "2")
    .. websockets.masked("text", "3"))
  for i = 3, 1, -1 do
    lu.assertEquals({ tasks[i]:wait() }, { true, tostring(i), "text" })
  end
  far:close()
end

function spec.test_messages_of_several_senders_do_not_mix()
  local ws, far = websockets.pair { fragment = 100000 }
  local tasks = {}
  for i, letter in ipairs { "a", "b", "c" } do
    tasks[i] = ml.spawn(ws.send, ws, letter:rep(1 << 20))
  end
  for _, letter in ipairs { "a", "b", "c" } do
    local parts = {}
    repeat
      local frame = frames.read(far)
      parts[#parts + 1] = frame.data
    until frame.fin
    lu.assertTrue(table.concat(parts) == letter:rep(1 << 20))
  end
  for _, task in ipairs(tasks) do
    lu.assertEquals({ task:wait() }, { true, true })
  end
  far:close()
end

function spec.test_one_receives_while_another_sends()
  local ws, far = websockets.pair()
  local sender = waiting(ws.send, ws, plenty)
  text(far, "hello")
  lu.assertEquals(ws:recv(), "hello")
  lu.assertTrue(read_data(far).data == plenty)
  lu.assertEquals({ sender:wait() }, { true, true })
  far:close()
end

function spec.test_a_sender_waits_for_a_slow_peer()
  local ws, far = websockets.pair()
  local sent = 0
  local task = ml.spawn(function()
    for _ = 1, 100 do
      assert(ws:send(("x"):rep(65536)))
      sent = sent + 1
    end
  end)
  for _ = 1, 200 do
    ml.yield()
  end
  lu.assertTrue(sent < 50, sent .. " are kept somewhere")
  for _ = 1, 100 do
    frames.read(far)
  end
  lu.assertEquals({ task:wait() }, { true })
  far:close()
end

-- A peer whose messages nobody takes is not read from any further.
function spec.test_nothing_is_read_ahead_of_who_receives()
  local ws, far = websockets.pair()
  local sent = 0
  local task = ml.spawn(function()
    for _ = 1, 100 do
      far:write(websockets.masked("binary", ("x"):rep(65536), unmasked))
      sent = sent + 1
    end
  end)
  lu.assertEquals(#ws:recv(), 65536)
  for _ = 1, 200 do
    ml.yield()
  end
  lu.assertTrue(sent < 50, sent .. " are kept somewhere")
  for _ = 2, 100 do
    ws:recv()
  end
  lu.assertEquals({ task:wait() }, { true })
  far:close()
end

-- ------------------------------------------------------------- kill and cancel

function spec.test_a_receiver_that_is_killed_hands_its_turn_on()
  local ws, far = websockets.pair()
  local first, second = waiting(ws.recv, ws), waiting(ws.recv, ws)
  far:write(websockets.masked("text", "hello"):sub(1, 5))
  ml.yield()
  lu.assertTrue(first:kill())
  far:write(websockets.masked("text", "hello"):sub(6))
  lu.assertEquals({ second:wait() }, { true, "hello", "text" })
  far:close()
end

function spec.test_half_a_message_is_kept_for_the_next_receiver()
  local ws, far = websockets.pair()
  local first = waiting(ws.recv, ws)
  far:write(websockets.masked("text", "one, ", { fin = false }))
  ml.yield()
  lu.assertTrue(first:cancel())
  lu.assertEquals(select(2, first:wait()).code, "ECANCELED")
  far:write(websockets.masked("continuation", "two"))
  lu.assertEquals(ws:recv(), "one, two")
  far:close()
end

for _, how in ipairs { "kill", "cancel" } do
  spec["test_what_a_sender_leaves_goes_out_with_the_next_" .. how] = function()
    local ws, far = websockets.pair()
    local first = waiting(ws.send, ws, plenty)
    local second = waiting(ws.send, ws, "second")
    lu.assertTrue(first[how](first))
    lu.assertTrue(read_data(far).data == plenty)
    lu.assertEquals(read_data(far).data, "second")
    lu.assertEquals({ second:wait() }, { true, true })
    far:close()
  end
end

function spec.test_all_fragments_go_out_though_their_sender_is_killed()
  local ws, far = websockets.pair { fragment = 1 << 20 }
  local first = waiting(ws.send, ws, plenty)
  lu.assertTrue(first:kill())
  local second = waiting(ws.send, ws, "second")
  for i = 1, 4 do
    local frame = frames.read(far)
    lu.assertEquals({ #frame.data, frame.fin }, { 1 << 20, i == 4 })
  end
  lu.assertEquals(frames.read(far).data, "second")
  lu.assertEquals({ second:wait() }, { true, true })
  far:close()
end

function spec.test_what_a_sender_leaves_goes_out_by_who_receives()
  local ws, far = websockets.pair()
  local sender = waiting(ws.send, ws, plenty)
  lu.assertTrue(sender:kill())
  local reader = waiting(ws.recv, ws)
  lu.assertTrue(frames.read(far).data == plenty)
  text(far, "answer")
  lu.assertEquals({ reader:wait() }, { true, "answer", "text" })
  far:close()
end

function spec.test_one_killed_in_the_queue_of_senders_sends_nothing()
  local ws, far = websockets.pair()
  local first = waiting(ws.send, ws, plenty)
  local second = waiting(ws.send, ws, "second")
  local third = waiting(ws.send, ws, "third")
  lu.assertTrue(second:kill())
  lu.assertTrue(frames.read(far).data == plenty)
  lu.assertEquals(frames.read(far).data, "third")
  lu.assertEquals({ first:wait() }, { true, true })
  lu.assertEquals({ third:wait() }, { true, true })
  far:close()
end

-- ----------------------------------------------------------------------- times

function spec.test_a_timeout_of_recv()
  local ws, far = websockets.pair()
  local message, err = ws:recv(0.002)
  lu.assertNil(message)
  lu.assertEquals({ err.code, err.op }, { "ETIMEDOUT", "recv" })
  text(far, "late")
  lu.assertEquals(ws:recv(), "late")
  far:close()
end

function spec.test_a_timeout_of_0_takes_what_is_there()
  local ws, far = websockets.pair()
  local message, err = ws:recv(0)
  lu.assertNil(message)
  lu.assertEquals(err.code, "ETIMEDOUT")
  text(far, "there")
  lu.assertEquals(ws:recv(0), "there")
  far:close()
end

function spec.test_a_timeout_of_recv_counts_over_pings_and_fragments()
  local ws, far = websockets.pair()
  local pinger = ml.spawn(function()
    while far:write(websockets.masked("ping", "")) do
      ml.sleep(0.001)
    end
  end)
  local _, err = ws:recv(0.005)
  lu.assertEquals(err.code, "ETIMEDOUT")
  pinger:kill()
  far:close()
end

function spec.test_a_timeout_of_recv_counts_while_it_queues()
  local ws, far = websockets.pair()
  local first = waiting(ws.recv, ws)
  local message, err = ws:recv(0.002)
  lu.assertNil(message)
  lu.assertEquals(err.code, "ETIMEDOUT")
  first:kill()
  far:close()
end

function spec.test_a_timeout_of_send_leaves_the_rest_to_the_next()
  local ws, far = websockets.pair()
  local ok, err = ws:send(plenty, "text", 0.002)
  lu.assertNil(ok)
  lu.assertEquals(err.code, "ETIMEDOUT")
  local second = waiting(ws.send, ws, "second")
  lu.assertTrue(frames.read(far).data == plenty)
  lu.assertEquals(frames.read(far).data, "second")
  lu.assertEquals({ second:wait() }, { true, true })
  far:close()
end

function spec.test_ml_timeout_cuts_off_a_receiver()
  local ws, far = websockets.pair()
  local message, err = ml.timeout(0.002, ws.recv, ws)
  lu.assertNil(message)
  lu.assertEquals(err.op, "timeout")
  text(far, "still here")
  lu.assertEquals(ws:recv(), "still here")
  far:close()
end

-- ----------------------------------------------------------------------- pings

function spec.test_pings_are_answered_in_the_midst_of_a_message_in_fragments()
  local ws, far = websockets.pair { fragment = 1 << 20 }
  local sender = waiting(ws.send, ws, plenty)
  local reader = waiting(ws.recv, ws)
  far:write(websockets.masked("ping", "alive?"))
  ml.yield()
  local kinds = {}
  repeat
    local frame = frames.read(far)
    kinds[#kinds + 1] = frame.kind
  until frame.fin and frame.kind == "continuation"
  lu.assertEquals(kinds,
    { "text", "pong", "continuation", "continuation", "continuation" })
  lu.assertEquals({ sender:wait() }, { true, true })
  reader:kill()
  far:close()
end

-- Of the Pings that could not be answered yet, the last one is: otherwise a
-- peer that asks and never reads would fill the memory.
function spec.test_a_flood_of_pings_costs_no_memory()
  local ws, far = websockets.pair()
  local sender = waiting(ws.send, ws, plenty)
  local reader = waiting(ws.recv, ws)
  local flood = websockets.masked("ping", ("p"):rep(125)):rep(1000)
  for _ = 1, 5 do
    far:write(flood)
  end
  far:write(websockets.masked("ping", "last"))
  for _ = 1, 20 do
    ml.yield()
  end
  lu.assertTrue(frames.read(far).data == plenty)
  local pongs = 0
  repeat
    local pong = frames.read(far)
    pongs = pongs + 1
  until pong.data == "last"
  lu.assertTrue(pongs < 100, pongs .. " answers")
  lu.assertEquals({ sender:wait() }, { true, true })
  reader:kill()
  far:close()
end

-- On the virtual clock, so that no busy machine makes a peer look dead.
function spec.test_a_silent_peer_is_asked_and_lives_by_its_answer()
  child.in_virtual_time(function()
    local ws, far = websockets.pair { ping = 30 }
    local reader = ml.spawn(ws.recv, ws)
    for i = 1, 3 do
      lu.assertEquals(frames.read(far).kind, "ping")
      ml.sleep(29)
      lu.assertAlmostEquals(ml.now(), i * 59, 1)
      far:write(websockets.masked("pong", ""))
    end
    far:write(websockets.masked("text", "awake"))
    lu.assertEquals({ reader:wait() }, { true, "awake", "text" })
    far:close()
  end)
end

function spec.test_a_peer_that_does_not_answer_is_gone()
  child.in_virtual_time(function()
    local ws, far = websockets.pair { ping = 30 }
    local began = ml.now()
    local message, err = ws:recv()
    lu.assertNil(message)
    lu.assertEquals({ err.code, err.op }, { "ETIMEDOUT", "recv" })
    lu.assertAlmostEquals(ml.now() - began, 60, 0.1)
    lu.assertEquals(frames.read(far).kind, "ping")
    lu.assertNil(far:recv())
    lu.assertEquals(select(2, ws:send "x").code, "EBADF")
  end)
end

function spec.test_a_dead_peer_ends_the_sender_too()
  child.in_virtual_time(function()
    local ws, far = websockets.pair { ping = 30 }
    local began = ml.now()
    local ok, err = ws:send(("x"):rep(4 << 20))
    lu.assertNil(ok)
    lu.assertEquals({ err.code, err.op }, { "ETIMEDOUT", "write" })
    lu.assertAlmostEquals(ml.now() - began, 60, 0.1)
    lu.assertNil((ws:recv()))
    far:close()
  end)
end

function spec.test_a_peer_that_reads_slowly_is_not_dead()
  child.in_virtual_time(function()
    local ws, far = websockets.pair { ping = 30 }
    local sender = ml.spawn(ws.send, ws, ("x"):rep(4 << 20))
    local reader = ml.spawn(ws.recv, ws)
    local got = 0
    while got < 4 << 20 do
      lu.assertNotEquals(reader:status(), "done")
      got = got + #far:read(1 << 19)
      ml.sleep(got < 3 << 20 and 10 or 0)
    end
    lu.assertEquals({ sender:wait() }, { true, true })
    reader:kill()
    far:close()
  end)
end

-- ---------------------------------------------------------------- random order

-- Whatever is killed, what arrives is whole messages in the order of each
-- sender.
function spec.test_killed_senders_never_leave_half_a_message()
  math.randomseed(42)
  for _ = 1, 20 do
    local server, client = websockets.both { fragment = 30000 }
    local got = {}
    local reader = ml.spawn(function()
      for message in client:messages() do
        lu.assertTrue(message == message:sub(1, 1):rep(#message))
        got[#got + 1] = #message
      end
    end)
    local senders = {}
    for i = 1, 9 do
      senders[i] = ml.spawn(server.send, server, tostring(i):rep(100000))
    end
    for _ = 1, 5 do
      senders[math.random(#senders)]:kill()
      for _ = 1, math.random(4) do
        ml.yield()
      end
    end
    server:close()
    lu.assertEquals({ reader:wait() }, { true })
    for _, n in ipairs(got) do
      lu.assertEquals(n, 100000)
    end
  end
end

return spec
