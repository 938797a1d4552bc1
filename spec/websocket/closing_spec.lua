-- The closing handshake, RFC 6455, section 7, and what becomes of a WebSocket
-- when its block, its task or its connection ends.

local frames = require "spec.support.frames"
local lu = require "luaunit"
local ml = require "miniloop"
local waiting = require "spec.support.waiting"
local websockets = require "spec.support.websockets"

local spec = {}

local function assert_close(far, code, reason)
  local frame = frames.read(far)
  lu.assertEquals(frame and frame.kind, "close")
  lu.assertEquals(frame.data, code and frames.code(code, reason) or "")
end

-- ------------------------------------------------------------- close by itself

function spec.test_close_waits_for_the_answer_of_the_peer()
  local ws, far = websockets.pair()
  local task = waiting(ws.close, ws, 4001, "enough")
  assert_close(far, 4001, "enough")
  lu.assertEquals(task:status(), "waiting")
  far:write(websockets.masked("close", frames.code(4001)))
  lu.assertNil(far:recv()) -- the server ends the connection
  local _, ok, err = task:wait()
  lu.assertNil(ok) -- 4001 is not what a peer says that has nothing to say
  lu.assertEquals(err.code, "ECONNABORTED")
  lu.assertEquals(ws.code, 4001)
end

function spec.test_close_says_1000_unless_told_otherwise()
  local ws, far = websockets.pair()
  local task = waiting(ws.close, ws)
  assert_close(far, 1000)
  far:write(websockets.masked("close", frames.code(1000, "bye")))
  lu.assertEquals({ task:wait() }, { true, true })
  lu.assertEquals({ ws.code, ws.reason }, { 1000, "bye" })
  far:close()
end

function spec.test_a_client_lets_the_server_end_the_connection()
  local ws, far = websockets.pair({}, "client")
  local task = waiting(ws.close, ws)
  lu.assertEquals(frames.read(far).data, frames.code(1000))
  far:write(frames.make("close", frames.code(1000)))
  ml.sleep(0.002)
  lu.assertEquals(task:status(), "waiting")
  far:close()
  lu.assertEquals({ task:wait() }, { true, true })
end

function spec.test_a_client_does_not_wait_for_ever_for_that()
  local ws, far = websockets.pair({ close_timeout = 0.005 }, "client")
  far:write(frames.make("close", frames.code(1000)))
  lu.assertEquals({ ws:recv() }, {})
  lu.assertEquals(frames.read(far).kind, "close")
  lu.assertNil(far:recv())
end

function spec.test_a_peer_that_does_not_answer_is_waited_for_so_long()
  local ws, far = websockets.pair { close_timeout = 0.005 }
  local ok, err = ws:close()
  lu.assertNil(ok)
  lu.assertEquals({ err.code, err.op }, { "ETIMEDOUT", "close" })
  assert_close(far, 1000)
  lu.assertNil(far:recv())
  lu.assertEquals({ ws:recv() }, { nil, err })
end

-- C2.3: a negative time is one of 0.
function spec.test_a_limit_of_0_tells_the_peer_and_does_not_wait()
  for _, seconds in ipairs { 0, -1, -math.huge } do
    local ws, far = websockets.pair { close_timeout = seconds }
    lu.assertNil(ws:close())
    assert_close(far, 1000)
    lu.assertNil(far:recv())
  end
end

-- C2.3
function spec.test_silence_of_no_time_is_gone_at_once()
  for _, seconds in ipairs { 0, -1, -math.huge } do
    local ws <close>, far = websockets.pair { ping = seconds }
    local _, err = ws:recv(5)
    lu.assertEquals({ err.code, err.reason },
      { "ETIMEDOUT", "the peer does not answer" })
    far:close()
  end
end

function spec.test_close_may_be_repeated()
  local server, client = websockets.both()
  local task = waiting(server.close, server)
  lu.assertNil(client:recv())
  lu.assertEquals({ task:wait() }, { true, true })
  lu.assertTrue(server:close())
  lu.assertTrue(client:close())
  lu.assertTrue(server:close(1001, "again"))
end

function spec.test_two_that_close_at_once_are_both_content()
  local server, client = websockets.both()
  local one = ml.spawn(server.close, server)
  local two = ml.spawn(client.close, client)
  lu.assertEquals({ one:wait() }, { true, true })
  lu.assertEquals({ two:wait() }, { true, true })
end

function spec.test_messages_that_come_before_the_answer_are_thrown_away()
  local server, client = websockets.both()
  assert(client:send "late")
  assert(client:send "later")
  local task = waiting(server.close, server)
  lu.assertNil(client:recv())
  lu.assertEquals({ task:wait() }, { true, true })
  lu.assertEquals({ server:recv() }, {})
end

function spec.test_who_receives_meanwhile_gets_the_end()
  local ws, far = websockets.pair()
  local reader = waiting(ws.recv, ws)
  local task = waiting(ws.close, ws)
  assert_close(far, 1000)
  far:write(websockets.masked("text", "last"),
    websockets.masked("close", frames.code(1000)))
  lu.assertEquals({ reader:wait() }, { true, "last", "text" })
  lu.assertEquals({ task:wait() }, { true, true })
  lu.assertEquals({ ws:recv() }, {})
end

function spec.test_nothing_is_sent_behind_a_close()
  local server, client = websockets.both()
  local closer = waiting(server.close, server)
  local ok, err = server:send "too late"
  lu.assertNil(ok)
  lu.assertEquals(err.code, "EPIPE")
  lu.assertNil(client:recv())
  ok, err = client:send "too late"
  lu.assertNil(ok)
  lu.assertEquals(err.code, "EPIPE")
  lu.assertTrue(closer:wait())
end

function spec.test_a_message_under_way_goes_out_before_the_close()
  local ws, far = websockets.pair()
  local large = ("x"):rep(4 << 20)
  local sender = waiting(ws.send, ws, large)
  local closer = waiting(ws.close, ws)
  lu.assertTrue(frames.read(far).data == large)
  assert_close(far, 1000)
  lu.assertEquals({ sender:wait() }, { true, true })
  far:write(websockets.masked("close", frames.code(1000)))
  lu.assertEquals({ closer:wait() }, { true, true })
  far:close()
end

function spec.test_a_message_that_does_not_get_out_holds_up_no_close()
  local ws, far = websockets.pair { close_timeout = 0.005 }
  local sender = waiting(ws.send, ws, ("x"):rep(4 << 20))
  local ok, err = ws:close()
  lu.assertNil(ok)
  lu.assertEquals(err.code, "ETIMEDOUT")
  local _, sent, why = sender:wait()
  lu.assertNil(sent)
  lu.assertEquals(why.code, "EBADF")
  far:close()
end

-- ------------------------------------------------------------- the peer's part

function spec.test_the_peers_close_is_answered_with_its_code()
  for _, code in ipairs { 1000, 1001, 3000 } do
    local ws, far = websockets.pair()
    far:write(websockets.masked("close", frames.code(code, "why")))
    ws:recv()
    assert_close(far, code)
    lu.assertNil(far:recv())
    lu.assertEquals({ ws.code, ws.reason }, { code, "why" })
  end
end

function spec.test_a_close_without_a_code_is_answered_without_one()
  local ws, far = websockets.pair()
  far:write(websockets.masked("close", ""))
  lu.assertEquals({ ws:recv() }, {})
  assert_close(far)
  lu.assertEquals({ ws.code, ws.reason }, { 1005, "" })
  far:close()
end

function spec.test_the_code_of_an_unhappy_peer_is_an_error()
  local ws, far = websockets.pair()
  far:write(websockets.masked("close", frames.code(1011, "out of tea")))
  local message, err = ws:recv()
  lu.assertNil(message)
  lu.assertEquals({ err.code, err.op }, { "ECONNABORTED", "recv" })
  lu.assertStrContains(tostring(err), "1011 out of tea")
  far:close()
end

function spec.test_what_came_before_the_close_is_received_first()
  local ws, far = websockets.pair()
  far:write(websockets.masked("text", "a"), websockets.masked("text", "b"),
    websockets.masked("close", ""))
  local got = {}
  for message, kind in ws:messages() do
    got[#got + 1] = message .. " " .. kind
  end
  lu.assertEquals(got, { "a text", "b text" })
  far:close()
end

function spec.test_an_end_without_a_close_is_an_error()
  local ws, far = websockets.pair()
  far:write(websockets.masked("text", "a"), "\x81")
  far:close()
  lu.assertEquals(ws:recv(), "a")
  for _ = 1, 2 do
    local message, err = ws:recv()
    lu.assertNil(message)
    lu.assertEquals({ err.code, err.op }, { "ECONNRESET", "recv" })
  end
  local ok, err = ws:close()
  lu.assertNil(ok)
  lu.assertEquals(err.code, "ECONNRESET")
end

function spec.test_messages_raises_what_went_wrong()
  local ws, far = websockets.pair()
  far:close()
  local ok, err = pcall(ws:messages())
  lu.assertFalse(ok)
  lu.assertEquals(err.code, "ECONNRESET")
end

-- Bytes that are still unread when a connection is closed reset it: then the
-- peer might never see why.
function spec.test_a_peer_at_fault_gets_the_code_though_it_goes_on_sending()
  local ws, far =
    websockets.pair({ maxmessage = 10 }, "server", websockets.tcp)
  local sender = ml.spawn(function()
    far:write(websockets.masked("text", ("x"):rep(4 << 20),
      { mask = "\0\0\0\0" }))
    local frame = frames.read(far)
    far:close()
    return frame
  end)
  local message, err = ws:recv()
  lu.assertNil(message)
  lu.assertEquals(err.code, "EMSGSIZE")
  local _, frame = assert(sender:wait())
  lu.assertEquals(frame.data:sub(1, 2), frames.code(1009))
end

function spec.test_a_peer_at_fault_that_stays_is_not_waited_for_longer()
  local ws, far = websockets.pair { close_timeout = 0.005 }
  far:write("\xff\xff")
  local _, err = ws:recv()
  lu.assertEquals(err.code, "EPROTO")
  assert_close(far, 1002, err.reason)
  lu.assertNil(far:recv())
end

-- ------------------------------------------------------------ blocks and tasks

local function in_block(f)
  local ws, far = websockets.pair()
  local task = ml.spawn(function()
    local ws <close> = ws -- luacheck: ignore
    return f(ws)
  end)
  ml.yield()
  return task, far
end

local function answer(far)
  far:write(websockets.masked("close", frames.code(1000)))
end

function spec.test_the_end_of_its_block_closes_it()
  local task, far = in_block(function()
    return "done"
  end)
  assert_close(far, 1000)
  answer(far)
  lu.assertEquals({ task:wait() }, { true, "done" })
  lu.assertNil(far:recv())
end

function spec.test_a_block_that_ends_by_an_error_says_1011()
  local task, far = in_block(function()
    ml.yield()
    error "oops"
  end)
  answer(far)
  lu.assertEquals(select(2, task:wait()).code, "EFAILED")
  assert_close(far, 1011)
  lu.assertNil(far:recv())
end

function spec.test_a_task_that_is_cancelled_says_1001()
  local task, far = in_block(function(ws)
    ws:recv()
  end)
  lu.assertTrue(task:cancel())
  ml.yield()
  assert_close(far, 1001)
  answer(far)
  lu.assertEquals(select(2, task:wait()).code, "ECANCELED")
  lu.assertNil(far:recv())
end

function spec.test_a_task_that_is_killed_says_so_and_waits_for_nothing()
  local task, far = in_block(function(ws)
    ws:recv()
  end)
  lu.assertTrue(task:kill())
  assert_close(far, 1001)
  lu.assertNil(far:recv())
  lu.assertEquals(select(2, task:wait()).code, "ECANCELED")
end

function spec.test_a_block_leaves_alone_what_is_closed_already()
  local task, far = in_block(function(ws)
    return ws:recv()
  end)
  answer(far)
  lu.assertEquals({ task:wait() }, { true })
  assert_close(far, 1000)
  lu.assertNil(far:recv())
end

function spec.test_one_that_is_forgotten_is_closed_by_the_collector()
  local _, far = websockets.pair()
  _ = nil -- luacheck: ignore
  collectgarbage()
  collectgarbage()
  lu.assertNil(far:recv())
  far:close()
end

-- ----------------------------------------------------------------- wrong calls

function spec.test_what_cannot_be_a_code_or_a_reason_is_misuse()
  local ws, far = websockets.pair()
  for _, code in ipairs {
    0, 999, 1004, 1005, 1006, 1015, 2999, 5000, "1000", 1.5,
  } do
    lu.assertErrorMsgContains("bad argument #1 to 'close'", ws.close, ws, code)
  end
  lu.assertErrorMsgContains("bad argument #2 to 'close'", ws.close, ws, 1000,
    ("r"):rep(124))
  lu.assertErrorMsgContains("bad argument #2 to 'close'", ws.close, ws, 1000,
    "\xff")
  lu.assertErrorMsgContains("bad argument #2 to 'close'", ws.close, ws, 1000,
    {})
  ws = nil -- luacheck: ignore
  far:close()
end

function spec.test_what_cannot_be_a_message_is_misuse()
  local ws, far = websockets.pair()
  lu.assertErrorMsgContains("must be UTF-8", ws.send, ws, "\xff")
  lu.assertErrorMsgContains("'text' or 'binary' expected, got 'json'", ws.send,
    ws, "x", "json")
  lu.assertErrorMsgContains("bad argument #1 to 'send'", ws.send, ws, 12)
  lu.assertErrorMsgContains("bad argument #3 to 'send'", ws.send, ws, "x",
    "text", "1")
  lu.assertErrorMsgContains("a WebSocket expected", ws.recv, {})
  lu.assertErrorMsgContains("bad argument #1 to 'recv'", ws.recv, ws, "1")
  assert(ws:send("\xff", "binary"))
  lu.assertEquals(frames.read(far).data, "\xff")
  far:close()
end

function spec.test_fields_that_there_are_not_are_misuse()
  local ws, far = websockets.pair()
  lu.assertErrorMsgContains("did you mean 'send'", function()
    return ws.sent
  end)
  lu.assertErrorMsgContains("cannot be set", function()
    ws.data = 1
  end)
  lu.assertNil(ws.subprotocol)
  lu.assertNil(ws.code)
  far:close()
end

return spec
